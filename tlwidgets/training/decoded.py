"""Images that have been decoded and resized once: in memory, in a file, or, where neither has room, nowhere."""

from __future__ import annotations

import logging
import math
import shutil
import tempfile
from typing import Protocol

import numpy as np
import torch

LOG = logging.getLogger("tlwidgets")
MEMORY_BUDGET = 128 * 2**20  # bytes of decoded, resized images that are kept in memory: 870 of 3 x 224 x 224
DISK_SHARE = 0.5  # of the free space for temporary files, beyond which nothing is kept


class Decoded(Protocol):
    """Somewhere to keep images of one size."""

    def missing(self, indices: np.ndarray) -> np.ndarray:
        """Whether each of these images, by position (N,), has still to be decoded."""

    def keep(self, indices: np.ndarray, images: torch.Tensor) -> None:
        """Takes decoded images, uint8 (N, ...)."""

    def take(self, indices: np.ndarray) -> torch.Tensor:
        """Gives kept images back, uint8 (N, ...)."""


def room_for(n: int, shape: tuple[int, ...]) -> Decoded | None:
    """A place for n images of a shape, the nearest that is large enough; None where there is none.

    What a file holds is read in pieces, not mapped: a process that streams 100,000 images stays as small as one that
    streams a hundred.
    """
    size = n * math.prod(shape)
    if size <= MEMORY_BUDGET:
        return InMemory(n, shape)
    if size <= DISK_SHARE * shutil.disk_usage(tempfile.gettempdir()).free:
        return InFile(n, shape)
    return None


class InMemory:
    """Images in memory."""

    def __init__(self, n: int, shape: tuple[int, ...]) -> None:
        self._images = torch.empty((n, *shape), dtype=torch.uint8)
        self._ready = np.zeros(n, bool)

    def missing(self, indices: np.ndarray) -> np.ndarray:
        """Whether each of these images, by position (N,), has still to be decoded."""
        absent: np.ndarray = ~self._ready[indices]
        return absent

    def keep(self, indices: np.ndarray, images: torch.Tensor) -> None:
        """Takes decoded images, uint8 (N, ...)."""
        self._images[torch.from_numpy(indices)] = images
        self._ready[indices] = True

    def take(self, indices: np.ndarray) -> torch.Tensor:
        """Gives kept images back, uint8 (N, ...)."""
        return self._images[torch.from_numpy(indices)]


class InFile:
    """Images in a temporary file without a name, which the system removes when the process ends, however it ends.

    Where the disk fills up, what is there stays readable and the rest is decoded each time.
    """

    def __init__(self, n: int, shape: tuple[int, ...]) -> None:
        self._shape, self._size = shape, math.prod(shape)
        self._ready = np.zeros(n, bool)
        self._full = False
        # Unbuffered: a write that fails shall fail at once.
        self._file = tempfile.TemporaryFile(prefix="tlwidgets-", buffering=0)  # noqa: SIM115  lives as long as this

    def missing(self, indices: np.ndarray) -> np.ndarray:
        """Whether each of these images, by position (N,), has still to be decoded."""
        absent: np.ndarray = ~self._ready[indices]
        return absent

    def keep(self, indices: np.ndarray, images: torch.Tensor) -> None:
        """Takes decoded images, uint8 (N, ...)."""
        for index, image in zip(indices, images.numpy(), strict=True):
            if self._full:
                return
            try:
                self._file.seek(int(index) * self._size)
                self._ready[index] = self._file.write(image.tobytes()) == self._size
            except OSError as error:
                self._full = True
                LOG.warning("No more decoded images are kept: %s.", error)

    def take(self, indices: np.ndarray) -> torch.Tensor:
        """Gives kept images back, uint8 (N, ...)."""
        images = torch.empty((len(indices), *self._shape), dtype=torch.uint8)
        for index, image in zip(indices, images.numpy(), strict=True):
            self._file.seek(int(index) * self._size)
            self._file.readinto(memoryview(image).cast("B"))
        return images
