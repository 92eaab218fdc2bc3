"""Methods whose head follows from the features at once: a recipe finds what the function finds, and trains nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import tlwidgets as tlw
from tlwidgets.backbones import load_backbone
from tlwidgets.backbones.feature_heads import AttentionHead, NeighbourHead, UnitHead
from tlwidgets.data import ImageData
from tlwidgets.data.generated.coloured_shapes import shape_attributes
from tlwidgets.data.readers import ArrayReader
from tlwidgets.errors import BackboneError, DataError, RecipeError, TlwError
from tlwidgets.exercises.experiments.small_networks import small_transformer
from tlwidgets.methods.clustering import named
from tlwidgets.methods.linear_probe import LinearProbe
from tlwidgets.methods.matching import Matching
from tlwidgets.methods.prototypes import Prototypes
from tlwidgets.methods.simple_shot import SimpleShot
from tlwidgets.training import EpochEnded
from tlwidgets.training.building import recipe_data
from tlwidgets.training.solving import PLAN

SHAPES = {"name": "coloured_shapes", "options": {"per_class": 8, "test": 0.4, "val": 0.1}}
UNSEEN = ["red circle", "red square", "green circle", "green square"]
TABLE = shape_attributes().tolist()
FEW: dict[str, Any] = {"prototypes": {}, "linear_probe": {}, "simple_shot": {}, "matching": {}, "clustering": {}}
DESCRIBED: dict[str, Any] = {
    name: {"descriptions": TABLE, "unseen": UNSEEN} for name in ("attributes", "eszsl", "text_alignment")
}
ALL = {**FEW, "label_spreading": {}, **DESCRIBED}


def _recipe(method: str, **changes: Any) -> tlw.Recipe:
    digits = {"name": "digits", "options": {"labels_per_class": 3, "val": 0.02, "test": 0.2}}
    data = SHAPES if method in DESCRIBED else digits
    some = {"data": data, "method": method, "method_options": ALL[method], "epochs": 1, "plan": PLAN, "cache": "off"}
    return tlw.Recipe(**{**some, **changes})


@pytest.fixture
def few(stripes: Any, tmp_path: Path) -> dict[str, Any]:
    """The stripes with four labels a class, on disk."""
    images, labels = stripes
    np.savez(tmp_path / "stripes.npz", images=images, labels=labels)
    return {"arrays": str(tmp_path / "stripes.npz"), "options": {"labels_per_class": 4}}


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("backbone", ["tlw_resnet", "other"])
def test_a_recipe_of_yaml_runs_and_its_network_comes_back(
    method: str, backbone: str, few: dict[str, Any], tmp_path: Path
) -> None:
    data = SHAPES if method in DESCRIBED else few
    backbone = backbone if backbone == "tlw_resnet" else small_transformer()
    written = _recipe(
        method, data=data, backbone=backbone, pretrained=backbone == "tlw_resnet", precision="auto", cache="auto"
    )
    read = tlw.Recipe.from_yaml(written.to_yaml())
    assert read == written
    run = tlw.fit(read, tmp_path / "run", progress=False)
    assert run.status == "finished"
    assert np.isfinite(run.history.drop(columns="pseudo_accuracy", errors="ignore")).all(axis=None)
    data = recipe_data(run.recipe, run.path)
    test = data.indices("test")
    images, labels = data.images(test), data.labels[test]
    again = float((run.predict_proba(images).argmax(1) == labels).mean())
    assert again == pytest.approx(run.metrics["test"]["accuracy"], abs=1e-6)
    source = load_backbone(f"run:{run.path}")
    assert np.array_equal(source.logits(images[:20]), run.backbone.logits(images[:20]))
    assert load_backbone(f"run:{run.path}", num_classes=3).num_classes == 3
    before = load_backbone(backbone, pretrained=backbone == "tlw_resnet")
    if backbone == "tlw_resnet":
        assert np.array_equal(source.features(images[:20]), before.features(images[:20]))  # nothing else has moved


@pytest.mark.parametrize("method", ALL)
def test_a_stopped_run_goes_on_to_the_same_head(method: str, few: dict[str, Any], tmp_path: Path) -> None:
    data = SHAPES if method in DESCRIBED else few
    recipe = _recipe(method, data=data, epochs=3, augmentation="light")
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(recipe, tmp_path / "halved")
    session.subscribe(lambda event: session.stop() if isinstance(event, EpochEnded) and event.epoch == 2 else None)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    untimed = [name for name in whole.history if name not in {"seconds", "images_per_second"}]
    assert whole.history[untimed].equals(resumed.history[untimed])
    assert whole.metrics == resumed.metrics
    one, other = (load_file(tmp_path / name / "best.safetensors") for name in ("whole", "halved"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("method", "options", "learner"),
    [
        ("prototypes", {}, Prototypes),
        ("linear_probe", {"C": 3.0}, lambda: LinearProbe(3.0)),
        ("linear_probe", {"scaling": "standard"}, lambda: LinearProbe(scaling="standard")),
        ("simple_shot", {}, SimpleShot),
        ("matching", {"sharpness": 5.0}, lambda: Matching(5.0)),
    ],
)
@pytest.mark.parametrize("classes", [3, 2])
def test_the_head_says_what_the_function_says(
    method: str, options: dict[str, Any], learner: Callable[[], Any], classes: int, stripes: Any, tmp_path: Path
) -> None:
    images, labels = stripes
    kept = np.isin(labels, ["across", "down", "plain"][:classes])
    data = tlw.load_data((images[kept], labels[kept]))
    recipe = tlw.Recipe(data=data, method=method, method_options=options, epochs=1)
    run = tlw.fit(recipe, tmp_path / "run", progress=False)
    train, test = data.indices("train"), data.indices("test")
    backbone = load_backbone("tlw_resnet")
    expected = learner().fit(backbone.features(data.images(train)), data.labels[train])
    expected = expected.predict_proba(backbone.features(data.images(test)))
    assert run.predict_proba(data.images(test)) == pytest.approx(expected, abs=1e-4)
    assert run.history["train_accuracy"][0] > 1 / classes  # of the head that was found, not of the zeros before it


def test_a_background_is_the_centre(stripes: Any, tmp_path: Path) -> None:
    data, others = tlw.load_data(stripes), np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), dtype=np.uint8)
    recipe = tlw.Recipe(data=data, method="simple_shot", method_options={"background": others}, epochs=1)
    run = tlw.fit(recipe, tmp_path / "run", progress=False)
    head, backbone = run.backbone.model.get_submodule("fc"), load_backbone("tlw_resnet")
    assert isinstance(head, UnitHead)
    used = others[np.sort(np.random.default_rng(0).permutation(8)[1:])]  # one of eight is kept for validation
    assert head.get_buffer("centre").numpy() == pytest.approx(backbone.features(used).mean(0), abs=1e-4)


def test_labels_spread_over_images_that_have_none(tmp_path: Path) -> None:
    run = tlw.fit(_recipe("label_spreading"), tmp_path / "run", progress=False)
    alone = tlw.fit(_recipe("prototypes"), tmp_path / "alone", progress=False)
    assert run.metrics["test"]["accuracy"] > alone.metrics["test"]["accuracy"]
    assert run.history["pseudo_accuracy"][0] > 0.8


def test_groups_are_found_without_labels_and_named_by_them(tmp_path: Path) -> None:
    digits = {"name": "digits", "options": {"test": 0.3}}
    recipe = _recipe("clustering", data=digits, method_options={"kind": "agglomerative"})
    run = tlw.fit(recipe, tmp_path / "run", progress=False)
    assert run.metrics["test"]["accuracy"] > 0.85
    assert (run.history[["nmi", "ari"]] > 0.8).all(axis=None)
    assert named(np.array([0, 0, 1, 1, 1, 2]), np.array([2, 2, 0, 0, 1, 1]), 3).tolist() == [2, 0, 1]


@pytest.mark.parametrize("method", DESCRIBED)
def test_no_image_of_an_unseen_class_is_learned_from(method: str, tmp_path: Path) -> None:
    data = tlw.load_data("coloured_shapes", per_class=8, test=0.4, val=0.1)
    spoiled = np.stack(data.images(range(len(data))))
    hidden = np.isin(np.array(data.classes)[data.labels], UNSEEN) & (data.split == "train")
    spoiled[hidden] = 255 - spoiled[hidden]
    heads = []
    for name, images in (("plain", np.stack(data.images(range(len(data))))), ("spoiled", spoiled)):
        reader = ArrayReader(images, name)
        some = ImageData(name, data.classes, data.labels, data.split, data.groups, reader, {"memory": "arrays"})
        run = tlw.fit(_recipe(method, data=some), tmp_path / name, progress=False)
        heads.append(run.backbone.model.get_submodule("fc").state_dict())
    assert hidden.sum() > 8
    for name, value in heads[0].items():
        assert torch.equal(value, heads[1][name]), name


@pytest.mark.parametrize("method", DESCRIBED)
def test_unseen_classes_are_recognised_and_judged_apart(method: str, tmp_path: Path) -> None:
    run = tlw.fit(_recipe(method), tmp_path / "run", progress=False)
    found = run.metrics["zero_shot"]
    assert found["chance"] == 0.25
    assert found["accuracy"] > 0.5
    assert found["n"] == 12  # 3 test images of each
    assert 0 <= found["harmonic"] <= max(found["seen"], found["unseen"])


@pytest.mark.parametrize(
    ("method", "changes", "kind", "said"),
    [
        ("prototypes", {"plan": {"*": "trainable"}}, RecipeError, "'stem' is 'trainable'"),
        ("prototypes", {"plan": {"*": "frozen", "head": "lora"}}, RecipeError, "'head' is 'lora'"),
        ("prototypes", {"pretrained": False, "plan": None}, RecipeError, "plan="),
        ("prototypes", {"augmentation": "mixup"}, RecipeError, "one label for each image"),
        ("linear_probe", {"method_options": {"C": 0}}, DataError, "C is 0"),
        ("linear_probe", {"method_options": {"scaling": "odd"}}, DataError, "scalings: unit, standard"),
        ("matching", {"method_options": {"sharpness": -1}}, RecipeError, "sharpness is -1"),
        ("label_spreading", {"data": "digits"}, DataError, "no unlabelled images"),
        ("label_spreading", {"method_options": {"n_neighbours": 0}}, RecipeError, "n_neighbours is 0"),
        ("clustering", {"method_options": {"kind": "odd"}}, RecipeError, "kmeans, agglomerative"),
        ("eszsl", {"method_options": {"descriptions": TABLE[:3], "unseen": UNSEEN}}, DataError, "3 descriptions"),
        ("eszsl", {"method_options": {"descriptions": TABLE, "unseen": ["pink"]}}, DataError, "no class 'pink'"),
        ("eszsl", {"method_options": {"descriptions": TABLE, "unseen": UNSEEN[:1]}}, DataError, "1 classes are held"),
        ("attributes", {"method_options": {"descriptions": TABLE}}, RecipeError, "needs the option 'unseen'"),
        (
            "attributes",
            {"method_options": {"descriptions": [[2.0]] * 16, "unseen": UNSEEN}},
            DataError,
            "not all 0 or 1",
        ),
    ],
)
def test_what_cannot_be_solved_is_refused_before_anything_is_written(
    method: str, changes: dict[str, Any], kind: type[TlwError], said: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said):
        tlw.fit(_recipe(method, **changes), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_a_class_without_an_example_is_told(stripes: Any, tmp_path: Path) -> None:
    images, labels = stripes
    data = tlw.load_data((images, labels))
    data.split[(data.labels == 2) & (data.split == "train")] = "val"
    with pytest.raises(DataError, match="'plain' has no training image"):
        tlw.fit(tlw.Recipe(data=data, method="prototypes", epochs=1), tmp_path / "run", progress=False)
    assert tlw.Run(tmp_path / "run").status == "failed"


def test_a_search_for_a_rate_says_that_there_is_none(recipe: tlw.Recipe) -> None:
    with pytest.raises(RecipeError, match="there is no rate to look for"):
        tlw.find_learning_rate(recipe.replace(method="prototypes", plan=PLAN), progress=False)


def test_what_a_person_unfreezes_stays_as_it_is(tmp_path: Path) -> None:
    session = tlw.TrainingSession(_recipe("prototypes", epochs=3), tmp_path / "run")
    everything = dict.fromkeys((stage.name for stage in load_backbone("tlw_resnet").stages), "trainable")
    session.subscribe(
        lambda event: session.set_plan(everything) if isinstance(event, EpochEnded) and event.epoch == 1 else None
    )
    run = session.start().wait(120)
    same = (run.backbone.model, load_backbone("tlw_resnet").model)
    one, other = (model.state_dict() for model in same)
    assert all(torch.equal(one[name], other[name]) for name in one if not name.startswith("fc"))
    assert run.history["val_accuracy"].nunique() == 1


def test_a_network_that_does_not_end_in_a_linear_layer_is_refused(recipe: tlw.Recipe, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="does not end in one linear layer"):
        tlw.fit(
            tlw.Recipe(
                data=recipe.data,
                backbone="deit_tiny_distilled_patch16_224",
                pretrained=False,
                method="prototypes",
                plan=PLAN,
                epochs=1,
            ),
            tmp_path / "run",
            progress=False,
        )


def test_a_memory_counts_what_it_keeps_and_no_free_place() -> None:
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    for head in (AttentionHead(5, 2, 2, 20.0), NeighbourHead(5, 2, 2, 1)):
        with torch.no_grad():
            head.memory[:2] = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
            head.beliefs[:2] = torch.eye(2)
        assert head(features).exp().detach().numpy() == pytest.approx(np.eye(2), abs=1e-6)
        assert torch.isfinite(head(torch.zeros(1, 2))).all()
