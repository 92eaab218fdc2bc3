"""The extension in a real JupyterLab: cards, copies, the side bar, checks, runs, and what is done with bad input."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tlwidgets.lessons import FILE, list_lessons, read_progress, start_course

pytestmark = [pytest.mark.browser, pytest.mark.slow]

HOSTILE = "<img src=x onerror=alert(1)>"
LESSON = "06_small_data"
COURSE = "transfer-learning"
EXERCISES, QUIZZES = next((len(each.exercises), len(each.quizzes)) for each in list_lessons() if each.name == LESSON)
TRAINING_MS = 240_000  # a kernel that imports torch, on a machine that has other things to do
CHECK = "[data-jp-item-name='tlwidgets-check']"


@pytest.fixture
def not_ours() -> tuple[str, ...]:
    """JupyterLab asks a kernel for a subshell as it goes away."""
    return ("Error: Canceled future for create_subshell_request message before replies were done",)


@pytest.fixture
def course(lab: Any) -> Iterator[Path]:
    """The folder of a learner who begins anew."""
    folder = lab.root / COURSE
    shutil.rmtree(folder, ignore_errors=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(lab.root / "runs", ignore_errors=True)


@pytest.fixture
def desk(lab: Any, page: Any, course: Path) -> Iterator[Any]:
    """JupyterLab with nothing open; a dialog of the browser's own, as a script in a name would open, fails the test."""
    dialogs = watch_dialogs(page)
    show(lab, page)
    yield page
    leave(lab, page)
    assert dialogs == []


def leave(lab: Any, page: Any) -> None:
    """Goes away from JupyterLab, which may ask a kernel something just as it ends, then ends all kernels."""
    page.goto("about:blank")
    request, cookies = page.context.request, page.context.cookies(lab.url)
    headers = {"X-XSRFToken": next(cookie["value"] for cookie in cookies if cookie["name"] == "_xsrf")}
    for session in request.get(f"{lab.url}/api/sessions").json():
        request.delete(f"{lab.url}/api/sessions/{session['id']}", headers=headers)


def watch_dialogs(page: Any) -> list[str]:
    """What pops up as a dialog of the browser's own, besides the question whether to leave an unsaved notebook."""
    seen: list[str] = []

    def answer(dialog: Any) -> None:
        if dialog.type != "beforeunload":
            seen.append(dialog.message)
        dialog.accept()

    page.on("dialog", answer)
    return seen


def show(lab: Any, page: Any) -> None:
    """Loads JupyterLab with nothing open and waits for our cards."""
    page.goto(f"{lab.url}/lab?reset")
    page.wait_for_selector(".jp-LauncherCard")


def command(page: Any, name: str, **args: Any) -> None:
    """Runs a command; does not wait for its end, which a dialog would keep away."""
    page.evaluate("([name, args]) => { void window.jupyterapp.commands.execute(name, args) }", [name, args])


def panel(page: Any) -> Any:
    """The course panel, shown."""
    command(page, "tlwidgets:show-course")
    side = page.locator("#tlwidgets-course")
    side.locator(".tlw-lesson").first.wait_for()
    return side


