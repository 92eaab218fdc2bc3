"""Label spreading: labels flow along the neighbourhoods of the features until nothing changes.

Zhou, Bousquet, Lal, Weston, Schölkopf (2004), "Learning with local and global consistency", NeurIPS 16. Samples are
joined with their nearest neighbours; each hands on a share of what it believes and keeps the rest of its own label. No
network is trained: features come from a pre-trained one, or are pixels. It is scikit-learn's ``LabelSpreading``. It
helps where classes are clumps and labels are few, and not where neighbours are often of another class. In a recipe the
training images and the unlabelled ones are spread over in one epoch; an image that comes later gets the mean belief of
its nearest neighbours among them, as in scikit-learn (Delalleau, Bengio, Le Roux 2005, AISTATS).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from sklearn.semi_supervised import LabelSpreading

from tlwidgets.backbones.feature_heads import NeighbourHead
from tlwidgets.data import ImageData
from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError
from tlwidgets.training.method import Setting
from tlwidgets.training.options import at_least
from tlwidgets.training.second_data import UNKNOWN
from tlwidgets.training.solving import PLAN, Solved, Values, solving
from tlwidgets.training.unlabelled import hidden_accuracy, unlabelled_stream

__all__ = ["DATA_OPTIONS", "PLAN", "UNKNOWN", "make", "spread"]
DATA_OPTIONS = ("unlabelled",)


def spread(features: Any, labels: Any, n_neighbours: int = 7, alpha: float = 0.2) -> np.ndarray:
    """Class probabilities of all samples, from the labels of some.

    Args:
        features: (N, D).
        labels: (N,) class numbers 0..C-1, and -1 where there is none.
        n_neighbours: Each sample is joined with so many, at least 1. Raise it where parts of the data stay unreached.
        alpha: Share of a belief that comes from the neighbours, between 0 and 1. Raise it where given labels may be
            wrong.

    Returns:
        float64 (N, C). Rows that no label has reached are 1 / C each.

    Raises:
        DataError: The features or labels cannot be used, a class has no label, or an option makes no sense.
    """
    rows, numbers = check_features(features), np.asarray(labels)
    if numbers.shape != rows.shape[:1] or numbers.dtype.kind not in "iu":
        raise DataError(f"Features {rows.shape} and labels {numbers.shape} do not fit.", "Give one class number a row.")
    known = np.unique(numbers[numbers != UNKNOWN])
    if len(known) < 2 or known[0] < 0 or known[-1] != len(known) - 1:
        raise DataError(f"The classes with a label are {known.tolist()}.", "Label at least one sample of each class.")
    if not 0 < alpha < 1 or not 1 <= n_neighbours < len(rows):
        raise DataError(
            f"n_neighbours is {n_neighbours!r}, alpha {alpha!r}.", f"Give 1 to {len(rows) - 1}, and between 0 and 1."
        )
    model = LabelSpreading(kernel="knn", n_neighbors=n_neighbours, alpha=alpha, max_iter=1000)
    model.fit(rows, numbers)
    beliefs = np.nan_to_num(model.label_distributions_, nan=0.0)
    reached = beliefs.sum(1, keepdims=True) > 0
    probabilities: np.ndarray = np.where(reached, beliefs, 1 / len(known))
    return probabilities


def make(setting: Setting, unlabelled: ImageData | None = None, n_neighbours: int = 7, alpha: float = 0.2) -> Solved:
    """Makes the method from a recipe's options.

    Args:
        setting: Its plan freezes all but the head; a recipe with pre-trained weights that names none gets ``PLAN``.
        unlabelled: Images to spread over; by default those that ``labels_per_class`` has left without a label.
        n_neighbours: See ``spread``.
        alpha: See ``spread``.

    Raises:
        RecipeError: The plan is another, or n_neighbours is below 1.
        DataError: There are no unlabelled images.
    """
    at_least(1, n_neighbours=n_neighbours)
    stream = unlabelled_stream(setting, unlabelled, 1)

    def solve(rows: np.ndarray, labels: np.ndarray) -> Values:
        others, hidden = method.features(stream)
        beliefs = spread(
            np.concatenate([rows, others]), np.concatenate([labels, np.full(len(others), UNKNOWN)]), n_neighbours, alpha
        )
        said = torch.from_numpy(beliefs[len(rows) :].argmax(1))
        method.further["pseudo_accuracy"] = hidden_accuracy(said, torch.from_numpy(hidden))
        return {"memory": np.concatenate([rows, others]), "beliefs": beliefs}

    places = len(setting.data.indices("train")) + len(stream.indices)
    method = solving(setting, solve, memory=partial(NeighbourHead, setting=n_neighbours), places=places)
    return method
