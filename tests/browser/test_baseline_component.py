"""The board of baselines in a bare page: asked for by keyboard, told while it goes on, cancelled, read at the end."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
ROWS = [
    {"name": "this run", "accuracy": 0.95, "gain": None, "low": None, "high": None},
    {"name": "majority class", "accuracy": 0.1, "gain": 0.85, "low": 0.81, "high": 0.89},
    {"name": "from scratch", "accuracy": 0.97, "gain": -0.02, "low": -0.041, "high": 0.001},
]


def state(**changes: Any) -> dict[str, Any]:
    return {
        "run_name": "digits-1", "why_not": "", "why_no_scratch": "", "status": "new", "progress": {}, "rows": [],
        "sentence": "", "notes": [], "code": "", **changes,
    }  # fmt: skip


def test_it_is_asked_for_and_cancelled_by_keyboard_alone(bare: Any) -> None:
    root = bare.mount("baseline_board", state())
    root.get_by_role("checkbox", name="Also train from scratch").focus()
    bare.page.keyboard.press("Space")
    bare.page.keyboard.press("Tab")
    bare.page.keyboard.press("Enter")
    command = bare.answer()
    assert (command["name"], command["args"]) == ("compare", {"scratch": True})
    bare.set("status", "running")
    cancel = root.get_by_role("button", name="Cancel")
    assert cancel.evaluate("(button) => button === document.activeElement"), "the focus is not lost"
    assert root.get_by_role("button", name="Compare").count() == 0
    assert root.get_by_role("checkbox").is_disabled()
    bare.page.keyboard.press("Enter")
    assert bare.answer()["name"] == "cancel"
    bare.set("status", "cancelled")
    start = root.get_by_role("button", name="Compare with baselines")
    assert start.evaluate("(button) => button === document.activeElement")
    assert root.get_by_text("Cancelled. What was measured").is_visible()


def test_a_screen_reader_hears_which_baseline_is_measured_and_not_every_percent(bare: Any) -> None:
    root = bare.mount("baseline_board", state(status="running"))
    live = root.locator("[aria-live=polite]").first
    bare.set("progress", {"name": "linear probe", "number": 3, "of": 4, "share": 0.25})
    assert live.inner_text() == "Measuring linear probe, 3 of 4"
    heard = "(el) => { window.heard = 0; new MutationObserver(() => window.heard++)"
    live.evaluate(heard + ".observe(el, { childList: true, characterData: true, subtree: true }); }")
    bare.set("progress", {"name": "linear probe", "number": 3, "of": 4, "share": 0.5})
    bar = root.get_by_role("progressbar", name="Progress of the comparison")
    assert bar.evaluate("(bar) => bar.value") == pytest.approx(0.625)
    bare.page.wait_for_timeout(50)
    assert bare.page.evaluate("window.heard") == 0
    bare.set("status", "finished")
    bare.set("sentence", "Positive transfer: so it is.")
    assert root.locator("[aria-live=polite]").nth(1).inner_text() == "Positive transfer: so it is."


def test_where_it_cannot_be_done_the_reason_stands_beside_the_button(bare: Any) -> None:
    root = bare.mount("baseline_board", state(why_not="A run is going on. Stop it, or wait until it ends."))
    start = root.get_by_role("button", name="Compare with baselines")
    assert start.is_disabled()
    assert root.get_by_text("A run is going on").is_visible()
    described = start.evaluate(
        "(button) => document.getElementById(button.getAttribute('aria-describedby')).textContent"
    )
    assert described.startswith("A run is going on")
    bare.set("why_not", "")
    assert start.is_enabled()
    bare.set("why_no_scratch", "The run itself starts from random weights.")
    assert root.get_by_role("checkbox").is_disabled()
    assert root.get_by_text("starts from random weights").is_visible()
    start.click()
    assert bare.answer(ok=False, error="The run has no folder any more.")["args"] == {"scratch": False}
    root.get_by_role("alert").get_by_text("no folder any more").wait_for()


@THEMES
def test_what_came_out_is_read_as_table_words_and_code(bare: Any, audit: Any, screenshot: Any, dark: bool) -> None:
    code = "import tlwidgets as tlw\n\nrun = tlw.Run.load('<b>x')\n"
    words = "Negative transfer: starting from tlw_resnet is 2.0 points worse than from random weights."
    done = state(status="finished", rows=ROWS, sentence=words, notes=[HOSTILE], code=code, run_name=HOSTILE)
    root = bare.mount("baseline_board", done, dark=dark)
    lines = [row.split("\t") for row in root.locator("tbody tr").all_inner_texts()]
    assert lines[0] == [HOSTILE, "95.0%", "", ""]
    assert lines[1] == ["majority class", "10.0%", "+85.0 points", "+81.0 to +89.0"]
    assert lines[2] == ["from scratch", "97.0%", "−2.0 points", "−4.1 to +0.1"]
    assert root.get_by_text(words).is_visible()
    root.get_by_text("Show code").click()
    assert root.locator("pre").inner_text() == code
    assert root.locator("img").count() == 0
    screenshot(bare.page, f"baselines-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")
    bare.set("status", "running")
    bare.set("progress", {"name": "from scratch", "number": 4, "of": 5, "share": 0.4})
    screenshot(bare.page, f"baselines-running-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")


def test_a_real_board_answers_the_page(bare: Any, recipe: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import comm
    from fake_comm import FakeComm

    import tlwidgets as tlw

    monkeypatch.setattr(comm, "create_comm", FakeComm)
    run = tlw.fit(recipe.replace(epochs=1), tmp_path / "runs" / "one", progress=False)
    board = tlw.BaselineBoard(run, recipe.data)
    root = bare.show(board)
    root.get_by_role("button", name="Compare with baselines").click()
    bare.pass_on(board)
    board.wait(60)
    for name in ("status", "rows", "sentence", "progress", "code"):
        bare.set(name, getattr(board, name))
    assert root.locator("tbody tr").count() == 4
    assert root.get_by_text("the best baseline").is_visible()
    assert root.get_by_role("button", name="Compare again").is_visible()