def opened(page: Any) -> str:
    """Path of the notebook in front, once it is drawn."""
    page.wait_for_function("() => window.jupyterapp.shell.currentWidget?.context?.isReady")
    return str(page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path"))


def told(page: Any, words: str) -> Any:
    """Waits for a notification."""
    toast = page.locator(".jp-toast-message, .Toastify__toast").filter(has_text=words).first
    toast.wait_for()
    return toast


def card(page: Any, text: str) -> Any:
    return page.locator(".jp-LauncherCard").filter(has_text=text)


def test_a_card_for_the_studio_and_one_for_each_lesson(lab: Any, desk: Any, screenshot: Any) -> None:
    card(desk, "Studio").first.wait_for()
    for lesson in list_lessons():
        one = card(desk, f"{lesson.number} {lesson.topic}")
        one.wait_for()
        assert f"{lesson.minutes} min" in one.inner_text()
        assert one.locator("svg").count() == 1
    assert desk.locator(".jp-Launcher-sectionTitle", has_text="Transfer learning").count() == 1
    card(desk, list_lessons()[-1].topic).scroll_into_view_if_needed()
    for mood in ("Dark", "Light"):
        lab.set_theme(desk, f"JupyterLab {mood}")
        desk.wait_for_timeout(500)
        screenshot(desk, f"launcher-{mood.lower()}")


def test_the_settings_take_the_cards_away_and_name_the_folder(lab: Any, desk: Any, course: Path) -> None:
    save = "(raw) => window.jupyterapp.serviceManager.settings.save('tlwidgets:plugin', raw)"
    try:
        desk.evaluate(save, json.dumps({"launcherCards": False, "lessonsFolder": "../my/course"}))
        show(lab, desk)
        panel(desk).get_by_role("button", name=re.compile("^Open 06")).click()
        assert opened(desk) == f"my/course/{LESSON}.ipynb"
        assert (lab.root / "my/course" / FILE).is_file()
        command(desk, "launcher:create")
        desk.locator(".jp-LauncherCard:visible").first.wait_for()
        assert card(desk, "06 Small data").count() == 0
    finally:
        desk.evaluate(save, "{}")
        shutil.rmtree(lab.root / "my", ignore_errors=True)


def test_a_lesson_is_copied_once_then_opened_and_a_reset_keeps_a_backup(desk: Any, course: Path) -> None:
    card(desk, "06 Small data").click()
    assert opened(desk) == f"{COURSE}/{LESSON}.ipynb"
    copy = course / f"{LESSON}.ipynb"
    assert "### BEGIN SOLUTION" not in copy.read_text()
    desk.locator(CHECK).wait_for()
    # A kernel that has just started adds its name to the notebook, which is then unsaved again.
    desk.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"
    )
    desk.wait_for_timeout(500)
    desk.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    desk.evaluate("() => window.jupyterapp.commands.execute('application:close-all')")
    mine = copy.read_text().replace("Twenty pictures to be judged by", "My own words")
    copy.write_text(mine)
    command(desk, "tlwidgets:open-lesson", lesson=LESSON)
    desk.get_by_role("heading", name="My own words").wait_for()
    assert "My own words" in copy.read_text()
    command(desk, "tlwidgets:reset-lesson")
    desk.locator(".jp-Dialog").get_by_role("button", name="Reset").click()
    desk.get_by_role("heading", name="Twenty pictures").wait_for()
    (backup,) = course.glob(f"{LESSON}.backup-*.ipynb")
    assert "My own words" in backup.read_text()
    assert "My own words" not in copy.read_text()
    told(desk, backup.name)


def test_a_lesson_opened_in_the_file_browser_counts_as_begun(desk: Any, course: Path) -> None:
    course.mkdir()
    shutil.copy(next(lesson.path for lesson in list_lessons() if lesson.name == LESSON), course / "renamed.ipynb")
    command(desk, "docmanager:open", path=f"{COURSE}/renamed.ipynb")
    desk.locator(CHECK).wait_for()
    panel(desk).locator(f"[data-lesson='{LESSON}'][data-state='started']").wait_for()
    assert list(read_progress(course).lessons) == [LESSON]


def test_other_notebooks_have_no_check_button(lab: Any, desk: Any) -> None:
    lab.open(desk, lab.write_notebook("plain.ipynb", "1 + 1"), reset=False)
    desk.wait_for_timeout(1000)
    assert desk.locator(CHECK).count() == 0


SOLVE = """
(answers) => {
  for (const cell of window.jupyterapp.shell.currentWidget.content.widgets) {
    const mark = cell.model.getMetadata("nbgrader");
    if (mark?.solution && answers[mark.grade_id]) cell.model.sharedModel.setSource(answers[mark.grade_id]);
  }
}
"""


