from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from timm.models import group_parameters
from timm.optim import param_groups_layer_decay

import tlwidgets as tlw
from tlwidgets.backbones import Backbone
from tlwidgets.errors import PlanError, RecipeError
from tlwidgets.training import EpochEnded, Event, PlanChanged
from tlwidgets.training.optimisation import make_optimiser
from tlwidgets.training.schedules import layer_depths, probe_is_over, rate_factor, rate_scales, scheduled_states

NUMBERS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"]
STAGES = ("stem", "stage1", "stage2", "stage3", "stage4", "head")


def _network(name: str) -> Backbone:
    return Backbone(name, timm.create_model(name, num_classes=3), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("total", "warmup"), [(1, 0.0), (7, 0.0), (100, 0.0), (100, 0.25), (50, 0.9)])
def test_one_cycle_is_the_one_of_torch(total: int, warmup: float) -> None:
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    expected = []
    if total > 1:
        theirs = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=1.0, total_steps=total, pct_start=warmup or 0.3, cycle_momentum=False
        )
        for _ in range(total):
            expected.append(optimiser.param_groups[0]["lr"])
            optimiser.step()
            if len(expected) < total:
                theirs.step()
    ours = [rate_factor("one_cycle", step, total, warmup) for step in range(total)]
    assert ours == pytest.approx(expected or [1.0], abs=1e-12)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_a_warm_up_rises_in_a_straight_line_and_hands_over_at_the_full_rate(schedule: str) -> None:
    factors = [rate_factor(schedule, step, 100, 0.1) for step in range(100)]
    assert factors[:11] == pytest.approx([(step + 1) / 11 for step in range(11)])
    assert max(factors) == factors[10] == 1.0
    rest = [rate_factor(schedule, step, 90) for step in range(90)]
    assert factors[10:] == rest


def test_without_a_warm_up_the_first_step_has_the_full_rate() -> None:
    assert rate_factor("cosine", 0, 40) == rate_factor("constant", 0, 40) == 1.0
    assert rate_factor("cosine", 20, 40) == pytest.approx(0.5)


# vit_tiny at 0.75 and resnet18 at 0.5, as timm groups them: the stem, each block, the head.
@pytest.mark.parametrize(
    ("name", "decay", "groups", "scales"),
    [("vit_tiny_patch16_224", 0.75, 28, 14), ("resnet18", 0.5, None, 10)],
)
def test_layer_decay_gives_the_scales_of_timm(name: str, decay: float, groups: int | None, scales: int) -> None:
    backbone = _network(name)
    recipe = tlw.Recipe(data="digits", layer_decay=decay, learning_rate=1.0)
    ours = rate_scales(recipe, backbone)
    assert len(set(ours.values())) == scales
    assert min(ours.values()) == pytest.approx(decay ** (scales - 1))
    layers = group_parameters(backbone.model, backbone.model.group_matcher(coarse=False), reverse=True)
    assert ours == pytest.approx({name: decay ** (max(layers.values()) - layer) for name, layer in layers.items()})
    theirs = param_groups_layer_decay(backbone.model, layer_decay=decay)
    groups_made = make_optimiser(recipe, backbone).param_groups
    assert sorted({group["scale"] for group in groups_made}) == sorted({group["lr_scale"] for group in theirs})
    if groups is not None:
        assert len(groups_made) == groups
    assert min(0.75**13, 1) == pytest.approx(0.023757, abs=1e-6)


def test_the_default_and_the_tenfold_decay_are_the_two_slices_of_fine_tuning_in_fastai(tiny: str) -> None:
    backbone = tlw.load_backbone(tiny, num_classes=3)
    rates = [
        [2e-3 * scale for scale in dict.fromkeys(rate_scales(tlw.Recipe(data="digits"), backbone).values())],
        [1e-3 * 0.1**depth for depth in layer_depths({"a": 0, "b": 1, "c": 2}, {"c"}).values()],
    ]
    assert rates[0] == pytest.approx([2e-4, 2e-3])
    assert rates[1] == pytest.approx([1e-5, 1e-4, 1e-3])


