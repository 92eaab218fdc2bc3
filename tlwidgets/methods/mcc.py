"""Minimum class confusion: on the target, no class shall be taken for another.

Jin, Wang, Long, Wang (2020), "Minimum class confusion for versatile domain adaptation", ECCV, arXiv 1912.03699. From
the softened predictions of a target batch follows which classes are confused with which; what is off the diagonal is
made small. It compares nothing between the domains, needs no second head, and suits several settings of adaptation.
Images that the network is sure of count more.

Measured over five seeds on ``sensor_digits`` (all defaults): accuracy on the target .51, .14 from the source alone,
worst gain +.26 (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from tlwidgets.data import ImageData
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import above, at_least
from tlwidgets.training.target import OnTarget, Target, entropies, source_result

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
class Mcc(OnTarget):
    """Cross-entropy on the source, and the confusion of classes on the target.

    Attributes:
        weight: Of the confusion.
        temperature: Softens the predictions.
    """

    weight: float
    temperature: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each domain."""
        seen = self.target.both(model, batch)
        confusion = class_confusion(seen.target_logits, self.temperature)
        return source_result(seen, batch, self.weight * confusion, {"confusion": confusion.item()})


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
    at_least(0, weight=weight)
    above(0, temperature=temperature)
    return Mcc(Target(setting, target, select), weight, temperature)
