"""Smooth random fields, the stuff of drawn backgrounds, shadows and stains."""

from __future__ import annotations

import numpy as np


def clouds(rng: np.random.Generator, count: int, side: int, cells: int) -> np.ndarray:
    """Draw smooth random fields: a coarse grid of random values, interpolated.

    Args:
        rng: Where the randomness comes from.
        count: How many fields.
        side: Pixels of each, in both directions.
        cells: Cells of the coarse grid along a side: 2 for a slope, ``side // 2`` for grain.

    Returns:
        float64 (count, side, side), each field from 0 to 1.
    """
    grid = rng.random((count, cells + 1, cells + 1))
    place = np.linspace(0, cells, side, endpoint=False)
    cell = place.astype(np.int64)
    part = place - cell
    part = part * part * (3 - 2 * part)  # smooth at the cells' borders
    rows = grid[:, cell] * (1 - part)[:, None] + grid[:, cell + 1] * part[:, None]
    field = rows[:, :, cell] * (1 - part) + rows[:, :, cell + 1] * part
    low, high = field.min(axis=(1, 2), keepdims=True), field.max(axis=(1, 2), keepdims=True)
    return np.asarray((field - low) / (high - low))
