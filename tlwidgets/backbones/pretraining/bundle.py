"""Write a pretrained network as the folder that `timm.create_model("local-dir:<folder>", pretrained=True)` loads."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch

from tlwidgets.backbones.pretraining.batches import MEAN, STD, DrawnImages
from tlwidgets.backbones.pretraining.loop import Learner, Pretraining

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FACTS = "pretraining.json"


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def timm_config(run: Pretraining) -> dict[str, Any]:
    """The config.json of timm: architecture, its arguments, preprocessing and the names of the drawn classes."""
    size, backbone = run.recipe.image_size, run.learner.backbone
    return {
        "architecture": run.recipe.architecture,
        "num_classes": len(run.data.class_names),
        "num_features": backbone.num_features,
        "model_args": dict(run.recipe.model_args),
        "pretrained_cfg": {
            "input_size": [3, size, size],
            "fixed_input_size": backbone.pretrained_cfg.get("fixed_input_size", False),
            "interpolation": "bicubic",
            "crop_pct": 1.0,
            "mean": list(MEAN),
            "std": list(STD),
            "pool_size": backbone.pretrained_cfg.get("pool_size"),
            "first_conv": backbone.pretrained_cfg["first_conv"],
            "classifier": backbone.pretrained_cfg["classifier"],
            "license": "bsd-3-clause",
            "label_names": list(run.data.class_names),
        },
    }


@torch.inference_mode()
def source_accuracy(
    learner: Learner, data: DrawnImages, *, held_out: bool, seed: int, n: int = 1000
) -> dict[str, float]:
    """Accuracy by family on views that training did not see.

    Args:
        learner: the trained network.
        data: its source.
        held_out: take drawings (fonts, hands, samples, parts of a scene) that training never saw, rather than fresh
            views of those it saw.
        seed: of the views.
        n: views a family.
    """
    learner.eval()
    found = {}
    for family in data.banks:
        rng = np.random.default_rng((seed, 2**32, held_out))
        hits = 0
        for _ in range(0, n, 250):
            images, labels = data.family_batch(family, 250, rng, held_out=held_out)
            hits += int((learner(images)[0].argmax(1) == labels).sum())
        found[family] = hits / n
    return found


def write_bundle(run: Pretraining, folder: Path) -> dict[str, Any]:
    """Write config.json, model.safetensors (16-bit floats) and pretraining.json.

    Returns:
        The facts that pretraining.json holds: recipe, seed, length, images seen, source accuracy, sha256.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: tensor.half().contiguous() if tensor.is_floating_point() else tensor
        for name, tensor in run.learner.backbone.state_dict().items()
    }
    safetensors.torch.save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / CONFIG).write_text(json.dumps(timm_config(run), indent=1, ensure_ascii=False) + "\n")
    facts = {
        "recipe": run.recipe.to_dict(),
        "seed": run.seed,
        "minutes": round(sum(part.seconds for part in run.parts) / 60, 1),
        "cpu_minutes": round(sum(part.cpu_seconds for part in run.parts) / 60, 1),
        "steps": sum(part.step for part in run.parts),
        "images": sum(part.step * part.recipe.batch_size for part in run.parts),
        "classes": {family: len(bank.class_names) for family, bank in run.data.banks.items()},
        "accuracy_fresh_views": source_accuracy(run.learner, run.data, held_out=False, seed=run.seed),
        "accuracy_held_out_drawings": source_accuracy(run.learner, run.data, held_out=True, seed=run.seed),
        "sha256": sha256(folder / WEIGHTS),
    }
    (folder / FACTS).write_text(json.dumps(facts, indent=1) + "\n")
    return facts
