"""Vertical transfer: a skill that was learned before becomes a part of a harder task.

Gagné (1965), "The conditions of learning": lateral transfer stays on one level of difficulty, vertical transfer builds
on a lower one. Here the lower skill gives probabilities for parts (which digit is left, which is right). Where the rule
that joins the parts is known, the answer follows with no label of the harder task (``compose``); where it is not, a
logistic regression on all pairs of parts learns it from few (``pair_features``), for the outer product of two
posteriors is one feature a pair.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError


def pair_features(first: Any, second: Any) -> np.ndarray:
    """Probability of every pair of parts, taken as independent: (N, A), (N, B) -> (N, A * B).

    Raises:
        DataError: Rows are no probabilities, or not as many of both.
    """
    one, other = _probabilities(first), _probabilities(second)
    if len(one) != len(other):
        raise DataError(f"There are {len(one)} first and {len(other)} second parts.", "Give one of each a sample.")
    pairs: np.ndarray = (one[:, :, None] * other[:, None, :]).reshape(len(one), -1)
    return pairs


def compose(first: Any, second: Any, rule: Any) -> np.ndarray:
    """Probability of each answer (N, C) that a known rule makes of two parts.

    Args:
        first: (N, A) probabilities of the first part.
        second: (N, B) of the second.
        rule: (A, B) whole numbers 0..C-1, the answer to each pair: of a sum ``np.add.outer(range(10), range(10))``.

    Raises:
        DataError: The rule does not fit, or rows are no probabilities.
    """
    pairs, table = pair_features(first, second), np.asarray(rule)
    if table.dtype.kind not in "iu" or table.min() < 0 or table.shape != (np.shape(first)[1], np.shape(second)[1]):
        raise DataError(f"The rule has shape {table.shape}.", "Give a whole number for every pair of parts.")
    answers: np.ndarray = pairs @ np.eye(table.max() + 1)[table.reshape(-1)]
    return answers


def _probabilities(values: Any) -> np.ndarray:
    rows = check_features(values)
    if rows.min() < 0 or not np.allclose(rows.sum(1), 1, atol=1e-3):
        raise DataError("The rows are no probabilities.", "Give rows of 0..1 that add up to 1.")
    return rows
