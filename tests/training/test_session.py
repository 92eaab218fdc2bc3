from __future__ import annotations

import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import tlwidgets as tlw
from tlwidgets.errors import PlanError, RecipeError, RunError, TrainingError
from tlwidgets.training import (
    BatchEnded,
    EpochEnded,
    Event,
    LearningRateChanged,
    Paused,
    PlanChanged,
    Resumed,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
)
from tlwidgets.training.batches import Batches
from tlwidgets.training.prefix_cache import PrefixCache, PrefixShelf


def _until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)


@pytest.fixture
def session(recipe: tlw.Recipe, tmp_path: Path) -> Any:
    """A long run that a test steers and that is stopped at the end."""
    session = tlw.TrainingSession(recipe.replace(epochs=10_000), tmp_path / "run")
    yield session
    session.stop()
    session._thread.join(60) if session.alive else None


def _steps(session: tlw.TrainingSession) -> int:
    return sum(isinstance(event, BatchEnded) for event in session.events)


def test_events_tell_the_whole_story_in_order(recipe: tlw.Recipe, tmp_path: Path) -> None:
    heard: list[Event] = []
    session = tlw.TrainingSession(recipe, tmp_path / "run", [heard.append]).start()
    run = session.wait(120)
    assert isinstance(heard[0], RunStarted)
    assert isinstance(heard[-1], RunFinished)
    assert heard[0].total_steps == 2 * heard[0].steps_per_epoch
    steps = [event.step for event in heard if isinstance(event, BatchEnded)]
    assert steps == list(range(1, heard[0].total_steps + 1))
    epochs = [event for event in heard if isinstance(event, EpochEnded)]
    assert [event.row["val_loss"] for event in epochs] == pytest.approx(list(run.history["val_loss"]))
    assert heard[-1].metrics == run.metrics
    assert heard == session.events


def test_pause_halts_between_batches_and_resume_goes_on(session: tlw.TrainingSession) -> None:
    session.start()
    _until(lambda: _steps(session) > 3)
    session.pause()
    _until(lambda: session.status == "paused")
    steps = _steps(session)
    time.sleep(0.3)
    assert _steps(session) == steps
    assert isinstance(session.events[-1], Paused)
    session.resume()
    _until(lambda: _steps(session) > steps + 3)
    assert any(isinstance(event, Resumed) for event in session.events)
    assert session.status == "running"


