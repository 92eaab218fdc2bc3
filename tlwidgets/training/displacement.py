"""How far each stage of a network has moved from the weights that its run began with, the pre-trained ones."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable

import torch

from tlwidgets.backbones import Backbone
from tlwidgets.freezing import merged_state, plain_names, weight_of_adapter

# A copy of the weights that learn is kept for comparison; of larger networks none is, and nothing is told.
MOST_PARAMETERS = 150_000_000
_SECONDS_BETWEEN = 1.0
_SHARE_OF_TIME = 0.01  # of a run that measuring may take


class Displacement:
    """Compares a network with what it was.

    Args:
        backbone: The network as the run begins with it.
        whole: Copies every weight at once, since others are about to take their place. Otherwise ``follow`` copies
            what learns: frozen weights stand still, and a frozen network would be held in memory twice.
    """

    def __init__(self, backbone: Backbone, *, whole: bool = False) -> None:
        self._backbone = backbone
        self._enabled = sum(stage.n_parameters for stage in backbone.stages) <= MOST_PARAMETERS
        self._start: dict[str, torch.Tensor] = {}
        self._next = 0.0
        if whole:
            self._keep(name for name, _ in backbone.model.named_parameters())

    def follow(self) -> None:
        """Copies the weights that learn from now on, but those that it has; to be called before they do."""
        plain = plain_names(self._backbone.model)
        learning = [name for name, parameter in self._backbone.model.named_parameters() if parameter.requires_grad]
        self._keep(name for name in (plain.get(name, name) or weight_of_adapter(name) for name in learning))

    def _keep(self, names: Iterable[str]) -> None:
        missing = [name for name in names if name not in self._start] if self._enabled else []
        if missing:
            now = merged_state(self._backbone.model)
            self._start |= {name: now[name].detach().clone() for name in missing}

    @property
    def due(self) -> bool:
        """Whether it is time to measure again: seldom enough to cost a run at most a hundredth of its time."""
        return self._enabled and time.perf_counter() >= self._next

    def measure(self) -> dict[str, float | None]:
        """Measures every stage.

        Returns:
            Euclidean distance of all parameters of a stage from what they were, as a share of the length that they
            had, by stage; what low-rank adapters add counts as part of the weights. None for a stage that began at
            zero, as a new head does, or has no parameters; empty for a network that is too large.
        """
        began = time.perf_counter()
        with torch.no_grad():
            now = merged_state(self._backbone.model) if self._enabled else {}
            found = {stage.name: self._distance(stage.parameter_names, now) for stage in self._backbone.stages if now}
        took = time.perf_counter() - began
        self._next = time.perf_counter() + max(_SECONDS_BETWEEN, took / _SHARE_OF_TIME)
        return found

    def _distance(self, names: tuple[str, ...], now: dict[str, torch.Tensor]) -> float | None:
        moved, length = 0.0, 0.0
        for name in names:
            start = now[name]  # what was never kept has stood still
            if name in self._start:
                start = self._start[name] = self._start[name].to(now[name].device)
                moved += float((now[name] - start).float().square().sum())
            length += float(torch.linalg.vector_norm(start.float())) ** 2
        return math.sqrt(moved / length) if length else None
