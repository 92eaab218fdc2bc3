"""The scanned digits, halved between two domains."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tlwidgets.data.bundled import scanned_digits


def half_of_the_scans(target: bool, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Return every other scanned digit.

    Args:
        target: The odd-numbered scans instead of the even-numbered.
        side: Pixels to enlarge each scan to, from 8.

    Returns:
        float64 (N, side, side) ink from 0 to 1, and int64 (N,) labels; N is 898 or 899.
    """
    images, labels = scanned_digits()
    images, labels = images[int(target) :: 2], labels[int(target) :: 2]
    if side != images.shape[1]:
        size = (side, side)
        images = np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in images])
    return images / 255.0, labels


def to_pixels(values: np.ndarray) -> np.ndarray:
    """Turn values from 0 to 1 into uint8, clipping what lies outside."""
    return np.asarray(np.round(np.clip(values, 0.0, 1.0) * 255.0), dtype=np.uint8)
