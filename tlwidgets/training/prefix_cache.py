"""PrefixCache: what crosses the cut, computed once for each image and kept in memory or in a file.

The part of a network before the first thing that learns gives the same values every epoch. With a share p of the
forward multiply-adds in it, a step costs 3 - 2p without the cache (forward 1, backward twice the rest) and 3 (1 - p)
with it, so epochs after the first gain 1 + p / (3 (1 - p)).
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import tempfile
from typing import IO

import numpy as np
import psutil
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from tlwidgets.backbones.backbone import evaluating
from tlwidgets.freezing import fingerprint, moved
from tlwidgets.training.prefix import NotCacheableError, Partition

LOG = logging.getLogger("tlwidgets")
MEMORY_BUDGET = 2**30  # bytes; beyond it, or beyond a quarter of what is free, the values go to a file
WORTH_IT = 1.05  # predicted speed-up of the whole run below which nothing is cached


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

    def take(self, prefix: tuple[object, ...], shapes: list[tuple[int, ...]]) -> tuple[list[torch.Tensor], np.ndarray]:
        """The values kept of a prefix, and which slots (N,) of them are ready; empty ones for a new prefix."""
        key = (*prefix, *shapes)
        if key not in self._kept:
            kept = sum(value.nbytes for values, _ in self._kept.values() for value in values)
            if kept + 4 * sum(math.prod(shape) for shape in shapes) > memory_budget():
                self._kept.clear()
            self._kept[key] = [torch.empty(shape) for shape in shapes], np.zeros(shapes[0][0], bool)
        return self._kept[key]


class PrefixCache:
    """The values at the cut for every slot (an image, or one of its views).

    Args:
        model: The network, frozen as planned and in the mode it is used in.
        image: One normalised image (1, C, H, W).
        n_slots: How many images (times views) there are.
        epochs: How often each will be asked for; 1 makes a cache useless.
        kind: "auto", "memory" or "disk".
        shelf: Where other runs on the same images, in the same slots, have left values and will look for some.

    Raises:
        NotCacheableError: It cannot be exact, would not pay, or has no room; the message says why.
    """

    def __init__(
        self,
        model: nn.Module,
        image: torch.Tensor,
        n_slots: int,
        epochs: int,
        kind: str = "auto",
        shelf: PrefixShelf | None = None,
    ) -> None:
        self.model = model
        epochs *= shelf.runs if shelf is not None else 1
        self.partition = Partition(model, image)
        self.share = _prefix_share(model, self.partition, image)
        if kind == "auto" and self.total_gain(epochs) < WORTH_IT:
            raise NotCacheableError(f"it would make the run only {self.total_gain(epochs):.2f} times faster")
        self.bytes = 4 * n_slots * self.partition.values_per_image
        self._guard = fingerprint(model, self.partition.names)
        self._file: IO[bytes] | None = None
        self.kind = kind if kind != "auto" else "memory" if self.bytes <= memory_budget() else "disk"
        self._shelf = shelf if self.kind == "memory" else None
        self._values, self._ready = self._places(n_slots)

    @property
    def epoch_gain(self) -> float:
        """Predicted speed-up of an epoch after the first."""
        return 1 + self.share / (3 * max(1e-9, 1 - self.share))

    def total_gain(self, epochs: int) -> float:
        """Predicted speed-up of a run, the first pass included."""
        plain, cached = 3 - 2 * self.share, 3 * (1 - self.share)
        return epochs * plain / (plain + (epochs - 1) * cached)

    def missing(self, slots: np.ndarray) -> np.ndarray:
        """Which of these slots (N,) have not been computed yet."""
        absent: np.ndarray = ~self._ready[slots]
        return absent

    def fill(self, slots: np.ndarray, images: torch.Tensor) -> None:
        """Computes the prefix of normalised images (N, C, H, W) and keeps it."""
        for store, values in zip(self._values, self.partition.run_prefix(images), strict=True):
            store[torch.from_numpy(slots)] = values.float().cpu()
        self._ready[slots] = True

    def read(self, slots: np.ndarray, device: torch.device) -> list[torch.Tensor]:
        """What crosses the cut for these slots: copies, one tensor (N, rows, ...) for each crossing."""
        return [store[torch.from_numpy(slots)].to(device) for store in self._values]

    def refresh(self) -> bool:
        """Forgets everything if a weight or buffer of the prefix has changed since; tells whether it did."""
        if not moved(self._guard, self.model):
            return False
        self._guard = fingerprint(self.model, self.partition.names)
        if self._shelf is not None:
            self._values, self._ready = self._places(len(self._ready))
        else:
            self._ready[:] = False
        return True

    def close(self) -> None:
        """Gives memory and file back."""
        self._values = []
        self._ready = np.zeros(len(self._ready), bool)  # a new one: the mask of a shelf is for other runs too
        if self._file is not None:
            self._file.close()
            self._file = None

    def describe(self) -> str:
        """One line for people."""
        size = f"{self.bytes / 2**20:.0f} MB {'in memory' if self.kind == 'memory' else 'in a temporary file'}"
        return (
            f"Prefix cache on: {self.share:.0%} of the forward pass is computed once ({size}); "
            f"epochs after the first should run {min(self.epoch_gain, 99):.1f} times faster."
        )

    def _places(self, n_slots: int) -> tuple[list[torch.Tensor], np.ndarray]:
        """Room for the values of all slots, and which of them are ready."""
        shapes = [(n_slots, *shape) for shape in self.partition.shapes]
        if self._shelf is not None:
            return self._shelf.take((self.partition.prefix.code, *self._guard.items()), shapes)
        self._ready = np.zeros(n_slots, bool)
        if self.kind == "memory":
            return [torch.empty(shape) for shape in shapes], self._ready
        try:
            return self._map_file(shapes), self._ready
        except OSError as error:
            self.close()
            raise NotCacheableError(f"the disk has no room for {self.bytes / 2**20:.0f} MB ({error})") from error

    def _map_file(self, shapes: list[tuple[int, ...]]) -> list[torch.Tensor]:
        if shutil.disk_usage(tempfile.gettempdir()).free < self.bytes:
            raise OSError("not enough free space")
        # A file without a name: the system removes it when the process ends, however it ends.
        self._file = tempfile.TemporaryFile(prefix="tlwidgets-")  # noqa: SIM115  closed by close()
        if hasattr(os, "posix_fallocate"):
            # Writing to a sparse map on a full disk would kill the process; reserving fails with an error instead.
            os.posix_fallocate(self._file.fileno(), 0, max(1, self.bytes))
        values, offset = [], 0
        for shape in shapes:
            array = np.memmap(self._file, np.float32, "r+", offset, shape)
            values.append(torch.from_numpy(array))
            offset += array.nbytes
        return values


def memory_budget() -> int:
    """Bytes that a cache may take in memory."""
    return int(min(MEMORY_BUDGET, psutil.virtual_memory().available // 4))


def _prefix_share(model: nn.Module, partition: Partition, image: torch.Tensor) -> float:
    def flops(function: nn.Module) -> int:
        counter = FlopCounterMode(display=False)
        with torch.no_grad(), counter:
            function(image)
        return int(counter.get_total_flops())

    with evaluating(model):
        return flops(partition.prefix) / max(1, flops(model))
