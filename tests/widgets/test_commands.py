"""How commands of the page are answered: once, truthfully, and whatever showing the outcome does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from tlwidgets.errors import RecipeError
from tlwidgets.widgets import Settings
from tlwidgets.widgets.base import TlwWidget


class Breaking(TlwWidget):
    """A widget whose command can be broken."""

    _esm = "export default {}"
    commands: ClassVar[dict[str, str]] = {"fail": "fail", "work": "work", "leave": "leave"}

    def fail(self) -> None:
        raise RecipeError("It cannot be done.")

    def work(self) -> None:
        pass

    def leave(self) -> None:
        raise KeyboardInterrupt


def answers(widget: TlwWidget) -> list[bool]:
    return [message.content["ok"] for message in widget.comm.custom("ack")]


def test_an_error_is_acknowledged_although_showing_it_fails_and_stays_one(receive: Callable[..., None]) -> None:
    widget = Breaking()

    def listener(_: Any) -> None:
        raise RuntimeError("a listener of the widget breaks")

    widget.observe(listener, "error_text")
    request = {"t": "cmd", "id": "same", "name": "fail"}
    with pytest.raises(RuntimeError, match="breaks"):
        receive(widget, request)
    receive(widget, request)
    assert answers(widget) == [False, False]
    assert {message.content["error"] for message in widget.comm.custom("ack")} == {"It cannot be done."}


def test_a_command_that_is_broken_off_is_no_success(receive: Callable[..., None]) -> None:
    widget = Breaking()
    with pytest.raises(KeyboardInterrupt):
        receive(widget, {"t": "cmd", "id": "1", "name": "leave"})
    receive(widget, {"t": "cmd", "id": "2", "name": "work"})
    assert answers(widget) == [False, True]


def test_a_setting_that_others_refuse_is_not_kept(receive: Callable[..., None]) -> None:
    settings = Settings()

    def refuse(_: Any) -> None:
        raise RecipeError("Not here.")

    settings.before_value(refuse)
    receive(settings, {"t": "cmd", "id": "1", "name": "set", "args": {"name": "epochs", "value": 3}})
    assert (settings.epochs, settings.error_text) == (Settings().epochs, "Not here.")