def test_a_network_without_a_group_matcher_decays_by_stage() -> None:
    backbone = tlw.load_backbone("torchvision/squeezenet1_1", pretrained=False, num_classes=3)
    scales = rate_scales(tlw.Recipe(data="digits", layer_decay=0.5), backbone)
    for distance, stage in enumerate(reversed(backbone.stages)):
        assert {scales[name] for name in stage.parameter_names} == {0.5**distance}


def test_every_parameter_that_learns_is_in_the_optimiser_once_at_its_rate(tiny: str) -> None:
    backbone = tlw.load_backbone(tiny, num_classes=3)
    recipe = tlw.Recipe(data="digits", layer_decay=0.5, learning_rate=1.0)
    optimiser = make_optimiser(recipe, backbone)
    held = [id(parameter) for group in optimiser.param_groups for parameter in group["params"]]
    assert sorted(held) == sorted(id(parameter) for parameter in backbone.model.parameters())
    by_stage = {group["stage"]: group["scale"] for group in optimiser.param_groups}
    assert by_stage == {stage: 0.5 ** (5 - index) for index, stage in enumerate(STAGES)}


def test_gradual_unfreezing_reaches_one_more_stage_of_the_plan_each_time() -> None:
    plan = {**dict.fromkeys(STAGES, "trainable"), "stage4": "frozen"}
    recipe = tlw.Recipe(data="digits", unfreezing="gradual", unfreeze_every=2, epochs=9)
    rows: list[dict[str, float]] = [{}] * 20
    learning = [
        [stage for stage, state in scheduled_states(recipe, plan, rows[:done]).items() if state == "trainable"]
        for done in range(9)
    ]
    assert learning[0] == learning[1] == ["head"]
    assert learning[2] == learning[3] == ["stage3", "head"]
    assert learning[8] == ["stem", "stage1", "stage2", "stage3", "head"]
    assert scheduled_states(recipe, plan, rows) == plan


def test_a_probe_ends_where_accuracy_has_not_risen_for_two_epochs() -> None:
    recipe = tlw.Recipe(data="digits", unfreezing="probe_first", epochs=40)

    def over(*accuracies: float, column: str = "val_accuracy") -> bool:
        empty = {"val_accuracy": math.nan, "train_accuracy": 0.0}
        return probe_is_over(recipe, [{**empty, column: accuracy} for accuracy in accuracies])

    assert not over()
    assert not over(0.5, 0.6, 0.6)
    assert over(0.5, 0.6, 0.6, 0.6)
    assert not over(0.5, 0.6, 0.6, 0.7)
    assert over(0.5, 0.6, 0.6, 0.6, column="train_accuracy")
    assert not over(0.5, 0.6, 0.7, 0.8, column="train_accuracy")
    assert over(*[0.01 * epoch for epoch in range(20)])  # half of the epochs


