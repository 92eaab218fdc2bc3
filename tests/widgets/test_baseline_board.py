"""BaselineBoard: compares in the background, can be cancelled, and draws and tells what came out."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.errors import DataError, RunError, TrainingError
from tlwidgets.evaluation import BaselineProgress, TransferComparison, comparison
from tlwidgets.widgets import BaselineBoard, ResultCard, TrainingDashboard

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def run(recipe: Any, tmp_path: Path) -> tlw.Run:
    return tlw.fit(recipe.replace(epochs=1), tmp_path / "runs" / "one", progress=False)


@pytest.fixture
def shown(recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainingDashboard:
    """A dashboard whose run has ended."""
    monkeypatch.chdir(tmp_path)
    dashboard = TrainingDashboard(recipe=recipe.replace(epochs=1))
    dashboard.start()
    dashboard.wait(120)
    return dashboard


class Slow:
    """Stands in for ``compare_with_baselines``: one baseline, then it waits for the test."""

    def __init__(self) -> None:
        self.go_on, self.told_to_end, self.calls = threading.Event(), threading.Event(), 0
        self.begun = threading.Semaphore(0)

    def __call__(self, run: Any, data: Any, *, scratch: bool, update: Callable[[BaselineProgress], bool]) -> Any:
        del run, data, scratch
        self.calls += 1
        hits = {"transfer": np.ones((1, 40), bool), "majority": np.zeros((1, 40), bool)}
        found = TransferComparison(hits, dict.fromkeys(hits, 0.1), (), "a network")
        update(BaselineProgress("pixels", 1, 3, 0.0, found))
        self.begun.release()
        share = 0.0
        while not self.go_on.wait(0.02):
            share += 1e-4
            if update(BaselineProgress("pixels", 1, 3, share, found)):
                self.told_to_end.set()
                return found
        return found


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    stand_in = Slow()
    monkeypatch.setattr("tlwidgets.evaluation.compare_with_baselines", stand_in)
    yield stand_in
    stand_in.go_on.set()


def test_a_click_compares_in_the_background_and_draws_what_came_out(
    shown: TrainingDashboard, command: Callable[..., dict[str, Any]]
) -> None:
    board = BaselineBoard(shown)
    assert (board.why_not, board.status, board.run_name) == ("", "new", shown.run.path.name)
    assert command(board, "compare", scratch=False)["ok"]
    found = board.wait(60)
    assert board.status == "finished"
    assert [row["name"] for row in board.rows] == ["this run", "majority class", "pixels", "linear probe"]
    assert board.rows[0]["gain"] is None
    assert board.rows[2]["low"] <= board.rows[2]["gain"] <= board.rows[2]["high"]
    assert board.sentence == found.sentence
    assert board.sentence in repr(board)
    assert [line["name"] for line in shown.baselines] == ["linear probe", "pixels", "majority class"]
    assert board.progress == {}


def test_a_verdict_needs_a_training_from_scratch_and_is_told_in_words(run: tlw.Run, recipe: Any) -> None:
    board = BaselineBoard(run.path, recipe.data)
    board.compare(scratch=True)
    board.wait(120)
    assert board.rows[-1]["name"] == "from scratch"
    assert "ransfer" in board.sentence.split(":")[0]
    assert comparison.ONE_SEED.strip() in board.sentence
    assert "scratch=True" in board.code


def test_the_code_is_the_same_and_runs(run: tlw.Run, recipe: Any, capsys: Any) -> None:
    board = BaselineBoard(run, recipe.data)
    board.compare()
    board.wait(60)
    exec(compile(board.code, "code", "exec"), {})
    assert board.sentence in capsys.readouterr().out


def test_it_says_where_it_is_and_can_be_cancelled_at_once(
    shown: TrainingDashboard, slow: Slow, command: Callable[..., dict[str, Any]]
) -> None:
    board = BaselineBoard(shown)
    board.compare()
    assert slow.begun.acquire(timeout=20)
    assert (board.progress["name"], board.progress["number"], board.progress["of"]) == ("pixels", 2, 3)
    assert "going on already" in command(board, "compare")["error"]
    assert command(board, "cancel")["ok"]
    assert (board.status, board.progress) == ("cancelled", {})
    assert slow.told_to_end.wait(20), "the work itself is told to end"
    board.wait(20)
    assert board.status == "cancelled"
    assert board.sentence == ""
    assert [row["name"] for row in board.rows] == ["this run", "majority class"]  # what is known by now stays
    slow.go_on.set()
    board.compare()
    board.wait(20)
    assert (board.status, slow.calls) == ("finished", 2)


def test_two_comparisons_never_compute_at_once(run: tlw.Run, slow: Slow) -> None:
    board = BaselineBoard(run)
    with board._at_work:  # one that was cancelled has not noticed yet
        board.compare()
        assert not slow.begun.acquire(timeout=0.2)
    assert slow.begun.acquire(timeout=20)
    board.cancel()


def test_while_a_run_is_going_on_it_says_why_not_and_a_new_run_clears_it(
    shown: TrainingDashboard, slow: Slow, fake_session: Any, command: Callable[..., dict[str, Any]]
) -> None:
    board = BaselineBoard(shown)
    board.compare()
    assert slow.begun.acquire(timeout=20)
    assert [line["name"] for line in shown.baselines] == ["majority class"]
    assert "on" not in shown.baselines[0]
    fake_session.data = tlw.load_data("digits")
    shown._make_session = lambda: fake_session
    shown.start()
    fake_session.begin()
    shown._flush()
    assert slow.told_to_end.wait(20)
    board.wait(20)
    assert (board.status, board.rows, board.code) == ("new", [], "")
    assert [line.get("on") for line in shown.baselines] == ["validation"], "lines of the run before are taken away"
    assert "going on" in board.why_not
    assert "going on" in command(board, "compare")["error"]
    fake_session.finish()


def test_levels_that_were_chosen_by_hand_stay_with_the_next_run(shown: TrainingDashboard, fake_session: Any) -> None:
    board = BaselineBoard(shown)
    board.compare()
    board.wait(60)
    shown.show_baselines({"mine": 0.5})
    shown.attach(fake_session)
    assert shown.baselines == [{"name": "mine", "accuracy": 0.5}]
    fake_session.finish()


def test_before_the_first_run_and_without_its_folder_it_says_what_to_do(
    shown: TrainingDashboard, fake_session: Any, command: Callable[..., dict[str, Any]]
) -> None:
    assert "Train first" in BaselineBoard(TrainingDashboard()).why_not
    assert "Train first" in BaselineBoard(TrainingDashboard(fake_session)).why_not
    board = BaselineBoard(shown)
    shutil.rmtree(shown.run.path)
    answer = command(board, "compare")
    assert "no folder any more" in answer["error"]
    assert board.why_not == board.error_text == answer["error"]
    assert board.status == "new"
    fake_session.finish()


def test_a_run_without_folder_or_predictions_is_refused(run: tlw.Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run in"):
        BaselineBoard(tmp_path / "gone")
    (run.path / "predictions.csv").unlink()
    board = BaselineBoard(run)
    assert "no predictions" in board.why_not
    with pytest.raises(RunError, match="no predictions"):
        board.compare()


def test_a_run_from_random_weights_is_compared_but_not_trained_from_scratch(
    recipe: Any, tmp_path: Path, command: Callable[..., dict[str, Any]]
) -> None:
    run = tlw.fit(recipe.replace(epochs=1, pretrained=False), tmp_path / "random", progress=False)
    board = BaselineBoard(run, recipe.data)
    assert board.why_not == ""
    assert "random weights" in board.why_no_scratch
    assert "random weights" in command(board, "compare", scratch=True)["error"]
    assert board.status == "new"
    board.compare()
    assert board.wait(60).verdict == "unknown"


def test_an_error_of_the_work_is_told_and_the_next_try_begins_anew(
    run: tlw.Run, monkeypatch: pytest.MonkeyPatch, slow: Slow
) -> None:
    board = BaselineBoard(run)

    def refuse(*_: Any, **__: Any) -> Any:
        raise DataError(f"The data are not in {HOSTILE}.", "Bring them back.")

    monkeypatch.setattr("tlwidgets.evaluation.compare_with_baselines", refuse)
    board.compare()
    with pytest.raises(DataError):
        board.wait(20)
    assert (board.status, board.error_text) == ("failed", f"The data are not in {HOSTILE}. Bring them back.")
    slow.go_on.set()
    monkeypatch.setattr("tlwidgets.evaluation.compare_with_baselines", slow)
    board.compare()
    assert board.error_text == ""
    board.wait(20)
    assert board.status == "finished"


def test_an_error_that_is_not_the_persons_is_logged_too(
    run: tlw.Run, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("tlwidgets.evaluation.compare_with_baselines", broken)
    board = BaselineBoard(run)
    board.compare()
    with pytest.raises(ZeroDivisionError):
        board.wait(20)
    assert board.error_text == "ZeroDivisionError: ours"
    assert "comparison with baselines failed" in caplog.text


def test_what_follows_a_comparison_may_fail_without_taking_it_away(run: tlw.Run, slow: Slow) -> None:
    board, heard = BaselineBoard(run), []
    board.on_end(lambda run, found: heard.append((run.path.name, found.verdict)))
    board.on_end(lambda run, found: 1 / 0)
    slow.go_on.set()
    board.compare()
    board.wait(20)
    assert heard == [("one", "unknown")]
    assert (board.status, board.error_text) == ("finished", "ZeroDivisionError: division by zero")


def test_the_page_hears_of_it_a_few_times_a_second(run: tlw.Run, slow: Slow) -> None:
    board = BaselineBoard(run)
    board.compare()
    assert slow.begun.acquire(timeout=20)
    before = len(board.comm.messages)
    threading.Event().wait(1.0)
    assert 1 <= len(board.comm.messages) - before <= 6
    board.cancel()


def test_the_random_numbers_of_the_notebook_are_left_alone(run: tlw.Run, recipe: Any) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1).item()
    torch.manual_seed(3)
    board = BaselineBoard(run, recipe.data)
    board.compare(scratch=True)
    board.wait(120)
    assert torch.rand(1).item() == expected


def test_the_dashboard_leaves_the_verdict_in_the_notebook(
    shown: TrainingDashboard, places: list[Any], receive: Callable[..., None]
) -> None:
    shown._ipython_display_()
    receive(shown, {"t": "ready"})
    board = BaselineBoard(shown)
    board.compare()
    board.wait(60)
    assert board.sentence in places[0].text
    assert board.sentence in places[0].html
    shown.attach(SimpleNamespace(subscribe=lambda *_, **__: lambda: None, data=None, path=None))
    assert shown._verdict == ""


def test_a_verdict_on_a_card_is_text_and_never_html(run: tlw.Run, recipe: Any) -> None:
    card = ResultCard(run, recipe.data)
    assert card.content["verdict"] == ""
    card.add_verdict(f"{HOSTILE} is 3 points better.")
    assert HOSTILE not in card.html
    assert "&lt;img src=x onerror=alert(1)&gt; is 3 points better." in card.html
    assert card.text.endswith(f"{HOSTILE} is 3 points better.")


def test_one_comparison_at_a_time_also_from_python(run: tlw.Run, slow: Slow) -> None:
    board = BaselineBoard(run)
    board.compare()
    with pytest.raises(TrainingError, match="going on already"):
        board.compare()
    board.cancel()
    board.cancel()
    assert board.status == "cancelled"
