"""What a run does to each stage, gathered from its events for a board that shows it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from tlwidgets.training import events

_SECONDS_BETWEEN_UPDATES = 0.5
_AT_ONCE = (events.StagesMoved, events.PlanChanged, events.RunFinished, events.RunStopped, events.RunFailed)

Live = dict[str, dict[str, float | None]]


class StageFollower:
    """A listener in the thread of a run; tells what is new twice a second, and at once what comes seldom.

    Args:
        tell: Takes the value of ``FreezeBoard.live``.
        stages: Names of the stages shown.
    """

    def __init__(self, tell: Callable[[Live], None], stages: Sequence[str]) -> None:
        self._tell, self._stages = tell, stages
        self._rates: Mapping[str, float] = {}
        self._moved: Mapping[str, float | None] = {}
        self._told = 0.0

    def __call__(self, event: events.Event) -> None:
        """Takes one event."""
        if isinstance(event, events.BatchEnded):
            self._rates = event.rates
        elif isinstance(event, events.StagesMoved):
            self._moved = event.distances
        now = time.monotonic()
        if self._rates and (now - self._told >= _SECONDS_BETWEEN_UPDATES or isinstance(event, _AT_ONCE)):
            self._told = now
            rates, moved = self._rates, self._moved
            self._tell({name: {"rate": rates.get(name, 0.0), "moved": moved.get(name)} for name in self._stages})
