"""What every widget shares: its front end, its commands and how it shows an error.

The kernel owns every trait. The page asks for a change with a command and gets an acknowledgement, so a page whose
kernel is busy or gone notices it, and a refused value never appears to be set.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from html import escape
from typing import Any, ClassVar

import anywidget
import traitlets

from tlwidgets.errors import TlwError
from tlwidgets.widgets import assets
from tlwidgets.widgets.surroundings import enable_colab_widgets

_ANSWERS_KEPT = 64


class TlwWidget(anywidget.AnyWidget):
    """A widget whose front end has the stem of its own module: ``picker.py`` and ``picker.js``.

    Attributes:
        error: The last exception that a command from the page met, or None.
    """

    commands: ClassVar[dict[str, str]] = {}
    """Command of the page -> name of the method that does it."""

    error_text = traitlets.Unicode("").tag(sync=True)
    """What the widget shows as an alert; plain text, empty while all is well."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        stem = cls.__module__.rpartition(".")[2]
        if "_esm" not in cls.__dict__:
            cls._esm = assets.module(stem)
            cls._css = assets.style(stem)
        super().__init_subclass__(**kwargs)

    def __init__(self, **kwargs: Any) -> None:
        self.error: Exception | None = None
        self._showing = threading.RLock()
        self._answers: OrderedDict[str, dict[str, Any]] = OrderedDict()
        enable_colab_widgets()
        super().__init__(**kwargs)

    def __repr__(self) -> str:
        """What the widget shows, in a sentence; it depends on nothing but that."""
        return f"{type(self).__name__}()"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live view, and beside it the sentence that a reader without our front end shows."""
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        return {**data, "text/plain": repr(self), "text/html": f"<p>{escape(repr(self))}</p>"}, metadata

    def show_error(self, error: Exception | None) -> None:
        """Shows an error in the widget and keeps it in ``error``; None clears it."""
        with self._showing:  # a widget's own threads have errors too
            self.error = error
            self.error_text = "" if error is None else describe(error)

    def _send(self, msg: dict[str, Any], buffers: Any = None) -> None:
        """Called by ipywidgets for each message to the page."""
        super()._send(msg, buffers)
        # ipykernel 7 sends what the page says next to the subshell that this message came from. After a reload of the
        # page that subshell is gone, and everything would be dropped: let the page's own choice stand.
        getattr(self.comm, "__dict__", {}).pop("_reply_subshell_id", None)  # no kernel, no channel: None

    def _handle_custom_msg(self, content: dict[str, Any], buffers: list[Any]) -> None:
        """Called by ipywidgets for each message of the page."""
        self._msg_callbacks(self, content, buffers)
        if content.get("t") == "cmd":
            self._obey(content)
        else:
            self.receive(content)

    def receive(self, content: dict[str, Any]) -> None:
        """Answers a message that is not a command; a widget that expects some overrides this."""

    def _obey(self, content: dict[str, Any]) -> None:
        name, request = str(content.get("name")), str(content.get("id"))
        if request in self._answers:  # the page asked again because the answer took long
            self.send(self._answers[request])
            return
        answer = self._answers[request] = {"t": "ack", "id": request, "ok": False, "error": "It was broken off."}
        while len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        # The answer stands before anything is shown, and goes out whatever showing does: others listen to the widget.
        try:
            self._command(name)(**content.get("args", {}))
            self._answers[request] = answer = {"t": "ack", "id": request, "ok": True}
            self.show_error(None)
        except Exception as error:
            if not answer["ok"]:
                answer["error"] = describe(error)
                self.show_error(error)
            # What a person can put right is told in the widget; anything else is ours and must be heard of.
            if not isinstance(error, TlwError):
                raise
        finally:
            self.send(answer)

    def _command(self, name: str) -> Callable[..., Any]:
        if name not in self.commands:
            raise TlwError(f"{type(self).__name__} has no command {name!r}.", "Reload the page.")
        method: Callable[..., Any] = getattr(self, self.commands[name])
        return method


def describe(error: BaseException) -> str:
    """Words an exception for a person: our own as they are, others with their kind in front."""
    return str(error) if isinstance(error, TlwError) else f"{type(error).__name__}: {error}"
