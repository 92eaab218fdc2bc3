"""The whole way through the Studio in a real JupyterLab: what a person does, in the order in which a person does it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

TimeoutError = pytest.importorskip("playwright.sync_api").TimeoutError  # noqa: A001  the browser's, not Python's

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"
TRAINING_MS = 240_000


def step(page: Any, name: str) -> Any:
    """Goes to a step of the Studio by its title."""
    page.locator(".tlw-step").filter(has_text=name).click()
    return page.locator(".tlw-panel:visible")


def points(page: Any) -> int:
    return int(page.locator(".tlw-dashboard").get_attribute("data-points") or 0)


def wait_for_points(page: Any, more_than: int) -> int:
    more = "(n) => Number(document.querySelector('.tlw-dashboard')?.dataset.points) > n"
    try:
        page.wait_for_function(more, arg=more_than, timeout=TRAINING_MS)
    except TimeoutError as late:
        shown = page.locator(".tlw-dashboard").inner_text()
        raise AssertionError(f"{points(page)} points, not more than {more_than}; the dashboard says: {shown}") from late
    return points(page)


def wait_for_status(page: Any, word: str) -> None:
    page.locator(".tlw-chip").get_by_text(word, exact=True).wait_for(timeout=TRAINING_MS)


def steps_done(page: Any) -> int:
    """Batches that the kernel has counted, asked of the kernel itself through the words beside the bar."""
    return int(page.locator(".tlw-bar[aria-label='Progress of the run']").get_attribute("aria-valuetext").split()[0])


@pytest.fixture
def studio(lab: Any, page: Any) -> Any:
    """The Studio on digits, drawn and idle."""
    name = lab.write_notebook(
        "studio.ipynb", 'import tlwidgets as tlw\nstudio = tlw.Studio("digits", epochs=60)\nstudio'
    )
    lab.open(page, name)
    lab.run_all(page)
    page.locator(".tlw-steps").wait_for(timeout=TRAINING_MS)
    yield page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")


def test_a_person_fine_tunes_on_digits_by_clicks_alone(lab: Any, studio: Any, screenshot: Any) -> None:
    page = studio
    look_at_every_step(lab, page, screenshot)
    freeze_a_stage(page, screenshot)
    train_and_steer(page)
    find_the_run_in_the_status_bar(page, screenshot)
    reload_in_the_middle(lab, page)
    stop_and_see_the_result(lab, page, screenshot)


def look_at_every_step(lab: Any, page: Any, screenshot: Any) -> None:
    for name in ("Data", "Backbone", "Stages", "Settings", "Train", "Results", "Code"):
        step(page, name)
        page.wait_for_timeout(300)
        for mood in ("Dark", "Light"):
            lab.set_theme(page, f"JupyterLab {mood}")
            page.wait_for_timeout(700)
            screenshot(page.locator(".tlw-shell"), f"studio-{name.lower()}-{mood.lower()}")
    assert "tlw.Recipe(" in page.locator(".tlw-code-text").inner_text()


def freeze_a_stage(page: Any, screenshot: Any) -> None:
    board = step(page, "Stages")
    before = board.locator(".tlw-board-total").inner_text()
    board.get_by_role("switch", name="stage1 learns").click()
    page.wait_for_function("(text) => document.querySelector('.tlw-board-total').textContent !== text", arg=before)
    assert board.get_by_role("switch", name="stage1 learns").inner_text() == "Frozen"
    board.locator(".tlw-board-costs").get_by_text("about").first.wait_for(timeout=TRAINING_MS)
    board.get_by_role("switch", name="stage1 learns").press("Control+z")
    board.get_by_role("button", name="Redo").and_(page.locator(":enabled")).click()
    page.wait_for_function("(text) => document.querySelector('.tlw-board-total').textContent !== text", arg=before)
    step(page, "Backbone").get_by_text("measured here: an epoch of").wait_for(timeout=TRAINING_MS)
    screenshot(page.locator(".tlw-shell"), "studio-measured-backbone")
    step(page, "Stages").get_by_role("button", name="blocks of stage2").click()
    screenshot(page.locator(".tlw-shell"), "studio-measured-stages")
    page.locator(".tlw-step").filter(has_text="Stages").get_by_text("of").wait_for()


def train_and_steer(page: Any) -> None:
    dashboard = step(page, "Train")
    dashboard.get_by_role("button", name="Start").click()
    grown = wait_for_points(page, 3)
    wait_for_points(page, grown)
    field = dashboard.get_by_label("Learning rate", exact=True)
    field.fill("0.0004")
    dashboard.get_by_role("button", name="Set Learning rate").click()
    assert "measured in this run" in step(page, "Stages").locator(".tlw-board-costs").inner_text()
    step(page, "Train")
    page.locator("dl div").filter(has_text="Learning rate").get_by_text("0.0004").or_(
        page.locator("dl div").filter(has_text="Learning rate").get_by_text("0.0003")
    ).first.wait_for(timeout=TRAINING_MS)
    dashboard.get_by_role("button", name="Pause").click()
    wait_for_status(page, "Paused")
    page.wait_for_timeout(500)
    held = points(page)
    page.wait_for_timeout(1500)
    assert points(page) == held
    dashboard.get_by_role("button", name="Resume").click()
    wait_for_points(page, held)


def find_the_run_in_the_status_bar(page: Any, screenshot: Any) -> None:
    item = page.locator("#tlwidgets-training")
    item.get_by_text(" of 60").wait_for()
    page.evaluate("() => { void window.jupyterapp.commands.execute('launcher:create') }")
    page.locator(".tlw-dashboard").wait_for(state="hidden")
    screenshot(page, "status-bar-while-training")
    item.get_by_role("button").click()
    page.locator(".tlw-dashboard").wait_for()


def reload_in_the_middle(lab: Any, page: Any) -> None:
    lab.save(page)
    before = points(page)
    page.reload()
    page.locator(".tlw-steps").wait_for(timeout=TRAINING_MS)
    step(page, "Train")
    wait_for_points(page, before)
    assert not page.locator(".tlw-notice").is_visible()


def stop_and_see_the_result(lab: Any, page: Any, screenshot: Any) -> None:
    dashboard = step(page, "Train")
    dashboard.get_by_role("button", name="Stop").click()
    wait_for_status(page, "Stopped")
    page.locator("#tlwidgets-training").wait_for(state="hidden")
    page.wait_for_timeout(500)
    assert points(page) == steps_done(page)
    results = step(page, "Results")
    results.get_by_text("Test accuracy").first.wait_for(timeout=TRAINING_MS)
    for mood in ("Dark", "Light"):
        lab.set_theme(page, f"JupyterLab {mood}")
        page.wait_for_timeout(300)
        screenshot(page.locator(".tlw-shell"), f"studio-after-results-{mood.lower()}")
        step(page, "Train")
        page.wait_for_timeout(300)
        screenshot(page.locator(".tlw-shell"), f"studio-after-train-{mood.lower()}")
        step(page, "Results")


def test_the_result_card_stays_in_the_saved_notebook(
    lab: Any, page: Any, tiny: str, hostile_folder: Path, screenshot: Any
) -> None:
    code = f"import tlwidgets as tlw\nstudio = tlw.Studio({str(hostile_folder)!r}, {tiny!r}, epochs=1)\nstudio"
    name = lab.write_notebook("card.ipynb", code, "studio.start()\n_ = studio.wait()")
    lab.open(page, name)
    lab.run_all(page)
    card = page.locator(".jp-RenderedHTMLCommon").get_by_text("test accuracy").first
    card.wait_for(timeout=TRAINING_MS)
    assert HOSTILE in page.locator(".jp-OutputArea").first.inner_text()
    lab.save(page)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")
    page.reload()
    page.locator(".jp-RenderedHTMLCommon").get_by_text("test accuracy").first.wait_for()
    assert page.locator("img[src='x']").count() == 0
    for mood in ("Dark", "Light"):
        lab.set_theme(page, f"JupyterLab {mood}")
        screenshot(page.locator(".jp-OutputArea").first, f"saved-card-{mood.lower()}")


@pytest.fixture
def hostile_folder(picture_folder: Path) -> Path:
    """Pictures in folders, one of them named as an attack."""
    (picture_folder / "plain").rename(picture_folder / HOSTILE)
    return picture_folder


def test_after_a_restart_of_the_kernel_the_widget_says_so(lab: Any, page: Any, tiny: str) -> None:
    code = f"import tlwidgets as tlw\nboard = tlw.FreezeBoard({tiny!r})\nboard"
    lab.open(page, lab.write_notebook("restart.ipynb", code))
    lab.run_all(page)
    page.locator(".tlw-board").wait_for(timeout=TRAINING_MS)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.get_by_role("switch", name="head learns").click()
    page.get_by_role("alert").get_by_text("restarted").wait_for()


def test_keys_pressed_in_a_widget_do_not_reach_the_notebook(lab: Any, page: Any, tiny: str) -> None:
    code = f"import tlwidgets as tlw\nboard = tlw.FreezeBoard({tiny!r})\nboard"
    lab.open(page, lab.write_notebook("keys.ipynb", code))
    # To its end: JupyterLab takes the focus back to the notebook when a run is over.
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => null)")
    page.locator(".tlw-board").wait_for(timeout=TRAINING_MS)
    page.get_by_role("switch", name="stem learns").click()
    assert page.evaluate("() => document.activeElement.dataset.stage") == "stem"
    cells = "() => window.jupyterapp.shell.currentWidget.content.widgets.length"
    before = page.evaluate(cells)
    for key in ("b", "a", "b"):
        page.keyboard.press(key)
    assert page.evaluate(cells) == before
