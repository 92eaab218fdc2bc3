"""CDAN: nobody can tell the domain from features and prediction together.

Long, Cao, Wang, Jordan (2018), "Conditional adversarial domain adaptation", NeurIPS, arXiv 1705.10667. DANN aligns all
images at once and may lay one class on another. Here the classifier of domains sees the product of every feature with
every class probability, so that each class is aligned with itself; images that the network is sure of count more
(CDAN+E). Long products are replaced by a random projection of fixed length, as in the paper.

Measured over five seeds on ``sensor_digits`` (all defaults): accuracy on the target .24, .14 from the source alone,
worst gain +.01: no better than DANN there (``benchmarks/results/methods.md``).
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
from tlwidgets.training.target import OnTarget, Target, entropies, source_result

DATA_OPTIONS = ("target",)
LONGEST = 4096  # numbers of a product; beyond, a projection of so many
SEED = 20180


def joint(features: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Every feature times every class probability: (N, D) and (N, C) give (N, C D)."""
    return (probabilities[:, :, None] * features[:, None]).flatten(1)


def certainty_weights(logits: torch.Tensor) -> torch.Tensor:
    """1 + exp(-entropy) of each prediction, divided by the mean, (N,); no gradient flows through them."""
    weights = 1 + torch.exp(-entropies(logits.detach().softmax(1)))
    return weights / weights.mean()


class DomainClassifier(nn.Module):
    """Tells the domain from features and predictions: one logit (N,), above 0 for the source.

    Args:
        n_features: Length D of the features.
        n_classes: Number of classes C.
        hidden: Width of its layers.
    """

    def __init__(self, n_features: int, n_classes: int, hidden: int) -> None:
        super().__init__()
        self.of_features: torch.Tensor
        self.of_classes: torch.Tensor
        self.projected = n_features * n_classes > LONGEST
        if self.projected:
            generator = torch.Generator().manual_seed(SEED)
            self.register_buffer("of_features", torch.randn(n_features, LONGEST, generator=generator))
            self.register_buffer("of_classes", torch.randn(n_classes, LONGEST, generator=generator))
        self.head = domain_head(LONGEST if self.projected else n_features * n_classes, hidden)

    def forward(self, features: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
        """Domain logits (N,)."""
        if self.projected:
            both = (features @ self.of_features) * (probabilities @ self.of_classes) / LONGEST**0.5
        else:
            both = joint(features, probabilities)
        logits: torch.Tensor = self.head(both)[:, 0].float()
        return logits


@dataclass
class Cdan(OnTarget):
    """Cross-entropy on the source, against a classifier of domains that sees the predictions too.

    Attributes:
        modules: The classifier of domains.
        strength: How strongly the features work against it at the end.
    """

    modules: DomainClassifier
    strength: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each domain."""
        seen, n = self.target.both(model, batch), len(batch.labels)
        strength = self.strength * growing(batch.share)
        features = reversed_gradient(torch.cat([seen.features, seen.target_features]), strength)
        # The predictions are a condition: they do not learn from the game, as in the authors' code.
        probabilities = torch.cat([seen.logits, seen.target_logits]).detach().softmax(1)
        domains = self.modules(features, probabilities)
        truth = (torch.arange(len(domains), device=domains.device) < n).float()
        each = functional.binary_cross_entropy_with_logits(domains, truth, reduction="none")
        ours, theirs = certainty_weights(seen.logits), certainty_weights(seen.target_logits)
        confusion = ((ours * each[:n]).mean() + (theirs * each[n:]).mean()) / 2
        return source_result(seen, batch, confusion, {"domain_loss": confusion.item()})


def make(setting: Setting, target: ImageData, strength: float = 1.0, hidden: int = 64, select: str = "last") -> Cdan:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source.
        target: The other domain's images; see ``Target``.
        strength: How strongly the features work against the classifier of domains at the end of the run, 0 or more.
        hidden: Width of the classifier of domains, at least 1.
        select: Which epoch is kept; see ``Target``.

    Raises:
        RecipeError: The strength is negative, or the width is none.
    """
    at_least(0, strength=strength)
    at_least(1, hidden=hidden)
    domains = DomainClassifier(feature_size(setting.backbone), len(setting.data.classes), hidden)
    return Cdan(Target(setting, target, select), domains, strength)
