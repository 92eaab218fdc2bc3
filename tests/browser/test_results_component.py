"""The results of a Studio in a bare page: what a run that failed came to, and what to do where it came to nothing."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
RUN = {"run": "digits-2", "backbone": "tlw_resnet", "learns": "6 of 6 stages", "epochs": 3, "seconds": 12.0}
CARD = {
    "card": "digits-2", "title": "digits with tlw_resnet", "caution": "", "verdict": "", "note": "", "accuracy": 0.8,
    "right": 8, "n": 10, "majority": 0.2, "classes": ["0", HOSTILE], "confusion": [[4, 1], [1, 4]], "wrongest": [],
}  # fmt: skip


def state(**changes: Any) -> dict[str, Any]:
    return {"runs": [], "card": {}, "note": "", **changes}


@THEMES
def test_a_run_that_failed_is_marked_and_says_by_what_it_is_judged(
    bare: Any, audit: Any, screenshot: Any, dark: bool
) -> None:
    failed = RUN | {"accuracy": 0.8, "mark": "failed, best epoch 2 kept"}
    finished = RUN | {"run": "digits-1", "accuracy": 0.9, "mark": ""}
    note = f"The run failed: {HOSTILE} It is judged by the best epoch until then, epoch 2."
    root = bare.mount("results", state(runs=[failed, finished], card=CARD | {"note": note}), dark=dark)
    lines = root.locator("table").first.locator("tbody tr")
    assert "failed, best epoch 2 kept" in lines.nth(0).inner_text()
    assert "failed" not in lines.nth(1).inner_text()
    assert root.get_by_text(note).is_visible()
    assert root.locator("img").count() == 0
    screenshot(bare.page, f"results-failed-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")


def test_where_nothing_is_left_to_judge_it_says_what_to_do_and_a_screen_reader_hears_it(bare: Any) -> None:
    root = bare.mount("results", state())
    assert root.locator(".tlw-caution").is_hidden()
    bare.set("note", f"The latest run failed and left nothing to judge. {HOSTILE}")
    told = root.locator(".tlw-caution[role=status]")
    assert told.inner_text() == f"The latest run failed and left nothing to judge. {HOSTILE}"
    bare.set("note", "")
    assert told.is_hidden()
