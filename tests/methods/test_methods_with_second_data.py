"""The contract over every method that learns from images without labels: recipes, runs, resuming, bad input."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

import tlwidgets as tlw
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training import EpochEnded

ADAPTING = {
    "coral": {"domain_gap"},
    "mmd": {"domain_gap"},
    "dann": {"domain_loss", "domain_accuracy"},
    "cdan": {"domain_loss"},
    "mcc": {"confusion"},
    "importance_weighting": {"effective_images"},
    "self_training": {"pseudo_labelled", "pseudo_accuracy"},
}
AFTER_TRAINING = ("adabn", "tent", "label_shift")
HALF_LABELLED = {
    "pseudo_labels": {"pseudo_accuracy"},
    "fixmatch": {"mask_rate", "pseudo_accuracy", "consistency_loss"},
    "mean_teacher": {"teacher_val_accuracy", "pseudo_accuracy"},
}
TARGET = {"target_accuracy", "target_entropy", "target_information"}


@pytest.fixture
def shifted(stripes: Any) -> tuple[np.ndarray, np.ndarray]:
    """The stripes, darker and with less contrast."""
    images, labels = stripes
    return (images * 0.6).astype(np.uint8), labels


@pytest.fixture
def few(stripes: Any, tmp_path: Path) -> dict[str, Any]:
    """The stripes with four labels a class, on disk."""
    images, labels = stripes
    np.savez(tmp_path / "stripes.npz", images=images, labels=labels)
    return {"arrays": str(tmp_path / "stripes.npz"), "options": {"labels_per_class": 4}}


def _recipe(recipe: tlw.Recipe, method: str, shifted: Any, few: Any) -> tlw.Recipe:
    if method in (*ADAPTING, *AFTER_TRAINING):
        return recipe.replace(method=method, method_options={"target": shifted})
    return recipe.replace(data=few, method=method, batch_size=6)


@pytest.mark.parametrize("method", [*ADAPTING, *AFTER_TRAINING, *HALF_LABELLED])
def test_a_stopped_run_goes_on_to_the_same_bits_and_tells_its_columns(
    recipe: tlw.Recipe, method: str, shifted: Any, few: Any, tmp_path: Path
) -> None:
    recipe = _recipe(recipe, method, shifted, few).replace(epochs=3)
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(recipe, tmp_path / "halved")
    session.subscribe(lambda event: session.stop() if isinstance(event, EpochEnded) and event.epoch == 2 else None)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    untimed = [name for name in whole.history if name not in {"seconds", "images_per_second"}]
    assert whole.history[untimed].equals(resumed.history[untimed])
    assert whole.metrics == resumed.metrics
    columns = (ADAPTING | HALF_LABELLED).get(method, set()) | (set() if method in HALF_LABELLED else TARGET)
    assert columns <= set(whole.history)
    assert whole.history[sorted(columns - {"pseudo_accuracy"})].notna().all(axis=None)
    for file in ("last", "best"):
        whole_state, state = (load_file(tmp_path / name / f"{file}.safetensors") for name in ("whole", "halved"))
        assert all((whole_state[name] == state[name]).all() for name in state)


@pytest.mark.parametrize("method", [*ADAPTING, *AFTER_TRAINING, *HALF_LABELLED])
@pytest.mark.parametrize("backbone", ["tlw_resnet", "other"])
def test_a_recipe_of_yaml_runs_on_bundled_and_other_networks(method: str, backbone: str, tmp_path: Path) -> None:
    few = {"name": "sensor_digits", "options": {"domain": "clean", "labels_per_class": 2, "val": 0.02, "test": 0.02}}
    target = {"name": "sensor_digits", "options": {"val": 0.03, "test": 0.9}}
    options = {} if method in HALF_LABELLED else {"target": target}
    pretrained = backbone == "tlw_resnet"
    if not pretrained:
        backbone = "test_resnet" if method == "adabn" else "test_vit"  # only some have a BatchNorm
    written = tlw.Recipe(
        data=few,
        backbone=backbone,
        pretrained=pretrained,
        method=method,
        method_options=options,
        epochs=1,
        batch_size=10,
    )
    read = tlw.Recipe.from_yaml(written.to_yaml())
    assert read == written
    run = tlw.fit(read, tmp_path / "run", progress=False)
    assert run.status == "finished"
    assert math.isfinite(run.history["train_loss"][0])
    kept = {"name": "sensor_digits", "options": {"seed": 0, "val": 0.03, "test": 0.9}}
    assert run.recipe.method_options == ({**options, "target": kept} if options else {})


@pytest.mark.parametrize("method", [*ADAPTING, *AFTER_TRAINING])
def test_targets_without_labels_do(recipe: tlw.Recipe, method: str, shifted: Any, tmp_path: Path) -> None:
    bare = recipe.replace(method=method, method_options={"target": shifted[0]}, epochs=3)
    run = tlw.fit(bare, tmp_path / "run", progress=False)
    assert run.history["target_accuracy"].isna().all()
    assert run.history["target_entropy"].notna().all()


@pytest.mark.parametrize("method", [*ADAPTING, *AFTER_TRAINING])
def test_targets_that_cannot_be_adapted_to_are_refused_before_anything_is_written(
    recipe: tlw.Recipe, method: str, shifted: Any, tmp_path: Path
) -> None:
    images, labels = shifted
    recipe = recipe.replace(method=method)
    renamed = images, np.where(labels == "plain", "empty", labels)
    cases: list[tuple[dict[str, Any], type[tlw.errors.TlwError], str]] = [
        ({"target": renamed}, DataError, "different classes, for example 'empty'"),
        ({"target": images[:0]}, DataError, "There are no images"),
        ({"target": images[:1]}, DataError, "1 images in"),
        ({"target": images, "select": "oracle"}, RecipeError, "'oracle'|does not take"),
        ({}, RecipeError, "target"),
    ]
    for options, kind, message in cases:
        with pytest.raises(kind, match=message):
            tlw.fit(recipe.replace(method_options=options), tmp_path / "run", progress=False)
    one_by_one = recipe.replace(method_options={"target": images}, batch_size=1)
    with pytest.raises(RecipeError, match="One image"):
        tlw.fit(one_by_one, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("method", HALF_LABELLED)
def test_unlabelled_images_may_be_others_and_must_be_there(
    recipe: tlw.Recipe, method: str, shifted: Any, tmp_path: Path
) -> None:
    own = recipe.replace(method=method, epochs=1)
    run = tlw.fit(own.replace(method_options={"unlabelled": shifted[0]}), tmp_path / "run", progress=False)
    assert run.status == "finished"
    with pytest.raises(DataError, match="has no unlabelled images"):
        tlw.fit(own, tmp_path / "none", progress=False)
    with pytest.raises(RecipeError, match="ratio is 0"):
        tlw.fit(own.replace(method_options={"unlabelled": shifted[0], "ratio": 0}), tmp_path / "none", progress=False)


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("coral", {"weight": -1}, "weight is -1"),
        ("mmd", {"weight": -1}, "weight is -1"),
        ("dann", {"strength": -1}, "strength is -1"),
        ("cdan", {"hidden": 0}, "hidden is 0"),
        ("mcc", {"temperature": 0}, "temperature is 0"),
        ("importance_weighting", {"ceiling": 0}, "ceiling is 0"),
        ("self_training", {"share": 0}, "share is 0"),
        ("self_training", {"warmup": 2}, "warmup 2 of 2 epochs"),
        ("pseudo_labels", {"begin": 0.9, "end": 0.5}, "begin 0.9"),
        ("fixmatch", {"threshold": 2}, "threshold 2"),
        ("mean_teacher", {"decay": 1}, "decay 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    recipe: tlw.Recipe, method: str, options: dict[str, Any], message: str, shifted: Any, few: Any, tmp_path: Path
) -> None:
    made = _recipe(recipe, method, shifted, few)
    with pytest.raises(RecipeError, match=message):
        tlw.fit(made.replace(method_options={**made.method_options, **options}), tmp_path / "run", progress=False)


@pytest.mark.parametrize(("method", "option"), [("dann", "target"), ("tent", "target"), ("fixmatch", "unlabelled")])
def test_texts_are_learned_from_too(tiny_text: str, opinions: Any, method: str, option: str, tmp_path: Path) -> None:
    texts, labels = opinions
    others = ([f"the {text}" for text in texts], labels)
    recipe = tlw.Recipe(data=tlw.load_data(opinions), backbone=tiny_text, method=method, epochs=1, batch_size=8)
    run = tlw.fit(recipe.replace(method_options={option: others}), tmp_path / "run", progress=False)
    assert math.isfinite(run.history["train_loss"][0])
    assert run.recipe.method_options[option]["table"] == f"{option}/data.csv"


def test_low_rank_adapters_learn_from_a_second_data_set(recipe: tlw.Recipe, shifted: Any, tmp_path: Path) -> None:
    plan = {"*": "lora", "head": "trainable"}
    run = tlw.fit(
        recipe.replace(method="cdan", method_options={"target": shifted}, plan=plan), tmp_path / "run", progress=False
    )
    assert run.status == "finished"


def test_the_mean_teacher_is_what_the_run_keeps(recipe: tlw.Recipe, few: Any, tmp_path: Path) -> None:
    made = recipe.replace(data=few, method="mean_teacher", method_options={"decay": 0.9}, batch_size=6)
    run = tlw.fit(made.replace(epochs=1), tmp_path / "run", progress=False)
    state = load_file(run.path / "last.safetensors")
    kept = run.backbone.model.state_dict()
    assert all((state[f"method/teacher.{name}"] == kept[name]).all() for name in kept)
    assert any((state[f"model/{name}"] != kept[name]).any() for name in kept)
    with pytest.raises(RecipeError, match="low-rank"):
        tlw.fit(made.replace(plan={"stage1": "lora"}), tmp_path / "lora", progress=False)


def test_self_training_labels_the_target_in_a_run_of_one_epoch_too(
    recipe: tlw.Recipe, shifted: Any, tmp_path: Path
) -> None:
    made = recipe.replace(method="self_training", method_options={"target": shifted}, epochs=1)
    run = tlw.fit(made, tmp_path / "run", progress=False)
    assert run.history["pseudo_labelled"][0] > 0.3
    no_epoch_left = made.replace(method_options={"target": shifted, "warmup": 1})
    with pytest.raises(RecipeError, match="warmup 1 of 1 epochs"):
        tlw.fit(no_epoch_left, tmp_path / "none", progress=False)


@pytest.mark.parametrize("method", ["coral", "mmd"])
def test_a_target_that_makes_the_features_nan_stops_the_run(
    recipe: tlw.Recipe, method: str, shifted: Any, tmp_path: Path
) -> None:
    made = recipe.replace(method=method, method_options={"target": shifted}, learning_rate=1e8, epochs=5)
    with pytest.raises(tlw.errors.TrainingError, match="The loss became"):
        tlw.fit(made, tmp_path / "run", progress=False)
