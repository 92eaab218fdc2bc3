"""A network small enough to be pretrained in a lesson."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import timm
import torch
from timm.models import save_for_hf

from tlwidgets.exercises.experiments.measured import remembered

_KEPT: list[TemporaryDirectory[str]] = []
"""Folders of networks, thrown away with the process."""
PREPROCESSING = {"crop_pct": 1.0, "mean": (0.5,) * 3, "std": (0.25,) * 3}


@remembered
def small_network(side: int = 32) -> str:
    """Write a residual network of 0.3 million random weights; its name is what ``load_backbone`` takes.

    Args:
        side: pixels of the images that it reads.
    """
    return _written("resnet10t", side, {"channels": [16, 32, 64, 128], "stem_width": 8})


@remembered
def small_transformer(side: int = 16, patch: int = 4) -> str:
    """Write a vision transformer of 0.1 million random weights; its name is what ``load_backbone`` takes.

    Args:
        side: pixels of the images that it reads.
        patch: pixels of a side of a patch.
    """
    size = {"img_size": side, "patch_size": patch, "embed_dim": 48, "depth": 3, "num_heads": 3}
    return _written("vit_tiny_patch16_224", side, {**size, "class_token": False, "global_pool": "avg"})


def _written(architecture: str, side: int, arguments: dict[str, Any]) -> str:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = timm.create_model(architecture, num_classes=10, **arguments)
    model.pretrained_cfg |= {**PREPROCESSING, "input_size": (3, side, side)}
    _KEPT.append(TemporaryDirectory())
    folder = Path(_KEPT[-1].name) / architecture
    save_for_hf(model, str(folder), model_args=arguments, safe_serialization=True)
    return f"local-dir:{folder}"
