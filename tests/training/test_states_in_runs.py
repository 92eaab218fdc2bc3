"""Runs in which only norms or low-rank adapters of a stage learn, and the rates that a run reports."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open

import tlwidgets as tlw
from tlwidgets.errors import PlanError, RecipeError
from tlwidgets.freezing import learning_parameters
from tlwidgets.training import BatchEnded, CacheChosen, EpochEnded, Event, Note, PlanChanged
from tlwidgets.training.optimisation import make_optimiser, set_rates, stage_rates

NUMBERS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"]
PLAN = {"*": "lora", "stem": "norm", -1: "trainable"}


def _keys(path: Path) -> list[str]:
    with safe_open(path, "pt") as file:
        return list(file.keys())


def test_a_run_with_adapters_leaves_plain_weights_that_predict_what_it_was_judged_by(
    recipe: tlw.Recipe, tmp_path: Path, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    run = tlw.fit(recipe.replace(plan=PLAN, epochs=3), tmp_path / "run", progress=False)
    assert run.status == "finished"
    assert run.recipe.plan == PLAN
    plain = {f"model/{name}" for name in tlw.load_backbone(recipe.backbone, num_classes=3).model.state_dict()}
    assert set(_keys(run.path / "best.safetensors")) == plain
    last = set(_keys(run.path / "last.safetensors"))
    assert plain < last
    assert any(key.startswith("adapter/layer4.0.conv1.lora_A") for key in last)
    indices = run.predictions["index"].to_numpy()
    assert run.predict(stripes[0][indices]) == list(run.predictions["predicted"])
    unmoved = json.loads((run.path / "audit.json").read_text())["unmoved"]
    assert {"layer4.0.conv1.weight", "conv1.0.weight", "bn1.running_mean"} <= set(unmoved)
    assert "bn1.weight" not in unmoved


def test_a_stopped_run_with_adapters_goes_on_to_the_numbers_of_one_never_stopped(
    recipe: tlw.Recipe, tmp_path: Path
) -> None:
    recipe = recipe.replace(plan=PLAN, epochs=3)
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(recipe, tmp_path / "halved")

    def stop(event: Event) -> None:
        if isinstance(event, EpochEnded):
            session.stop()

    session.subscribe(stop)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert whole.history[NUMBERS].equals(resumed.history[NUMBERS])
    assert whole.metrics == resumed.metrics
    assert whole.stage_rates.equals(resumed.stage_rates)


def test_a_new_plan_keeps_what_the_adapters_of_the_old_one_learned(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(plan={"*": "lora", "head": "trainable"}, epochs=8), tmp_path / "run")

    def freeze(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 6:
            session.set_plan({"*": "frozen", "head": "trainable"})

    session.subscribe(freeze)
    history = session.start().wait(120).history
    assert any(isinstance(event, PlanChanged) for event in session.events)
    losses = list(history["train_loss"])
    assert losses[5] < 0.8 * losses[0]
    assert losses[6] < losses[0]
    assert losses[6] == pytest.approx(losses[5], rel=0.5)


FROZEN = {"stem": "frozen", "stage1": "frozen", "stage2": "frozen", "stage3": "frozen"}


def test_adapters_behind_a_frozen_part_learn_the_same_with_a_cache(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(plan={**FROZEN, "stage4": "lora"}, epochs=3)
    cached = tlw.fit(recipe.replace(cache="memory"), tmp_path / "cached", progress=False)
    plain = tlw.fit(recipe.replace(cache="off"), tmp_path / "plain", progress=False)
    np.testing.assert_allclose(cached.history[NUMBERS], plain.history[NUMBERS], rtol=1e-5)
    assert json.loads((cached.path / "audit.json").read_text())["unmoved"]


def test_a_stage_gets_adapters_during_a_run_with_a_cache(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(plan={**FROZEN, "stage4": "frozen"}, epochs=4, cache="memory")
    session = tlw.TrainingSession(recipe, tmp_path / "run")
    run = changed_after(session, 2, {**FROZEN, "stage4": "lora"})
    assert run.status == "finished"
    assert [event.on for event in session.events if isinstance(event, CacheChosen)] == [True, True]


def changed_after(session: tlw.TrainingSession, epoch: int, states: dict[str, str]) -> tlw.Run:
    """Trains, with another plan after an epoch."""

    def change(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == epoch:
            session.set_plan(states)

    session.subscribe(change)
    return session.start().wait(120)


def test_a_run_refuses_to_freeze_everything_and_goes_on(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(plan=PLAN, epochs=3), tmp_path / "run")
    refused: list[Exception] = []

    def freeze(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 1:
            try:
                session.set_plan({"*": "frozen"})
            except PlanError as error:
                refused.append(error)

    session.subscribe(freeze)
    assert len(session.start().wait(120).history) == 3
    assert "nothing would learn" in str(refused[0])


def test_a_plan_by_which_nothing_would_learn_leaves_the_run_as_it_was(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(plan={"*": "frozen", "head": "trainable"}, epochs=3), tmp_path / "run")
    # The head has no norm: "norm" leaves it nothing to learn.
    run = changed_after(session, 1, {"*": "frozen", "head": "norm"})
    assert any("stages stay as they were" in event.text for event in session.events if isinstance(event, Note))
    assert run.history["train_loss"].iloc[2] < run.history["train_loss"].iloc[0]
    (changed,) = (event for event in session.events if isinstance(event, PlanChanged))
    assert changed.states["head"] == "trainable"


def test_a_plan_that_fits_no_stage_is_refused_before_a_folder_is_made(recipe: tlw.Recipe, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"no stage named 'layer\*'"):
        tlw.fit(recipe.replace(plan={"layer*": "frozen"}), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("state", ["norm", "lora"])
def test_a_script_that_would_train_something_else_is_refused(state: str) -> None:
    with pytest.raises(RecipeError, match=f"no plain script of '{state}' stages"):
        tlw.Recipe(data="digits", plan={"stage*": state}).to_script()


def test_every_step_tells_the_rate_of_every_stage_and_the_run_keeps_them(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(plan={"stem": "frozen", "stage1": "frozen"}, backbone_scale=0.1, learning_rate=0.02)
    session = tlw.TrainingSession(recipe, tmp_path / "run")
    run = session.start().wait(120)
    steps = [event for event in session.events if isinstance(event, BatchEnded)]
    assert list(steps[0].rates) == ["stem", "stage1", "stage2", "stage3", "stage4", "head"]
    assert steps[0].rates["stem"] == steps[0].rates["stage1"] == 0
    assert steps[0].rates["stage4"] == pytest.approx(0.002)
    assert all(step.rates["head"] == step.learning_rate for step in steps)
    assert steps[-1].rates["stage4"] < steps[0].rates["stage4"]  # the schedule reaches every stage
    assert list(run.stage_rates["epoch"]) == [1, 2]
    assert run.stage_rates["stage4"].iloc[-1] == steps[-1].rates["stage4"]
    assert "stage4" not in run.history


def test_the_optimiser_holds_what_learns_and_nothing_else(recipe: tlw.Recipe, tiny: str) -> None:
    backbone = tlw.load_backbone(tiny, num_classes=3)
    tlw.FreezePlan(backbone, {"stem": "frozen", "stage1": "norm", "stage2": "lora"}).apply()
    optimiser = make_optimiser(recipe.replace(backbone_scale=0.5), backbone)
    held = [id(parameter) for group in optimiser.param_groups for parameter in group["params"]]
    learning = [id(p) for members in learning_parameters(backbone).values() for p in members.values()]
    assert len(held) == len(set(held))
    assert set(held) == set(learning) == {id(p) for p in backbone.model.parameters() if p.requires_grad}
    set_rates(optimiser, 0.01)
    rates = stage_rates(optimiser)
    assert rates == pytest.approx({"stage1": 0.005, "stage2": 0.005, "stage3": 0.005, "stage4": 0.005, "head": 0.01})
