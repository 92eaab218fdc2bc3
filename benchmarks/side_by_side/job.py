"""What a contender is asked to do, as plain values that fit through a pipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Job:
    """One training from files on disk to the accuracy on the test pictures.

    Attributes:
        backbone: Folder in timm's ``local-dir:`` format, so that all begin with the same weights.
        data: Folder ``{train,val,test}/<class>/*.jpg``.
        side: Height and width that the network takes, pixels.
        mean, std: Normalisation that the network takes.
        stages: Names of the frozen stages.
        parameters: Names of the frozen parameters.
        epochs, batch_size, learning_rate, weight_decay: The same for all; AdamW at a constant rate.
        augment: Whether to mirror, turn, shift and scale training pictures.
        seed: Of the head and the order.
        settings: Further fields of our recipe.
        task: "train", or another name that ``ours`` knows.
    """

    backbone: str = ""
    data: str = ""
    side: int = 96
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    stages: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.01
    augment: bool = False
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    task: str = "train"
