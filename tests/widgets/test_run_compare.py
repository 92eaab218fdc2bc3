"""RunCompare: which runs there are, how they did, in what they differ."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tlwidgets as tlw
from tlwidgets.errors import RunError
from tlwidgets.widgets import RunCompare


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    base = tlw.Recipe(data="digits", plan={"*": "frozen", "head": "trainable"}, epochs=2)
    changes = {"good": {}, "weak": {"epochs": 1, "learning_rate": 1e-5}, "other": {"data": {"name": "faces"}}}
    for name, change in changes.items():
        tlw.fit(base.replace(**change), folder / name, progress=False)
    (folder / "broken").mkdir()
    (folder / "broken" / "recipe.yaml").write_text("data: [")
    return folder


@pytest.fixture
def view(runs: Path) -> RunCompare:
    return RunCompare(runs, ["good", "weak"])


def test_every_readable_run_is_listed_the_newest_first(view: RunCompare) -> None:
    assert [row["run"] for row in view.found] == ["other", "weak", "good"]
    row = view.found[-1]
    assert (row["backbone"], row["data"], row["status"], row["epochs"]) == ("tlw_resnet", "digits", "finished", 2)
    assert row["accuracy"] > 0.9


def test_curves_metrics_and_differences(view: RunCompare) -> None:
    assert [(curve["run"], curve["epochs"]) for curve in view.curves] == [("good", [1, 2]), ("weak", [1])]
    assert view.curves[0]["values"] == view.runs[0].history["val_accuracy"].tolist()
    assert {row["field"] for row in view.differences} == {"epochs", "learning_rate"}
    accuracy = next(row for row in view.metrics if row["metric"] == "accuracy")
    value, low, high = accuracy["values"][0]
    assert low < value < high
    assert value == pytest.approx(view.runs[0].metrics["test"]["accuracy"])
    assert view.table.loc["accuracy", "weak"] < view.table.loc["accuracy", "good"]
    assert "First good, second weak. The second is" in view.verdicts[0]
    assert "worse" in view.verdicts[0]


def test_the_page_chooses(view: RunCompare, command: Callable[..., dict[str, Any]]) -> None:
    assert command(view, "choose", run="other", chosen=True)["ok"]
    assert view.chosen == ["good", "weak", "other"]
    assert "different images" in view.verdicts[1]
    assert command(view, "choose", run="good", chosen=False)["ok"]
    assert view.chosen == ["weak", "other"]
    assert command(view, "measure", measure="train_loss")["ok"]
    assert view.curves[0]["values"] == view.runs[0].history["train_loss"].tolist()
    command(view, "choose", run="weak", chosen=False)
    command(view, "choose", run="other", chosen=False)
    assert (view.curves, view.metrics, view.differences, view.verdicts) == ([], [], [], [])


def test_what_is_not_there_is_refused(
    view: RunCompare, command: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no run 'gone'" in command(view, "choose", run="gone", chosen=True)["error"]
    assert "no curve" in command(view, "measure", measure="seconds")["error"]
    monkeypatch.setattr("tlwidgets.widgets.run_compare.MOST", 2)
    assert "too many" in command(view, "choose", run="other", chosen=True)["error"]
    assert view.chosen == ["good", "weak"]
    with pytest.raises(RunError, match="no run in"):
        RunCompare(tmp_path)


def test_the_two_newest_finished_runs_come_first(runs: Path) -> None:
    assert RunCompare(runs).chosen == ["other", "weak"]


@pytest.fixture
def own_runs(runs: Path, tmp_path: Path) -> Path:
    """Runs that a test may take away."""
    return Path(shutil.copytree(runs, tmp_path / "runs"))


def test_a_chosen_run_that_is_deleted_is_taken_out(own_runs: Path, command: Callable[..., dict[str, Any]]) -> None:
    view = RunCompare(own_runs, ["good", "weak"])
    shutil.rmtree(own_runs / "weak")
    assert command(view, "refresh")["ok"]
    assert (view.chosen, len(view.curves)) == (["good"], 1)
    assert "weak" not in {row["run"] for row in view.found}


def test_another_choice_goes_on_without_a_run_that_is_gone(
    own_runs: Path, command: Callable[..., dict[str, Any]]
) -> None:
    view = RunCompare(own_runs, ["weak"])
    shutil.rmtree(own_runs / "weak")
    assert command(view, "choose", run="good", chosen=True)["ok"]
    assert view.chosen == ["good"]


@pytest.mark.parametrize("text", ["[]", "{", "3", '{"test": 5}'])
def test_a_run_whose_metrics_are_no_mapping_is_left_out(own_runs: Path, text: str) -> None:
    (own_runs / "weak" / "metrics.json").write_text(text)
    assert [row["run"] for row in RunCompare(own_runs).found] == ["other", "good"]
