"""Numbers that only grow at the end: kept as float32 rows, sent to the page as the bytes of the new rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Float32 = np.ndarray


class Stream:
    """A growing table of float32 columns.

    Args:
        columns: Their names, in order.
    """

    def __init__(self, columns: tuple[str, ...]) -> None:
        self.columns = columns
        self._rows = np.empty((256, len(columns)), np.float32)
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def append(self, *values: float) -> None:
        """Adds one row, one value a column."""
        self.extend([values])

    def extend(self, rows: Sequence[Sequence[float]]) -> None:
        """Adds rows, one value a column each."""
        end = self._size + len(rows)
        while end > len(self._rows):
            # Doubling keeps the cost of an append constant on average.
            self._rows = np.concatenate([self._rows, np.empty_like(self._rows)])
        self._rows[self._size : end] = rows
        self._size = end

    def rows(self, start: int = 0) -> Float32:
        """Rows from ``start`` on: float32 (n, columns), a copy."""
        return self._rows[start : self._size].copy()

    def column(self, name: str) -> Float32:
        """One column: float32 (n,), a copy."""
        return self._rows[: self._size, self.columns.index(name)].copy()


def decimate(rows: Float32, limit: int, by: int) -> Float32:
    """Keeps the rows that draw the same picture: the least and the greatest of each bucket, and the first and last row.

    Args:
        rows: float32 (n, columns).
        limit: Largest number of rows to return, at least 4.
        by: The column whose extremes are kept.

    Returns:
        float32 (m, columns) with m <= limit, in the order given.
    """
    if len(rows) <= limit:
        return rows
    values = np.nan_to_num(rows[:, by], nan=0.0)
    width = -(-len(rows) // ((limit - 2) // 2))
    # The last bucket is filled up with its last value, which is never an extreme before the row itself is.
    buckets = np.pad(values, (0, -len(rows) % width), mode="edge").reshape(-1, width)
    starts = width * np.arange(len(buckets))
    kept = np.concatenate([[0, len(rows) - 1], starts + buckets.argmin(1), starts + buckets.argmax(1)])
    thinned: Float32 = rows[np.unique(kept)]
    return thinned


class Sent:
    """How far the page has been told: rows of each stream, version of the feed, last message, whether of the end."""

    def __init__(self, run: int = 0) -> None:
        self.run = run
        self.batches = 0
        self.epochs = 0
        self.version = -1
        self.told_at = -math.inf
        self.sequence = 0
        self.judged = 0
        self.judged_at = -math.inf
        self.ended = False
