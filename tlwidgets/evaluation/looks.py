"""One backbone's look at the images, and what the scores say of it, beside chance and with an interval.

An interval comes from halves: the spread of a score over random halves of the images, drawn without replacement,
estimates its standard error on all of them (the delete-half jackknife; Shao and Wu 1989, Annals of Statistics 17).
A bootstrap would not do, because an image that is drawn twice is its own nearest neighbour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import softmax
from scipy.stats import t as student

from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData
from tlwidgets.errors import BackboneError
from tlwidgets.evaluation.transferability import (
    Judge,
    h_score_judge,
    knn_judge,
    leep_judge,
    logme_judge,
    regularised_h_score_judge,
    transrate_judge,
)

FROM_FEATURES: dict[str, Callable[[np.ndarray], Judge]] = {
    "logme": logme_judge,
    "h_score": h_score_judge,
    "h_score_regularised": regularised_h_score_judge,
    "transrate": transrate_judge,
    "knn": knn_judge,
}
FROM_SOURCE_HEAD: dict[str, Callable[[np.ndarray], Judge]] = {
    "leep": leep_judge,
    "nce": lambda probabilities: leep_judge(np.eye(probabilities.shape[1])[probabilities.argmax(1)]),
}
SCORES = (*FROM_FEATURES, *FROM_SOURCE_HEAD)


class Look:
    """What one backbone sees in the images, more and more of them.

    Args:
        name: How to call it.
        backbone: The network; it is not changed.
    """

    def __init__(self, name: str, backbone: Backbone) -> None:
        self.name, self.backbone, self.seconds = name, backbone, 0.0
        self._features = np.zeros((0, 0))
        self._probabilities = np.zeros((0, 0))

    def extend(self, data: ImageData, rows: np.ndarray, *, source_head: bool) -> None:
        """Looks at those of the images ``rows`` (N,) that it has not seen; they begin with the ones seen before.

        Raises:
            BackboneError: A feature is not a finite number.
        """
        began = time.perf_counter()
        images = data.inputs(rows[len(self._features) :])
        if images:
            self._features = _joined(self._features, self.backbone.features(images))
            if source_head and self.backbone.num_classes > 1:
                self._probabilities = _joined(self._probabilities, softmax(self.backbone.logits(images), axis=1))
        self.seconds += time.perf_counter() - began
        if not np.isfinite(self._features).all():
            raise BackboneError(
                f"{self.name!r} gives features that are nan or infinite.", "Its weights or its input cannot be used."
            )

    def judge(self, labels: np.ndarray, scores: Sequence[str], repeats: int, seed: int) -> pd.DataFrame:
        """Scores what was seen; see ``Ranking.details`` for the columns.

        Args:
            labels: int64 (N,) class numbers of the images.
            scores: Which scores.
            repeats: Shufflings of the labels, and halves.
            seed: Of both.
        """
        rows = []
        for score in scores:
            began = time.perf_counter()
            if score in FROM_FEATURES:
                figures = _figures(FROM_FEATURES[score], self._features, labels, repeats, seed)
            elif len(self._probabilities):
                figures = _figures(FROM_SOURCE_HEAD[score], self._probabilities, labels, repeats, seed)
            else:
                figures = {**dict.fromkeys(("value", "low", "high", "null", "null_high"), np.nan), "halves": ()}
            rows.append({"score": score, **figures, "seconds": time.perf_counter() - began})
        table = pd.DataFrame(rows).assign(extraction_seconds=self.seconds, images=len(labels))
        table.insert(0, "backbone", self.name)
        return table


def representative(labels: np.ndarray, seed: int) -> np.ndarray:
    """Orders positions (N,) at random so that every beginning holds the classes in about their proportions."""
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        mine = rng.permutation(np.flatnonzero(labels == label))
        place[mine] = (np.arange(len(mine)) + rng.random()) / len(mine)
    return np.argsort(place)


def _figures(
    prepare: Callable[[np.ndarray], Judge], values: np.ndarray, labels: np.ndarray, repeats: int, seed: int
) -> dict[str, Any]:
    numbers = partial(np.unique, return_inverse=True)
    judge = prepare(values)
    value = judge(numbers(labels)[1])
    rng = np.random.default_rng(seed)
    null = [judge(numbers(rng.permutation(labels))[1]) for _ in range(repeats)]
    halves = []
    for _ in range(repeats):
        half = representative(labels, int(rng.integers(2**32)))[: len(labels) // 2]
        halves.append(prepare(values[half])(numbers(labels[half])[1]))
    reach = half_interval(float(np.var(halves, ddof=1)), repeats)
    return {
        "value": value,
        "low": value - reach,
        "high": value + reach,
        "null": float(np.mean(null)),
        "null_high": float(np.quantile(null, 0.95)),
        "halves": tuple(halves),
    }


def half_interval(variance: float, repeats: int) -> float:
    """How far a 95 % interval reaches to either side, from the variance between so many halves (Student's t)."""
    return float(student.ppf(0.975, repeats - 1) * variance**0.5)


def _joined(before: np.ndarray, more: np.ndarray) -> np.ndarray:
    more = more.astype(np.float64)
    return np.concatenate([before, more]) if len(before) else more
