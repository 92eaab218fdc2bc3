"""What the kernel can tell of the page in front of it: whether it is Colab's, whether it answers, or there is none."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from html import escape
from importlib import import_module
from typing import Any

from IPython.core.getipython import get_ipython

from tlwidgets.widgets.result_place import ResultPlace

SECONDS_TO_ANSWER = 6.0
UNANSWERED = (
    "No page has answered for this widget yet. If you see no controls above, this notebook shows no widgets, and "
    "everything works without them: tlw.fit(recipe) trains with a text progress bar, tlw.ResultCard(run) shows what "
    "came out. If you see controls, but nothing moves while it trains, start it with start(block=True)."
)
IN_COLAB = (
    "In Colab a page hears nothing of a thread while no cell runs, so Start waits here until the run has ended. "
    "To end it early, interrupt the cell: what it has learned is kept."
)


def in_colab() -> bool:
    """Whether this kernel is Google Colab's."""
    return "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ


def threads_reach_the_page() -> bool:
    """Whether a page hears what a thread sends while no cell runs; Colab's does not.

    See https://github.com/googlecolab/colabtools/issues/3373.
    """
    return not in_colab()


def in_terminal() -> bool:
    """Whether a person reads this in a terminal, where a line can be written over; a notebook's kernel has none."""
    return sys.stderr.isatty() and getattr(get_ipython(), "kernel", None) is None


def enable_colab_widgets() -> None:
    """Lets Colab draw widgets that are not its own, as ours are; does nothing elsewhere."""
    if in_colab():
        with contextlib.suppress(ImportError, AttributeError):  # an older Colab; the Python side works all the same
            import_module("google.colab.output").enable_custom_widget_manager()


class Words:
    """A sentence for a place below a widget, as text and as HTML."""

    def __init__(self, words: str) -> None:
        self.words = words

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.words, "text/html": f"<p>{escape(self.words)}</p>" if self.words else ""}


class PageWatch:
    """Says below a widget that no page answers for it, once one has had the time to.

    A page can be heard only while no cell runs, so the time counts from the end of a cell, and anew with the next: a
    notebook that is run from end to end, with a page or without, never sees the sentence.

    Args:
        place: Where to say it, as long as nothing else is shown there.
        seconds: How long a page has.
    """

    def __init__(self, place: ResultPlace, seconds: float = SECONDS_TO_ANSWER) -> None:
        self._place = place
        self._seconds = seconds
        self._timer: threading.Timer | None = None
        self._answered = False
        self._said: Words | None = None
        self._shell: Any = None

    def begin(self) -> None:
        """Called when the widget has been displayed, with a place below it."""
        if in_colab():
            self._say(IN_COLAB)
        shell: Any = get_ipython()
        if self._answered or self._shell is not None or getattr(shell, "kernel", None) is None:
            return
        self._shell = shell
        shell.events.register("pre_run_cell", self._wait)
        shell.events.register("post_run_cell", self._listen)

    def answered(self, *_: Any) -> None:
        """Called with each message of a page; takes back what was said of its silence."""
        if self._answered:
            return
        self._answered = True
        self._wait()
        if self._shell is not None:
            self._shell.events.unregister("pre_run_cell", self._wait)
            self._shell.events.unregister("post_run_cell", self._listen)
        if self._said is not None and self._said.words == UNANSWERED and self._place.content is self._said:
            self._place.show(Words(""))

    def _wait(self, *_: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _listen(self, *_: Any) -> None:
        self._wait()
        self._timer = threading.Timer(self._seconds, self._complain)
        self._timer.daemon = True
        self._timer.start()

    def _complain(self) -> None:
        if not self._answered:
            self._say(UNANSWERED)

    def _say(self, words: str) -> None:
        if self._place.content is None:
            self._said = Words(words)
            self._place.show(self._said)
