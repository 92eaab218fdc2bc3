"""Minimum class confusion: on the target, no class shall be taken for another.

Jin, Wang, Long, Wang (2020), "Minimum class confusion for versatile domain adaptation", ECCV, arXiv 1912.03699. From
the softened predictions of a target batch follows which classes are confused with which; what is off the diagonal is
made small. It compares nothing between the domains, needs no second head, and suits several settings of adaptation.
Images that the network is sure of count more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.target import Target, entropies

DATA_OPTIONS = ("target",)


def class_confusion(logits: torch.Tensor, temperature: float = 2.5) -> torch.Tensor:
    """Share of predictions that fall between classes.

    0 for certain predictions of every class, (C - 1) / C where each image could be anything.

    Args:
        logits: (N, C) of target images.
        temperature: Softens the predictions first, above 0; the paper's is 2.5.

    Returns:
        A scalar.
    """
    probabilities = (logits.float() / temperature).softmax(1)
    sure = 1 + torch.exp(-entropies(probabilities).detach())
    weights = sure / sure.mean()  # so that they add up to N
    with torch.autocast(logits.device.type, enabled=False):
        pairs = (probabilities * weights[:, None]).T @ probabilities  # (C, C)
    shares = pairs / pairs.sum(1, keepdim=True).clamp(min=1e-12)
    return (shares.sum() - shares.trace()) / logits.shape[1]


@dataclass
class Mcc:
    """Cross-entropy on the source, and the confusion of classes on the target.

    Attributes:
        target: The other domain.
        weight: Of the confusion.
        temperature: Softens the predictions.
    """

    target: Target
    weight: float
    temperature: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each domain."""
        seen = self.target.both(model, batch)
        confusion = class_confusion(seen.target_logits, self.temperature)
        loss = functional.cross_entropy(seen.logits, batch.labels) + self.weight * confusion
        correct = int((seen.logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct, {"confusion": confusion.item()})

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:
        """How the target fares."""
        return self.target.report(model)

    def select(self, row: Mapping[str, float]) -> float:
        """How good an epoch was."""
        return self.target.select(row)


def make(
    setting: Setting, target: ImageData, weight: float = 1.0, temperature: float = 2.5, select: str = "last"
) -> Mcc:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source.
        target: The other domain's images; see ``Target``.
        weight: Of the confusion, 0 or more.
        temperature: Above 0. Lower it where the network is never sure of the target.
        select: Which epoch is kept; see ``Target``.

    Raises:
        RecipeError: The weight is negative, or the temperature not above 0.
    """
    if weight < 0 or temperature <= 0:
        raise RecipeError(f"weight is {weight!r}, temperature {temperature!r}.", "Give 0 or more, and above 0.")
    return Mcc(Target(setting, target, select), weight, temperature)
