"""Pictures and networks that all contenders start from, made once and kept in a folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import timm
import torch
from PIL import Image
from timm.models import save_for_hf

from side_by_side.job import Job
from tlwidgets.backbones.loading import load_backbone
from tlwidgets.data.load import load_data

STORED_SIDE = 160  # pixels of a stored picture; the networks take 96
NETWORKS = {"resnet18": {}, "vit_tiny_patch16_224": {"img_size": 96}}


def pictures(folder: Path, n_train: int) -> Path:
    """Drawn land cover in winter as JPEG files: ``n_train`` for training, a quarter of it for val, as many for test."""
    root = folder / f"landcover-{n_train}"
    if not root.exists():
        per_class = -(-n_train * 3 // 2 // 5)
        data = load_data("landcover", domain="winter", per_class=per_class, val=1 / 6, test=1 / 6)
        for split in ("train", "val", "test"):
            for index in data.indices(split):
                place = root / split / data.classes[data.labels[index]] / f"{index:05d}.jpg"
                place.parent.mkdir(parents=True, exist_ok=True)
                picture = Image.fromarray(data.image(index)).resize(
                    (STORED_SIDE, STORED_SIDE), Image.Resampling.BICUBIC
                )
                picture.save(place, quality=90)
    return root


def weights(folder: Path, name: str) -> Path:
    """The network with random weights, for 96 x 96 pixels, in timm's ``local-dir:`` format."""
    root = folder / name
    if not root.exists():
        torch.manual_seed(0)
        arguments = NETWORKS[name]
        model = timm.create_model(name, num_classes=10, **arguments)
        size = {"input_size": (3, 96, 96), "crop_pct": 1.0}
        save_for_hf(model, root, {"pretrained_cfg": size}, model_args=arguments or None, safe_serialization=True)
    return root


def prepare(folder: str, name: str, n_train: int, learning: str) -> dict[str, object]:
    """The part of a job that depends on network and pictures.

    Args:
        folder: Where to keep them.
        name: Of the network.
        n_train: Training pictures.
        learning: What learns: "head", "last" (last stage and head), "half" (of the stages) or "all".

    Returns:
        Fields of a ``Job``.
    """
    data, root = pictures(Path(folder), n_train), weights(Path(folder), name)
    backbone = load_backbone(f"local-dir:{root}")
    n_stages = len(backbone.stages)
    n_frozen = {"head": n_stages - 1, "last": n_stages - 2, "half": n_stages // 2, "all": 0}[learning]
    frozen = backbone.stages[:n_frozen]
    job = Job(
        backbone=str(root),
        data=str(data),
        side=backbone.preprocessing.input_size[1],
        mean=backbone.preprocessing.mean,
        std=backbone.preprocessing.std,
        stages=tuple(stage.name for stage in frozen),
        parameters=tuple(parameter for stage in frozen for parameter in stage.parameter_names),
    )
    return dataclasses.asdict(job)
