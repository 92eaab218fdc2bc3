"""What ``methods.py`` measures of inductive transfer: few labels of the target, and what the source is worth to it.

Two sources. The bundled network knows drawn shapes, far from digits. A near source is that network fine-tuned on all
labels of clean digits; its targets are other scans of digits, in noise or in fog, with five labels a class, and the
head knows the classes already. Each function takes a seed and returns the figure with the method, the figure without
it, and the seconds of both.
"""

from __future__ import annotations

import tempfile
import time
from functools import cache
from typing import Any

from small_tasks import Measure

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.evaluation.surgical import choose_stage
from tlwidgets.recipe import Recipe
from tlwidgets.training.run import Run
from tlwidgets.training.session import fit
from tlwidgets.training.weight_ensemble import wise_ft

FEW = 5  # labels a class
NEAR: dict[str, dict[str, Any]] = {
    "noisy_digits": {"domain": "noisy", "shift": 0.2},  # the source names .43 of validation images, of another deal
    "fogged_digits": {"domain": "fogged", "shift": 1.0},
}
STAGES = tuple(stage.name for stage in load_backbone("tlw_resnet").stages)[:-1]
RECIPES: dict[str, dict[str, Any]] = {
    "scratch": {"pretrained": False, "backbone_scale": 1.0},
    "fine_tuning": {},
    "feature_extraction": {"method": "feature_extraction", "plan": dict.fromkeys(STAGES, "frozen")},
    "probe_first": {"unfreezing": "probe_first"},
    "lora": {"plan": dict.fromkeys(STAGES, "lora"), "backbone_scale": 1.0},
    "norm": {"plan": dict.fromkeys(STAGES, "norm"), "backbone_scale": 1.0},
    "l2_sp": {"method": "l2_sp", "weight_decay": 0.0},
    "delta": {"method": "delta", "weight_decay": 0.0},
    "bss": {"method": "bss"},
}


def digits(seed: int) -> ImageData:
    """Five labelled digits of each kind."""
    return load_data("digits", seed=seed, labels_per_class=FEW)


@cache
def trained(recipe: str, seed: int) -> tuple[Run, float]:
    """The run of one of the recipes, fifty steps, and its seconds."""
    began = time.perf_counter()
    basis = Recipe(data=digits(seed), epochs=25, batch_size=25, augmentation="light", seed=seed, cache="off")
    run = fit(basis.replace(**RECIPES[recipe]), tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return run, time.perf_counter() - began


@cache
def near_source(world: str, seed: int) -> Run:
    """The run on all labels of a world's clean digits."""
    recipe = Recipe(data=load_data(world, domain="clean", seed=seed), epochs=6, seed=seed, cache="off")
    return fit(recipe, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)


def near_target(world: str, seed: int, labels: int | None = FEW) -> ImageData:
    """The world's other domain, with few labels or all."""
    return load_data(world, seed=seed, labels_per_class=labels, **NEAR[world])


def near_recipe(world: str, recipe: str, seed: int) -> Recipe:
    """One of the recipes on the near pair, fifty steps."""
    basis = Recipe(data=near_target(world, seed), backbone=f"run:{near_source(world, seed).path}", cache="off")
    return basis.replace(epochs=25, batch_size=25, augmentation="light", seed=seed, **RECIPES[recipe])


@cache
def near_trained(world: str, recipe: str, seed: int) -> tuple[Run, float]:
    """The run of a recipe on the near pair and its seconds; "surgical" tunes the stage that trials choose."""
    began = time.perf_counter()
    if recipe == "surgical":
        basis = near_recipe(world, "fine_tuning", seed)
        some = basis.replace(plan=choose_stage(basis, by="trial", epochs=10).plan)
    else:
        some = near_recipe(world, recipe, seed)
    run = fit(some, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return run, time.perf_counter() - began


@cache
def near_oracle(world: str, seed: int) -> float:
    """Accuracy after fine-tuning on all labels of the near target."""
    basis = near_recipe(world, "fine_tuning", seed)
    recipe = basis.replace(data=near_target(world, seed, None), epochs=6, batch_size=32)
    run = fit(recipe, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return float(run.metrics["test"]["accuracy"])


def beside(recipe: str, baseline: str, near: str = "") -> Measure:
    """One recipe against another: same images, same steps; ``near`` is the world of a near pair."""

    def measure(seed: int) -> tuple[float, float, float, float]:
        one, other = (near_trained(near, each, seed) if near else trained(each, seed) for each in (recipe, baseline))
        (found, seconds), (plain, before) = one, other
        ours, theirs = (run.metrics["test"]["accuracy"] for run in (found, plain))
        return float(ours), float(theirs), seconds, before

    return measure


def half_way(seed: int) -> tuple[float, float, float, float]:
    """The network half way between source and fine-tuned one, its statistics counted anew, against the latter."""
    (run, seconds), data = trained("fine_tuning", seed), digits(seed)
    began = time.perf_counter()
    blend = wise_ft(run, 0.5, images=data.images(data.indices("train")))
    spent = time.perf_counter() - began
    return _accuracy(blend, data), float(run.metrics["test"]["accuracy"]), seconds + spent, seconds


def near_half_way(world: str, judged_on: str) -> Measure:
    """Half way between the near source and its fine-tuning, statistics averaged, judged on "target" or "source"."""

    def measure(seed: int) -> tuple[float, float, float, float]:
        (run, seconds), source = near_trained(world, "fine_tuning", seed), near_source(world, seed)
        data = near_target(world, seed) if judged_on == "target" else load_data(world, domain="clean", seed=seed)
        began = time.perf_counter()
        blend = wise_ft(run, 0.5, start=source)
        spent = time.perf_counter() - began
        return _accuracy(blend, data), _accuracy(run.backbone, data), seconds + spent, seconds

    return measure


def _accuracy(backbone: Backbone, data: ImageData) -> float:
    """Share of the test images that a network names correctly."""
    test = data.indices("test")
    return float((backbone.logits(data.images(test)).argmax(1) == data.labels[test]).mean())
