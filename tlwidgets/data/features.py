"""Features: one row of numbers a sample, checked before a method learns from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tlwidgets.errors import DataError


def check_features(features: Any) -> np.ndarray:
    """Returns features as float64 (N, D).

    Raises:
        DataError: They are no table of finite numbers, or empty.
    """
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise DataError(f"The features have shape {rows.shape}.", "Give one row a sample: shape (N, D), N at least 1.")
    if not np.isfinite(rows).all():
        raise DataError("The features hold nan or infinity.", "Look at the samples and the network's precision.")
    return rows


def check_probabilities(probabilities: Any) -> np.ndarray:
    """Returns probabilities of classes as float64 (N, C).

    Raises:
        DataError: A row is negative somewhere, or does not add up to 1.
    """
    table = check_features(probabilities)
    if table.min() < 0 or not np.allclose(table.sum(1), 1, atol=1e-3):
        raise DataError("The probabilities are not probabilities.", "Give rows of 0..1 that add up to 1.")
    return table


def check_support(features: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Returns labelled features as float64 (N, D) and their class numbers as int64 (N,).

    Raises:
        DataError: Features and labels do not fit, the labels are no class numbers, there is only one class, or a class
            number below the highest has no sample.
    """
    rows, numbers = check_features(features), np.asarray(labels)
    if numbers.shape != rows.shape[:1]:
        raise DataError(f"Features have shape {rows.shape} and labels {numbers.shape}.", "Give one label a row.")
    if numbers.dtype.kind not in "iu" or numbers.min() < 0:
        raise DataError("The labels are no class numbers.", "Give whole numbers, 0 to C - 1.")
    counts = np.bincount(numbers)
    if len(counts) < 2:
        raise DataError("All samples are of one class.", "Give samples of at least two.")
    if not counts.all():
        raise DataError(
            f"Class {int(counts.argmin())} has no sample in the support set.", "Give at least one of every class."
        )
    return rows, numbers.astype(np.int64)
