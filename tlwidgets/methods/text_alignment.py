"""Text-image alignment: a map from what an image network sees to what a text encoder says.

Zhai, Wang, Mustafa, Steiner, Keysers, Kolesnikov, Beyer (2022), "LiT: zero-shot transfer with locked-image text
tuning", CVPR, arXiv 2111.07991, and Radford et al. (2021), "CLIP", arXiv 2103.00020, for the idea; here both networks
stay as they are and only a linear map between them learns, from pairs of images and class descriptions. "ridge" takes
images to the vector of their description (least squares); "contrastive" asks that the right description be the nearest
by cosine among all. A description that no image came with then names a new class. With few descriptions the map knows
few directions of meaning: this is no CLIP. A recipe needs one epoch; the head of the run's network then names all
classes as the cosines do (a row's length, which the linear head leaves as it is, changes no choice).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from sklearn.preprocessing import normalize
from torch.nn import functional

from tlwidgets.data.features import check_features, check_like, check_support
from tlwidgets.errors import DataError
from tlwidgets.training.class_descriptions import FromDescriptions, from_descriptions
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Values

LOSSES = ("ridge", "contrastive")
STEPS = 100


def ridge_map(features: np.ndarray, targets: np.ndarray, penalty: float) -> np.ndarray:
    """The matrix W (D, E) that minimises ||X W - T||^2 + penalty ||W||^2."""
    left = features.T @ features + penalty * np.eye(features.shape[1])
    found: np.ndarray = np.linalg.solve(left, features.T @ targets)
    return found


def contrastive_map(
    features: np.ndarray, labels: np.ndarray, texts: np.ndarray, penalty: float, temperature: float
) -> np.ndarray:
    """The matrix W (D, E) under which each image's own description is the nearest by cosine.

    Starts from the ridge solution: from zeros the first cosine would be of nothing.
    """
    x, t = torch.from_numpy(features).float(), torch.from_numpy(texts).float()
    y = torch.from_numpy(labels)
    weights = torch.from_numpy(ridge_map(features, texts[labels], penalty)).float().requires_grad_(True)
    optimiser = torch.optim.Adam([weights], lr=0.01)
    for _ in range(STEPS):
        logits = functional.normalize(x @ weights, dim=1) @ t.T / temperature
        loss = functional.cross_entropy(logits, y) + penalty * weights.square().sum() / len(x)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return weights.detach().double().numpy()


@dataclass
class TextAlignment:
    """Finds the description that fits an image best.

    Attributes:
        loss: "ridge" or "contrastive".
        penalty: Of the map's size, above 0. Raise it where images are few.
        temperature: Of the contrastive loss, above 0.
    """

    loss: str = "ridge"
    penalty: float = 1.0
    temperature: float = 0.07
    _widths: tuple[int, int] | tuple[None, None] = field(default=(None, None), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.loss not in LOSSES or not (self.penalty > 0 and self.temperature > 0):
            raise DataError(
                f"loss is {self.loss!r}, penalty {self.penalty!r}, temperature {self.temperature!r}.",
                f"Losses: {', '.join(LOSSES)}; give numbers above 0.",
            )

    def fit(self, features: Any, labels: Any, descriptions: Any) -> TextAlignment:
        """Learns from classes that are seen: features (N, D), class numbers (N,), text vectors (C, E).

        Raises:
            DataError: A description is missing, or numbers cannot be used.
        """
        rows, numbers = check_support(features, labels)
        texts = check_features(descriptions, "descriptions")
        if len(texts) != numbers.max() + 1:
            raise DataError(f"{len(texts)} descriptions for {numbers.max() + 1} classes.", "Describe each class once.")
        # What all descriptions have in common tells no class apart.
        self._mean, self._common = rows.mean(0), normalize(texts).mean(0)
        seen, said = self._image(rows), self._text(texts)
        if self.loss == "ridge":
            self._map = ridge_map(seen, said[numbers], self.penalty)
        else:
            self._map = contrastive_map(seen, numbers, said, self.penalty, self.temperature)
        self._widths = rows.shape[1], texts.shape[1]
        return self

    def scores(self, features: Any, descriptions: Any) -> np.ndarray:
        """Cosines (N, K) of images and K descriptions (K, E), seen or not.

        Raises:
            DataError: Nothing has been learned yet, or features or descriptions are no numbers or of another width.
        """
        rows = check_like(features, self._widths[0])
        texts = check_like(descriptions, self._widths[1], "descriptions")
        found: np.ndarray = normalize(self._image(rows) @ self._map) @ self._text(texts).T
        return found

    def head(self, descriptions: Any) -> Values:
        """Weights and centre of the layer on centred unit features that chooses as the cosines do; biases are 0."""
        texts = check_like(descriptions, self._widths[1], "descriptions")
        return {"weight": self._text(texts) @ self._map.T, "centre": self._mean}

    def _image(self, rows: np.ndarray) -> np.ndarray:
        unit: np.ndarray = normalize(rows - self._mean)
        return unit

    def _text(self, texts: np.ndarray) -> np.ndarray:
        unit: np.ndarray = normalize(normalize(texts) - self._common)
        return unit


def make(
    setting: Setting,
    descriptions: Sequence[Any],
    unseen: Sequence[str],
    loss: str = "ridge",
    penalty: float = 1.0,
    text_encoder: str = "minilm",
) -> FromDescriptions:
    """Makes the method from a recipe's options; see ``from_descriptions`` and ``TextAlignment`` for them.

    Raises:
        TlwError: As these raise.
    """
    aligned = TextAlignment(loss, penalty)

    def learn(rows: np.ndarray, numbers: np.ndarray, seen: np.ndarray, table: np.ndarray) -> Values:
        return aligned.fit(rows, numbers, seen).head(table)

    return from_descriptions(setting, learn, descriptions, unseen, text_encoder, unit=True)
