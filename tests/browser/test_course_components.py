"""The course map in a bare page, and what a dashboard tells the page that it is in."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
PROGRESS = {
    "run": "r", "name": "r", "epoch": 4, "epochs": 6, "step": 140, "steps_per_epoch": 40, "total_steps": 240,
    "seconds": 21.0, "seconds_left": 14.7, "images_per_second": 213.4, "learning_rate": 0.00075,
    "best_val_accuracy": 0.914, "points": 140, "plan_epoch": 0,
}  # fmt: skip


class TestCourseMap:
    LESSONS = [
        {"name": "00_a", "number": "00", "title": "00 · First", "topic": "First", "minutes": 30, "needs": [],
         "exercises": [{"id": "a1", "title": "One"}, {"id": "a2", "title": HOSTILE}], "quizzes": ["aq"],
         "predictions": []},
        {"name": "01_b", "number": "01", "title": "01 · Second", "topic": "Second", "minutes": None,
         "needs": ["00", "09"], "exercises": [{"id": "b1", "title": "Three"}], "quizzes": [], "predictions": []},
    ]  # fmt: skip
    PROGRESS = {"00_a": {"started": "s", "checks": {"a1": {"passed": "now"}}, "quiz": {"aq": {"tries": 2}}}}

    def draw(self, bare: Any, *, dark: bool = False, **changes: Any) -> Any:
        state = {"lessons": self.LESSONS, "progress": self.PROGRESS, "problem": "", "note": "", **changes}
        return bare.mount("course_map", state, dark=dark, width=420)

    def test_it_says_how_each_lesson_stands_and_what_comes_next(self, bare: Any) -> None:
        root = self.draw(bare)
        first, second = root.locator(".tlw-lesson").all()
        assert (first.get_attribute("data-state"), second.get_attribute("data-state")) == ("started", "new")
        assert "1 of 2 exercises · quiz 0 of 1" in first.inner_text()
        assert root.get_by_role("button", name="Next: 00 First").is_visible()
        assert (
            root.get_by_role("progressbar", name="Progress of the course").get_attribute("aria-valuetext") == "1 of 4"
        )

    def test_progress_changes_it_in_place_and_the_focus_stays(self, bare: Any) -> None:
        root = self.draw(bare)
        root.get_by_role("button", name="Open 01 Second").focus()
        bare.set("progress", {"01_b": {"checks": {"b1": {"passed": "now"}}}})
        root.locator("[data-lesson='01_b'][data-state='done']").wait_for()
        assert bare.page.evaluate("document.activeElement.ariaLabel") == "Open 01 Second"

    def test_a_lesson_is_opened_and_reset_by_the_kernel(self, bare: Any) -> None:
        root = self.draw(bare)
        root.get_by_role("button", name="Open 01 Second").click()
        assert bare.answer() | {"id": 0} == {"t": "cmd", "id": 0, "name": "open", "args": {"lesson": "01_b"}}
        root.locator("summary").last.click()
        root.get_by_role("button", name="Reset 01").click()
        assert bare.answer(ok=False, error="Cannot write.")["name"] == "reset"
        root.get_by_role("alert").get_by_text("Cannot write.").wait_for()

    def test_a_prerequisite_leads_to_its_lesson_where_it_is_there(self, bare: Any) -> None:
        root = self.draw(bare)
        root.get_by_role("button", name="Builds on lesson 00 (started)").click()
        assert bare.page.evaluate("document.activeElement.ariaLabel") == "Open 00 First"
        assert root.get_by_role("button", name="Builds on lesson 09").is_disabled()

    def test_a_file_that_cannot_be_used_is_told_and_names_are_text(self, bare: Any, screenshot: Any) -> None:
        root = self.draw(bare, problem="damaged", note=HOSTILE)
        assert root.get_by_text("The progress file is damaged").is_visible()
        root.locator("summary").first.click()
        assert root.get_by_text(HOSTILE).count() == 2
        assert root.locator("img").count() == 0
        for mood in ("dark", "light"):
            root = self.draw(bare, dark=mood == "dark", problem="newer")
            root.locator("summary").first.click()
            screenshot(root, f"course-map-{mood}")


def test_a_dashboard_tells_the_page_of_its_run(bare: Any) -> None:
    bare.mount("dashboard", {"status": "running", "progress": PROGRESS, "learning_rate": 0.001, "can_start": True})
    bare.page.evaluate(
        "() => { window.told = []; addEventListener('tlwidgets:training', (e) => told.push(e.detail)); }"
    )
    bare.set("learning_rate", 0.002)
    latest = """() => {
      const { status, epoch, epochs, accuracy, element } = told.at(-1);
      return [status, epoch, epochs, accuracy, element.isConnected];
    }"""
    assert bare.page.evaluate(latest) == ["running", 4, 6, 0.914, True]
    bare.set("status", "paused")
    assert bare.page.evaluate(latest)[0] == "paused"
    bare.page.evaluate("() => window.cleanup()")
    assert bare.page.evaluate(latest)[0] == "gone"
    assert len(set(bare.page.evaluate("() => told.map(({ id }) => id)"))) == 1
