"""What the page is told of a pause, a resume and a stop between the asking and the run's coming to it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tlwidgets.training import events
from tlwidgets.widgets import TrainingDashboard
from tlwidgets.widgets.feed import Feed


@pytest.fixture
def dashboard(fake_session: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Of a run that is going on; the page is told by changes of state alone, for an hour is long."""
    monkeypatch.setattr("tlwidgets.widgets.dashboard._SECONDS_BETWEEN_SENDS", 3600)
    made = TrainingDashboard(fake_session)
    fake_session.begin()
    wait_for(lambda: made.status == "running")
    yield made
    fake_session.finish()
    made._follower.join(20)


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits until it holds; a test that waits in vain fails."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


def told(dashboard: TrainingDashboard, *names: str) -> list[tuple[str, Any]]:
    """New values of traits, in the order in which the page hears of them."""
    updates = [message for message in dashboard.comm.messages if message.kind == "update"]
    return [(key, value) for message in updates for key, value in message.content.items() if key in names]


def test_what_is_asked_is_told_before_the_run_has_come_to_it(
    dashboard: TrainingDashboard, fake_session: Any, command: Callable[..., dict[str, Any]]
) -> None:
    del dashboard.comm.messages[:]
    assert command(dashboard, "pause")["ok"]
    assert (dashboard.asked, dashboard.status) == ("pause", "running")
    fake_session.tell(events.Paused(time=1.0, step=1))
    wait_for(lambda: dashboard.status == "paused" and not dashboard.asked)
    command(dashboard, "resume")
    assert (dashboard.asked, dashboard.status) == ("resume", "paused")
    fake_session.tell(events.Resumed(time=2.0, step=1))
    wait_for(lambda: dashboard.status == "running" and not dashboard.asked)
    command(dashboard, "stop")
    assert (dashboard.asked, dashboard.status) == ("stop", "running")
    fake_session.status = "stopped"
    fake_session.tell(events.RunStopped(reason="stopped by hand", metrics={}))
    wait_for(lambda: dashboard.status == "stopped" and not dashboard.asked)
    pairs = [("pause", "paused"), ("resume", "running"), ("stop", "stopped")]
    steps = [step for asked, status in pairs for step in (("asked", asked), ("status", status), ("asked", ""))]
    assert told(dashboard, "asked", "status") == steps


def test_a_pause_that_is_taken_back_in_time_leaves_no_trace(dashboard: TrainingDashboard) -> None:
    dashboard.pause()
    dashboard.resume()
    assert (dashboard.asked, dashboard.status) == ("", "running")


def test_a_run_that_ends_first_takes_the_asking_with_it(dashboard: TrainingDashboard, fake_session: Any) -> None:
    dashboard.pause()
    fake_session.finish()
    wait_for(lambda: dashboard.status == "finished" and not dashboard.asked)


def test_another_run_begins_with_nothing_asked(dashboard: TrainingDashboard, fake_session: Any) -> None:
    dashboard.pause()
    other = type(fake_session)()
    dashboard.attach(other)
    assert dashboard.asked == ""
    fake_session.finish()
    other.begin()
    other.finish()


def test_a_feed_wakes_its_reader_for_a_new_state_and_not_for_each_batch(fake_session: Any) -> None:
    feed = Feed()
    fake_session.subscribe(feed)
    fake_session.begin()
    assert feed.stirred.is_set()
    feed.stirred.clear()
    for step in range(1, 11):
        fake_session.batch(step)
    assert not feed.stirred.is_set()
    fake_session.tell(events.Paused(time=1.0, step=10))
    assert feed.stirred.is_set()
