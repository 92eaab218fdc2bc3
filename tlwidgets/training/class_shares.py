"""How often each class comes where nobody has labelled: two estimators, from what a classifier says there.

Lipton, Wang, Smola (2018), arXiv 1802.03916 (BBSE); Saerens, Latinne, Decaestecker (2002), Neural Computation 14 (EM).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tlwidgets.data.features import check_features, check_probabilities
from tlwidgets.errors import DataError


def joint_confusion(labels: Any, predicted: Any, n_classes: int) -> np.ndarray:
    """Share of images with each prediction (row) and each true class (column), (C, C), which adds up to 1."""
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (np.asarray(predicted), np.asarray(labels)), 1)
    shares: np.ndarray = counts / counts.sum()
    return shares


def bbse_weights(confusion: Any, predicted_shares: Any) -> np.ndarray:
    """p_target(y) / p_source(y) of each class, (C,), by matching what is predicted: solves confusion w = shares.

    Args:
        confusion: (C, C), from ``joint_confusion`` on held-out source images.
        predicted_shares: (C,) share of the target's images with each prediction.

    Raises:
        DataError: The shapes do not fit, or the confusion cannot be inverted: a class is never predicted, or two are
            never told apart.
    """
    matrix, shares = check_features(confusion), np.asarray(predicted_shares, dtype=np.float64)
    if matrix.shape != 2 * shares.shape:
        raise DataError(f"Confusion {matrix.shape} and shares {shares.shape} do not fit.", "Give (C, C) and (C,).")
    if np.linalg.cond(matrix) > 1e8:
        raise DataError("The confusion of the classes cannot be inverted.", "Use a better classifier, or EM.")
    weights: np.ndarray = np.clip(np.linalg.solve(matrix, shares), 0, None)
    return weights


def em_shares(probabilities: Any, source_shares: Any, tolerance: float = 1e-8, max_rounds: int = 10_000) -> np.ndarray:
    """Shares of the classes on the target, (C,), the most likely ones given calibrated probabilities.

    Args:
        probabilities: (N, C) of the target's images, from a classifier trained with the source's shares.
        source_shares: (C,) shares of the classes that it was trained with, all above 0.
        tolerance: Ends when no share moves by more.
        max_rounds: Ends in any case after so many.

    Raises:
        DataError: The probabilities are none, or a class has no share in the source.
    """
    table, prior = check_probabilities(probabilities), np.asarray(source_shares, dtype=np.float64)
    if prior.shape != table.shape[1:] or prior.min() <= 0:
        raise DataError(f"The source's shares are {prior}.", "Give one above 0 for each class.")
    shares: np.ndarray = prior / prior.sum()
    for _ in range(max_rounds):
        before, shares = shares, reweighted(table, shares / prior).mean(0)
        if np.abs(shares - before).max() < tolerance:
            break
    return shares


def reweighted(probabilities: Any, weights: Any) -> np.ndarray:
    """Probabilities (N, C) for a target whose classes are ``weights`` times as frequent as in the source."""
    table: np.ndarray = check_probabilities(probabilities) * np.asarray(weights, dtype=np.float64)
    total = table.sum(1, keepdims=True)
    corrected: np.ndarray = np.where(total > 0, table / np.where(total > 0, total, 1), 1 / table.shape[1])
    return corrected
