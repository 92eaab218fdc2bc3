"""Features and labels: one row of numbers and one label a sample, checked before a method learns from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tlwidgets.errors import DataError


def check_features(features: Any, what: str = "features") -> np.ndarray:
    """Returns features as float64 (N, D).

    Args:
        features: (N, D) numbers.
        what: What to call them in an error: "descriptions".

    Raises:
        DataError: They are no table of finite numbers, or empty.
    """
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or not rows.size:
        raise DataError(f"The {what} have shape {rows.shape}.", "Give one row a sample: shape (N, D), N at least 1.")
    if not np.isfinite(rows).all():
        raise DataError(f"The {what} hold nan or infinity.", "Look at the samples and the network's precision.")
    return rows


def check_like(features: Any, width: int | None, what: str = "features") -> np.ndarray:
    """Returns features as float64 (N, D), of the width that a method has learned from.

    Args:
        features: (N, D) numbers.
        width: D at the method's ``fit``; None before it.
        what: What to call them in an error.

    Raises:
        DataError: Nothing has been learned yet, the width is another, or as ``check_features`` raises.
    """
    if width is None:
        raise DataError("Nothing has been learned yet.", "Call fit first.")
    rows = check_features(features, what)
    if rows.shape[1] != width:
        raise DataError(
            f"The {what} have {rows.shape[1]} columns, but those of fit had {width}.",
            "Give what the same network says of the new samples, or the same attributes of the new classes.",
        )
    return rows


def check_labels(labels: Any, what: str = "labels") -> np.ndarray:
    """Returns labels as an array (N,) of numbers or of strings.

    Args:
        labels: (N,) numbers or names.
        what: What to call them in an error: "source labels".

    Raises:
        DataError: They are not one a sample, some are missing (None or nan), or numbers and strings are mixed.
    """
    # As objects: among strings numpy makes the class "nan" of a missing label, and "1" of the number 1.
    raw = np.asarray(labels, dtype=object)
    if raw.ndim != 1:
        raise DataError(f"The {what} have shape {raw.shape}.", "Give one label an image: shape (N,).")
    missing = np.flatnonzero(pd.isna(raw))
    if len(missing):
        raise DataError(
            f"{len(missing)} {what} are missing (first at index {missing[0]}).", "Fill them in or drop those images."
        )
    if len({isinstance(label, str) for label in raw}) > 1:
        raise DataError(f"The {what} are partly strings and partly numbers.", "Make all of them one or the other.")
    given = np.asarray(labels)
    return np.asarray(given.tolist()) if given.dtype == object else given


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
