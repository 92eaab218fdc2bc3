"""Label spreading: labels flow along the neighbourhoods of the features until nothing changes.

Zhou, Bousquet, Lal, Weston, Schölkopf (2004), "Learning with local and global consistency", NeurIPS 16. Samples are
joined with their nearest neighbours; each hands on a share of what it believes and keeps the rest of its own label. No
network is trained: features come from a pre-trained one, or are pixels. It is scikit-learn's ``LabelSpreading``. It
helps where classes are clumps and labels are few, and not where neighbours are often of another class.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.semi_supervised import LabelSpreading

from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError

UNKNOWN = -1


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
