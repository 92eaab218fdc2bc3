"""What training on a person's data takes: of every backbone about, of the chosen one measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tlwidgets.backbones.sizes import read_sizes
from tlwidgets.errors import TlwError
from tlwidgets.training.pace import Pace, everything_learns, machine_pace
from tlwidgets.widgets.latest import Latest

Answer = tuple[Pace, "dict[str, Any]"]


class PickerCosts:
    """Measures in the background: the machine once, then each backbone that is chosen.

    Args:
        tell: Takes the pace and what is known of the chosen backbone: seconds (of one image), step_bytes and measured,
            or nothing where it could not be tried.
    """

    def __init__(self, tell: Callable[[Pace | None, dict[str, Any]], None]) -> None:
        self._tell = tell
        self._latest: Latest[Answer] = Latest(self._answered)

    def ask(self, name: str, *, idle: bool) -> None:
        """Measures a backbone; where the machine is not idle, says only about what it takes."""
        self._latest.ask(lambda: self._answer(name, idle=idle))

    def wait(self, timeout: float | None = None) -> None:
        """Waits until everything asked is answered."""
        self._latest.wait(timeout)

    def _answer(self, name: str, *, idle: bool) -> Answer:
        pace = machine_pace()
        size = read_sizes().get(name)
        about: dict[str, Any] = {}
        if size is not None:
            about = {"name": name, "seconds": pace.seconds(size), "step_bytes": size.step_bytes, "measured": False}
        self._tell(pace, about)
        if not idle:
            return pace, about
        try:
            cost = everything_learns(name)
        except TlwError:
            return pace, about
        return pace, {"name": name, "seconds": cost.seconds, "step_bytes": cost.step_bytes, "measured": True}

    def _answered(self, answer: Answer | None, error: Exception | None) -> None:
        if error is None and answer is not None:
            self._tell(*answer)
