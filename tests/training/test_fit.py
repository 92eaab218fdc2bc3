from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.errors import DataError, PlanError, RecipeError, RunError, TrainingError


def test_a_run_learns_and_leaves_everything_on_disk(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run = tlw.fit(recipe.replace(epochs=6), tmp_path / "run", progress=False)
    assert run.status == "finished"
    assert run.metrics["test"]["accuracy"] == 1.0
    assert list(run.history["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert run.history["train_loss"].iloc[-1] < run.history["train_loss"].iloc[0]
    assert {"val_loss", "val_accuracy", "seconds", "learning_rate", "images_per_second"} <= set(run.history)
    expected = [
        "audit",
        "best",
        "environment",
        "history",
        "last",
        "metrics",
        "predictions",
        "rates",
        "recipe",
        "status",
    ]
    assert sorted(path.stem for path in run.path.iterdir() if path.name != "data.npz") == expected
    assert not list(run.path.glob("*.partial"))


def test_a_loaded_run_predicts_by_name_as_the_metrics_say(recipe: tlw.Recipe, tmp_path: Path) -> None:
    tlw.fit(recipe.replace(epochs=4), tmp_path / "run", progress=False)
    run = tlw.Run.load(tmp_path / "run")
    data = recipe.data
    test = data.indices("test")
    predicted = run.predict(data.images(test))
    truth = [data.classes[i] for i in data.labels[test]]
    accuracy = np.mean([p == t for p, t in zip(predicted, truth, strict=True)])
    assert accuracy == run.metrics["test"]["accuracy"]
    assert list(run.predictions["predicted"]) == predicted
    assert run.confusion.sum() == len(test)
    assert np.trace(run.confusion) == sum(p == t for p, t in zip(predicted, truth, strict=True))
    np.testing.assert_allclose(run.predict_proba(data.images(test)).sum(1), 1)
    assert set(run.wrongest()["label"]) <= set(data.classes)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(augmentation="flip")
    losses = [
        list(tlw.fit(recipe.replace(seed=seed), tmp_path / str(i), progress=False).history["train_loss"])
        for i, seed in enumerate([0, 0, 1])
    ]
    assert losses[0] == losses[1]
    assert losses[0] != losses[2]


def test_a_run_does_not_touch_the_callers_random_numbers(recipe: tlw.Recipe, tmp_path: Path) -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    tlw.fit(recipe, tmp_path / "run", progress=False)
    assert torch.equal(torch.rand(3), expected)


def test_the_frozen_part_of_the_best_weights_is_the_pretrained_one(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run = tlw.fit(recipe.replace(plan={"stem": "frozen", "stage1": "frozen"}), tmp_path / "run", progress=False)
    stored = tlw.load_backbone(recipe.backbone, num_classes=3).model.state_dict()
    trained = run.backbone.model.state_dict()
    names = json.loads((run.path / "audit.json").read_text())["unmoved"]
    assert "conv1.0.weight" in names
    assert "layer1.0.bn1.running_mean" in names
    assert all(torch.equal(stored[name], trained[name]) for name in names)
    assert not torch.equal(stored["layer4.0.conv1.weight"], trained["layer4.0.conv1.weight"])


def test_a_frozen_weight_that_something_moves_fails_the_run(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlwidgets.methods import fine_tuning

    class Vandal(fine_tuning.FineTuning):
        def step(self, model: torch.nn.Module, batch: Any) -> Any:
            with torch.no_grad():
                model.conv1[0].weight.mul_(1.0001)
            return super().step(model, batch)

    monkeypatch.setattr(fine_tuning, "make", lambda setting: Vandal())
    with pytest.raises(TrainingError, match=r"frozen tensors moved, the first is 'conv1\.0\.weight'"):
        tlw.fit(recipe.replace(plan={"stem": "frozen"}, cache="off"), tmp_path / "run", progress=False)
    assert tlw.Run.load(tmp_path / "run").status == "failed"


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_weights(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlwidgets.methods import fine_tuning
    from tlwidgets.training import StepResult

    calls = []

    class Diverging(fine_tuning.FineTuning):
        def step(self, model: torch.nn.Module, batch: Any) -> StepResult:
            calls.append(1)
            result = super().step(model, batch)
            return result if len(calls) < 5 else StepResult(result.loss * torch.nan, result.count, 0)

    monkeypatch.setattr(fine_tuning, "make", lambda setting: Diverging())
    with pytest.raises(TrainingError, match=r"became nan at step 5.*learning rate"):
        tlw.fit(recipe, tmp_path / "run", progress=False)
    run = tlw.Run.load(tmp_path / "run")
    assert (run.status, len(run.history)) == ("failed", 1)
    assert "nan" in run.error
    weights = run.backbone.model.state_dict().values()
    assert all(torch.isfinite(tensor).all() for tensor in weights)


def test_patience_ends_a_run_that_no_longer_gets_better(recipe: tlw.Recipe, tmp_path: Path) -> None:
    hopeless = recipe.replace(epochs=50, learning_rate=1e-12, schedule="constant", patience=2)
    run = tlw.fit(hopeless, tmp_path / "run", progress=False)
    assert run.status == "stopped"
    assert len(run.history) < 20


def test_a_folder_that_is_taken_is_not_touched(recipe: tlw.Recipe, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("precious")
    with pytest.raises(RunError, match="already taken"):
        tlw.fit(recipe, tmp_path / "run", progress=False)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"backbone": "resnt18"}, tlw.errors.BackboneError),
        ({"plan": {"stage9": "frozen"}}, PlanError),
        ({"plan": {"stem": "frozen", **{f"stage{i}": "frozen" for i in (1, 2, 3, 4)}, "head": "frozen"}}, PlanError),
        ({"method": "fine_tunning"}, RecipeError),
        ({"method_options": {"no_such": 1}}, RecipeError),
        ({"data": "no_such_data"}, DataError),
    ],
)
def test_a_recipe_that_cannot_run_says_so_before_anything_is_written(
    recipe: tlw.Recipe, tmp_path: Path, change: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        tlw.fit(recipe.replace(**change), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("plan", [{"head": "frozen"}, {"*": "norm"}])
def test_a_new_head_that_is_held_at_zero_is_refused(recipe: tlw.Recipe, tmp_path: Path, plan: dict[str, str]) -> None:
    with pytest.raises(PlanError, match="pass no gradient"):
        tlw.fit(recipe.replace(plan=plan), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"plan": {"head": "frozen"}, "pretrained": False},
        {"plan": {"head": "lora"}},
        {"plan": {"head": "frozen"}, "method": "simclr"},
    ],
)
def test_what_learns_before_or_beside_its_head_still_runs(
    recipe: tlw.Recipe, tmp_path: Path, change: dict[str, Any]
) -> None:
    some = recipe.replace(epochs=1, **change)
    run = tlw.fit(some, tmp_path / "run", progress=False)
    torch.manual_seed(some.seed)
    before = tlw.load_backbone(some.backbone, pretrained=some.pretrained, num_classes=3).model.state_dict()
    assert not torch.equal(before["conv1.0.weight"], run.backbone.model.state_dict()["conv1.0.weight"])


def test_a_runs_head_is_kept_where_the_plan_trains_norms_alone(recipe: tlw.Recipe, tmp_path: Path) -> None:
    first = tlw.fit(recipe, tmp_path / "first", progress=False)
    again = recipe.replace(backbone=f"run:{first.path}", plan={"*": "norm"}, epochs=1)
    second = tlw.fit(again, tmp_path / "second", progress=False)
    assert torch.equal(first.backbone.model.fc.weight, second.backbone.model.fc.weight)
    assert second.history["val_accuracy"].iloc[0] > 0.5


def test_a_run_without_a_path_gets_a_new_folder_each_time(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    paths = [tlw.fit(recipe.replace(epochs=1), progress=False).path for _ in range(2)]
    assert paths[0] != paths[1]
    assert {path.parent for path in paths} == {Path("runs")}


def test_loading_what_is_no_run_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run in"):
        tlw.Run.load(tmp_path)
    with pytest.raises(RunError, match="no run in"):
        tlw.resume(tmp_path)


def test_importing_the_errors_gives_every_error_a_person_can_meet() -> None:
    kinds = [DataError, PlanError, RecipeError, RunError, TrainingError]
    assert all(issubclass(kind, tlw.errors.TlwError) for kind in kinds)
    assert str(RunError("What is wrong.", "What to do.")) == "What is wrong. What to do."
