"""What ``methods.py`` measures of inductive transfer: few labels of the target, and what the source is worth to it.

Each function takes a seed and returns the figure with the method, the figure without it, and the seconds of both.
"""

from __future__ import annotations

import tempfile
import time
from functools import cache
from typing import Any

from small_tasks import Measure

from tlwidgets.backbones import load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.recipe import Recipe
from tlwidgets.training.run import Run
from tlwidgets.training.session import fit
from tlwidgets.training.weight_ensemble import wise_ft

FEW = 5  # labels a class
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


def beside(recipe: str, baseline: str) -> Measure:
    """One recipe against another: same images, same steps."""

    def measure(seed: int) -> tuple[float, float, float, float]:
        (found, seconds), (plain, before) = trained(recipe, seed), trained(baseline, seed)
        ours, theirs = (run.metrics["test"]["accuracy"] for run in (found, plain))
        return float(ours), float(theirs), seconds, before

    return measure


def half_way(seed: int) -> tuple[float, float, float, float]:
    """The network half way between source and fine-tuned one, its statistics counted anew, against the latter."""
    (run, seconds), data = trained("fine_tuning", seed), digits(seed)
    began = time.perf_counter()
    blend = wise_ft(run, 0.5, images=data.images(data.indices("train")))
    spent = time.perf_counter() - began
    test = data.indices("test")
    found = float((blend.logits(data.images(test)).argmax(1) == data.labels[test]).mean())
    return found, float(run.metrics["test"]["accuracy"]), seconds + spent, seconds
