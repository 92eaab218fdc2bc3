"""Classes of which only a description is known: whose images no step may learn from, and how well they are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import nn

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.data import ImageData
from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import Solved, Values, solving

Learn = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], Values]
"""Features (N, D), numbers (N,) of the seen classes, their descriptions (S, A), those of all (C, A) -> the head."""


@dataclass
class FromDescriptions(Solved):
    """A head for all classes that is found from images of some and descriptions of all.

    Attributes:
        data: The run's.
        new: Numbers of the unseen classes.
    """

    data: ImageData = field(kw_only=True)
    new: np.ndarray = field(kw_only=True)

    def finish(self, model: nn.Module) -> Mapping[str, Mapping[str, float]]:  # noqa: ARG002  the protocol's signature
        """How well test images of unseen classes are named, among these alone and among all classes.

        The head stays as it is.
        """
        test, new = self.data.indices("test"), self.new
        if not len(test):
            return {}
        logits, labels = self.backbone.logits(self.data.inputs(test)), self.data.labels[test]
        unseen, predicted = np.isin(labels, new), logits.argmax(1)
        found = {
            "accuracy": mean_by_class(new[logits[unseen][:, new].argmax(1)], labels[unseen]),
            "chance": 1 / len(new),
            "unseen": mean_by_class(predicted[unseen], labels[unseen]),
            "seen": mean_by_class(predicted[~unseen], labels[~unseen]),
        }
        return {
            "zero_shot": {**found, "harmonic": harmonic_mean(found["unseen"], found["seen"]), "n": int(unseen.sum())}
        }


def from_descriptions(
    setting: Setting, learn: Learn, descriptions: Sequence[Any], unseen: Sequence[str], text_encoder: str, *, unit: bool
) -> FromDescriptions:
    """Makes a method that learns from images of some classes, and gives the others a place in the head too.

    Args:
        setting: The run; its plan freezes all but the head.
        learn: Finds the head.
        descriptions: One of each class, in the data's order: rows of numbers, or sentences for a text encoder.
        unseen: Names of at least two classes to hold out; at least two must remain.
        text_encoder: What makes numbers of sentences.
        unit: Whether the head takes centred features of length 1.

    Raises:
        DataError: A class is not known, too few are held out or remain, or descriptions do not fit.
        RecipeError: The plan is another.
    """
    new, seen = divided(setting.data, unseen)
    table = description_table(descriptions, text_encoder, len(setting.data.classes))
    counted = np.isin(np.arange(len(table)), seen)

    def solve(rows: np.ndarray, labels: np.ndarray) -> Values:
        return learn(rows, np.searchsorted(seen, labels), table[seen], table)

    plain = solving(setting, solve, unit=unit)
    return FromDescriptions(plain.backbone, plain.classes, solve, counted, data=setting.data, new=new)


def harmonic_mean(one: float, other: float) -> float:
    """2 a b / (a + b); 0 where both are."""
    return 2 * one * other / (one + other) if one + other else 0.0


def divided(data: ImageData, unseen: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the classes held out and of those that remain, both in ascending order.

    Raises:
        DataError: A class is not known, or too few are held out or remain.
    """
    unknown = sorted(set(unseen) - set(data.classes))
    if unknown:
        raise DataError(f"{data.name!r} has no class {unknown[0]!r}.", f"Classes: {', '.join(data.classes)}.")
    new = np.flatnonzero(np.isin(data.classes, list(unseen)))
    seen = np.setdiff1d(np.arange(len(data.classes)), new)
    if min(len(new), len(seen)) < 2:
        raise DataError(f"{len(new)} classes are held out and {len(seen)} remain.", "Leave at least two of each.")
    return new, seen


def description_table(descriptions: Any, text_encoder: str | Backbone, n_classes: int) -> np.ndarray:
    """Descriptions of classes as numbers (C, A): as they are given, or what a text encoder makes of sentences.

    Raises:
        DataError: There is not one for each class, or they are no numbers.
        BackboneError: There is no such text encoder here.
    """
    if len(descriptions) != n_classes:
        raise DataError(f"{len(descriptions)} descriptions for {n_classes} classes.", "Describe each class once.")
    if all(isinstance(text, str) for text in descriptions):
        encoder = load_backbone(text_encoder) if isinstance(text_encoder, str) else text_encoder
        return check_features(encoder.features(list(descriptions)))
    return check_features(descriptions)


def mean_by_class(predicted: np.ndarray, labels: np.ndarray) -> float:
    """Share of images recognised, each class counting the same; nan without images."""
    if not len(labels):
        return float("nan")
    return float(np.mean([np.mean(predicted[labels == number] == number) for number in np.unique(labels)]))
