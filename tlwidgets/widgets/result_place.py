"""ResultPlace: outputs below a widget that show what its latest run came to, and stay in the saved notebook."""

from __future__ import annotations

from collections import deque
from typing import Any

from IPython.display import HTML, DisplayHandle, display

_MOST = 8  # places of the latest displays: a cell that is run again leaves its old one behind


class ResultPlace:
    """Every display of a widget has a place below it; all of them show the same."""

    def __init__(self) -> None:
        self._handles: deque[DisplayHandle] = deque(maxlen=_MOST)
        self._content: Any = None

    def __bool__(self) -> bool:
        """Whether there is a place at all."""
        return bool(self._handles)

    @property
    def content(self) -> Any:
        """What is shown; None before the first ``show``."""
        return self._content

    def add(self) -> None:
        """Makes one more place, where the notebook has come to."""
        handle = display(HTML(""), display_id=True)
        if handle is None:  # no notebook
            return
        self._handles.append(handle)
        if self._content is not None:
            handle.update(self._content)

    def show(self, content: Any) -> None:
        """Shows something with a mime bundle in every place; may be called from any thread."""
        self._content = content
        for handle in list(self._handles):
            handle.update(content)
