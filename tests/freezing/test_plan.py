from __future__ import annotations

import pytest
import torch

from tlwidgets import FreezePlan, load_backbone
from tlwidgets.errors import BackboneError, PlanError

STAGES = ["stem", "stage1", "stage2", "head"]


def test_everything_learns_to_begin_with() -> None:
    assert set(FreezePlan(STAGES).states.values()) == {"trainable"}


def test_freeze_until_freezes_up_to_and_including_the_stage() -> None:
    plan = FreezePlan(STAGES).freeze_until("stage1")
    assert plan.states == {"stem": "frozen", "stage1": "frozen", "stage2": "trainable", "head": "trainable"}
    plan.freeze_until("stem")
    assert plan["stage1"] == "trainable"


def test_a_plan_can_be_made_from_the_name_of_a_network(tiny: str) -> None:
    torch.manual_seed(1)
    expected = torch.rand(2)
    torch.manual_seed(1)
    plan = FreezePlan(tiny).freeze_until("stage3")
    assert torch.equal(torch.rand(2), expected)
    backbone = load_backbone(tiny, num_classes=3)
    assert plan.states == FreezePlan(backbone).freeze_until("stage3").states
    with pytest.raises(PlanError, match=r"Give apply\(\) the backbone"):
        plan.apply()
    plan.apply(backbone).undo()


def test_a_plan_for_something_else_is_refused() -> None:
    with pytest.raises(BackboneError, match="resnet18"):
        FreezePlan("resnt18")
    for wrong in (None, 5, [1, 2]):
        with pytest.raises(PlanError, match="cannot be made for"):
            FreezePlan(wrong)  # type: ignore[arg-type]


def test_undo_takes_changes_back_one_by_one_and_then_does_nothing() -> None:
    plan = FreezePlan(STAGES)
    plan["stem"] = "frozen"
    plan.freeze("stage1", "stage2")
    assert plan.undo()["stage1"] == "trainable"
    assert plan["stem"] == "frozen"
    assert plan.undo().undo()["stem"] == "trainable"


def test_an_unknown_stage_is_answered_with_the_nearest_and_all_names() -> None:
    with pytest.raises(PlanError, match=r"Did you mean 'stage2'.*stem, stage1, stage2, head"):
        FreezePlan(STAGES).freeze_until("stage22")
    with pytest.raises(PlanError, match="cannot be 'melted'"):
        FreezePlan(STAGES)["stem"] = "melted"


def test_a_refused_change_leaves_the_plan_as_it_was() -> None:
    plan = FreezePlan(STAGES)
    with pytest.raises(PlanError):
        plan["nowhere"] = "frozen"
    assert plan.states == FreezePlan(STAGES).states


def test_the_table_counts_what_learns(tiny: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    table = FreezePlan(backbone).freeze_until("stage4").table()
    assert list(table["stage"]) == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert table["trainable"].sum() == 16 * 3 + 3
    assert table["parameters"].sum() == sum(p.numel() for p in backbone.model.parameters())


def test_making_and_changing_a_plan_leaves_the_network_alone(tiny: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    FreezePlan(backbone).freeze_until("stage3")
    assert all(p.requires_grad for p in backbone.model.parameters())
    assert all("train" not in vars(m) for m in backbone.model.modules())


def test_a_stage_is_meant_by_name_place_or_pattern_and_the_last_entry_counts() -> None:
    plan = FreezePlan(STAGES, {"*": "lora", "stage*": "norm", 0: "frozen", -1: "trainable"})
    assert plan.states == {"stem": "frozen", "stage1": "norm", "stage2": "norm", "head": "trainable"}
    assert (plan[0], plan[-1], plan["stage1"]) == ("frozen", "trainable", "norm")
    plan["stage[12]"] = "lora"
    plan.freeze("stem", -1).unfreeze("stage*")
    assert plan.states == {"stem": "frozen", "stage1": "trainable", "stage2": "trainable", "head": "frozen"}
    assert plan.freeze_until(1)["stage1"] == "frozen"


def test_a_pattern_or_place_that_means_nothing_or_too_much_is_refused() -> None:
    plan = FreezePlan(STAGES)
    with pytest.raises(PlanError, match=r"no stage named 'layer\*'.*stem, stage1"):
        plan["layer*"] = "frozen"
    with pytest.raises(PlanError, match="no stage number 4"):
        plan[4] = "frozen"
    with pytest.raises(PlanError, match="means 2 stages here: stage1, stage2"):
        plan.freeze_until("stage*")
    assert set(plan.states.values()) == {"trainable"}


def test_freeze_until_uses_the_two_plain_states_whatever_stood_there() -> None:
    plan = FreezePlan(STAGES, {"*": "lora"}).freeze_until("stage1")
    assert list(plan.states.values()) == ["frozen", "frozen", "trainable", "trainable"]
