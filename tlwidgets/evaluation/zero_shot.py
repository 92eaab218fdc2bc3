"""Zero-shot learning, judged honestly: classes whose images no step of the training has seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.backbone import Inputs
from tlwidgets.data import load_data
from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError
from tlwidgets.methods.attributes import AttributePrediction
from tlwidgets.methods.eszsl import ESZSL
from tlwidgets.methods.text_alignment import TextAlignment
from tlwidgets.training.class_descriptions import description_table, divided, harmonic_mean, mean_by_class

Scorer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Features (N, D) and descriptions (K, A) -> scores (N, K)."""


def _attributes(features: np.ndarray, labels: np.ndarray, descriptions: np.ndarray) -> Scorer:
    return AttributePrediction().fit(features, labels, descriptions).predict_proba


def _eszsl(features: np.ndarray, labels: np.ndarray, descriptions: np.ndarray) -> Scorer:
    return ESZSL().fit(features, labels, descriptions).scores


def _ridge(features: np.ndarray, labels: np.ndarray, descriptions: np.ndarray) -> Scorer:
    return TextAlignment("ridge").fit(features, labels, descriptions).scores


def _contrastive(features: np.ndarray, labels: np.ndarray, descriptions: np.ndarray) -> Scorer:
    return TextAlignment("contrastive").fit(features, labels, descriptions).scores


METHODS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], Scorer]] = {
    "attributes": _attributes,
    "eszsl": _eszsl,
    "ridge": _ridge,
    "contrastive": _contrastive,
}


@dataclass(frozen=True)
class ZeroShot:
    """How well classes are recognised of which only a description is known.

    Attributes:
        unseen: Names of the classes that were held out.
        accuracy: Mean over unseen classes of the share of their images recognised, the unseen ones alone to choose
            from; chance is one over their number.
        among_all: The same with all classes to choose from: ``unseen``; ``seen`` (test images of the seen classes);
            and ``harmonic``, their harmonic mean (Xian et al. 2019, PAMI 41). Most methods prefer what they saw.
        method: What was used.
        backbone: What saw the images.
    """

    unseen: tuple[str, ...]
    accuracy: float
    among_all: dict[str, float]
    method: str
    backbone: str
    _network: Backbone = field(repr=False)
    _scorer: Scorer = field(repr=False)

    def __repr__(self) -> str:
        return f"ZeroShot: {self.sentence}"

    @property
    def sentence(self) -> str:
        """The result in words."""
        rest = ", ".join(f"{name} {100 * value:.0f} %" for name, value in self.among_all.items())
        return (
            f"{self.method} on {self.backbone} recognises {100 * self.accuracy:.0f} % of the images of "
            f"{len(self.unseen)} classes never seen (chance {100 / len(self.unseen):.0f} %); among all classes {rest}."
        )

    def scores(self, images: Inputs, descriptions: Any) -> np.ndarray:
        """Scores (N, K) of images for any K descriptions (K, A), also of classes that no data set has."""
        return self._scorer(self._network.features(images), check_features(descriptions))


def zero_shot(
    data: Any,
    descriptions: Any,
    unseen: Sequence[str],
    backbone: str | Backbone = "tlw_resnet",
    *,
    method: str = "eszsl",
    text_encoder: str | Backbone = "minilm",
) -> ZeroShot:
    """Learns from images of some classes, and recognises the others by their descriptions.

    Args:
        data: What ``load_data`` takes. Only training images of seen classes are learned from; every image of an unseen
            class is there to judge.
        descriptions: (C, A) numbers, a row a class in the order of the data's classes: attributes; or C sentences,
            which the text encoder makes vectors of.
        unseen: Names of at least two classes to hold out, a name twice counts once; at least two must remain.
        backbone: What ``load_backbone`` takes, or a network.
        method: "attributes" (0 or 1 only), "eszsl", "ridge" or "contrastive".
        text_encoder: For sentences: what ``load_backbone`` takes, or a network.

    Raises:
        DataError: A class is not known, or too few are held out or remain; descriptions do not fit; unknown method.
    """
    if method not in METHODS:
        raise DataError(f"There is no zero-shot method named {method!r}.", f"Methods: {', '.join(METHODS)}.")
    loaded = load_data(data)
    new, seen = divided(loaded, unseen)
    table = description_table(descriptions, text_encoder, len(loaded.classes))
    network = load_backbone(backbone) if isinstance(backbone, str) else backbone
    features = network.features(loaded.inputs(range(len(loaded))))
    train = np.isin(loaded.labels, seen) & (loaded.split == "train")
    scorer = METHODS[method](features[train], np.searchsorted(seen, loaded.labels[train]), table[seen])
    held_out = np.isin(loaded.labels, new)
    test = np.isin(loaded.labels, seen) & (loaded.split == "test")
    among_all = {
        "unseen": mean_by_class(scorer(features[held_out], table).argmax(1), loaded.labels[held_out]),
        "seen": mean_by_class(scorer(features[test], table).argmax(1), loaded.labels[test]),
    }
    among_all["harmonic"] = harmonic_mean(among_all["unseen"], among_all["seen"])
    accuracy = mean_by_class(new[scorer(features[held_out], table[new]).argmax(1)], loaded.labels[held_out])
    return ZeroShot(tuple(dict.fromkeys(unseen)), accuracy, among_all, method, network.name, network, scorer)
