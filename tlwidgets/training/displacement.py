"""How far each stage of a network has moved from the weights that its run began with, the pre-trained ones."""

from __future__ import annotations

import math
import time

import torch

from tlwidgets.backbones import Backbone
from tlwidgets.freezing import merged_state

# A copy of the weights is kept for comparison; of larger networks none is, and nothing is told.
MOST_PARAMETERS = 150_000_000
_SECONDS_BETWEEN = 1.0
_SHARE_OF_TIME = 0.01  # of a run that measuring may take


class Displacement:
    """Compares a network with what it was.

    Args:
        backbone: The network as the run begins with it; its weights are copied.
    """

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone
        self._start: dict[str, torch.Tensor] = {}
        if sum(stage.n_parameters for stage in backbone.stages) <= MOST_PARAMETERS:
            parameters = backbone.model.named_parameters()
            self._start = {name: parameter.detach().clone() for name, parameter in parameters}
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time to measure again: seldom enough to cost a run at most a hundredth of its time."""
        return bool(self._start) and time.perf_counter() >= self._next

    def measure(self) -> dict[str, float | None]:
        """Measures every stage.

        Returns:
            Euclidean distance of all parameters of a stage from what they were, as a share of the length that they
            had, by stage; what low-rank adapters add counts as part of the weights. None for a stage that began at
            zero, as a new head does, or has no parameters; empty for a network that is too large.
        """
        began = time.perf_counter()
        with torch.no_grad():
            now = merged_state(self._backbone.model) if self._start else {}
            found = {stage.name: self._distance(stage.parameter_names, now) for stage in self._backbone.stages if now}
        took = time.perf_counter() - began
        self._next = time.perf_counter() + max(_SECONDS_BETWEEN, took / _SHARE_OF_TIME)
        return found

    def _distance(self, names: tuple[str, ...], now: dict[str, torch.Tensor]) -> float | None:
        moved, length = 0.0, 0.0
        for name in names:
            start = self._start[name] = self._start[name].to(now[name].device)
            moved += float((now[name] - start).float().square().sum())
            length += float(start.float().square().sum())
        return math.sqrt(moved / length) if length else None