def test_a_plan_that_freezes_the_head_cannot_be_probed(recipe: tlw.Recipe, tmp_path: Path) -> None:
    headless = recipe.replace(unfreezing="probe_first", plan={"head": "frozen"})
    with pytest.raises(PlanError, match="freezes it"):
        tlw.fit(headless, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def _watch(recipe: tlw.Recipe, path: Path) -> tuple[tlw.Run, list[Event]]:
    session = tlw.TrainingSession(recipe, path)
    return session.start().wait(120), session.events


def test_a_probe_moves_the_head_alone_and_then_the_schedule_begins(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(unfreezing="probe_first", probe_epochs=2, epochs=4, plan={"stem": "frozen"}, warmup=0.2)
    run, events = _watch(recipe, tmp_path / "run")
    changes = [event for event in events if isinstance(event, PlanChanged)]
    assert [(change.epoch, change.states) for change in changes] == [
        (3, {"stem": "frozen", **dict.fromkeys(STAGES[1:], "trainable")})
    ]
    steps = changes[0].step // 2
    rates = [event.learning_rate for event in events if hasattr(event, "images_per_second")]
    expected = [0.01] * (2 * steps) + [0.01 * rate_factor("cosine", step, 2 * steps, 0.2) for step in range(2 * steps)]
    assert rates == pytest.approx(expected)
    assert run.status == "finished"


def test_the_probe_leaves_the_body_as_it_was(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(unfreezing="probe_first", probe_epochs=1), tmp_path / "run")
    session.subscribe(lambda event: session.stop() if isinstance(event, EpochEnded) and event.epoch == 1 else None)
    run = session.start().wait(120)
    source = tlw.load_backbone(recipe.backbone, num_classes=3).model.state_dict()
    after = run.backbone.model.state_dict()
    moved = {name for name in source if not torch.equal(source[name], after[name])}
    assert moved == {"fc.weight", "fc.bias"}


def test_gradual_unfreezing_tells_each_new_stage_and_keeps_what_is_frozen(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run, events = _watch(recipe.replace(unfreezing="gradual", epochs=4), tmp_path / "run")
    changes = [event for event in events if isinstance(event, PlanChanged)]
    new = [next(stage for stage, state in change.states.items() if state == "trainable") for change in changes]
    assert [change.epoch for change in changes] == [2, 3, 4]
    assert new == ["stage4", "stage3", "stage2"]
    assert run.status == "finished"


def test_a_persons_plan_ends_the_unfreezing(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(unfreezing="gradual", epochs=4), tmp_path / "run")
    mine = {**dict.fromkeys(STAGES, "frozen"), "head": "trainable", "stage1": "trainable"}
    session.subscribe(
        lambda event: session.set_plan(mine) if isinstance(event, EpochEnded) and event.epoch == 2 else None
    )
    session.start().wait(120)
    changes = [event for event in session.events if isinstance(event, PlanChanged)]
    assert [change.epoch for change in changes] == [2, 3]
    assert changes[-1].states == mine


def test_patience_waits_for_the_plan_to_be_in_force(recipe: tlw.Recipe, tmp_path: Path) -> None:
    hopeless = recipe.replace(
        epochs=30, learning_rate=1e-12, schedule="constant", patience=3, unfreezing="probe_first", probe_epochs=4
    )
    run = tlw.fit(hopeless, tmp_path / "run", progress=False)
    assert run.status == "stopped"
    assert 7 <= len(run.history) < 30


@pytest.mark.parametrize("stop_at", [1, 2, 3])
@pytest.mark.parametrize(
    "changes",
    [
        {"unfreezing": "probe_first", "probe_epochs": 2, "schedule": "one_cycle"},
        {"unfreezing": "probe_first", "warmup": 0.3, "plan": {"stem": "frozen"}},
        {"unfreezing": "gradual", "layer_decay": 0.5, "optimizer": "sgd"},
    ],
    ids=["probe of two epochs", "probe to a criterion", "gradual"],
)
def test_a_stopped_run_resumes_to_the_same_numbers(
    recipe: tlw.Recipe, tmp_path: Path, changes: dict[str, Any], stop_at: int
) -> None:
    # The cache computes the frozen part in whatever batches come first, which may change its last bit.
    recipe = recipe.replace(epochs=5, cache="off", **changes)
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(recipe, tmp_path / "halved")
    session.subscribe(lambda e: session.stop() if isinstance(e, EpochEnded) and e.epoch == stop_at else None)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert whole.history[NUMBERS].equals(resumed.history[NUMBERS])
    assert whole.metrics == resumed.metrics


def test_a_script_cannot_unfreeze_and_says_which_field_asks_for_it() -> None:
    recipe = tlw.Recipe(data="digits", unfreezing="gradual")
    with pytest.raises(RecipeError, match="unfreezing='gradual'"):
        recipe.to_script()
