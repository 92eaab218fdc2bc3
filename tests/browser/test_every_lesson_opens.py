"""Every lesson, opened in a real JupyterLab as a learner meets it: its title, its cells, and no error on the page."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tlwidgets.lessons import Lesson, list_lessons

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = Path(__file__).parents[2] / "notebooks" / "lessons"
# JupyterLab itself asks for what a server need not have; that is no fault of a lesson.
NOT_OURS = ("favicon", "/api/me", "/lab/api/workspaces", "/api/kernels", "/api/sessions", "WebSocket")


@pytest.mark.parametrize("lesson", list_lessons(LESSONS), ids=lambda lesson: lesson.name)
def test_a_lesson_opens_with_its_title_and_without_an_error(
    lab: Any, page: Any, screenshot: Any, lesson: Lesson
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(complaint(message)) if message.type == "error" else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    shutil.copy(lesson.path, lab.root / f"{lesson.name}.ipynb")
    try:
        lab.open(page, f"{lesson.name}.ipynb")
        heading = page.locator(".jp-Notebook h1").first
        heading.wait_for()
        assert lesson.title in heading.inner_text()
        look(lab, page, screenshot, lesson.name)
        every_cell_is_drawn(page)
        assert (
            page.locator(".jp-Notebook .jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
        )
        assert page.locator(".jp-Notebook .MathJax_Error, .jp-Notebook mjx-merror").count() == 0
    finally:
        page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")
        page.goto("about:blank")
        (lab.root / f"{lesson.name}.ipynb").unlink()
    assert [each for each in complaints if not any(word in each for word in NOT_OURS)] == []
    strangers = [url for url in asked if not url.startswith((lab.url, "blob:", "data:", "about:"))]
    assert strangers == [], "a lesson fetches nothing from the network"


def complaint(message: Any) -> str:
    return f"{message.text} {message.location.get('url', '')}"


def look(lab: Any, page: Any, screenshot: Any, name: str) -> None:
    """Takes the top screen in both themes."""
    page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); }")
    for mood in ("Dark", "Light"):
        lab.set_theme(page, f"JupyterLab {mood}")
        page.wait_for_timeout(400)
        screenshot(page, f"lesson-{name}-{mood.lower()}")


def every_cell_is_drawn(page: Any) -> None:
    """Goes through all cells, because JupyterLab draws those out of sight only once they are looked at."""
    last = page.evaluate(
        """async () => {
          const notebook = window.jupyterapp.shell.currentWidget.content;
          for (let i = 0; i < notebook.widgets.length; i++) {
            await notebook.scrollToItem(i, "smart");
            await notebook.widgets[i].ready;
          }
          return notebook.widgets.length;
        }"""
    )
    assert last > 20
    assert (
        page.evaluate(
            """() => window.jupyterapp.shell.currentWidget.content.widgets
          .filter((cell) => cell.model.type === "code" && cell.model.outputs.length).length"""
        )
        == 0
    )
