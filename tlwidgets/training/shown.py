"""The images of a second data set as a network takes them, for functions that also take plain images."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import torch

from tlwidgets.training.batches import DECODERS
from tlwidgets.training.stream import Stream


class Shown:
    """Images that are prepared once, as often as they are asked for.

    They are shuffled, the same way each time: of a data set in the order of its classes a batch would hold one class.

    Args:
        stream: Whose images.
        device: Where the network is.
    """

    def __init__(self, stream: Stream, device: torch.device) -> None:
        self._prepared, self._device = stream.prepared, device
        generator = torch.Generator().manual_seed(stream.seed)
        self._order = stream.indices[torch.randperm(len(stream.indices), generator=generator).numpy()]

    def __len__(self) -> int:
        """Number of images."""
        return len(self._order)

    def batches(self, size: int) -> Iterator[torch.Tensor]:
        """All of them, as the network takes them."""
        with ThreadPoolExecutor(DECODERS) as pool:
            for start in range(0, len(self), size):
                yield self._prepared.load(self._order[start : start + size], pool, self._device)
