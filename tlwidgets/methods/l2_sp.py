"""L2-SP: fine-tuning that is pulled back to where it started.

Li, Grandvalet, Davoine (2018), "Explicit inductive bias for transfer learning with convolutional networks", ICML,
arXiv 1802.01483. Weight decay pulls every weight towards zero, away from what was learned on the source. L2-SP decays
towards the source's weights instead; only the new head, which the source knows nothing of, still decays towards zero.
Set the recipe's ``weight_decay`` to 0 with it, or the two pull against each other.

It is for sources near the target. From drawn shapes to digits (five labels a class, 50 steps, five seeds) it cost 0.9
points of accuracy against plain fine-tuning's 94.4 %, up to 2.2; from clean digits to noisy ones it made no difference,
0.4 ± 0.6 points over 94.1 % (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.tapping import head_parameters


def half_squared_distance(pairs: Iterable[tuple[torch.Tensor, torch.Tensor | float]]) -> torch.Tensor:
    """Half the squared distance of weights from where they are pulled to, summed over all pairs.

    Its gradient at a weight w with the target w0 is w - w0.

    Args:
        pairs: Weights and what they are compared with: a tensor of the same shape, or 0.

    Returns:
        A scalar, 0 where there are no pairs.
    """
    return 0.5 * sum(((weights - target).square().sum() for weights, target in pairs), torch.zeros(()))


@dataclass
class L2SP:
    """Cross-entropy, and a pull towards the source.

    Attributes:
        shared: Every parameter that the source has too, with the source's values.
        new: Parameters of the new head.
        alpha: Strength of the pull towards the source.
        beta: Strength of the head's pull towards zero.
    """

    shared: list[tuple[nn.Parameter, torch.Tensor]]
    new: list[nn.Parameter]
    alpha: float
    beta: float
    cacheable: ClassVar[bool] = True
    takes_mixtures: ClassVar[bool] = True

    def penalty(self) -> torch.Tensor:
        """The pull of the parameters that learn at present, as a scalar."""
        # The network may have moved to another device since the source was remembered.
        self.shared = [(weights, source.to(weights.device)) for weights, source in self.shared]
        learning = [(weights, source) for weights, source in self.shared if weights.requires_grad]
        head = [(weights, 0.0) for weights in self.new if weights.requires_grad]
        return self.alpha * half_squared_distance(learning) + self.beta * half_squared_distance(head)

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        logits = model(batch.images)
        penalty = self.penalty()
        loss = functional.cross_entropy(logits, batch.targets) + penalty
        correct = int((logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct, {"penalty": penalty.item()})


def make(setting: Setting, alpha: float = 0.1, beta: float = 0.01) -> L2SP:
    """Makes the method from a recipe's options.

    Args:
        setting: Its network has the source's weights.
        alpha: Strength of the pull towards the source, 0 or more. Raise it where labels are few and the domains alike.
        beta: Strength of the head's pull towards zero, 0 or more.

    Raises:
        RecipeError: The network has no source, or a strength is negative.
    """
    if not setting.recipe.pretrained:
        raise RecipeError("l2_sp pulls towards the source, but pretrained is False.", "Use fine_tuning from scratch.")
    if alpha < 0 or beta < 0:
        raise RecipeError(f"alpha is {alpha!r}, beta is {beta!r}.", "Give numbers of 0 or more.")
    new = head_parameters(setting.backbone)
    everything = setting.backbone.model.named_parameters()
    shared = [(parameter, parameter.detach().clone()) for name, parameter in everything if name not in new]
    return L2SP(shared, list(new.values()), alpha, beta)
