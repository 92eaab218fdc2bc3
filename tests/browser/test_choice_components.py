"""Predictions and quizzes in a bare page, answered by the real Python side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import comm
import pytest
from fake_comm import FakeComm

from tlwidgets.exercises import predict, questions, quiz, reveal

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def notebook(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    monkeypatch.delenv("TLW_STRICT", raising=False)
    yield
    questions._clicked.clear()
    questions._predictions.clear()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_prediction_is_made_by_keyboard_alone(bare: Any, screenshot: Any, dark: bool) -> None:
    widget = predict("wt-p2").show()
    root = bare.show(widget, dark=dark)
    press = bare.page.keyboard.press
    root.get_by_role("radio").first.focus()
    press("ArrowDown")
    press("Tab")
    for _ in range(4):
        press("ArrowRight")
    assert root.get_by_text("70 %, fairly sure").is_visible()
    press("Tab")
    press("Enter")
    bare.pass_on(widget)
    assert root.get_by_role("status").inner_text() == "You chose b (confidence 0.7). Run on: the result will tell."
    assert not repr(reveal("wt-p2")).startswith("prediction wt-p2: not yet")
    screenshot(bare.page, f"predict-{'dark' if dark else 'light'}")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_wrong_answer_is_told_why_and_may_be_changed(bare: Any, screenshot: Any, dark: bool) -> None:
    widget = quiz("wt-q1").show()
    root = bare.show(widget, dark=dark)
    group = root.get_by_role("group", name=widget.question)
    assert root.get_by_role("slider").count() == 0
    root.get_by_role("button", name="Check").click()
    assert root.get_by_role("status").inner_text() == "Choose one of the answers first."
    group.get_by_role("radio").nth(0).check()
    root.get_by_role("button", name="Check").click()
    bare.pass_on(widget)
    assert root.get_by_role("status").inner_text() == widget.reply["text"]
    assert root.get_by_text("✗").is_visible()
    screenshot(bare.page, f"quiz-{'dark' if dark else 'light'}")
    group.get_by_role("radio").nth(2).check()
    assert root.get_by_role("status").inner_text() == ""
    root.get_by_role("button", name="Check").click()
    bare.pass_on(widget)
    assert root.get_by_text("✓").is_visible()


def test_a_silent_kernel_is_noticed_and_what_is_chosen_outlives_another_render(bare: Any) -> None:
    root = bare.show(quiz("wt-q1").show())
    root.get_by_role("radio").nth(1).check()
    root.get_by_role("button", name="Check").click()
    bare.page.evaluate("render()")
    assert bare.page.get_by_role("radio").nth(1).is_checked()
    bare.page.get_by_role("button", name="Check").click()
    bare.page.get_by_text("The kernel is busy").wait_for()
