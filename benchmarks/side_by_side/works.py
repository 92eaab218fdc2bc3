"""What is measured: the works that all contenders do, and their goals."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PEERS = {"bare": "bare PyTorch loop", "fastai_peer": "fastai", "lightning_peer": "Lightning", "keras_peer": "Keras 3"}
RECIPES: dict[str, dict[str, Any]] = {
    'ours, precision="auto"': {"precision": "auto"},
    "ours, defaults": {},
}


@dataclass(frozen=True)
class Work:
    """Something that people do.

    Attributes:
        title: For the table.
        learning: What learns: "head", "last" (stage, and the head), "half" (of the stages) or "all".
        epochs: How many.
        goal: Times faster than the fastest peer.
        augment: Whether pictures are augmented.
        settings: Fields of our recipe beside those of ``RECIPES``.
    """

    title: str
    learning: str
    epochs: int
    goal: float
    augment: bool = False
    settings: dict[str, Any] = field(default_factory=dict)


WORKS = {
    "features": Work("feature extraction, 20 epochs", "head", 20, 25),
    "last": Work("last stage and head, 20 epochs", "last", 20, 3),
    "half": Work("half of the stages, 20 epochs", "half", 20, 1.8),
    "full": Work("all stages, 5 epochs", "all", 5, 1.5),
    "views": Work("last stage, flips and crops, 20 epochs (4 views)", "last", 20, 2, True, {"views": 4}),
}
CHECKS = ("overhead", "dashboard", "gain", "memory")
