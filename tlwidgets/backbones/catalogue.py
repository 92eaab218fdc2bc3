"""Which backbones exist, and which of them work with no network. Nothing here opens a connection."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pandas as pd
import timm
import torch

from tlwidgets.backbones.minilm import HUB_ID, MAX_LENGTH, MINILM, PARAMETERS, minilm_package
from tlwidgets.backbones.pretraining_data import datasets_in
from tlwidgets.backbones.sizes import read_sizes

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class Entry:
    """One line of the catalogue.

    Attributes:
        name: What ``load_backbone`` takes.
        family: The architecture without its tag.
        parameters: Number of parameters, the pre-trained head included; None where it was never measured.
        input_size: Height and width that it was pre-trained on, pixels; of a text encoder the tokens it reads.
        offline: Whether its weights are on this machine.
        source: "bundled", "timm", "torchvision", or "transformers" for text.
        licence: Licence of the weights, "" where it is not stated.
        pretrained_on: What it was pre-trained on, as its tag says.
        group: The architectures that it belongs to, such as "resnet" or "vision_transformer".
        datasets: The data sets that its tag names; empty where it names none that we know.
        macs: Multiply-adds of one image at ``input_size``; None where they were never measured.
        step_bytes: Memory that a full fine-tuning step of 32 images needs with AdamW in float32; None likewise.
        kept_bytes: What one image takes of it, between forward and backward pass; None likewise.
    """

    name: str
    family: str
    parameters: int | None
    input_size: int
    offline: bool
    source: str
    licence: str
    pretrained_on: str
    group: str = ""
    datasets: tuple[str, ...] = ()
    macs: int | None = None
    step_bytes: int | None = None
    kept_bytes: int | None = None


def catalogue() -> tuple[Entry, ...]:
    """Everything ``load_backbone`` takes by name: bundled first, then timm's and torchvision's, then for text."""
    return tuple(_sized(entry) for entry in (*_bundled(), *_timm(), *_torchvision(), _minilm()))


def _sized(entry: Entry) -> Entry:
    size = read_sizes().get(entry.name)
    if size is None:
        return entry
    return replace(
        entry,
        parameters=size.parameters,
        macs=size.macs,
        step_bytes=size.step_bytes,
        kept_bytes=size.kept_bytes,
    )


def list_backbones(search: str = "", *, offline: bool | None = None) -> pd.DataFrame:
    """Lists backbones as a table.

    Args:
        search: Keep names that contain every word of it.
        offline: True keeps those whose weights are on this machine, False the others, None all.

    Returns:
        One row a backbone, columns as in ``Entry``.
    """
    words = search.lower().split()
    rows = [
        asdict(entry)
        for entry in catalogue()
        if all(word in entry.name.lower() for word in words) and offline in (None, entry.offline)
    ]
    return pd.DataFrame(rows, columns=list(Entry.__dataclass_fields__))


def bundled_folder(name: str) -> Path | None:
    """Folder of a bundled backbone (timm's ``local-dir:`` format), or None for any other name."""
    folder = WEIGHTS / name
    return folder if "/" not in name and (folder / "config.json").is_file() else None


@cache
def _bundled() -> tuple[Entry, ...]:
    entries = []
    for path in sorted(WEIGHTS.glob("*/config.json")):
        config = json.loads(path.read_text("utf-8"))
        entries.append(
            Entry(
                name=path.parent.name,
                family=config["architecture"],
                parameters=config.get("num_parameters") or _count_parameters(path.parent / "model.safetensors"),
                input_size=config["pretrained_cfg"]["input_size"][-1],
                offline=True,
                source="bundled",
                licence=config["pretrained_cfg"].get("license") or "bsd-3-clause",
                pretrained_on="drawn images",
                group=_groups().get(config["architecture"], ""),
                datasets=("Drawn images",),
            )
        )
    return tuple(entries)


def _count_parameters(file: Path) -> int:
    """Counts scalars in a safetensors file from its header alone."""
    with file.open("rb") as handle:
        header: dict[str, Any] = json.loads(handle.read(int.from_bytes(handle.read(8), "little")))
    total = 0
    for name, tensor in header.items():
        if name != "__metadata__" and not name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            size = 1
            for side in tensor["shape"]:
                size *= side
            total += size
    return total


@cache
def _groups() -> dict[str, str]:
    """Group by architecture: timm keeps relatives in one module."""
    return {name: module for module in timm.list_modules() for name in timm.list_models(module=module)}


def _timm() -> tuple[Entry, ...]:
    cached = cached_hub_models()
    entries = []
    for name in timm.list_models(pretrained=True):
        config = timm.get_pretrained_cfg(name)
        family, _, tag = name.partition(".")
        entries.append(
            Entry(
                name=name,
                family=family,
                parameters=None,
                input_size=config.input_size[-1],
                offline=bool(config.hf_hub_id) and _hub_folder(config.hf_hub_id) in cached,
                source="timm",
                licence=config.license or "",
                pretrained_on=tag.replace("_", " "),
                group=_groups().get(family, ""),
                datasets=datasets_in(tag),
            )
        )
    return tuple(entries)


@cache
def _torchvision() -> tuple[Entry, ...]:
    # list_models(module=...) keeps to classification: the names of detection and video live in submodules.
    import torchvision.models as classification
    from torchvision.models import get_model_weights, list_models

    folder = Path(torch.hub.get_dir()) / "checkpoints"
    entries = []
    for name in list_models(module=classification):
        weights = get_model_weights(name).DEFAULT
        entries.append(
            Entry(
                name=f"torchvision/{name}",
                family=name,
                parameters=weights.meta["num_params"],
                input_size=weights.transforms().crop_size[-1],
                offline=(folder / Path(urlparse(weights.url).path).name).is_file(),
                source="torchvision",
                licence="bsd-3-clause",
                pretrained_on=weights.name.replace("_", " ").lower(),
                group=_torchvision_group(name),
                datasets=datasets_in(weights.name),
            )
        )
    return tuple(entries)


def _torchvision_group(name: str) -> str:
    """The letters that a name begins with, or timm's word for the same networks."""
    letters = name.rstrip("_0123456789x").partition("_")[0].rstrip("0123456789")
    same = {"swin": "swin_transformer", "vit": "vision_transformer", "resnext": "resnet", "wide": "resnet"}
    return same.get(letters, letters)


def _minilm() -> Entry:
    return Entry(
        name=MINILM,
        family="bert",
        parameters=PARAMETERS,
        input_size=MAX_LENGTH,
        offline=minilm_package() is not None or weights_cached(HUB_ID),
        source="transformers",
        licence="apache-2.0",
        pretrained_on="English sentences",
        group="bert",
        datasets=("English sentences",),
    )


def _hub_folder(hub_id: str) -> str:
    return "models--" + hub_id.replace("/", "--")


def cached_hub_models() -> frozenset[str]:
    """Folder names of the models in the Hugging Face cache that hold at least one snapshot."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    hub = Path(os.environ.get("HF_HUB_CACHE", home / "hub")).expanduser()
    return frozenset(path.parent.name for path in hub.glob("models--*/snapshots") if any(path.iterdir()))


def weights_cached(hub_id: str) -> bool:
    """Whether the Hugging Face cache on this machine holds a model."""
    return _hub_folder(hub_id) in cached_hub_models()
