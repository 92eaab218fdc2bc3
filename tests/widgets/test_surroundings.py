"""Where the page is somebody else's, or there is none: Colab, a page that never answers, a terminal."""

from __future__ import annotations

import io
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.events import EventManager, available_events

import tlwidgets as tlw
from tlwidgets.errors import TrainingError
from tlwidgets.training import events
from tlwidgets.widgets import FreezeBoard, Studio, TrainingDashboard, surroundings
from tlwidgets.widgets.result_place import ResultPlace
from tlwidgets.widgets.surroundings import IN_COLAB, UNANSWERED, PageWatch


@pytest.fixture
def colab(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """As if this were Colab; what was asked of its module."""
    asked: list[str] = []
    output = types.ModuleType("google.colab.output")
    output.enable_custom_widget_manager = lambda: asked.append("enabled")  # type: ignore[attr-defined]
    output._widgets = SimpleNamespace(_installed_url="https://colab.example/manager.js")  # type: ignore[attr-defined]
    package = types.ModuleType("google.colab")
    package.output = output  # type: ignore[attr-defined]
    google = types.ModuleType("google")
    google.colab = package  # type: ignore[attr-defined]
    for module in (google, package, output):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A notebook's shell, of which a test runs the cells."""
    made = SimpleNamespace(kernel=object())
    made.events = EventManager(made, available_events)
    monkeypatch.setattr(surroundings, "get_ipython", lambda: made)
    return made


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every timer that was started; a test lets its time pass."""
    started: list[Any] = []

    class Timer:
        def __init__(self, seconds: float, done: Callable[[], None]) -> None:
            self.seconds, self.done, self.cancelled = seconds, done, False

        def start(self) -> None:
            started.append(self)

        def cancel(self) -> None:
            self.cancelled = True

    monkeypatch.setattr(surroundings.threading, "Timer", Timer)
    return started


def pass_time(timers: list[Any]) -> None:
    """Lets the time of every timer pass that nobody has cancelled."""
    for timer in timers:
        if not timer.cancelled:
            timer.done()


def words(place: Any) -> str:
    """What a place shows, as text."""
    return str(place._repr_mimebundle_()["text/plain"]) if hasattr(place, "words") else ""


@pytest.mark.parametrize("how", ["module", "environment"])
def test_colab_is_known_by_its_module_or_its_release(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    assert not surroundings.in_colab()
    assert surroundings.threads_reach_the_page()
    if how == "module":
        monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    else:
        monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_20260101")
    assert surroundings.in_colab()
    assert not surroundings.threads_reach_the_page()


def test_every_widget_switches_colabs_manager_for_widgets_on(colab: list[str], monkeypatch: Any, tiny: str) -> None:
    monkeypatch.setattr("anywidget.widget.in_colab", lambda: False)  # it does so too, and would hide that we do not
    FreezeBoard(tiny)
    assert colab == ["enabled"]


def test_a_colab_without_that_manager_still_has_the_python_side(monkeypatch: pytest.MonkeyPatch, tiny: str) -> None:
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    assert FreezeBoard(tiny).states


class InThread:
    """Lets a fake session live in a thread, as a real one does."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.threads: list[threading.Thread] = []
        self.may_end = threading.Event()
        self.may_end.set()
        session.start = self.start

    def start(self) -> Any:
        self.session.status = "running"
        self.threads.append(threading.Thread(target=self.live))
        self.threads[-1].start()
        return self.session

    def live(self) -> None:
        self.session.tell(run_started())
        for step in range(1, 11):
            self.session.batch(step)
        self.may_end.wait(20)
        self.session.finish()


def run_started() -> events.RunStarted:
    """The first event of a run of ten batches."""
    names = {"run_id": "r", "name": "r", "classes": ("a", "b"), "recipe": {}}
    return events.RunStarted(**names, epochs=1, steps_per_epoch=10, total_steps=10)


@pytest.fixture
def living(fake_session: Any) -> Iterator[InThread]:
    """A session of ten batches that begins when it is started."""
    made = InThread(fake_session)
    yield made
    for thread in made.threads:
        thread.join(20)


def senders(dashboard: TrainingDashboard, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """New states of the run, each with the thread that told it."""
    told: list[tuple[str, str]] = []
    dashboard.observe(lambda change: told.append((change["new"], threading.current_thread().name)), "status")
    return told


@pytest.mark.parametrize("block", [True, None], ids=["asked for", "in Colab"])
def test_a_run_that_blocks_is_told_to_the_page_from_the_thread_that_waits(
    living: InThread, monkeypatch: pytest.MonkeyPatch, block: bool | None
) -> None:
    if block is None:
        monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    others = set(threading.enumerate())  # of tests before this one
    dashboard = TrainingDashboard(living.session)
    ended: list[str] = []
    dashboard.on_end(lambda _: ended.append(threading.current_thread().name))
    told = senders(dashboard, monkeypatch)
    dashboard.start(block=block)
    assert dashboard.status == "finished"
    assert told[-1][0] == "finished"
    assert len(ended) == 1, "the end is followed once, whoever follows it"
    assert dashboard.comm.custom("append")[-1].content["points"] == 10
    mine = set(threading.enumerate()) - others
    assert not any(thread.name == "tlw-dashboard" for thread in mine)


def test_while_it_blocks_no_other_thread_tells_the_page(fake_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dashboard = TrainingDashboard(fake_session)
    told = senders(dashboard, monkeypatch)
    follower = dashboard._follower
    assert follower is not None

    def live() -> None:
        follower.join(20)  # it has seen that another thread follows now
        fake_session.tell(run_started())
        fake_session.batch(1)
        fake_session.finish()

    worker = threading.Thread(target=live)
    fake_session.start = lambda: worker.start() or setattr(fake_session, "status", "running")
    dashboard.start(block=True)
    worker.join(20)
    assert {name for _, name in told} == {threading.current_thread().name}


def test_elsewhere_a_start_returns_at_once(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    dashboard.start()
    assert dashboard.active
    fake_session.finish()


def test_an_interrupted_cell_stops_the_run_and_the_end_is_still_told(
    fake_session: Any,
) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.stop = lambda reason: (
        fake_session.asked.append(reason),
        setattr(fake_session, "status", "stopped"),
        fake_session.tell(events.RunStopped(reason=reason, metrics={})),
    )

    def begin() -> Any:
        fake_session.status = "running"
        fake_session.tell(run_started())
        threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
        return fake_session

    fake_session.start = begin
    with pytest.raises(KeyboardInterrupt):
        dashboard.start(block=True)
    assert fake_session.asked == ["interrupted from the keyboard"]
    assert dashboard.status == "stopped"


def test_a_run_that_fails_while_one_waits_raises(recipe: tlw.Recipe, tmp_path: Any) -> None:
    session = tlw.TrainingSession(recipe.replace(learning_rate=1e30), tmp_path / "run")
    dashboard = TrainingDashboard(session)
    with pytest.raises(TrainingError):
        dashboard.start(block=True)
    assert dashboard.status == "failed"


def test_in_colab_the_page_gets_its_answer_before_start_waits(
    living: InThread, monkeypatch: pytest.MonkeyPatch, receive: Callable[..., None]
) -> None:
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    dashboard = TrainingDashboard(living.session)
    seen: list[str] = []
    send = dashboard.send
    living.may_end.clear()  # or so short a run is over before it is answered for

    def noted(content: dict[str, Any], **more: Any) -> None:
        seen.append(f"{content['t']} {dashboard.status}")
        send(content, **more)
        if content["t"] == "ack":
            living.may_end.set()

    monkeypatch.setattr(dashboard, "send", noted)
    receive(dashboard, {"t": "cmd", "id": "1", "name": "start", "args": {}})
    assert dashboard.status == "finished"
    assert any(line.startswith("ack") and not line.endswith("finished") for line in seen)


def test_a_studio_in_colab_waits_too(recipe: tlw.Recipe, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    studio = Studio(recipe.data, recipe.backbone, path=tmp_path / "run", epochs=1)
    studio.start()
    assert studio.dashboard.status == "finished"
    assert studio.card is not None


def displayed(places: list[Any]) -> tuple[PageWatch, ResultPlace]:
    """A watch of a widget that has just been displayed."""
    place = ResultPlace()
    place.add()
    watch = PageWatch(place)
    watch.begin()
    return watch, place


def test_a_page_that_never_answers_is_told_of_below_the_widget(
    shell: Any, timers: list[Any], places: list[Any]
) -> None:
    watch, _ = displayed(places)
    assert timers == []
    shell.events.trigger("post_run_cell", None)
    pass_time(timers)
    assert words(places[0]) == UNANSWERED
    assert "<p>No page has answered" in places[0]._repr_mimebundle_()["text/html"]
    watch.answered()
    assert words(places[0]) == "", "a page that answers late takes it back"


def test_a_page_that_answers_in_time_or_a_cell_that_runs_keeps_it_away(
    shell: Any, timers: list[Any], places: list[Any]
) -> None:
    watch, _ = displayed(places)
    shell.events.trigger("post_run_cell", None)
    shell.events.trigger("pre_run_cell", None)
    pass_time(timers)
    assert words(places[0]) == "", "while a cell runs no page can be heard"
    shell.events.trigger("post_run_cell", None)
    watch.answered()
    assert all(timer.cancelled for timer in timers)
    pass_time(timers)
    assert words(places[0]) == ""
    assert not any(shell.events.callbacks[name] for name in ("pre_run_cell", "post_run_cell"))


def test_what_a_run_left_is_not_written_over(shell: Any, timers: list[Any], places: list[Any]) -> None:
    watch, place = displayed(places)
    place.show("the result card")
    shell.events.trigger("post_run_cell", None)
    pass_time(timers)
    watch.answered()
    assert places == ["the result card"]


def test_colab_is_told_what_start_does_there(places: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    watch, _ = displayed(places)
    assert words(places[0]) == IN_COLAB
    watch.answered()
    assert words(places[0]) == IN_COLAB


@pytest.mark.parametrize("kind", ["dashboard", "studio"])
def test_a_message_of_the_page_is_an_answer(
    kind: str, recipe: tlw.Recipe, fake_session: Any, receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = TrainingDashboard(fake_session) if kind == "dashboard" else Studio(recipe.data, recipe.backbone)
    receive(shown if kind == "dashboard" else shown.panel, {"t": "ready"})
    assert shown._watch._answered
    fake_session.finish()


@pytest.mark.parametrize("how", ["start", "wait"])
def test_a_terminal_shows_a_line_of_progress(
    recipe: tlw.Recipe, tmp_path: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    dashboard = TrainingDashboard(tlw.TrainingSession(recipe, tmp_path / "run"))
    dashboard.start(block=how == "start")
    dashboard.wait()
    assert "loss=" in terminal.getvalue()
    assert "val accuracy=" in terminal.getvalue()


def test_a_notebook_without_a_page_shows_none(
    recipe: tlw.Recipe, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    dashboard = TrainingDashboard(tlw.TrainingSession(recipe, tmp_path / "run"))
    dashboard.start()
    dashboard.wait()
    assert capsys.readouterr() == ("", "")
