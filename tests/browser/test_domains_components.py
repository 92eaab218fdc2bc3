"""Two domains in a bare page, moved by keyboard and answered by the real Python side."""

from __future__ import annotations

from typing import Any

import comm
import pytest
from fake_comm import FakeComm

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_target_is_shifted_and_adapted_by_keyboard(
    bare: Any, screenshot: Any, dark: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlwidgets.widgets import Domains

    monkeypatch.setattr(comm, "create_comm", FakeComm)
    widget = Domains("digits", n=100)
    root = bare.show(widget, dark=dark)
    drawn = "() => document.querySelector('.tlw-mark-target').getAttribute('d')"
    before = bare.page.evaluate(drawn)
    assert before.count("M") == 100
    pictures = root.get_by_role("img", name="an image of the target")
    seen = pictures.first.get_attribute("src")
    assert pictures.count() == 6
    root.get_by_role("slider", name="Contrast of the target").focus()
    bare.page.keyboard.press("Home")
    bare.pass_on(widget)
    bare.page.wait_for_timeout(50)
    assert widget.shifts["contrast"] == 0.2
    assert bare.page.evaluate(drawn) != before
    assert pictures.first.get_attribute("src") != seen
    shifted = widget.target_accuracy
    root.get_by_role("radio", name="None").focus()
    bare.page.keyboard.press("ArrowDown")
    bare.pass_on(widget)
    assert widget.adaptation == "standardise"
    assert root.get_by_role("status").inner_text() == widget.sentence
    assert f"{widget.target_accuracy:.0%} of the target" in root.locator("svg.tlw-scatter").get_attribute("aria-label")
    assert widget.target_accuracy != shifted
    screenshot(bare.page.locator("#widget"), f"domains-{'dark' if dark else 'light'}")


def test_what_is_wished_while_the_kernel_works_is_done_after_it(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from tlwidgets.widgets import Domains

    monkeypatch.setattr(comm, "create_comm", FakeComm)
    widget = Domains("digits", n=40)
    root = bare.show(widget)
    root.get_by_role("slider", name="Noise in the target").focus()
    bare.page.keyboard.press("End")
    bare.page.keyboard.press("ArrowLeft")
    bare.page.keyboard.press("ArrowLeft")
    root.get_by_role("radio", name="CORAL").check()
    assert [message["name"] for message in bare.sent if message["t"] == "cmd"] == ["shift"]
    for _ in range(3):
        bare.pass_on(widget)
        bare.page.wait_for_timeout(50)
    assert (widget.shifts["noise"], widget.adaptation) == (0.36, "coral")
    assert root.get_by_role("slider", name="Noise in the target").input_value() == "0.36"
    assert root.get_by_role("radio", name="CORAL").is_checked()


def test_a_kernel_that_does_not_answer_is_told_of_and_the_slider_goes_back(
    bare: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlwidgets.widgets import Domains

    monkeypatch.setattr(comm, "create_comm", FakeComm)
    root = bare.show(Domains("digits", n=40))
    slider = root.get_by_role("slider", name="Brightness of the target")
    slider.focus()
    bare.page.keyboard.press("Home")
    root.get_by_role("alert").wait_for()
    assert slider.input_value() == "0"
