"""How alike two networks, or two layers, see the same images: linear centred kernel alignment."""

from __future__ import annotations

from typing import Any

import numpy as np

from tlwidgets.errors import DataError


def linear_cka(first: Any, second: Any, *, unbiased: bool = True) -> float:
    """Compares two descriptions of the same images: 1 where they differ by rotation, scale and shift only.

    Kornblith, Norouzi, Lee, Hinton (2019), "Similarity of neural network representations revisited", ICML,
    arXiv 1905.00414. The plain estimate is far above 0 for unrelated features of few images; the unbiased one (Song et
    al. 2012, JMLR 13, HSIC_1; used for CKA by Nguyen, Raghu, Kornblith 2021, ICLR, arXiv 2010.15327) is about 0 there,
    and may be a little below.

    Args:
        first: (N, D) numbers.
        second: (N, E) numbers for the same images.
        unbiased: Use the unbiased estimate of the independence criterion; needs four images.

    Raises:
        DataError: Numbers of images that differ or are too few, features that are not finite, or that do not vary.
    """
    one, other = _gram(first), _gram(second)
    if len(one) != len(other):
        raise DataError(f"The features are of {len(one)} and of {len(other)} images.", "Describe the same images.")
    least = 4 if unbiased else 2
    if len(one) < least:
        raise DataError(f"{len(one)} images are too few.", f"Give at least {least}, better hundreds.")
    hsic = _unbiased_hsic if unbiased else _biased_hsic
    itself = hsic(one, one) * hsic(other, other)
    if not itself > 0:
        raise DataError("One of the features is the same for every image.", "Compare features that vary.")
    return hsic(one, other) / float(np.sqrt(itself))


def _gram(features: Any) -> np.ndarray:
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2:
        raise DataError(f"The features have shape {rows.shape}.", "Give one row an image: shape (N, D).")
    if not np.isfinite(rows).all():
        raise DataError("The features hold nan or infinity.", "Look at the images and the network's precision.")
    rows = rows - rows.mean(0)
    product: np.ndarray = rows @ rows.T
    return product


def _biased_hsic(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum())


def _unbiased_hsic(one: np.ndarray, other: np.ndarray) -> float:
    """HSIC_1 of two Gram matrices (N, N), whose diagonals do not count."""
    n = len(one)
    one, other = (gram - np.diag(np.diag(gram)) for gram in (one, other))
    sums = one.sum(0), other.sum(0)
    whole = sums[0].sum() * sums[1].sum() / ((n - 1) * (n - 2))
    return float(((one * other).sum() + whole - 2 / (n - 2) * (sums[0] @ sums[1])) / (n * (n - 3)))
