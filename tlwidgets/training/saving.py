"""When a run is saved: after every epoch while that costs little, else less often, and always before it rests."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tlwidgets.training.checkpoint import Snapshot, snapshot_model, snapshot_state
from tlwidgets.training.run import FILES

SHARE = 0.05  # of a run's time that writing may take


class Saver:
    """Holds what an epoch left until it is written: with it, at the next epoch that is due, or by ``flush``.

    A killed run loses the epochs since the last writing, which is as many seconds as twenty writings take. The best
    weights and the state to go on from are written together, so that they tell of the same epochs.

    Args:
        folder: The run's.
        writes: False in all processes but the first.
    """

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self._folder, self._writes = folder, writes
        self._waiting: dict[str, Snapshot] = {}
        self._due = 0.0

    def keep_best(self, model: nn.Module, fixed: Collection[str]) -> None:
        """Takes the present weights as those that the run is judged by; ``fixed`` are not copied."""
        if self._writes:
            self._waiting["best"] = snapshot_model(model, fixed)

    def keep_last(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        progress: Mapping[str, Any],
        fixed: Collection[str],
        own: nn.Module | None = None,
    ) -> None:
        """Takes the present state as the one to go on from; writes where it is due."""
        if self._writes:
            self._waiting["last"] = snapshot_state(model, optimiser, progress, fixed, own)
            if time.perf_counter() >= self._due:
                self.flush()

    def flush(self) -> None:
        """Writes what waits; to be called before a tensor that was called fixed may change."""
        began = time.perf_counter()
        # The best first: the state names its epoch, and must not name one that a kill in between left unwritten.
        for name in ("best", "last"):
            if name in self._waiting:
                self._waiting[name].write(self._folder / FILES[name])
        self._waiting = {}
        ended = time.perf_counter()
        self._due = ended + (ended - began) * (1 / SHARE - 1)
