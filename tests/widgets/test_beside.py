"""Beside the curves of a dashboard: levels to beat, other runs, and how classes are mistaken after each epoch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tlwidgets as tlw
from tlwidgets.errors import RunError, TrainingError
from tlwidgets.evaluation import TransferComparison
from tlwidgets.training import events
from tlwidgets.training.judging import judge
from tlwidgets.widgets import TrainingDashboard


def test_a_comparison_gives_its_baselines_and_so_does_a_hand() -> None:
    hits = {
        "transfer": [1, 1],
        "scratch": [1, 0],
        "scratch_full_rate": [0, 0],
        "linear_probe": [1, 1],
        "majority": [0, 0],
    }
    by_arm = {arm: np.array([row, row], dtype=bool) for arm, row in hits.items()}
    dashboard = TrainingDashboard()
    dashboard.show_baselines(TransferComparison(by_arm, dict.fromkeys(hits, 1.0), (), "tlw_resnet"))
    assert dashboard.baselines == [
        {"name": "from scratch", "accuracy": 0.5},
        {"name": "linear probe", "accuracy": 1.0},
        {"name": "majority class", "accuracy": 0.0},
    ]
    dashboard.show_baselines({"mine": 0.25})
    assert dashboard.baselines == [{"name": "mine", "accuracy": 0.25}]
    dashboard.show_baselines({})
    assert dashboard.baselines == []


@pytest.mark.parametrize("value", [91.0, -0.1, float("nan"), "much"])
def test_a_level_that_is_no_share_is_refused(value: Any) -> None:
    with pytest.raises(TrainingError, match="between 0 and 1"):
        TrainingDashboard().show_baselines({"mine": value})


def test_a_run_that_was_shown_is_drawn_beside_the_next_and_runs_on_disk_too(recipe: Any, tmp_path: Any) -> None:
    first = tlw.fit(recipe, tmp_path / "first", progress=False)
    dashboard = TrainingDashboard(tlw.TrainingSession(recipe, tmp_path / "second"))
    dashboard.overlay(first)
    assert dashboard.others[0]["name"] == "first"
    assert dashboard.others[0]["val_accuracy"] == pytest.approx(first.history["val_accuracy"].tolist())
    dashboard.start()
    dashboard.wait(120)
    dashboard.attach(tlw.TrainingSession(recipe, tmp_path / "third"))
    assert [other["name"] for other in dashboard.others] == ["second", "first"]
    dashboard.overlay()
    assert dashboard.others == []
    with pytest.raises(TrainingError, match="at most 4"):
        dashboard.overlay(*[first] * 5)
    with pytest.raises(RunError):
        dashboard.overlay(tmp_path)


def test_what_is_mistaken_for_what_is_counted_and_the_worst_comes_first(stripes: Any) -> None:
    data = tlw.load_data(stripes)
    indices = data.indices("val")
    right = np.eye(3)[data.labels[indices]] * 0.8 + 0.1
    right[2] = [0.05, 0.05, 0.05]
    right[2, (data.labels[indices[2]] + 1) % 3] = 0.9
    right[4] = [0.3, 0.3, 0.3]
    right[4, (data.labels[indices[4]] + 2) % 3] = 0.4
    found = judge(data, "val", right)
    assert found is not None
    assert np.array(found.confusion).sum() == len(indices)
    assert np.trace(np.array(found.confusion)) == len(indices) - 2
    assert [index for index, *_ in found.wrongest] == [indices[2], indices[4]]
    assert found.wrongest[0][1:] == ((data.labels[indices[2]] + 1) % 3, pytest.approx(0.9))
    assert judge(data, "val", right[:-1]) is None, "another process has seen the rest"


def test_every_epoch_of_a_run_says_how_its_validation_images_fare(recipe: Any, tmp_path: Any) -> None:
    told: list[events.Event] = []
    tlw.fit(recipe, tmp_path / "run", progress=False, listeners=[told.append])
    ended = [event for event in told if isinstance(event, events.EpochEnded)]
    assert len(ended) == 2
    for event in ended:
        assert event.judged is not None
        counts = np.array(event.judged.confusion)
        assert np.trace(counts) / counts.sum() == pytest.approx(event.row["val_accuracy"])


def test_mistakes_are_sent_only_while_somebody_looks_and_once_an_epoch(
    fake_session: Any, stripes: Any, receive: Callable[..., None]
) -> None:
    fake_session.data = tlw.load_data(stripes)
    dashboard = TrainingDashboard(fake_session)
    fake_session.begin()
    judged = events.Judged(confusion=((3, 1), (0, 2)), wrongest=((0, 1, 0.75),))
    fake_session.tell(events.EpochEnded(epoch=1, row={"epoch": 1}, judged=judged))
    dashboard._send_judged()
    assert dashboard.comm.custom("judged") == []
    receive(dashboard, {"t": "watch", "on": True})
    dashboard._send_judged()
    (message,) = dashboard.comm.custom("judged")
    assert message.content["confusion"] == [[3, 1], [0, 2]]
    assert message.content["wrongest"][0]["predicted"] == "b"
    assert message.buffers[0].startswith(b"\x89PNG")
    fake_session.tell(events.EpochEnded(epoch=2, row={"epoch": 2}, judged=judged))
    fake_session.finish()
    dashboard._follower.join(20)
    assert [message.content["epoch"] for message in dashboard.comm.custom("judged")] == [1, 2]
    receive(dashboard, {"t": "watch", "on": False})


def test_without_the_images_there_is_still_a_matrix() -> None:
    from tlwidgets.widgets.beside import describe_judged

    judged = events.Judged(confusion=((1,),), wrongest=((0, 0, 0.5),))
    content, pictures = describe_judged(1, judged, ("a",), None)
    assert (content["confusion"], content["wrongest"], pictures) == ([[1]], [], [])
