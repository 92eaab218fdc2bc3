"""PrefixCache: what crosses the cut, computed once for each image and kept in memory or in a file."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Sequence
from typing import IO

import numpy as np
import psutil
import torch

from tlwidgets.training.text_prefix import AnyPartition
from tlwidgets.training.tracing import NotCacheableError

MEMORY_BUDGET = 2**30  # bytes; beyond it, or beyond a quarter of what is free, the values go to a file
ALIGNMENT = 64  # bytes; each tensor begins at a multiple in the file, whatever its dtype


class PrefixShelf:
    """Values at the cut that several runs on the same images hand on: those of other folds, seeds or rates.

    A run finds only what a prefix with the same bits has left; a run that learns more, or starts elsewhere, finds
    nothing. What does not fit the memory budget beside the rest replaces it.

    Args:
        runs: How many runs will share; it decides what pays.
    """

    def __init__(self, runs: int) -> None:
        self.runs = runs
        self._kept: dict[tuple[object, ...], tuple[list[torch.Tensor], np.ndarray]] = {}

    def take(
        self, prefix: tuple[object, ...], shapes: Sequence[tuple[int, ...]], dtypes: Sequence[torch.dtype]
    ) -> tuple[list[torch.Tensor], np.ndarray]:
        """The values kept of a prefix, and which slots (N,) of them are ready; empty ones for a new prefix."""
        key = (*prefix, *shapes, *dtypes)
        if key not in self._kept:
            kept = sum(value.nbytes for values, _ in self._kept.values() for value in values)
            if kept + sum(_sizes(shapes, dtypes)) > memory_budget():
                self._kept.clear()
            self._kept[key] = _empty(shapes, dtypes), np.zeros(shapes[0][0], bool)
        return self._kept[key]


class PrefixCache:
    """The values at the cut for every slot (an image, or one of its views), bit by bit in their own dtype.

    It holds for the weights, the plan and the numerics that it was made with; ``Cuts`` makes another when they change.

    Args:
        partition: The network, cut.
        n_slots: How many images (times views) there are.
        kind: "memory", "disk", or "auto": in memory where there is room.
        room: Bytes that it may take in memory; by default ``memory_budget()``.
        shelf: Where other runs on the same images, in the same slots, have left values and will look for some.
        made_with: All that the values depend on beside the code of the prefix, to tell them apart on the shelf.

    Attributes:
        bytes: What the values of all slots take.
        kind: "memory" or "disk".

    Raises:
        NotCacheableError: The disk has no room.
    """

    def __init__(
        self,
        partition: AnyPartition,
        n_slots: int,
        kind: str = "auto",
        room: int | None = None,
        shelf: PrefixShelf | None = None,
        made_with: tuple[object, ...] = (),
    ) -> None:
        self.partition = partition
        self.bytes = n_slots * partition.bytes_per_image
        self._file: IO[bytes] | None = None
        fits = self.bytes <= (memory_budget() if room is None else room)
        self.kind = kind if kind != "auto" else "memory" if fits else "disk"
        shapes = [(n_slots, *shape) for shape in partition.shapes]
        self._ready = np.zeros(n_slots, bool)
        if shelf is not None and self.kind == "memory":
            self._values, self._ready = shelf.take((partition.prefix.code, *made_with), shapes, partition.dtypes)
        else:
            self._values = _empty(shapes, partition.dtypes) if self.kind == "memory" else self._map_file(shapes)

    def missing(self, slots: np.ndarray) -> np.ndarray:
        """Which of these slots (N,) have not been computed yet."""
        absent: np.ndarray = ~self._ready[slots]
        return absent

    def fill(self, slots: np.ndarray, images: torch.Tensor) -> None:
        """Computes the prefix of normalised images (N, C, H, W) and keeps it."""
        for store, values in zip(self._values, self.partition.run_prefix(images), strict=True):
            store[torch.from_numpy(slots)] = values.cpu()
        self._ready[slots] = True

    def read(self, slots: np.ndarray, device: torch.device) -> list[torch.Tensor]:
        """What crosses the cut for these slots: copies, one tensor (N, rows, ...) for each crossing."""
        return [store[torch.from_numpy(slots)].to(device) for store in self._values]

    def close(self) -> None:
        """Gives memory and file back."""
        self._values = []
        self._ready = np.zeros(len(self._ready), bool)  # a new one: the mask of a shelf is for other runs too
        if self._file is not None:
            self._file.close()
            self._file = None

    def _map_file(self, shapes: Sequence[tuple[int, ...]]) -> list[torch.Tensor]:
        dtypes = self.partition.dtypes
        sizes = _sizes(shapes, dtypes)
        begins = np.cumsum([0, *(-(-size // ALIGNMENT) * ALIGNMENT for size in sizes)])
        try:
            mapped = self._reserve(max(1, int(begins[-1])))
        except OSError as error:
            if self._file is not None:
                self._file.close()
            raise NotCacheableError(f"the disk has no room for {self.bytes / 2**20:.0f} MB ({error})") from error
        return [
            mapped[begin : begin + size].view(dtype).view(shape)
            for begin, size, dtype, shape in zip(begins, sizes, dtypes, shapes, strict=False)
        ]

    def _reserve(self, size: int) -> torch.Tensor:
        if shutil.disk_usage(tempfile.gettempdir()).free < size:
            raise OSError("not enough free space")
        # A file without a name: the system removes it when the process ends, however it ends.
        self._file = tempfile.TemporaryFile(prefix="tlwidgets-")  # noqa: SIM115  closed by close()
        if hasattr(os, "posix_fallocate"):
            # Writing to a sparse map on a full disk would kill the process; reserving fails with an error instead.
            os.posix_fallocate(self._file.fileno(), 0, size)
        # Bytes: numpy knows no bfloat16.
        return torch.from_numpy(np.memmap(self._file, np.uint8, "r+", shape=(size,)))


def memory_budget() -> int:
    """Bytes that a cache may take in memory."""
    return int(min(MEMORY_BUDGET, psutil.virtual_memory().available // 4))


def _sizes(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[torch.dtype]) -> list[int]:
    return [math.prod(shape) * dtype.itemsize for shape, dtype in zip(shapes, dtypes, strict=True)]


def _empty(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[torch.dtype]) -> list[torch.Tensor]:
    return [torch.empty(shape, dtype=dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
