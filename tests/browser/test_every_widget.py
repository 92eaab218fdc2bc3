"""Every widget as the kernel fills it, with hostile names throughout: nothing runs, axe-core finds nothing serious."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comm
import numpy as np
import pytest
from fake_comm import FakeComm
from payloads import INTRUDERS, PAYLOADS, as_file_name
from PIL import Image

pytestmark = pytest.mark.browser
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, tiny: str) -> dict[str, Any]:
    """Two runs of hostile names on data of hostile names: classes in memory, files in a folder."""
    import tlwidgets as tlw

    folder = tmp_path_factory.mktemp("hostile")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (100, 16, 16, 3)).astype(np.uint8)
    data = tlw.load_data((images, np.array(PAYLOADS)[np.arange(100) % 20]))
    for number, payload in enumerate(PAYLOADS):
        place = folder / "pictures" / as_file_name(PAYLOADS[number % 2])
        place.mkdir(parents=True, exist_ok=True)
        for copy in range(3):
            name = f"{copy}{as_file_name(payload)}.png"
            Image.fromarray(rng.integers(0, 255, (16, 16, 3)).astype(np.uint8)).save(place / name)
    runs = folder / "runs"
    names = [as_file_name(payload) for payload in PAYLOADS[:2]]
    base = tlw.Recipe(data=data, backbone=tiny, epochs=1, batch_size=16)
    first = tlw.fit(base, runs / names[0], progress=False)
    tlw.fit(base.replace(learning_rate=0.002), runs / names[1], progress=False)
    files = tlw.load_data(folder / "pictures")
    shutil.copytree(folder / "pictures", folder / "copies")
    for place in list((folder / "copies").iterdir()):
        twin = next(place.iterdir())
        shutil.copy(twin, place / f"twin of {twin.name}")
        (place / f"broken{twin.name}").write_bytes(b"no picture")
    run = tlw.fit(base.replace(data=files), folder / "of files", progress=False)
    return {"data": data, "run": first, "runs": runs, "files": files, "run of files": run, "tiny": tiny} | {
        "files with copies": tlw.load_data(folder / "copies")
    }


@pytest.fixture
def fake_comm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", FakeComm)


def board(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import FreezeBoard

    shown = FreezeBoard(world["tiny"])
    shown.measure(60)
    return shown


def baselines(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import BaselineBoard

    shown = BaselineBoard(world["run"], world["data"])
    shown.compare()
    shown.wait(60)
    shown.rows = [shown.rows[0], *(row | {"name": name} for row, name in zip(shown.rows[1:], PAYLOADS, strict=False))]
    shown.run_name, shown.sentence, shown.notes = PAYLOADS[0], "\n".join(PAYLOADS), PAYLOADS
    return shown


def code(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import CodePanel

    return CodePanel(lambda: world["run of files"].recipe)


def course(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import CourseMap

    return CourseMap(world["runs"])


def dashboard(world: dict[str, Any]) -> Any:
    from tlwidgets.training import events
    from tlwidgets.widgets import TrainingDashboard

    shown = TrainingDashboard(recipe=world["run"].recipe)
    shown.feed(
        events.RunStarted(
            run_id="r", name=PAYLOADS[0], epochs=2, steps_per_epoch=2, total_steps=4, classes=tuple(PAYLOADS)
        )
    )
    numbers = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 0.01, "images_per_second": 9.0}
    shown.feed(events.BatchEnded(time=1, step=1, epoch=1, **numbers))
    row = dict.fromkeys(["train_loss", "val_loss", "train_accuracy", "val_accuracy", *PAYLOADS], 0.5)
    judged = events.Judged(confusion=((1,) * 20,) * 20, wrongest=((0, 1, 0.9),))
    shown.feed(events.EpochEnded(time=1, epoch=1, row=row, judged=judged))
    shown._flush()
    shown.session = SimpleNamespace(data=world["data"])
    shown.show_baselines(dict.fromkeys(PAYLOADS[:3], 0.4))
    shown.others = [{"name": name, "epochs": [1], "val_loss": [1.0], "val_accuracy": [0.3]} for name in PAYLOADS[:4]]
    return shown


def domains(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import Domains

    rng = np.random.default_rng(0)
    data = (rng.integers(0, 255, (200, 16, 16, 3)).astype(np.uint8), np.array(PAYLOADS[:2])[np.arange(200) % 2])
    return Domains(data, backbone=world["tiny"], n=50)


def picker(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import BackbonePicker

    return BackbonePicker("tlw_resnet")


def picker_with_ranking(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import BackbonePicker

    shown = BackbonePicker("tlw_resnet", data=world["data"])
    shown.rank([world["tiny"], "tlw_resnet"])
    shown.wait(60)
    rows = [row | {"name": payload} for row, payload in zip(shown.ranking["rows"], PAYLOADS, strict=False)]
    left_out = [{"name": payload, "reason": payload} for payload in PAYLOADS]
    shown.ranking = shown.ranking | {"rows": [*rows, *shown.ranking["rows"]], "left_out": left_out}
    shown.pace = {"mac": 1e-10, "byte": 4e-9}
    shown.cost = {"name": "tlw_resnet", "seconds": 0.01, "step_bytes": 25_000_000, "measured": True}
    return shown


def prediction(world: dict[str, Any]) -> Any:
    return ask(world, "predict")


def quiz(world: dict[str, Any]) -> Any:
    return ask(world, "quiz")


def ask(world: dict[str, Any], kind: str) -> Any:
    from tlwidgets.exercises.choice import choice_widget
    from tlwidgets.exercises.model import Question
    from tlwidgets.exercises.questions import Reply

    choices = dict(zip("abcdefghijklmnopqrst", PAYLOADS, strict=True))
    question = Question("x", "x", kind, PAYLOADS[0], choices, "a", choices)
    return choice_widget(question, lambda *_: Reply(kind, "x", "recorded", "\n".join(PAYLOADS), good=False), "b", 0.7)


def predictions(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import PredictionView

    view = PredictionView(world["run"], world["data"])
    view.explain(view.rows[0]["sample_id"])
    view.relabel(view.rows[0]["sample_id"], PAYLOADS[2])
    return view


def predictions_of_files(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import PredictionView

    view = PredictionView(world["run of files"], world["files"])
    view.show("all")
    view.exclude(view.rows[0]["sample_id"])
    return view


def results(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import ResultCard, Results

    shown = Results()
    row = {"run": PAYLOADS[1], "backbone": PAYLOADS[2], "learns": "1 of 2", "epochs": 2, "seconds": 3.0}
    card = ResultCard(world["run"], world["data"])
    card.add_verdict("\n".join(PAYLOADS))
    shown.add(row | {"accuracy": 0.5}, card.content)
    return shown


def settings(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import Settings

    return Settings()


def data_view(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import DataView

    view = DataView(world["data"], world["tiny"], augmentation="flip")
    view.set_changes(view.every_change)
    view.uploaded = dict.fromkeys(PAYLOADS, 3)
    return view


def data_view_of_files(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import DataView

    return DataView(world["files with copies"], world["tiny"])


def run_compare(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import RunCompare

    return RunCompare(world["runs"])


def step_code(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets.code_writing import data_code
    from tlwidgets.widgets.step_code import StepCode

    shown = StepCode(lambda _: data_code(world["run of files"].recipe), (PAYLOADS[0],))
    shown.show()
    return shown


def steps(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets.steps import Steps

    shown = Steps(("Data", "Train"))
    shown.note(0, PAYLOADS[0], done=True)
    return shown


def teach(world: dict[str, Any]) -> Any:
    from tlwidgets.widgets import Teach

    shown = Teach(tuple(PAYLOADS), backbone=world["tiny"])
    for payload in PAYLOADS:
        shown.add(payload, np.zeros((16, 16), np.uint8))
    shown.look(np.zeros((16, 16), np.uint8))
    return shown


EVERY = [
    baselines, board, code, course, dashboard, domains, data_view, data_view_of_files, picker, picker_with_ranking,
    prediction, predictions, predictions_of_files, quiz, results, run_compare, settings, step_code, steps, teach,
]  # fmt: skip


@pytest.fixture
def widget(request: pytest.FixtureRequest, world: dict[str, Any], fake_comm: None) -> Any:
    """One of them, alive."""
    make: Callable[[dict[str, Any]], Any] = request.param
    return make(world)


def test_no_widget_is_forgotten(world: dict[str, Any], fake_comm: None) -> None:
    drawn = {type(make(world)).__module__.rpartition(".")[2] for make in EVERY}
    frontend = Path(__file__).parents[2] / "tlwidgets/frontend/src"
    assert drawn == {path.stem for path in frontend.glob("*.ts")}


def unfold(page: Any) -> None:
    """Opens whatever can be opened, so that nothing escapes the eye."""
    page.evaluate("() => document.querySelectorAll('#widget details').forEach((each) => { each.open = true; })")
    page.evaluate("() => document.querySelectorAll('#widget [aria-expanded=false]').forEach((each) => each.click())")


@pytest.mark.parametrize("widget", EVERY, indirect=True, ids=lambda make: make.__name__)
@THEMES
def test_nothing_serious_is_found_by_axe(bare: Any, audit: Any, widget: Any, dark: bool, screenshot: Any) -> None:
    bare.show(widget, dark=dark)
    bare.page.wait_for_timeout(300)
    unfold(bare.page)
    bare.pass_on(widget)
    audit(bare.page, "#widget")
    bare.set("error_text", "A sentence that says what is wrong.")
    screenshot(bare.page, f"every-{type(widget).__name__.lower()}-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")


POINTED_AT = [(steps, ".tlw-step"), (picker, ".tlw-option"), (quiz, ".tlw-answer")]


@pytest.mark.parametrize(("widget", "selector"), POINTED_AT, indirect=["widget"], ids=["steps", "picker", "quiz"])
@THEMES
def test_what_the_pointer_is_on_keeps_its_contrast(
    bare: Any, audit: Any, widget: Any, selector: str, dark: bool
) -> None:
    bare.show(widget, dark=dark)
    bare.page.locator(selector).nth(1).hover()
    bare.page.wait_for_timeout(200)
    audit(bare.page, "#widget")


@pytest.mark.parametrize("widget", EVERY, indirect=True, ids=lambda make: make.__name__)
def test_names_and_errors_are_text_and_never_html(bare: Any, widget: Any) -> None:
    if hasattr(widget, "show_error"):
        widget.show_error(ValueError("\n".join(PAYLOADS)))
    root = bare.show(widget)
    alert = root.locator("[role='alert']")
    if alert.count():
        assert alert.first.is_visible() == bool(widget.error_text)
        bare.set("error_text", "\n".join(PAYLOADS))
        assert alert.first.text_content().split("\n") == PAYLOADS
    unfold(bare.page)
    bare.pass_on(widget)
    for element in root.locator("[title]:visible, button:visible").all()[:12]:
        element.hover(force=True)
    bare.page.wait_for_timeout(200)
    assert bare.page.evaluate("window.pwned") is None
    assert root.locator(INTRUDERS).evaluate_all("all => all.map((element) => element.outerHTML)") == []


def test_the_result_card_is_text_too(page: Any, audit: Any, world: dict[str, Any]) -> None:
    from tlwidgets.widgets import ResultCard

    card = ResultCard(world["run"], world["data"])
    card.add_verdict("\n".join(PAYLOADS))
    html = card.html + ResultCard(world["run of files"], world["files"]).html
    for style in ("background:#fff;color:#000", "background:#111;color:#eee"):
        page.set_content(f"<!doctype html><html lang='en'><title>Card</title><body style='{style}'><main>{html}</main>")
        page.wait_for_timeout(100)
        assert page.evaluate("window.pwned") is None
        assert page.locator("main").locator(INTRUDERS).count() == 0
        audit(page, "main")
    for payload in PAYLOADS[:2]:
        assert page.get_by_text(as_file_name(payload)[:11]).count() > 0
