from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tlwidgets import FreezePlan, Recipe, load_backbone
from tlwidgets.errors import PlanError
from tlwidgets.training import events
from tlwidgets.widgets import FreezeBoard


@pytest.fixture
def board(tiny: str) -> FreezeBoard:
    return FreezeBoard(tiny)


def test_the_rows_are_the_stages_of_the_backbone(board: FreezeBoard, tiny: str) -> None:
    backbone = load_backbone(tiny)
    assert [row["name"] for row in board.stages] == [stage.name for stage in backbone.stages]
    assert board.total_parameters == sum(p.numel() for p in backbone.model.parameters())
    assert sum(row["share"] for row in board.stages) == pytest.approx(1)
    assert board.stages[-1]["norms"] == 0
    assert board.stages[0]["norms"] > 0


def test_everything_learns_to_begin_with(board: FreezeBoard) -> None:
    assert set(board.states.values()) == {"trainable"}
    assert board.trainable_parameters == board.total_parameters


def test_freeze_until_counts_what_is_left(board: FreezeBoard) -> None:
    board.freeze_until("stage2")
    learning = [row["parameters"] for row in board.stages if row["name"] not in {"stem", "stage1", "stage2"}]
    assert board.trainable_parameters == sum(learning)
    assert board.plan["stage2"] == "frozen"
    assert board.plan["stage3"] == "trainable"


def test_states_between_frozen_and_trainable_count_what_learns_in_them(board: FreezeBoard) -> None:
    board.states = dict.fromkeys(board.states, "frozen") | {"stage2": "norm"}
    assert board.trainable_parameters == int(board.plan.table()["trainable"].sum())
    assert 0 < board.trainable_parameters < board.stages[2]["parameters"]


def test_undo_takes_one_change_back_at_a_time(board: FreezeBoard) -> None:
    board.freeze_until("stage1")
    board.head_only()
    board.undo()
    assert board.states == board.plan.freeze_until("stage1").states
    board.undo()
    assert set(board.states.values()) == {"trainable"}
    assert not board.can_undo
    board.undo()


def test_redo_makes_again_what_undo_took_back_until_another_change(board: FreezeBoard) -> None:
    board.redo()
    board.freeze_until("stage1")
    board.head_only()
    after = dict(board.states)
    board.undo()
    board.undo()
    assert (board.can_undo, board.can_redo) == (False, True)
    board.redo()
    assert board.states == board.plan.freeze_until("stage1").states
    board.redo()
    assert board.states == after
    assert (board.can_undo, board.can_redo) == (True, False)
    board.undo()
    board.set_state("stem", "trainable")
    assert not board.can_redo
    board.undo()
    board.undo()
    assert set(board.states.values()) == {"trainable"}


def test_a_refused_step_back_loses_nothing(board: FreezeBoard) -> None:
    def refuse(_: Any) -> None:
        raise PlanError("Not now.", "Later.")

    board.head_only()
    board.observe(refuse, "states")
    with pytest.raises(PlanError):
        board.undo()
    board.unobserve(refuse, "states")
    board.redo()
    assert board.states["stem"] == "frozen"


def test_every_stage_opens_to_blocks_that_hold_all_of_it(board: FreezeBoard) -> None:
    for row in board.stages:
        assert sum(block["parameters"] for block in row["blocks"]) == row["parameters"]
        assert sum(block["norms"] for block in row["blocks"]) in (0, row["norms"])
        assert sum(block["share"] for block in row["blocks"]) == pytest.approx(row["share"])
    assert [block["name"] for block in board.stages[0]["blocks"]][:2] == ["conv1", "bn1"]


def test_what_a_run_takes_follows_the_plan(board: FreezeBoard) -> None:
    whole = board.measure(60)
    assert whole["status"] == "about"
    assert (whole["images"], whole["batch_size"], whole["cached_seconds"]) == (1000, 32, None)
    assert "already learns" in whole["cache"]
    board.head_only()
    frozen = board.measure(60)
    assert frozen["step_bytes"] < whole["step_bytes"]
    assert frozen["seconds"] < whole["seconds"]
    assert frozen["cached_seconds"] < frozen["seconds"]
    board.expect(10, Recipe(data="", augmentation="light", batch_size=8))
    changed = board.measure(60)
    assert (changed["images"], changed["batch_size"], changed["cached_seconds"]) == (10, 8, None)
    assert "new views" in changed["cache"]


def test_nothing_is_measured_before_somebody_looks(board: FreezeBoard, receive: Callable[..., None]) -> None:
    board.head_only()
    assert board.costs == {"status": "new"}
    receive(board, {"t": "ready"})
    assert board.costs["status"] == "measuring"
    assert board.measure(60)["status"] == "about"


def test_a_run_tells_what_it_really_takes(board: FreezeBoard, fake_session: Any) -> None:
    board.expect(50, Recipe(data=""))
    board.measure(60)
    board.follow(fake_session)
    fake_session.begin()
    numbers = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 1e-3, "images_per_second": 25.0}
    fake_session.tell(events.BatchEnded(step=1, epoch=1, rates={}, **numbers))
    assert (board.costs["status"], board.costs["seconds"]) == ("run", 2.0)
    fake_session.tell(events.CacheChosen(on=True, text="Prefix cache on.", share=0.5))
    fake_session.tell(events.EpochEnded(epoch=1, row={"seconds": 1.5}))
    assert (board.costs["cache"], board.costs["share"], board.costs["seconds"]) == ("Prefix cache on.", 0.5, 1.5)
    board.head_only()
    costs = board.measure(60)
    assert (costs["status"], costs["seconds"]) == ("run", 1.5)  # only memory is measured beside a run


