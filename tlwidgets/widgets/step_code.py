"""StepCode: the step in front as a few lines of Python that do the same and run as they stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import traitlets

from tlwidgets.widgets.base import TlwWidget


class StepCode(TlwWidget):
    """A line below the Studio's step that unfolds into the code of the step.

    Args:
        write: Gives the code of a step by its index; called when the code is asked for.
        titles: Titles of the steps, in order.
    """

    commands: ClassVar[dict[str, str]] = {"show": "show"}

    title = traitlets.Unicode("").tag(sync=True)
    """Title of the step."""

    opened = traitlets.Bool(False).tag(sync=True)
    """Whether the code is shown."""

    code = traitlets.Unicode("").tag(sync=True)
    """The code of the step; empty while it is not shown."""

    def __init__(self, write: Callable[[int], str], titles: tuple[str, ...]) -> None:
        self._write = write
        self._titles = titles
        self._step = 0
        super().__init__(title=titles[0])

    def turn_to(self, step: int) -> None:
        """Goes to another step."""
        self._step = step
        self.title = self._titles[step]
        self.refresh()

    def show(self, opened: bool = True) -> None:
        """Shows the code, or hides it again."""
        self.opened = opened
        self.refresh()

    def refresh(self) -> None:
        """Writes the code anew where it is shown; what cannot be written is shown as an alert."""
        self.show_error(None)
        try:
            self.code = self._write(self._step) if self.opened else ""
        except Exception as error:  # noqa: BLE001  a panel that cannot show the code says why
            self.code = ""
            self.show_error(error)
