"""AdaBN, Tent and label shift as recipes: trained on the source, adapted to the target when that is over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tlwidgets as tlw
from tlwidgets.errors import BackboneError, DataError, RecipeError
from tlwidgets.methods import adabn, label_shift, tent

METHODS = ("adabn", "tent", "label_shift")


@pytest.fixture
def target(stripes: Any) -> tlw.ImageData:
    """The stripes, darker and with less contrast, mostly plain ones; a third is held out."""
    images, labels = stripes
    rows = np.concatenate([np.flatnonzero(labels == "plain"), np.flatnonzero(labels != "plain")[:16]])
    return tlw.load_data(((images[rows] * 0.6).astype(np.uint8), labels[rows]), val=0.3, test=0.0)


@pytest.fixture
def adapting(recipe: tlw.Recipe, target: tlw.ImageData) -> tlw.Recipe:
    """A run of one epoch, so that the last weights are also the best; good enough for every class to be predicted."""
    return recipe.replace(method="adabn", method_options={"target": target}, epochs=1, batch_size=6)


def _trained(run: tlw.Run) -> tlw.Backbone:
    """The network as training left it."""
    backbone = tlw.load_backbone(run.recipe.backbone, pretrained=False, num_classes=3)
    state = load_file(run.path / "last.safetensors")
    weights = {name.removeprefix("model/"): value for name, value in state.items() if name.startswith("model/")}
    backbone.model.load_state_dict(weights)
    backbone.model.eval()
    return backbone


def _images(data: tlw.ImageData, split: str) -> list[np.ndarray]:
    return data.images(data.indices(split))


def _accuracy(backbone: tlw.Backbone, data: tlw.ImageData, split: str) -> float:
    found = backbone.logits(_images(data, split)).argmax(1)
    return float((found == data.labels[data.indices(split)]).mean())


def _changed(one: tlw.Backbone, other: tlw.Backbone) -> set[str]:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return {name for name in ours if not torch.equal(ours[name], theirs[name])}


@pytest.mark.parametrize("method", METHODS)
def test_the_history_tells_of_the_trained_network_and_the_metrics_of_the_adapted_one_that_is_kept(
    adapting: tlw.Recipe, target: tlw.ImageData, method: str, tmp_path: Path
) -> None:
    run = tlw.fit(adapting.replace(method=method), tmp_path / "run", progress=False)
    trained, kept = _trained(run), tlw.Run.load(run.path).backbone
    assert _changed(trained, kept)
    assert run.history["target_accuracy"].item() == pytest.approx(_accuracy(trained, target, "val"))
    assert run.metrics["target"]["accuracy"] == pytest.approx(_accuracy(kept, target, "val"))
    for split in ("val", "test"):
        assert run.metrics[split]["accuracy"] == pytest.approx(_accuracy(kept, adapting.data, split))
    assert run.predict(_images(adapting.data, "test")) == run.predictions["predicted"].tolist()


def test_adabn_keeps_what_its_function_makes_of_the_trained_network(
    adapting: tlw.Recipe, target: tlw.ImageData, tmp_path: Path
) -> None:
    run = tlw.fit(adapting, tmp_path / "run", progress=False)
    expected = adabn.adapt(_trained(run), _images(target, "train"))
    assert all("running" in name for name in _changed(_trained(run), run.backbone))
    for name, tensor in expected.model.state_dict().items():
        assert torch.allclose(run.backbone.model.state_dict()[name].double(), tensor.double(), atol=1e-5), name


def test_tent_moves_norms_alone_and_is_surer_of_the_target_than_adabn(
    adapting: tlw.Recipe, target: tlw.ImageData, tmp_path: Path
) -> None:
    made = adapting.replace(method="tent", method_options={"target": target, "learning_rate": 0.01, "epochs": 3})
    run = tlw.fit(made, tmp_path / "run", progress=False)
    trained, images = _trained(run), _images(target, "train")
    changed = _changed(trained, run.backbone)
    norms = {name for name, module in trained.model.named_modules() if isinstance(module, torch.nn.BatchNorm2d)}
    assert {name.rpartition(".")[0] for name in changed} <= norms
    assert any(name.endswith("weight") for name in changed)
    networks = (run.backbone, adabn.adapt(trained, images))
    sure, less = (tent.mean_entropy(torch.from_numpy(each.logits(images))) for each in networks)
    assert sure < less


@pytest.mark.parametrize("estimator", label_shift.ESTIMATORS)
def test_label_shift_keeps_a_network_that_says_what_its_function_says(
    adapting: tlw.Recipe, target: tlw.ImageData, estimator: str, tmp_path: Path
) -> None:
    options = {"target": target, "estimator": estimator}
    run = tlw.fit(
        adapting.replace(method="label_shift", method_options=options, epochs=6), tmp_path / "run", progress=False
    )
    plain = tlw.fit(
        adapting.replace(method="fine_tuning", method_options={}, epochs=6), tmp_path / "plain", progress=False
    )
    predictor = label_shift.adapt(plain, _images(target, "train"), adapting.data, estimator)
    assert list(run.metrics["shares"]) == list(run.classes)
    assert list(run.metrics["shares"].values()) == pytest.approx(predictor.shares, abs=1e-4)
    images = _images(target, "val")
    assert run.predict_proba(images) == pytest.approx(predictor.predict_proba(images), abs=1e-4)
    assert _changed(plain.backbone, run.backbone) == {"fc.bias"}


def test_statistics_of_a_frozen_network_change_on_record_and_nothing_kept_of_it_is_used_any_longer(
    adapting: tlw.Recipe, tmp_path: Path
) -> None:
    frozen = adapting.replace(plan={"*": "frozen", "head": "trainable"}, cache="memory", epochs=2)
    run = tlw.fit(frozen, tmp_path / "run", progress=False)
    audit = json.loads((run.path / "audit.json").read_text())
    assert {"conv1.0.weight", "bn1.running_mean"} <= set(audit["unmoved"])
    assert audit["adapted"]
    assert all("running" in name for name in audit["adapted"])
    start = tlw.load_backbone(frozen.backbone)
    assert {name for name in _changed(start, run.backbone) if not name.startswith("fc")} == set(audit["adapted"])
    assert run.metrics["val"]["accuracy"] == pytest.approx(_accuracy(run.backbone, frozen.data, "val"))


@pytest.mark.parametrize("method", METHODS)
def test_a_run_that_was_killed_when_it_had_been_adapted_is_not_adapted_twice(
    adapting: tlw.Recipe, method: str, tmp_path: Path
) -> None:
    killed = tlw.fit(adapting.replace(method=method), tmp_path / "run", progress=False)
    before, metrics = load_file(killed.path / "best.safetensors"), killed.metrics
    (killed.path / "status.json").write_text(json.dumps({"status": "running", "classes": killed.classes}))
    (killed.path / "metrics.json").unlink()
    resumed = tlw.resume(killed.path, progress=False)
    after = load_file(killed.path / "best.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert resumed.metrics == metrics
    assert resumed.status == "finished"


def test_low_rank_adapters_are_merged_before(adapting: tlw.Recipe, tmp_path: Path) -> None:
    made = adapting.replace(method="tent", plan={"*": "lora", "head": "trainable"})
    run = tlw.fit(made, tmp_path / "run", progress=False)
    assert run.status == "finished"
    assert run.metrics["test"]["accuracy"] == pytest.approx(_accuracy(run.backbone, made.data, "test"))


def test_a_classifier_whose_mistakes_say_nothing_ends_in_words_and_leaves_its_weights(
    adapting: tlw.Recipe, tmp_path: Path
) -> None:
    options = {**adapting.method_options, "estimator": "bbse"}
    made = adapting.replace(method="label_shift", method_options=options, learning_rate=1e-9)
    with pytest.raises(DataError, match="confusion of the classes cannot be inverted"):
        tlw.fit(made, tmp_path / "run", progress=False)
    run = tlw.Run.load(tmp_path / "run")
    assert run.status == "failed"
    assert not _changed(_trained(run), run.backbone)


def test_what_cannot_be_adapted_is_refused_before_anything_is_written(
    adapting: tlw.Recipe, stripes: Any, target: tlw.ImageData, tmp_path: Path
) -> None:
    vit = adapting.replace(backbone="test_vit", pretrained=False)
    unjudged = adapting.replace(data=tlw.load_data(stripes, val=0.0, test=0.3))
    cases: list[tuple[tlw.Recipe, str, dict[str, Any], type[Exception], str]] = [
        (vit, "adabn", {}, BackboneError, "no BatchNorm"),
        (adapting, "tent", {"learning_rate": 0}, RecipeError, "learning_rate"),
        (adapting, "tent", {"epochs": 0}, RecipeError, "epochs is 0"),
        (adapting, "label_shift", {"estimator": "odd"}, RecipeError, "estimator"),
        (unjudged, "label_shift", {}, DataError, "no validation images"),
    ]
    for recipe, method, options, kind, message in cases:
        made = recipe.replace(method=method, method_options={"target": target, **options})
        with pytest.raises(kind, match=message):
            tlw.fit(made, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
