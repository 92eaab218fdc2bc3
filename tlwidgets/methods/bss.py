"""Batch spectral shrinkage: let go of the directions in feature space that would transfer badly.

Chen, Wang, Fu, Long, Wang (2019), "Catastrophic forgetting meets negative transfer: batch spectral shrinkage for safe
transfer learning", NeurIPS. The singular values of a batch's feature matrix say how strongly each direction is used.
With few labels the weakest of them carry what does not transfer: penalising the k smallest squared singular values
presses these down and leaves the strong ones alone. (The largest ones would be BSP, a method of domain adaptation.)

From drawn shapes to digits (five labels a class, 50 steps, five seeds) it made no difference: 0.3 points below plain
fine-tuning's 94.4 % in the mean, at worst 0.7; nor did it from clean digits to noisy ones, 0.0 ± 0.5
(``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones.stages import classifier_names
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult


def spectral_shrinkage(features: torch.Tensor, k: int = 1) -> torch.Tensor:
    """Sum of the k smallest squared singular values; with k = min(N, D) the squared Frobenius norm.

    Args:
        features: float (N, D), one row an image.
        k: How many, from 1; more than there are means all.

    Returns:
        A scalar.
    """
    values = torch.linalg.svdvals(features.float())  # in descending order
    total: torch.Tensor = values[-k:].square().sum()
    return total


@dataclass
class BatchSpectralShrinkage:
    """Cross-entropy, and a penalty on the weakest directions of the features.

    Attributes:
        classifier: The layer whose input is the feature matrix.
        eta: Strength of the penalty.
        k: Number of singular values that are pressed down.
    """

    classifier: nn.Module
    eta: float
    k: int
    cacheable: ClassVar[bool] = True
    takes_mixtures: ClassVar[bool] = True

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        seen: list[torch.Tensor] = []
        handle = self.classifier.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        try:
            logits = model(batch.images)
        finally:
            handle.remove()
        penalty = self.eta * spectral_shrinkage(seen[0].flatten(1), self.k)
        loss = functional.cross_entropy(logits, batch.targets) + penalty
        correct = int((logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct, {"penalty": penalty.item()})


def make(setting: Setting, eta: float = 0.001, k: int = 1) -> BatchSpectralShrinkage:
    """Makes the method from a recipe's options.

    Args:
        setting: Its network has a classifier.
        eta: Strength of the penalty, 0 or more; the paper's is 0.001.
        k: Number of singular values that are pressed down, at least 1; the paper's is 1.

    Raises:
        RecipeError: The strength is negative, or k is no whole number from 1.
    """
    if eta < 0 or not isinstance(k, int) or k < 1:
        raise RecipeError(f"eta is {eta!r}, k is {k!r}.", "Give eta of 0 or more and a whole number k from 1.")
    model = setting.backbone.model
    return BatchSpectralShrinkage(model.get_submodule(classifier_names(model)[-1]), eta, k)
