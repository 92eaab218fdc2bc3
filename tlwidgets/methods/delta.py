"""DELTA: fine-tuning that keeps what the source's feature maps say, most of all where they matter for the target.

Li, Xiong, Wang, Rao, Liu, Huan (2019), "DELTA: deep learning transfer using feature map with attention for
convolutional networks", ICLR, arXiv 1901.09229. Not the weights are held near the source but what they compute: a
frozen copy of the source sees every batch too, and the distance between both networks' feature maps is penalised.
Attention says which channels to hold: those without which a linear classifier of the target does worse. As with L2-SP,
set the recipe's ``weight_decay`` to 0: the new head has its own decay here.

From drawn shapes to digits (five labels a class, 50 steps, five seeds) it made no clear difference: 1.2 points above
plain fine-tuning's 94.4 %, with a standard error of 1.0 and a worst seed of -1.1. From clean digits to noisy ones, a
near source, it cost 2.6 ± 0.9 points of 94.1 % (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones import TextPreprocessing
from tlwidgets.errors import RecipeError
from tlwidgets.training.channel_attention import channel_attention, feature_maps, some_images, watchable
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import at_least
from tlwidgets.training.tapping import head_parameters


def behaviour_gap(source: torch.Tensor, target: torch.Tensor, attention: torch.Tensor | None = None) -> torch.Tensor:
    """Half the squared distance between two feature maps, summed over the batch; a scalar.

    Args:
        source: float (N, C, P): N images, C channels, P places.
        target: The same shape; gradients flow into it alone.
        attention: Weight of each channel (C,); the sum then counts C / P times. Weights that sum to 1 make it the mean
            over places of a weighted mean over channels, times C. None: every channel counts the same.
    """
    squares = (target.float() - source.detach().float()).square().sum(2)  # (N, C)
    if attention is None:
        return 0.5 * squares.sum()
    return 0.5 * source.shape[1] / source.shape[2] * (squares * attention).sum()


@dataclass
class Delta:
    """Cross-entropy, and a pull towards the source's feature maps.

    Attributes:
        source: The network as it was, frozen, in evaluation mode.
        layers: Names of the modules whose outputs are compared.
        trained: These modules in the network that is trained.
        attention: Weights of the channels of each; None for the plain distance.
        head: Parameters of the new head.
        alpha: Strength of the pull towards the source's feature maps.
        beta: Strength of the head's pull towards zero.
    """

    source: nn.Module
    layers: tuple[str, ...]
    trained: list[nn.Module]
    attention: list[torch.Tensor] | None
    head: list[nn.Parameter]
    alpha: float
    beta: float

    def gap(self, source: Sequence[torch.Tensor], target: Sequence[torch.Tensor]) -> torch.Tensor:
        """The penalty of all layers that can still move, for one image in the mean."""
        total = torch.zeros((), device=target[0].device)
        for index, (theirs, ours) in enumerate(zip(source, target, strict=True)):
            if ours.requires_grad:
                weights = self.attention[index].to(ours.device) if self.attention else None
                total = total + behaviour_gap(theirs, ours, weights)
        return total / len(target[0])

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        self.source.to(batch.images.device)
        with feature_maps(self.source, self.trained) as target:
            logits = model(batch.images)
        copies = [self.source.get_submodule(name) for name in self.layers]
        with torch.no_grad(), feature_maps(self.source, copies) as source:
            self.source(batch.images)
        decay = sum((p.square().sum() for p in self.head if p.requires_grad), torch.zeros((), device=logits.device))
        penalty = self.alpha * self.gap(source, target) + self.beta * 0.5 * decay
        loss = functional.cross_entropy(logits, batch.labels) + penalty
        correct = int((logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct, {"penalty": penalty.item()})


def make(setting: Setting, alpha: float = 0.01, beta: float = 0.01, attention_images: int = 64) -> Delta:
    """Makes the method from a recipe's options.

    Args:
        setting: Its network has the source's weights.
        alpha: Strength of the pull towards the source's feature maps, 0 or more.
        beta: Strength of the head's pull towards zero, 0 or more.
        attention_images: Training images on which the attention is measured once, before training: a forward pass of
            all of them for every channel. 0 compares every channel alike, at no cost.

    Raises:
        RecipeError: The network has no source or no stage that can be watched, or an option is negative.
    """
    if not setting.recipe.pretrained:
        raise RecipeError("delta pulls towards the source, but pretrained is False.", "Use fine_tuning from scratch.")
    at_least(0, alpha=alpha, beta=beta, attention_images=attention_images)
    backbone = setting.backbone
    if isinstance(backbone.preprocessing, TextPreprocessing):
        raise RecipeError("delta compares feature maps, which texts have none of.", "Use l2_sp for texts.")
    source = copy.deepcopy(backbone.model).eval().requires_grad_(False)
    layers = watchable(backbone)
    if not layers:
        raise RecipeError(
            f"delta finds no stage to watch in {backbone.name!r}.", "Use l2_sp, which needs nothing but weights."
        )
    attention = channel_attention(source, layers, *some_images(setting, attention_images)) if attention_images else None
    head = list(head_parameters(backbone).values())
    return Delta(source, layers, [backbone.model.get_submodule(name) for name in layers], attention, head, alpha, beta)
