from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tlwidgets.errors import TrainingError
from tlwidgets.training import events
from tlwidgets.widgets import TrainingDashboard
from tlwidgets.widgets.feed import BATCH_COLUMNS, EPOCH_COLUMNS


def settle(dashboard: TrainingDashboard) -> None:
    """Waits until the thread that tells the page has ended."""
    thread = dashboard._follower
    assert thread is not None
    thread.join(20)
    assert not thread.is_alive()


def received(dashboard: TrainingDashboard) -> tuple[list[float], list[float]]:
    """What a page would have that took every message: steps of the batches and of the epochs."""
    batches: list[float] = []
    epochs: list[float] = []
    previous = 0
    for message in dashboard.comm.custom():
        if message.content["t"] not in {"append", "snapshot"}:
            continue
        if message.content["t"] == "snapshot":
            batches, epochs = [], []
        else:
            assert message.content["seq"] == previous + 1, "a message is missing"
        previous = message.content["seq"]
        batches += np.frombuffer(message.buffers[0], np.float32).reshape(-1, len(BATCH_COLUMNS))[:, 0].tolist()
        epochs += np.frombuffer(message.buffers[1], np.float32).reshape(-1, len(EPOCH_COLUMNS))[:, 0].tolist()
        assert message.content["points"] == len(batches)
    return batches, epochs