def test_progress_moves_after_a_passed_check_and_survives_restarts(
    lab: Any, desk: Any, course: Path, screenshot: Any
) -> None:
    card(desk, "06 Small data").click()
    desk.locator(CHECK).wait_for()
    side = panel(desk)
    row = side.locator(f"[data-lesson='{LESSON}']")
    row.get_by_text(f"0 of {EXERCISES} exercises").wait_for()
    desk.locator(CHECK).locator("button, jp-button").first.click()
    side.locator("[data-id='sd-groups'][data-status='failed']").get_by_text("Run the cells above").wait_for()
    side.get_by_text(f"Small data: 0 of {EXERCISES + QUIZZES} passed").wait_for()
    answers = {
        "sd-groups": "from sklearn.model_selection import GroupKFold\nsplitter = GroupKFold(5)",
        "sd-q1": 'quiz("sd-q1", "c")',
    }
    desk.evaluate(SOLVE, answers)
    run_first_code_cell(desk)
    command(desk, "tlwidgets:check")
    side.locator("[data-id='sd-groups'][data-status='passed']").wait_for()
    side.get_by_text(f"Small data: 2 of {EXERCISES + QUIZZES} passed").wait_for()
    row.get_by_text(f"1 of {EXERCISES} exercises · quiz 1 of {QUIZZES}").wait_for()
    beside = (
        desk.locator(".jp-Cell")
        .filter(has=desk.locator(".jp-OutputArea"))
        .filter(has_text="Keep copies together: passed")
    )
    side.get_by_role("button", name="Keep copies together").click()
    beside.first.wait_for()
    for mood in ("Dark", "Light"):
        lab.set_theme(desk, f"JupyterLab {mood}")
        desk.wait_for_timeout(500)
        screenshot(desk, f"course-panel-{mood.lower()}")
    lab.save(desk)
    leave(lab, desk)
    show(lab, desk)
    panel(desk).locator(f"[data-lesson='{LESSON}']").get_by_text(
        f"1 of {EXERCISES} exercises · quiz 1 of {QUIZZES}"
    ).wait_for()
    assert read_progress(course).lessons[LESSON]["checks"]["sd-groups"]["passed"]


def test_an_answer_that_fails_drops_no_cell_that_waits_and_a_second_check_waits_for_the_first(
    desk: Any, course: Path
) -> None:
    card(desk, "06 Small data").click()
    desk.locator(CHECK).wait_for()
    side = panel(desk)
    desk.evaluate(SOLVE, {"sd-groups": "import time\ntime.sleep(3)\nnot_there", "sd-q1": 'quiz("sd-q1", "c")'})
    command(desk, "tlwidgets:check")
    command(desk, "tlwidgets:check")
    # The imports wait in the kernel while the first answer sleeps, and fails.
    run_first_code_cell(desk)
    side.locator("[data-id='sd-q1'][data-status='passed']").wait_for()
    side.get_by_text(f"Small data: 1 of {EXERCISES + QUIZZES} passed").wait_for()


def run_first_code_cell(page: Any) -> None:
    """Runs the imports of a lesson and waits for their end."""
    page.evaluate(
        """async () => {
          const { content } = window.jupyterapp.shell.currentWidget;
          content.activeCellIndex = content.widgets.findIndex((cell) => cell.model.type === "code");
          await window.jupyterapp.commands.execute("notebook:run-cell");
        }"""
    )


def test_the_panel_by_keyboard_alone(desk: Any, course: Path) -> None:
    card(desk, "06 Small data").wait_for()
    desk.locator("body").press("Alt+Shift+T")
    desk.keyboard.press("c")
    desk.wait_for_function("() => document.activeElement.textContent.startsWith('Next: 00')")
    desk.keyboard.press("Tab")
    focused = "() => document.activeElement.closest('[data-lesson]')?.dataset.lesson"
    assert desk.evaluate(focused) == list_lessons()[0].name
    desk.keyboard.press("ArrowDown")
    assert desk.evaluate(focused) == list_lessons()[1].name
    desk.keyboard.press("End")
    assert desk.evaluate(focused) == list_lessons()[-1].name
    desk.keyboard.press("Home")
    desk.keyboard.press("ArrowUp")
    assert desk.evaluate(focused) == list_lessons()[0].name
    desk.keyboard.press("End")
    desk.keyboard.press("Enter")
    assert opened(desk).endswith(f"{list_lessons()[-1].name}.ipynb")
    assert (course / f"{list_lessons()[-1].name}.ipynb").is_file()


