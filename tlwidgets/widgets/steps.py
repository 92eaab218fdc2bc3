"""Steps: the line of steps at the top of the Studio."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import traitlets

from tlwidgets.widgets.base import TlwWidget


class Steps(TlwWidget):
    """Numbered steps, one of them selected; each has a title and a short word on how things stand.

    Args:
        titles: Their titles, in order.
    """

    titles: traitlets.List[str] = traitlets.List().tag(sync=True)
    """Titles in order."""

    summaries: traitlets.List[str] = traitlets.List().tag(sync=True)
    """One short text a step."""

    done: traitlets.List[bool] = traitlets.List().tag(sync=True)
    """Whether each step is done."""

    selected = traitlets.Int(0).tag(sync=True)
    """Index of the step shown. The page may write it too, so that it changes while the kernel is busy."""

    def __init__(self, titles: Sequence[str]) -> None:
        self._lock = threading.Lock()
        super().__init__(titles=list(titles), summaries=[""] * len(titles), done=[False] * len(titles))

    def note(self, index: int, summary: str, done: bool | None = None) -> None:
        """Sets the summary of one step, and whether it is done where that is given."""
        # The thread of a run and the person's own both have something to say.
        with self._lock:
            self.summaries = [*self.summaries[:index], summary, *self.summaries[index + 1 :]]
            if done is not None:
                self.done = [*self.done[:index], done, *self.done[index + 1 :]]
