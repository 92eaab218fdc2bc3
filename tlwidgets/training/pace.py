"""How fast this machine trains: two networks are tried, and what they took says about what any other takes.

A step takes time for its multiply-adds and time to move what it keeps of the images; which of them counts differs by a
factor of ten between networks. Two networks that differ in just that tell the price of both.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cache

import torch

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.sizes import Size, read_sizes
from tlwidgets.errors import BackboneError
from tlwidgets.freezing import FreezePlan
from tlwidgets.training.dry_run import StepCost, dry_run

# Many multiply-adds for each byte that is kept, and few.
TRIED = ("resnet18.a1_in1k", "mobilenetv3_large_100.ra_in1k")
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Pace:
    """What a training step of this machine takes for one image, everything learning.

    Attributes:
        seconds_per_mac: For each multiply-add of the forward pass.
        seconds_per_byte: For each byte that is kept for the backward pass.
    """

    seconds_per_mac: float
    seconds_per_byte: float

    def seconds(self, size: Size) -> float:
        """About how long one image of a network takes; in the networks tried, half to twice the time measured."""
        return self.seconds_per_mac * size.macs + self.seconds_per_byte * size.kept_bytes


def machine_pace() -> Pace:
    """Tries both networks; a few seconds the first time, and the same answer from then on."""
    with _LOCK:
        return _measured()


@cache
def _measured() -> Pace:
    first, second = (read_sizes()[name] for name in TRIED)
    return solve((first, everything_learns(TRIED[0]).seconds), (second, everything_learns(TRIED[1]).seconds))


def solve(first: tuple[Size, float], second: tuple[Size, float]) -> Pace:
    """Both prices from two networks with their seconds for an image; none is below zero."""
    (a, s), (b, t) = first, second
    determinant = a.macs * b.kept_bytes - b.macs * a.kept_bytes
    mac = (s * b.kept_bytes - t * a.kept_bytes) / determinant
    byte = (a.macs * t - b.macs * s) / determinant
    if byte < 0:  # something disturbed one of them: the other price alone is nearer than a price below zero
        return Pace(s / a.macs, 0.0)
    if mac < 0:
        return Pace(0.0, t / b.kept_bytes)
    return Pace(mac, byte)


def everything_learns(name: str) -> StepCost:
    """Tries a backbone of the catalogue with everything learning, without its weights.

    Raises:
        BackboneError: It cannot be built without numbers, reads texts, or is too large to be tried here.
    """
    backbone = hollow(name)
    return dry_run(backbone, FreezePlan(backbone).states)


def hollow(name: str) -> Backbone:
    """A backbone with constants for weights: nothing is read, and nothing drawn from anybody's random numbers.

    Raises:
        BackboneError: There is none of this name, or it computes its shapes with numbers.
    """
    try:
        with torch.device("meta"):
            backbone = load_backbone(name, pretrained=False)
        backbone.model.to_empty(device="cpu")
    except (NotImplementedError, RuntimeError) as error:
        raise BackboneError(f"{name!r} cannot be built without numbers.", "Start a run: it tells.") from error
    with torch.no_grad():
        for parameter in backbone.model.parameters():
            parameter.fill_(0.01)
        for buffer_name, buffer in backbone.model.named_buffers():
            buffer.fill_(1 if buffer_name.endswith("running_var") else 0)  # a place in a table, too, must be one
    return backbone
