"""A network as far as planning needs it: stages, sizes and preprocessing, with no numbers behind its weights."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING

import psutil
import torch

from tlwidgets.errors import BackboneError

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone

_GIB = 1 << 30


def structure(name: str, classes: int) -> Backbone:
    """A backbone whose weights have shapes and no numbers, with a head for so many classes.

    It is there in a second or two and takes no memory, however large it is. A few networks compute their shapes with
    numbers: those get random weights, and nobody else's random numbers move.

    Raises:
        BackboneError: There is none of this name, or not even its weights fit into the memory that is free here.
    """
    from tlwidgets.backbones import load_backbone

    with torch.random.fork_rng(devices=[]):
        try:
            backbone = _hollow(name, classes)
        except (NotImplementedError, RuntimeError, BackboneError):
            backbone = load_backbone(name, pretrained=False, num_classes=classes)
    _check_memory(backbone)
    return backbone


def with_numbers(backbone: Backbone) -> Backbone:
    """A copy with constants for weights, for steps that are only timed; the backbone itself where it has weights."""
    from tlwidgets.training.dry_run import MOST_PARAMETERS

    parameters = list(backbone.model.parameters())
    if not parameters[0].is_meta or sum(each.numel() for each in parameters) > MOST_PARAMETERS:
        return backbone  # too large a one is refused whatever it holds
    model = copy.deepcopy(backbone.model).to_empty(device="cpu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(0.01)
        for name, buffer in model.named_buffers():
            buffer.fill_(1 if name.endswith("running_var") else 0)  # a place in a table, too, must be one
    return dataclasses.replace(backbone, model=model)


def _hollow(name: str, classes: int) -> Backbone:
    """On the device that computes shapes alone; tried once, since some compute them with numbers."""
    from tlwidgets.backbones import load_backbone
    from tlwidgets.backbones.backbone import evaluating

    with torch.device("meta"):
        backbone = load_backbone(name, pretrained=False, num_classes=classes)
    with evaluating(backbone.model), torch.inference_mode():
        backbone.model(backbone.example())
    return backbone


def _check_memory(backbone: Backbone) -> None:
    tensors = (*backbone.model.parameters(), *backbone.model.buffers())
    needed, free = sum(tensor.nbytes for tensor in tensors), psutil.virtual_memory().available
    if needed > free:
        raise BackboneError(
            f"{backbone.name!r} is too large for this machine: its weights alone take {needed / _GIB:.1f} GB, and "
            f"{free / _GIB:.1f} GB of memory are free.",
            "Choose a smaller one, or close other notebooks.",
        )