def test_every_part_of_the_panel_has_a_name_and_a_size_for_fingers(desk: Any, course: Path) -> None:
    start_runs(course, "first")
    side = panel(desk)
    side.locator(".tlw-run").wait_for()
    assert side.get_by_role("progressbar").count() == 1 + len(list_lessons())
    nameless = """(root) => [...root.querySelectorAll('button, input, summary')].filter((one) =>
      !(one.getAttribute('aria-label') || one.textContent || one.closest('label')?.textContent).trim()).length"""
    assert side.evaluate(nameless) == 0
    small = """(root) => [...root.querySelectorAll('button, summary')].filter((one) => one.offsetParent)
      .filter((one) => one.getBoundingClientRect().height < 24).map((one) => one.textContent)"""
    assert side.evaluate(small) == []


def start_runs(folder: Path, *names: str) -> None:
    """Runs as their folders look on disk."""
    for name in names:
        run = folder / "runs" / name
        run.mkdir(parents=True)
        (run / "recipe.yaml").write_text("backbone: '<b>net</b>'\nplan:\n  stem: frozen\n  head: trainable\n")
        (run / "metrics.json").write_text('{"test": {"accuracy": 0.913}}')
        (run / "status.json").write_text('{"status": "finished"}')


def test_runs_are_listed_and_one_goes_to_the_trash_after_asking(lab: Any, desk: Any, course: Path) -> None:
    start_runs(course, "mine")
    start_runs(lab.root, HOSTILE)
    side = panel(desk)
    run = side.locator(f"[data-run='{COURSE}/runs/mine']")
    run.get_by_text("<b>net</b> · 1 of 2 stages learn").wait_for()
    run.get_by_text("test accuracy 91.3 % · finished").wait_for()
    assert side.get_by_text(HOSTILE).count() == 1
    run.get_by_role("button", name="Delete mine").click()
    desk.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
    assert (course / "runs/mine").is_dir()
    run.get_by_role("button", name="Delete mine").click()
    desk.locator(".jp-Dialog").get_by_role("button", name="Delete").click()
    run.wait_for(state="detached")
    assert not (course / "runs/mine").exists()
    (trashed,) = lab.root.parent.rglob("Trash*/files/mine")
    assert (trashed / "recipe.yaml").is_file()


def test_the_path_of_a_run_is_copied(desk: Any, course: Path) -> None:
    start_runs(course, "mine")
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel(desk).get_by_role("button", name="Copy the path of mine").click()
    desk.locator("#tlwidgets-course").get_by_text(f"Copied {COURSE}/runs/mine").wait_for()
    assert desk.evaluate("() => navigator.clipboard.readText()") == f"{COURSE}/runs/mine"


def test_chosen_runs_are_compared_in_a_notebook(desk: Any, course: Path, recipe: Any) -> None:
    import tlwidgets as tlw

    for seed in (0, 1):
        tlw.fit(recipe.replace(seed=seed, epochs=1), path=course / "runs" / f"seed-{seed}", progress=False)
    side = panel(desk)
    compare = side.get_by_role("button", name="Compare the chosen runs")
    compare.wait_for()
    assert compare.is_disabled()
    for seed in (0, 1):
        side.get_by_role("checkbox", name=f"Choose seed-{seed} to compare").check()
    compare.click()
    desk.locator(".jp-OutputArea .tlw-root").get_by_text("seed-1").first.wait_for(timeout=TRAINING_MS)
    assert re.fullmatch(rf"{COURSE}/compare-runs-[\d-]+\.ipynb", opened(desk))


