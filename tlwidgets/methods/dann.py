"""DANN: features from which nobody can tell the domain.

Ganin, Ustinova, Ajakan, Germain, Larochelle, Laviolette, Marchand, Lempitsky (2016), "Domain-adversarial training of
neural networks", JMLR 17, arXiv 1505.07818. A second head learns to tell source from target; on their way from it into
the network its gradients are turned round, so that the features become useless to it while they stay useful for the
classes. How strongly grows over the run: lambda(p) = 2 / (1 + exp(-10 p)) - 1.

Measured over five seeds on ``sensor_digits`` (all defaults): accuracy on the target .26, .14 from the source alone,
worst gain +.01 (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import at_least
from tlwidgets.training.ramps import growing
from tlwidgets.training.reversal import domain_head, reversed_gradient
from tlwidgets.training.tapping import feature_size
from tlwidgets.training.target import OnTarget, Target, source_result

DATA_OPTIONS = ("target",)


def domain_loss(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of domain logits (N, 1) and (M, 1), above 0 for the source; each domain counts a half."""
    ours = functional.binary_cross_entropy_with_logits(source, torch.ones_like(source))
    theirs = functional.binary_cross_entropy_with_logits(target, torch.zeros_like(target))
    return (ours + theirs) / 2


@dataclass
class Dann(OnTarget):
    """Cross-entropy on the source, against a classifier of domains.

    Attributes:
        modules: The classifier of domains.
        strength: How strongly the features work against it at the end.
    """

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
        told = (domains[:n] > 0).float().mean() / 2 + (domains[n:] <= 0).float().mean() / 2
        extras = {"domain_loss": confusion.item(), "domain_accuracy": told.item()}
        return source_result(seen, batch, confusion, extras)


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
    at_least(0, strength=strength)
    at_least(1, hidden=hidden)
    return Dann(Target(setting, target, select), domain_head(feature_size(setting.backbone), hidden), strength)
