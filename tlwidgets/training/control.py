"""The controller between a person's thread and the worker's: commands wait here until the loop asks for them."""

from __future__ import annotations

import threading
from collections.abc import Mapping


class Control:
    """Commands to a run. Setting them never blocks; the loop takes them between two batches."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self._stop = ""
        self._rate: float | None = None
        self._states: dict[str, str] | None = None

    @property
    def paused(self) -> bool:
        """Whether the run is asked to wait."""
        return self._paused

    @property
    def stop_reason(self) -> str:
        """Why the run shall stop; "" while it shall not."""
        return self._stop

    def pause(self) -> None:
        """Asks the run to wait after the present batch."""
        with self._changed:
            self._paused = True

    def resume(self) -> None:
        """Lets a waiting run go on."""
        with self._changed:
            self._paused = False
            self._changed.notify_all()

    def stop(self, reason: str) -> None:
        """Asks the run to end after the present batch; wakes a waiting one."""
        with self._changed:
            self._stop = self._stop or reason
            self._changed.notify_all()

    def set_learning_rate(self, rate: float) -> None:
        """Leaves a new rate of the head; the latest one counts."""
        with self._changed:
            self._rate = rate
            self._changed.notify_all()

    def set_states(self, states: Mapping[str, str]) -> None:
        """Leaves new states of the stages; the latest ones count."""
        with self._changed:
            self._states = dict(states)

    def take_learning_rate(self) -> float | None:
        """Hands over the rate that was left, once."""
        with self._changed:
            rate, self._rate = self._rate, None
        return rate

    def take_states(self) -> dict[str, str] | None:
        """Hands over the states that were left, once."""
        with self._changed:
            states, self._states = self._states, None
        return states

    def wait_while_paused(self) -> None:
        """Blocks the worker until the pause ends, or the run shall stop."""
        with self._changed:
            self._changed.wait_for(lambda: not self._paused or bool(self._stop))