def test_a_damaged_progress_file_is_said_and_kept(desk: Any, course: Path) -> None:
    course.mkdir()
    (course / FILE).write_text("{")
    side = panel(desk)
    side.get_by_text("The progress file is damaged").wait_for()
    side.get_by_role("button", name=re.compile("^Open 06")).click()
    told(desk, "kept as tlwidgets-progress.damaged-")
    (kept,) = course.glob("*.damaged-*.json")
    assert kept.read_text() == "{"
    side.get_by_text("The progress file is damaged").wait_for(state="hidden")
    assert read_progress(course).problem == ""


def test_a_folder_that_cannot_be_written_gives_a_read_only_copy_and_says_so(desk: Any, course: Path) -> None:
    course.mkdir()

    def refuse(route: Any) -> None:
        allowed = route.request.method == "GET"
        route.continue_() if allowed else route.fulfill(status=403, json={"message": "Permission denied"})

    desk.route(f"**/api/contents/{COURSE}**", refuse)
    card(desk, "06 Small data").click()
    desk.get_by_role("heading", name="Twenty pictures").wait_for()
    told(desk, "read-only copy")
    assert opened(desk) == f"tlwidgets-lessons:{LESSON}.ipynb"
    assert list(course.iterdir()) == []


def test_a_missing_lesson_and_a_folder_in_its_place_are_told(desk: Any, course: Path) -> None:
    desk.route(f"**/tlwidgets/course/{LESSON}.ipynb", lambda route: route.fulfill(status=404))
    card(desk, "06 Small data").click()
    told(desk, "is missing from this installation")
    assert not course.exists()
    desk.unroute(f"**/tlwidgets/course/{LESSON}.ipynb")
    (course / f"{LESSON}.ipynb").mkdir(parents=True)
    card(desk, "06 Small data").click()
    assert opened(desk) == f"{COURSE}/{LESSON}-2.ipynb"
    told(desk, "A folder is called")


def test_without_its_catalogue_jupyterlab_works_and_the_panel_says_why(lab: Any, page: Any, course: Path) -> None:
    page.route("**/tlwidgets/course/catalogue.json", lambda route: route.fulfill(status=500))
    show(lab, page)
    card(page, "Studio").first.wait_for()
    assert card(page, "06 Small data").count() == 0
    command(page, "tlwidgets:show-course")
    page.locator("#tlwidgets-course").get_by_text("The catalogue of lessons cannot be read").wait_for()


def test_hostile_titles_are_text(lab: Any, page: Any, course: Path) -> None:
    lesson = {"name": LESSON, "number": HOSTILE, "title": HOSTILE, "topic": HOSTILE, "minutes": 1, "needs": [HOSTILE],
              "exercises": [{"id": HOSTILE, "title": HOSTILE}], "quizzes": [], "predictions": []}  # fmt: skip
    catalogue = {"format": "tlwidgets course", "version": 1, "lessons": [lesson]}
    page.route("**/tlwidgets/course/catalogue.json", lambda route: route.fulfill(json=catalogue))
    dialogs = watch_dialogs(page)
    show(lab, page)
    side = panel(page)
    side.locator(".tlw-lesson-more > summary").click()
    assert HOSTILE in side.inner_text()
    assert page.locator("img[src='x']").count() == 0
    assert dialogs == []


def test_a_course_begun_where_jupyter_was_started_is_gone_on_with(lab: Any, desk: Any, course: Path) -> None:
    start_course(lab.root, "00_studio")
    try:
        side = panel(desk)
        side.locator("[data-lesson='00_studio'][data-state='started']").wait_for()
        side.get_by_role("button", name=re.compile("^Open 06")).click()
        assert opened(desk) == f"{LESSON}.ipynb"
        desk.locator(CHECK).wait_for()
        side.locator(f"[data-lesson='{LESSON}'][data-state='started']").wait_for()
        assert not course.exists()
    finally:
        (lab.root / FILE).unlink()
        (lab.root / f"{LESSON}.ipynb").unlink(missing_ok=True)


def test_the_studio_opens_from_its_card_and_runs(desk: Any, course: Path) -> None:
    card(desk, "Studio").first.click()
    desk.locator(".tlw-steps").wait_for(timeout=TRAINING_MS)
    assert opened(desk) == f"{COURSE}/studio.ipynb"
