"""Every widget that stands alone, in one notebook of a real JupyterLab with a real kernel, by keyboard and by mouse.

The dashboard, the settings, the results and the code have their part in the Studio's journey.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from studio_page import TRAINING_MS

pytestmark = [pytest.mark.browser, pytest.mark.slow]

START = """
import tlwidgets as tlw
from tlwidgets.exercises import predict
data = tlw.load_data({folder!r})
run = tlw.Run.load({run!r})
"""
CELLS = {
    "picker": "picker = tlw.BackbonePicker('tlw_resnet', data=data)\npicker",
    "board": "board = tlw.FreezeBoard({tiny!r})\nboard",
    "data": "view = tlw.DataView(data, {tiny!r})\nview",
    "predictions": "mistakes = tlw.PredictionView(run, data)\nmistakes.show('all')\nmistakes",
    "compare": "compare = tlw.RunCompare('journey-runs', runs=())\ncompare",
    "teach": "teach = tlw.Teach(('dots', 'lines'), backbone={tiny!r})\nteach",
    "domains": "domains = tlw.Domains('digits', backbone={tiny!r}, n=40)\ndomains",
    "choice": "predict('sd-p1')",
    "course": "tlw.course()",
}
CLASSES = {"course": "course-widget"}  # where the page has another name
ASK = """
async (code) => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const asked = kernel.requestExecute({ code, store_history: false });
  let said = "";
  asked.onIOPub = ({ content }) => { said += content.text ?? content.traceback?.join("\\n") ?? ""; };
  await asked.done;
  return said;
}
"""


class Desk:
    """The notebook with its widgets, each in a cell of its own."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def widget(self, name: str) -> Any:
        """The root of a widget, in sight."""
        root = self.page.locator(f".tlw-root.tlw-{CLASSES.get(name, name)}")
        root.scroll_into_view_if_needed()
        return root

    def ask(self, expression: str) -> Any:
        """A value as the kernel has it now."""
        said = self.page.evaluate(ASK, f"import json; print(json.dumps({expression}))")
        try:
            return json.loads(said)
        except ValueError:
            raise AssertionError(said) from None

    def wait_for(self, expression: str, value: Any = True) -> None:
        """Waits until the kernel has this value."""
        found = None
        for _ in range(150):
            found = self.ask(expression)
            if found == value:
                return
            self.page.wait_for_timeout(200)
        raise AssertionError(f"{expression} is {found!r}, not {value!r}")

    @property
    def cells(self) -> int:
        """How many cells the notebook has."""
        return int(self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length"))


@pytest.fixture
def desk(lab: Any, page: Any, tiny: str, recipe: Any, picture_folder: Path) -> Iterator[Desk]:
    """One notebook, run to its end, with two runs beside it."""
    import tlwidgets as tlw

    runs = lab.root / "journey-runs"
    base = recipe.replace(data=str(picture_folder), epochs=1)
    tlw.fit(base, runs / "first", progress=False)
    tlw.fit(base.replace(learning_rate=0.002), runs / "second", progress=False)
    names = {"folder": str(picture_folder), "run": str(runs / "first"), "tiny": tiny}
    cells = [START.strip().format(**names), *(cell.format(**names) for cell in CELLS.values())]
    page.set_viewport_size({"width": 1280, "height": 1100})
    lab.open(page, lab.write_notebook("widgets.ipynb", *cells))
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells').then(() => null)")
    for name in CELLS:
        page.locator(f".tlw-root.tlw-{CLASSES.get(name, name)}").wait_for(timeout=TRAINING_MS)
    yield Desk(page)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")


def test_every_widget_is_used_once_by_keyboard_and_by_mouse(lab: Any, desk: Desk, audit: Any, screenshot: Any) -> None:
    before = desk.cells
    pick(desk)
    freeze(desk)
    look_at_the_data(desk)
    correct(desk)
    compare(desk)
    teach(desk)
    shift(desk)
    foretell(desk)
    read_the_course(desk)
    assert desk.cells == before, "a key pressed in a widget reached the notebook"
    assert desk.page.locator(".jp-OutputArea [data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    look_at_all(lab, desk, audit, screenshot)


def look_at_all(lab: Any, desk: Desk, audit: Any, screenshot: Any) -> None:
    """Both themes, in the state that the person has left; all faults of all widgets are told at once."""
    faults = []
    for mood in ("Dark", "Light"):
        lab.set_theme(desk.page, f"JupyterLab {mood}")
        desk.page.wait_for_timeout(500)
        for name in CELLS:
            screenshot(desk.widget(name), f"journey-{name}-{mood.lower()}")
            try:
                audit(desk.page, f".tlw-root.tlw-{CLASSES.get(name, name)}")
            except AssertionError as fault:
                faults.append(f"{name}, {mood}: {fault}")
    assert not faults, "\n".join(faults)


def pick(desk: Desk) -> None:
    picker = desk.widget("picker")
    picker.get_by_role("option", name="tlw_resnet").first.wait_for()
    picker.get_by_role("searchbox").focus()
    desk.page.keyboard.type("tlw_vit")
    picker.get_by_text("1 of ").wait_for()
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")
    desk.wait_for("picker.value", "tlw_vit")
    picker.get_by_role("button", name="Clear the search").click()
    picker.get_by_role("searchbox").fill("tlw_resnet_pen")
    picker.get_by_role("option", name="tlw_resnet_pen").click()
    desk.wait_for("picker.value", "tlw_resnet_pen")


def freeze(desk: Desk) -> None:
    board = desk.widget("board")
    board.get_by_role("switch", name="stage1 learns").click()
    desk.wait_for("board.states['stage1']", "frozen")
    board.get_by_role("switch", name="stage2 learns").focus()
    desk.page.keyboard.press("Space")
    desk.wait_for("board.states['stage2']", "frozen")
    board.get_by_role("slider").focus()
    desk.page.keyboard.press("Home")
    desk.page.keyboard.press("ArrowDown")
    desk.wait_for("[board.states['stem'], board.states['stage1']]", ["frozen", "trainable"])
    board.get_by_role("button", name="Undo").focus()
    desk.page.keyboard.press("Enter")
    desk.wait_for("board.states['stem']", "trainable")


def look_at_the_data(desk: Desk) -> None:
    view = desk.widget("data")
    view.locator(".tlw-sample img").first.wait_for()
    toggle = view.get_by_role("group", name="Changes shown").get_by_role("button", name="Scale")
    toggle.focus()
    desk.page.keyboard.press("Enter")
    desk.wait_for("'scale' in view.changes")
    view.locator("[data-row='scale'] img").first.wait_for()
    view.get_by_role("button", name="Draw again").click()
    desk.wait_for("view.draw", 1)


def correct(desk: Desk) -> None:
    view = desk.widget("predictions")
    card = view.get_by_role("listitem").first
    card.get_by_role("button", name="Exclude").click()
    card.get_by_text("Left out").wait_for()
    view.get_by_role("button", name="Undo").focus()
    desk.page.keyboard.press("Enter")
    desk.wait_for("mistakes.n_changes", 0)
    label = card.get_by_role("combobox")
    now = label.input_value()
    label.focus()
    desk.page.keyboard.press("ArrowDown" if now == "across" else "ArrowUp")
    desk.wait_for("mistakes.n_changes", 1)
    view.get_by_role("button", name="Revert all").click()
    desk.wait_for("mistakes.n_changes", 0)
    card.get_by_role("button", name="Why?").focus()
    desk.page.keyboard.press("Enter")
    view.locator(".tlw-why img").nth(1).wait_for(timeout=TRAINING_MS)


def compare(desk: Desk) -> None:
    view = desk.widget("compare")
    view.get_by_role("checkbox", name="Compare first").focus()
    desk.page.keyboard.press("Space")
    desk.wait_for("compare.chosen", ["first"])
    view.get_by_role("checkbox", name="Compare second").check()
    desk.wait_for("compare.chosen", ["first", "second"])
    view.get_by_role("combobox", name="Curve").focus()
    desk.page.keyboard.press("ArrowDown")
    desk.wait_for("compare.measure", "val_loss")
    view.get_by_text("What differs in their recipes").wait_for()
    view.get_by_role("cell", name="0.002").wait_for()


def teach(desk: Desk) -> None:
    view = desk.widget("teach")
    view.get_by_role("button", name="Add class").wait_for()
    canvas = view.locator("canvas")
    draw(desk, canvas, [(60, 60), (64, 64)])
    view.get_by_role("button", name="Add to dots").click()
    desk.wait_for("teach.counts", [1, 0])
    draw(desk, canvas, [(20, 20), (240, 240), (240, 40)])
    view.get_by_role("button", name="Add to lines").focus()
    desk.page.keyboard.press("Enter")
    desk.wait_for("teach.counts", [1, 1])
    canvas.focus()
    for key in (
        "ArrowLeft",
        "Space",
        "ArrowDown",
        "ArrowDown",
        "ArrowRight",
        "Space",
        "Control+z",
        "Space",
        "PageDown",
    ):
        desk.page.keyboard.press(key)
    desk.page.keyboard.press("Enter")
    desk.wait_for("teach.counts", [2, 1])
    draw(desk, canvas, [(30, 30), (230, 230)])
    desk.wait_for("len(teach.answer)", 2)
    name = view.get_by_label("Name of a new class")
    name.focus()
    desk.page.keyboard.type("blobs")
    desk.page.keyboard.press("Enter")
    desk.wait_for("teach.classes", ["dots", "lines", "blobs"])


def draw(desk: Desk, canvas: Any, points: list[tuple[int, int]]) -> None:
    """A stroke with the mouse, through points that are pixels from the corner of the canvas."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse = desk.page.mouse
    mouse.move(box["x"] + points[0][0], box["y"] + points[0][1])
    mouse.down()
    for x, y in points[1:]:
        mouse.move(box["x"] + x, box["y"] + y, steps=4)
    mouse.up()


def shift(desk: Desk) -> None:
    view = desk.widget("domains")
    view.get_by_role("slider", name="Brightness of the target").focus()
    for _ in range(4):
        desk.page.keyboard.press("ArrowRight")
    desk.wait_for("round(domains.shifts['brightness'], 2)", 0.2)
    view.get_by_role("radio", name="CORAL").check()
    desk.wait_for("domains.adaptation", "coral")


def foretell(desk: Desk) -> None:
    question = desk.widget("choice")
    question.get_by_role("radio").first.focus()
    desk.page.keyboard.press("Space")
    question.get_by_role("slider").focus()
    desk.page.keyboard.press("End")
    question.locator("button[type=submit]").click()
    question.get_by_role("status").filter(has_text="a").wait_for()


def read_the_course(desk: Desk) -> None:
    course = desk.widget("course")
    course.locator(".tlw-lesson").first.wait_for()
    course.locator("button, summary, a, [tabindex='0']").first.focus()
    assert course.evaluate("(root) => root.contains(document.activeElement)")


def test_no_widget_that_stands_alone_is_forgotten() -> None:
    from tlwidgets import widgets

    in_the_studio = {"BaselineBoard", "CodePanel", "Results", "ResultCard", "Settings", "Studio", "TrainingDashboard"}
    here = {
        "BackbonePicker",
        "CourseMap",
        "DataView",
        "Domains",
        "FreezeBoard",
        "PredictionView",
        "RunCompare",
        "Teach",
    }
    assert {name for name in widgets.__all__ if name[0].isupper()} == here | in_the_studio
