"""The Studio in Notebook 7: shown, steered, found again after a reload, and its result in the saved notebook."""

from __future__ import annotations

from typing import Any

import pytest
from studio_page import (
    STEPS,
    TRAINING_MS,
    pause_and_hold,
    points,
    step,
    steps_done,
    wait_for_points,
    wait_for_status,
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CODE = 'import tlwidgets as tlw\nstudio = tlw.Studio("digits", epochs=60)\nstudio'


@pytest.fixture
def not_ours() -> tuple[str, ...]:
    """What Notebook 7.6.5 throws by itself: the first on every page, without our extension too; the second at times."""
    return (
        "Cannot read properties of undefined (reading 'schema')",
        "Command 'filebrowser:open-path' not registered.",
    )


@pytest.fixture
def studio(lab: Any, page: Any) -> Any:
    """The Studio in a notebook that Notebook 7 shows."""
    lab.open_in_notebook(page, lab.write_notebook("notebook7.ipynb", CODE))
    lab.run_all(page)
    page.locator(".tlw-steps").wait_for(timeout=TRAINING_MS)
    yield page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")


def test_a_run_is_steered_in_notebook_7_and_is_there_again_after_a_reload(
    lab: Any, studio: Any, audit: Any, screenshot: Any
) -> None:
    page = studio
    assert page.locator("body").get_attribute("data-notebook") == "notebooks", "this is Notebook 7, not JupyterLab"
    for name in STEPS:
        step(page, name)
    dashboard = step(page, "Train")
    dashboard.get_by_role("button", name="Start").click()
    wait_for_points(page, 3)
    held = pause_and_hold(page, dashboard)
    lab.save(page)
    page.reload()
    page.locator(".tlw-steps").wait_for(timeout=TRAINING_MS)
    dashboard = step(page, "Train")
    wait_for_status(page, "Paused")
    page.wait_for_function("(n) => Number(document.querySelector('.tlw-dashboard')?.dataset.points) === n", arg=held)
    dashboard.get_by_role("button", name="Resume").click()
    wait_for_points(page, held)
    dashboard.get_by_role("button", name="Stop").click()
    wait_for_status(page, "Stopped")
    page.wait_for_timeout(500)
    assert points(page) == steps_done(page)
    step(page, "Results").get_by_text("Test accuracy").first.wait_for(timeout=TRAINING_MS)
    look(lab, page, audit, screenshot)


def look(lab: Any, page: Any, audit: Any, screenshot: Any) -> None:
    """Both themes, with a run's curves and its result."""
    for mood in ("Dark", "Light"):
        lab.set_theme(page, f"JupyterLab {mood}")
        for name in ("Train", "Results"):
            step(page, name)
            page.wait_for_timeout(500)
            audit(page, ".tlw-shell")
            screenshot(page, f"notebook7-{name.lower()}-{mood.lower()}")


def test_the_extension_brings_what_notebook_7_has_a_place_for_and_breaks_nothing(lab: Any, page: Any) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    lab.open_in_notebook(page, lab.write_notebook("plain7.ipynb", "1 + 1"))
    commands = page.evaluate(
        "() => window.jupyterapp.commands.listCommands().filter((id) => id.startsWith('tlwidgets:'))"
    )
    assert {"tlwidgets:show-course", "tlwidgets:open-studio", "tlwidgets:check"} <= set(commands)
    page.evaluate("() => { void window.jupyterapp.commands.execute('tlwidgets:show-course') }")
    page.locator("#tlwidgets-course .tlw-lesson").first.wait_for()
    page.goto(f"{lab.url}/tree")
    page.locator(".jp-DirListing-item").filter(has_text="plain7.ipynb").wait_for()
    assert [each for each in complaints if "tlwidgets" in each] == []