def test_a_pause_does_not_wait_for_the_end_of_the_validation_images_and_changes_no_number(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = tlw.TrainingSession(recipe.replace(batch_size=4), tmp_path / "paused")
    looked, in_order = [], Batches.in_order

    def told(batches: Batches, *cache: Any) -> Any:
        for batch in in_order(batches, *cache):
            if not looked:
                session.pause()
            looked.append(session.status)
            yield batch

    undisturbed = tlw.fit(session.recipe, tmp_path / "undisturbed", progress=False)
    monkeypatch.setattr(Batches, "in_order", told)
    session.start()
    _until(lambda: session.status == "paused")
    assert looked == ["running"]
    assert not any(isinstance(event, EpochEnded) for event in session.events)
    session.resume()
    run = session.wait(120)
    assert len(looked) > 1
    columns = ["train_loss", "val_loss", "val_accuracy"]
    assert run.history[columns].equals(undisturbed.history[columns])


def test_a_pause_does_not_wait_until_the_prefix_cache_is_filled(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head_only = recipe.replace(plan={"*": "frozen", "head": "trainable"}, cache="memory", batch_size=16)
    shelf = PrefixShelf(runs=2)  # with one, the first batch fills the cache with all images
    session = tlw.TrainingSession(head_only, tmp_path / "run", shelf=shelf)
    filled, fill = [], PrefixCache.fill

    def told(cache: PrefixCache, *arguments: Any) -> None:
        if not filled:
            session.pause()
        filled.append(session.status)
        fill(cache, *arguments)

    monkeypatch.setattr(PrefixCache, "fill", told)
    session.start()
    _until(lambda: session.status == "paused")
    assert filled == ["running"]
    session.resume()
    session.wait(120)
    assert len(filled) > 1


def test_stop_ends_soon_even_from_a_pause_and_the_run_is_complete(session: tlw.TrainingSession) -> None:
    session.start()
    _until(lambda: _steps(session) > 3)
    session.pause()
    _until(lambda: session.status == "paused")
    session.stop()
    run = session.wait(60)
    assert session.status == run.status == "stopped"
    last = session.events[-1]
    assert isinstance(last, RunStopped)
    assert last.reason == "stopped by hand"
    assert 0 <= run.metrics["test"]["accuracy"] <= 1
    assert len(run.predictions) == run.metrics["test"]["n"]


def test_the_learning_rate_moves_from_the_next_batch_on(session: tlw.TrainingSession) -> None:
    session.start()
    _until(lambda: _steps(session) > 3)
    session.set_learning_rate(0.5)
    _until(lambda: any(isinstance(event, LearningRateChanged) for event in session.events))
    changed = next(event for event in session.events if isinstance(event, LearningRateChanged))
    _until(lambda: _steps(session) > changed.step + 2)
    after = [event for event in session.events if isinstance(event, BatchEnded) and event.step > changed.step]
    # Ten thousand epochs of a cosine: the first steps still run at the full rate.
    assert after[0].learning_rate == pytest.approx(0.5, rel=1e-3)


def test_a_rate_that_no_step_could_use_is_refused_at_once(session: tlw.TrainingSession) -> None:
    for rate in (float("nan"), -1, 0, float("inf"), "0.1"):
        with pytest.raises(RecipeError, match="learning rate"):
            session.set_learning_rate(rate)


def test_another_plan_takes_effect_at_the_next_epoch_and_is_audited(session: tlw.TrainingSession) -> None:
    session.start()
    _until(lambda: _steps(session) > 1)
    session.set_plan({"stem": "frozen", "stage1": "frozen"})
    _until(lambda: any(isinstance(event, PlanChanged) for event in session.events))
    changed = next(event for event in session.events if isinstance(event, PlanChanged))
    assert changed.states["stage1"] == "frozen"
    assert changed.step % 3 == 0  # 42 training images, 16 a batch: three steps an epoch
    with pytest.raises(PlanError, match="no stage named"):
        session.set_plan({"stage12": "frozen"})
    session.stop()
    session.wait(60)
    assert "conv1.0.weight" in (session.run.path / "audit.json").read_text()


def test_a_listener_that_raises_is_dropped_and_the_run_goes_on(
    recipe: tlw.Recipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def broken(event: Event) -> None:
        calls.append(event)
        raise ValueError("broken listener")

    with caplog.at_level(logging.WARNING, "tlwidgets"):
        tlw.TrainingSession(recipe, tmp_path / "run", [broken]).start().wait(120)
    assert len(calls) == 1
    assert "hears no more" in caplog.text


def test_a_run_that_cannot_begin_ends_with_the_event_and_the_error(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(backbone="resnt18"), tmp_path / "run").start()
    with pytest.raises(tlw.errors.BackboneError):
        session.wait(60)
    last = session.events[-1]
    assert isinstance(last, RunFailed)
    assert (last.kind, session.status) == ("BackboneError", "failed")
    assert "resnet18" in last.error


def test_a_session_without_a_folder_says_how_it_stands(
    recipe: tlw.Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    held, gate = threading.Event(), threading.Event()

    def slow_data(*_: Any) -> Any:
        held.set()
        gate.wait(60)
        return recipe.data

    monkeypatch.setattr("tlwidgets.training.session.recipe_data", slow_data)
    session = tlw.TrainingSession(recipe.replace(epochs=1))
    with pytest.raises(RunError, match=r"not been started.*start\(\)"):
        _ = session.run
    session.start()
    held.wait(60)
    try:
        with pytest.raises(RunError, match=r"is running and has no folder yet.*wait\(\)"):
            _ = session.run
    finally:
        gate.set()
    assert session.wait(60).path == session.run.path


@pytest.mark.parametrize(
    ("change", "error"),
    [({"method": "nope"}, RecipeError), ({"method_options": {"nope": 1}}, RecipeError), ({}, RunError)],
)
def test_what_can_be_refused_without_the_data_is_refused_before_they_are_read(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], error: type[Exception]
) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "thesis.txt").write_text("precious")
    monkeypatch.setattr("tlwidgets.training.session.recipe_data", lambda *_: pytest.fail("the data were read"))
    with pytest.raises(error):
        tlw.fit(recipe.replace(**change), tmp_path / ("run" if change else "taken"), progress=False)


def test_a_session_starts_once_and_its_worker_does_not_keep_python_alive(session: tlw.TrainingSession) -> None:
    session.start()
    with pytest.raises(TrainingError, match="started before"):
        session.start()
    assert session._thread.daemon
    assert threading.current_thread() is not session._thread
    with pytest.raises(TrainingError, match="has not ended"):
        session.wait(0.01)


def test_whoever_comes_late_hears_all_of_it_once_and_in_order(recipe: tlw.Recipe) -> None:
    session = tlw.TrainingSession(recipe)
    numbers = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1, "images_per_second": 1.0}
    most = 20_000

    def tell() -> None:
        while len(session.events) < most:
            session._emit(BatchEnded(step=len(session.events) + 1, **numbers))

    heard: list[list[int]] = [[] for _ in range(60)]
    worker, interval = threading.Thread(target=tell), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # the threads change places as often as they can
    try:
        worker.start()
        for each in heard:
            session.subscribe(lambda event, each=each: each.append(event.step), from_start=True)
    finally:
        worker.join()
        sys.setswitchinterval(interval)
    assert [len(each) for each in heard] == [most] * len(heard)
    assert all(each == sorted(set(each)) for each in heard)


def test_unsubscribing_ends_the_calls(session: tlw.TrainingSession) -> None:
    heard: list[Event] = []
    leave = session.subscribe(heard.append)
    session.start()
    _until(lambda: len(heard) > 2)
    leave()
    count = len(heard)
    steps = _steps(session)
    _until(lambda: _steps(session) > steps + 3)
    assert len(heard) <= count + 1


def test_what_is_no_recipe_is_refused_at_once() -> None:
    with pytest.raises(RecipeError, match="'clean' is no recipe"):
        tlw.fit("clean")  # type: ignore[arg-type]