def test_the_page_receives_every_point_once_and_few_messages(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin(epochs=100)
    started = time.monotonic()
    for step in range(1, 1001):
        fake_session.batch(step)
        time.sleep(0.0005)
    fake_session.finish()
    settle(dashboard)
    seconds = time.monotonic() - started
    assert received(dashboard) == (list(range(1, 1001)), list(range(10, 1001, 10)))
    assert len(dashboard.comm.custom("append")) <= 10 * seconds + 2
    assert dashboard.status == "finished"


def test_what_a_method_measures_reaches_the_page_with_its_epoch(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    for epoch, rate in ((1, 0.25), (2, float("nan"))):
        row = {"epoch": epoch, "train_loss": 1.0, "images_per_second": 9.0, "mask_rate": rate}
        fake_session.tell(events.EpochEnded(epoch=epoch, row=row))
    fake_session.finish()
    settle(dashboard)
    sent = [row for message in dashboard.comm.custom("append") for row in message.content["extras"]]
    assert sent == [{"mask_rate": 0.25}, {"mask_rate": None}]
    dashboard.snapshot()
    assert dashboard.comm.custom("snapshot")[-1].content["extras"] == sent


def test_a_page_that_is_reloaded_in_the_middle_loses_no_point(fake_session: Any, receive: Callable[..., None]) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    worker = threading.Thread(target=lambda: [(fake_session.batch(step), time.sleep(0.001)) for step in range(1, 501)])
    worker.start()
    for _ in range(20):
        receive(dashboard, {"t": "ready"})
        time.sleep(0.01)
    worker.join()
    fake_session.finish()
    settle(dashboard)
    assert received(dashboard)[0] == list(range(1, 501))


def test_a_session_that_is_attached_late_is_shown_from_its_start(fake_session: Any) -> None:
    fake_session.begin()
    for step in range(1, 6):
        fake_session.batch(step)
    dashboard = TrainingDashboard(fake_session)
    fake_session.batch(6)
    fake_session.finish()
    settle(dashboard)
    assert received(dashboard)[0] == [1, 2, 3, 4, 5, 6]


def test_another_session_replaces_the_first(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    fake_session.batch(1)
    other = type(fake_session)()
    dashboard.attach(other)
    other.begin()
    fake_session.batch(2)
    other.batch(1)
    other.finish()
    settle(dashboard)
    assert received(dashboard)[0] == [1]
    assert dashboard.comm.custom("snapshot")[-1].content["run"] > 0


def test_progress_says_what_is_left_and_leaves_pauses_out(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin(epochs=2)
    for step in range(1, 11):
        fake_session.batch(step)  # 0.1 s each
    fake_session.tell(events.Paused(time=1.0, step=10), events.Resumed(time=61.0, step=10))
    progress = dashboard.feed.progress()
    assert progress["seconds"] == pytest.approx(1.0)
    assert progress["seconds_left"] == pytest.approx(1.0)
    assert progress["best_val_accuracy"] == pytest.approx(0.8)
    fake_session.finish()


def test_numbers_that_are_not_finite_reach_the_page_as_nothing(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    numbers = {"loss": float("nan"), "accuracy": 0.0, "learning_rate": 0.1, "images_per_second": float("inf")}
    fake_session.tell(events.BatchEnded(step=1, epoch=1, **numbers))
    assert dashboard.feed.progress()["images_per_second"] is None
    fake_session.finish()


def test_a_failed_run_is_told_in_the_widget(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    fake_session.tell(events.RunFailed(error="The loss became nan. Lower the learning rate.", kind="TrainingError"))
    settle(dashboard)
    assert dashboard.status == "failed"
    assert dashboard.error_text == "The loss became nan. Lower the learning rate."


@pytest.mark.parametrize("name", ["pause", "resume", "stop"])
def test_commands_of_the_page_reach_the_session_and_are_acknowledged(
    fake_session: Any, command: Callable[..., dict[str, Any]], name: str
) -> None:
    dashboard = TrainingDashboard(fake_session)
    dashboard.start()
    assert command(dashboard, name)["ok"]
    assert fake_session.asked == [(name,)]
    fake_session.finish()


def test_the_learning_rate_goes_to_a_run_that_is_going_on(
    fake_session: Any, command: Callable[..., dict[str, Any]]
) -> None:
    dashboard = TrainingDashboard(fake_session)
    command(dashboard, "set_learning_rate", value=0.5)
    assert fake_session.asked == []
    dashboard.start()
    command(dashboard, "set_learning_rate", value=0.25)
    assert fake_session.asked == [("set_learning_rate", 0.25)]
    assert dashboard.learning_rate == 0.25
    fake_session.finish()


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "fast"])
def test_a_learning_rate_that_no_run_could_use_is_refused(
    fake_session: Any, command: Callable[..., dict[str, Any]], value: Any
) -> None:
    dashboard = TrainingDashboard(fake_session)
    answer = command(dashboard, "set_learning_rate", value=value)
    assert not answer["ok"]
    assert "above 0" in answer["error"]
    assert dashboard.error_text == answer["error"]
    assert isinstance(dashboard.error, TrainingError)


def test_stop_without_a_run_says_what_to_do(command: Callable[..., dict[str, Any]]) -> None:
    answer = command(TrainingDashboard(), "stop")
    assert "Press Start" in answer["error"]


def test_a_command_that_comes_twice_is_done_once(fake_session: Any, receive: Callable[..., None]) -> None:
    dashboard = TrainingDashboard(fake_session)
    dashboard.start()
    for _ in range(2):
        receive(dashboard, {"t": "cmd", "id": "same", "name": "pause", "args": {}})
    assert fake_session.asked == [("pause",)]
    assert [message.content["id"] for message in dashboard.comm.custom("ack")] == ["same", "same"]
    fake_session.finish()


def test_a_message_does_not_bind_the_page_to_the_subshell_that_it_came_from(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    dashboard.comm._reply_subshell_id = "deleted when the page was reloaded"
    dashboard.send({"t": "anything"})
    assert not hasattr(dashboard.comm, "_reply_subshell_id")
    fake_session.finish()


def test_an_unknown_command_is_refused(command: Callable[..., dict[str, Any]]) -> None:
    assert not command(TrainingDashboard(), "__init__")["ok"]


def test_an_error_that_is_not_the_users_is_raised_too(receive: Callable[..., None]) -> None:
    def broken() -> Any:
        raise ZeroDivisionError("ours")

    dashboard = TrainingDashboard(make_session=broken)
    with pytest.raises(ZeroDivisionError):
        receive(dashboard, {"t": "cmd", "id": "1", "name": "start", "args": {}})
    assert dashboard.error_text == "ZeroDivisionError: ours"


def test_two_runs_at_once_are_refused(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    dashboard.start()
    with pytest.raises(TrainingError, match="going on"):
        dashboard.start()
    fake_session.finish()


def test_what_follows_the_end_is_called_and_its_error_shown(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    called: list[Any] = []
    dashboard.on_end(called.append)
    dashboard.on_end(lambda _: [][0])
    fake_session.begin()
    fake_session.finish()
    settle(dashboard)
    assert called == [fake_session]
    assert "IndexError" in dashboard.error_text


def test_hundred_thousand_batches_cost_the_training_thread_little(fake_session: Any) -> None:
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    told = [
        events.BatchEnded(step=step, epoch=1, loss=1.0, accuracy=0.5, learning_rate=0.1, images_per_second=10.0)
        for step in range(1, 100_001)
    ]
    started = time.process_time()
    for event in told:
        dashboard.feed(event)
    assert (time.process_time() - started) / 100_000 < 50e-6
    assert len(dashboard.feed.batches) == 100_000
    fake_session.finish()


def test_a_real_run_is_driven_by_python_alone(recipe: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    dashboard = TrainingDashboard(recipe=recipe)
    dashboard.set_learning_rate(0.02)
    session = dashboard.start()
    run = dashboard.wait(120)
    assert session.recipe.learning_rate == 0.02
    assert dashboard.status == "finished"
    assert run.metrics["test"]["accuracy"] >= 0
    assert len(received(dashboard)[1]) == len(run.history) == 2
