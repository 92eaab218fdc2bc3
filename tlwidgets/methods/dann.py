"""DANN: features from which nobody can tell the domain.

Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky (2016), "Domain-adversarial training of
neural networks", JMLR 17, arXiv 1505.07818. A second head learns to tell source from target; on their way from it into
the network its gradients are turned round, so that the features become useless to it while they stay useful for the
classes. How strongly grows over the run: lambda(p) = 2 / (1 + exp(-10 p)) - 1.
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
from tlwidgets.training.reversal import domain_head, reversed_gradient
from tlwidgets.training.tapping import feature_size
from tlwidgets.training.target import Target, growing

DATA_OPTIONS = ("target",)


def domain_loss(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of domain logits (N, 1) and (M, 1), above 0 for the source; each domain counts a half."""
    ours = functional.binary_cross_entropy_with_logits(source, torch.ones_like(source))
    theirs = functional.binary_cross_entropy_with_logits(target, torch.zeros_like(target))
    return (ours + theirs) / 2


@dataclass
class Dann:
    """Cross-entropy on the source, against a classifier of domains.

    Attributes:
        target: The other domain.
        modules: The classifier of domains.
        strength: How strongly the features work against it at the end.
    """

    target: Target
    modules: nn.Module
    strength: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each domain."""
        seen = self.target.both(model, batch)
        features = reversed_gradient(
            torch.cat([seen.features, seen.target_features]), self.strength * growing(batch.share)
        )
        domains = self.modules(features).float()
        n = len(batch.labels)
        confusion = domain_loss(domains[:n], domains[n:])
        loss = functional.cross_entropy(seen.logits, batch.labels) + confusion
        told = (domains[:n] > 0).float().mean() / 2 + (domains[n:] <= 0).float().mean() / 2
        correct = int((seen.logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, n, correct, {"domain_loss": confusion.item(), "domain_accuracy": told.item()})

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:
        """How the target fares."""
        return self.target.report(model)

    def select(self, row: Mapping[str, float]) -> float:
        """How good an epoch was."""
        return self.target.select(row)


def make(setting: Setting, target: ImageData, strength: float = 1.0, hidden: int = 64, select: str = "last") -> Dann:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source.
        target: The other domain's images; see ``Target``.
        strength: How strongly the features work against the classifier of domains at the end of the run, 0 or more.
            Lower it where the accuracy on the source falls.
        hidden: Width of the classifier of domains, at least 1.
        select: Which epoch is kept; see ``Target``.

    Raises:
        RecipeError: The strength is negative, or the width is none.
    """
    if strength < 0 or hidden < 1:
        raise RecipeError(f"strength is {strength!r}, hidden is {hidden!r}.", "Give 0 or more, and 1 or more.")
    return Dann(Target(setting, target, select), domain_head(feature_size(setting.backbone), hidden), strength)
