"""The whole way through the Studio in a real JupyterLab: what a person does, in the order in which a person does it."""

from __future__ import annotations

from pathlib import Path
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

HOSTILE = "<img src=x onerror=alert(1)>"


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


def test_a_person_fine_tunes_on_digits_by_clicks_alone(lab: Any, studio: Any, audit: Any, screenshot: Any) -> None:
    page = studio
    look_at_every_step(lab, page, audit, screenshot)
    freeze_a_stage(page, screenshot)
    show_the_code_by_keyboard(lab, page, audit, screenshot)
    train_and_steer(page)
    find_the_run_in_the_status_bar(page, screenshot)
    reload_in_the_middle(lab, page)
    stop_and_see_the_result(lab, page, audit, screenshot)


def look_at_every_step(lab: Any, page: Any, audit: Any, screenshot: Any) -> None:
    for name in STEPS:
        step(page, name)
        page.wait_for_timeout(300)
        for mood in ("Dark", "Light"):
            lab.set_theme(page, f"JupyterLab {mood}")
            page.wait_for_timeout(700)
            screenshot(page.locator(".tlw-shell"), f"studio-{name.lower()}-{mood.lower()}")
            audit(page, ".tlw-shell")
    assert "tlw.Recipe(" in page.locator(".tlw-code .tlw-code-text").inner_text()


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


def show_the_code_by_keyboard(lab: Any, page: Any, audit: Any, screenshot: Any) -> None:
    step(page, "Stages")
    code = page.locator(".tlw-step-code")
    code.get_by_role("button", name="Show code").focus()
    page.keyboard.press("Enter")
    code.get_by_text("tlw.FreezePlan(backbone").wait_for()
    page.locator(".tlw-step").filter(has_text="Stages").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    code.get_by_text("recipe.to_yaml()").wait_for()
    assert "stage1" in code.locator("code").inner_text()
    for mood in ("Dark", "Light"):
        lab.set_theme(page, f"JupyterLab {mood}")
        page.wait_for_timeout(500)
        screenshot(page.locator(".tlw-shell"), f"studio-step-code-{mood.lower()}")
        audit(page, ".tlw-shell")
    code.get_by_role("button", name="Hide code").focus()
    page.keyboard.press("Enter")
    code.locator("pre").wait_for(state="hidden")


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
    held = pause_and_hold(page, dashboard)
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


def stop_and_see_the_result(lab: Any, page: Any, audit: Any, screenshot: Any) -> None:
    dashboard = step(page, "Train")
    dashboard.get_by_role("button", name="Stop").click()
    wait_for_status(page, "Stopped")
    page.locator("#tlwidgets-training").wait_for(state="hidden")
    page.wait_for_timeout(500)
    assert points(page) == steps_done(page)
    results = step(page, "Results")
    results.get_by_text("Test accuracy").first.wait_for(timeout=TRAINING_MS)
    compare_with_baselines(page)
    for mood in ("Dark", "Light"):
        lab.set_theme(page, f"JupyterLab {mood}")
        page.wait_for_timeout(300)
        for name in ("Results", "Train"):
            step(page, name)
            page.wait_for_timeout(300)
            screenshot(page.locator(".tlw-shell"), f"studio-after-{name.lower()}-{mood.lower()}")
            audit(page, ".tlw-shell")


def compare_with_baselines(page: Any) -> None:
    train = step(page, "Train")
    button = train.get_by_role("button", name="Compare with baselines").and_(page.locator(":enabled"))
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("the best baseline").and_(page.locator(":visible")).first.wait_for(timeout=TRAINING_MS)
    assert train.locator(".tlw-baselines tbody tr").count() == 4
    chart = train.get_by_role("img", name="Accuracy")
    assert "linear probe" in str(chart.get_attribute("aria-label"))
    card = step(page, "Results").locator(".tlw-live-card")  # the output below is lost to a page that was reloaded
    card.get_by_text("the best baseline").wait_for(timeout=TRAINING_MS)


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
    page.get_by_role("status").get_by_text("The kernel was restarted or has ended").wait_for()
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
