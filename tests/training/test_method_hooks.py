"""What a method may have beside ``step``: parts of its own, a second data set, and a say in the history."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import tlwidgets as tlw
from tlwidgets.training import Batch, BatchEnded, EpochEnded, StepResult, Stream
from tlwidgets.training import method as contract
from tlwidgets.training.tapping import classifier_of, feature_size, logits_and_features
from tlwidgets.training.totals import Totals

NUMBERS = ["train_loss", "val_loss", "val_accuracy", "gap", "sometimes", "own_weight"]


class Demanding:
    """Uses every hook: a domain classifier that learns, a teacher that follows, a second data set."""

    def __init__(self, setting: contract.Setting, target: Any) -> None:
        backbone = setting.backbone
        self.classifier = classifier_of(backbone)
        self.stream = Stream(setting, target)
        self.modules = nn.ModuleDict(
            {
                "domain": nn.Linear(feature_size(backbone), 2),
                "teacher": copy.deepcopy(backbone.model).requires_grad_(False),
            }
        )
        self.epochs: list[int] = []

    def start_epoch(self, model: nn.Module, epoch: int) -> None:
        assert isinstance(model, nn.Module)
        self.epochs.append(epoch)

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        other = self.stream.beside(batch, "weak")
        logits, features = logits_and_features(model, self.classifier, self.stream.joined(batch.images, other.images))
        n = len(batch.labels)
        domains = torch.arange(len(features), device=features.device).ge(n).long()
        gap = nn.functional.cross_entropy(self.modules["domain"](features), domains)
        loss = nn.functional.cross_entropy(logits[:n], batch.labels) + gap
        correct = int((logits[:n].argmax(1) == batch.labels).sum())
        return StepResult(loss, n, correct, {"gap": gap.item(), "sometimes": 2.0 if batch.step % 2 else math.nan})

    def after_step(self, model: nn.Module) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.modules["teacher"].parameters(), model.parameters(), strict=True):
                mine.lerp_(theirs, 0.1)

    def end_epoch(self, _model: nn.Module) -> dict[str, float]:
        return {"own_weight": self.modules["domain"].weight.sum().item()}

    def select(self, row: dict[str, float]) -> float:
        return -row["epoch"]


@pytest.fixture
def demanding(monkeypatch: pytest.MonkeyPatch, recipe: tlw.Recipe, stripes: Any) -> tlw.Recipe:
    made = []

    def make(setting: contract.Setting, target: Any) -> Demanding:
        made.append(Demanding(setting, target))
        return made[-1]

    monkeypatch.setattr(contract, "_module", lambda _: SimpleNamespace(make=make, DATA_OPTIONS=("target",), made=made))
    images, labels = stripes
    return recipe.replace(method="demanding", method_options={"target": (255 - images, labels)}, epochs=3)


def test_a_stopped_run_with_all_hooks_goes_on_to_the_same_bits(demanding: tlw.Recipe, tmp_path: Path) -> None:
    whole = tlw.fit(demanding, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(demanding, tmp_path / "halved")
    session.subscribe(lambda event: session.stop() if isinstance(event, EpochEnded) and event.epoch == 2 else None)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert list(whole.history["epoch"]) == [1, 2, 3]
    assert whole.history[NUMBERS].equals(resumed.history[NUMBERS])
    assert whole.metrics == resumed.metrics
    first, second = (load_file(tmp_path / name / "last.safetensors") for name in ("whole", "halved"))
    assert any(name.startswith("method/teacher") for name in first)
    assert any(name.startswith("optimizer/method/domain.weight") for name in first)
    assert not any("method/teacher" in name for name in first if name.startswith("optimizer"))
    assert set(first) == set(second)
    assert all(torch.equal(first[name], second[name]) for name in first)
    uninterrupted, _, taken_up = contract._module("").made
    assert (uninterrupted.epochs, taken_up.epochs) == ([1, 2, 3], [3])


def test_extras_reach_history_and_events_and_the_method_chooses_the_epoch(
    demanding: tlw.Recipe, tmp_path: Path
) -> None:
    events: list[Any] = []
    run = tlw.fit(demanding, tmp_path / "run", progress=False, listeners=[events.append])
    batches = [event for event in events if isinstance(event, BatchEnded)]
    assert set(batches[0].extras) == {"gap", "sometimes"}
    assert "method" not in batches[0].rates
    per_epoch = len(batches) // 3
    gaps = [event.extras["gap"] for event in batches[:per_epoch]]
    assert min(gaps) <= run.history["gap"][0] <= max(gaps)
    assert list(run.history["sometimes"]) == [2.0] * 3
    assert run.history["own_weight"].nunique() == 3
    best = tlw.training.checkpoint.load_state(run.path / "last.safetensors", run.backbone.model)[0]
    assert best["best_epoch"] == 1


def test_a_data_option_is_loaded_and_kept_with_the_run(demanding: tlw.Recipe, tmp_path: Path, stripes: Any) -> None:
    run = tlw.fit(demanding.replace(epochs=1), tmp_path / "run", progress=False)
    assert run.recipe.method_options["target"]["arrays"] == "target/data.npz"
    bare = demanding.replace(epochs=1, method_options={"target": stripes[0]})
    bare_run = tlw.fit(bare, tmp_path / "bare", progress=False)
    assert bare_run.recipe.method_options["target"] == {"images": "target/images.npy"}
    named = {"name": "digits", "options": {"labels_per_class": 3, "seed": 1}}
    text = demanding.replace(data="digits", method_options={"target": named}).to_yaml()
    assert tlw.Recipe.from_yaml(text).method_options == {"target": named}
    with pytest.raises(tlw.errors.RecipeError, match="only in memory"):
        demanding.replace(data="digits").to_yaml()


def test_the_rate_finder_puts_a_methods_own_parts_back(demanding: tlw.Recipe) -> None:
    tlw.find_learning_rate(demanding, steps=12, per_stage=True)
    method = contract._module("").made[-1]
    torch.manual_seed(demanding.seed)
    fresh = contract._module("").make(
        contract.Setting(tlw.load_backbone(demanding.backbone, num_classes=3), demanding.data, demanding),
        contract.second_data(demanding.method_options["target"]),
    )
    assert torch.equal(method.modules["domain"].weight, fresh.modules["domain"].weight)


def test_totals_are_means_over_images_and_skip_what_is_unknown() -> None:
    totals = Totals()
    totals.add(StepResult(torch.tensor(1.0), 1, 1, {"a": 4.0, "b": math.nan}))
    totals.add(StepResult(torch.tensor(2.0), 3, 0, {"a": 0.0, "b": math.nan}))
    both = totals.over_processes(lambda sums: 2 * sums)
    for some in (totals, both):
        assert (some.loss, some.accuracy, some.extras["a"]) == (7 / 4, 1 / 4, 1.0)
        assert math.isnan(some.extras["b"])
    assert both.count == 8


@pytest.mark.parametrize("name", ["tlw_resnet", "test_vit", "test_convnext"])
def test_the_tapped_features_are_those_in_front_of_the_classifier(name: str) -> None:
    backbone = tlw.load_backbone(name, pretrained=name.startswith("tlw"), num_classes=3)
    model = backbone.model.eval()
    images = torch.randn(2, *backbone.preprocessing.input_size)
    with torch.no_grad():
        logits, features = logits_and_features(model, classifier_of(backbone), images)
        expected = model.forward_head(model.forward_features(images), pre_logits=True)
        assert torch.equal(logits, model(images))
    assert torch.allclose(features, expected, atol=1e-6)
    assert features.shape[1] == feature_size(backbone)


def test_own_modules_are_nothing_where_a_method_has_none() -> None:
    assert list(contract.own_modules(SimpleNamespace()).parameters()) == []  # type: ignore[arg-type]
    assert contract.hook(SimpleNamespace(), "select", {}) is None  # type: ignore[arg-type]
    first = Batch(torch.zeros(4, 1), torch.zeros(4), np.arange(4), step=7, share=0.5).first(2)
    assert (len(first.images), first.step, first.share) == (2, 7, 0.5)