def test_a_change_that_changes_nothing_is_no_step(board: FreezeBoard) -> None:
    board.everything()
    assert not board.can_undo


def test_states_can_be_assigned_and_are_one_step(board: FreezeBoard) -> None:
    board.states = {"stem": "frozen", "stage1": "frozen"}
    assert board.states["stage1"] == "frozen"
    assert board.states["head"] == "trainable"
    board.undo()
    assert board.states["stem"] == "trainable"


def test_a_state_that_does_not_exist_is_refused_and_nothing_changes(board: FreezeBoard) -> None:
    before = dict(board.states)
    with pytest.raises(PlanError, match="stage3"):
        board.states = {"stage33": "frozen"}
    with pytest.raises(PlanError, match="melted"):
        board.set_state("stem", "melted")
    assert board.states == before


def test_the_page_toggles_a_stage(board: FreezeBoard, command: Callable[..., dict[str, Any]]) -> None:
    assert command(board, "set_state", stage="stage1", state="frozen")["ok"]
    assert board.states["stage1"] == "frozen"


def test_the_page_is_told_why_a_stage_is_refused(board: FreezeBoard, command: Callable[..., dict[str, Any]]) -> None:
    answer = command(board, "set_state", stage="stage9", state="frozen")
    assert not answer["ok"]
    assert "no stage named" in answer["error"]
    assert board.error_text == answer["error"]
    command(board, "everything")
    assert board.error_text == ""


def test_the_plan_that_was_given_is_left_alone(tiny: str) -> None:
    plan = FreezePlan(load_backbone(tiny))
    FreezeBoard(plan).head_only()
    assert set(plan.states.values()) == {"trainable"}


def test_a_plan_of_names_alone_is_shown_without_numbers() -> None:
    board = FreezeBoard(FreezePlan(["stem", "stage1", "head"]))
    assert board.total_parameters == 0
    assert board.freeze_until("stem").states["stem"] == "frozen"


def test_another_backbone_starts_afresh(board: FreezeBoard) -> None:
    board.head_only()
    board.show(FreezePlan(["stem", "stage1", "head"]))
    assert board.states == {"stem": "trainable", "stage1": "trainable", "head": "trainable"}
    assert not board.can_undo


def test_a_run_that_is_followed_shows_rates_and_distances(board: FreezeBoard, fake_session: Any) -> None:
    board.follow(fake_session)
    fake_session.begin()
    assert board.live == {}
    rates = {"stage4": 1e-4, "head": 1e-3}
    numbers = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 1e-3, "images_per_second": 9.0}
    fake_session.tell(events.BatchEnded(step=1, epoch=1, rates=rates, **numbers))
    assert board.live["stage4"] == {"rate": 1e-4, "moved": None}
    assert board.live["stem"] == {"rate": 0.0, "moved": None}
    fake_session.tell(events.StagesMoved(step=1, distances={"stage4": 0.01, "head": None}))
    assert board.live["stage4"] == {"rate": 1e-4, "moved": 0.01}


def test_a_thousand_batches_a_second_make_few_messages(board: FreezeBoard, fake_session: Any) -> None:
    told: list[Any] = []
    board.observe(told.append, "live")
    board.follow(fake_session)
    began = time.monotonic()
    for step in range(1, 2000):
        numbers = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 1e-3, "images_per_second": 9.0}
        fake_session.tell(events.BatchEnded(step=step, epoch=1, rates={"head": 1e-3 / step}, **numbers))
    assert 1 <= len(told) <= 2 + 2 * (time.monotonic() - began)
    fake_session.finish()
    assert board.live["head"]["rate"] == 1e-3 / 1999


def test_another_backbone_is_not_told_what_the_old_run_does(board: FreezeBoard, fake_session: Any) -> None:
    board.follow(fake_session)
    board.show(FreezePlan(["stem", "stage1", "head"]))
    assert fake_session.listeners == []
    assert board.live == {}


def test_a_real_run_moves_what_learns_and_nothing_else(
    board: FreezeBoard, tiny: str, recipe: Any, tmp_path: Any
) -> None:
    from tlwidgets import TrainingSession

    board.freeze_until("stage3")
    session = TrainingSession(recipe.replace(plan=board.states), tmp_path / "run")
    board.follow(session)
    session.start().wait(60)
    assert {name for name, live in board.live.items() if live["moved"]} == {"stage4"}
    assert board.live["stage3"] == {"rate": 0.0, "moved": 0.0}
    assert board.live["head"]["moved"] is None


def test_a_run_that_is_not_followed_any_more_shows_nothing(board: FreezeBoard, fake_session: Any, tiny: str) -> None:
    board.follow(fake_session)
    late = fake_session.listeners[0]  # an event that was under way while another backbone was picked
    board.show(tiny)
    numbers = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 0.01, "images_per_second": 9.0}
    late(events.BatchEnded(step=1, epoch=1, rates={"head": 0.01}, **numbers))
    assert board.live == {}
    assert board.followed is None
