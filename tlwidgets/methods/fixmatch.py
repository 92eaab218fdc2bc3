"""FixMatch: what the network is sure of in a plain view, it must say of a hard view too.

Sohn, Berthelot, Li, Zhang, Carlini, Cubuk, Kurakin, Zhang, Raffel (2020), "FixMatch: simplifying semi-supervised
learning with consistency and confidence", NeurIPS, arXiv 2001.07685. A slightly changed view of an unlabelled image is
classified; where the probability reaches the threshold, that class is the label of a strongly changed view. Unsure
images count 0, but in the mean. Views are of images, or for texts the text itself and one with changed words. It needs
long runs: on digits, three labels a class, sixty steps gain 0.7 ± 0.4 points over 90.2 %, worst of five seeds -0.4:
nothing to speak of (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.stream import Stream
from tlwidgets.training.unlabelled import hidden_accuracy, unlabelled_stream

DATA_OPTIONS = ("unlabelled",)


def consistency_loss(
    weak: torch.Tensor, strong: torch.Tensor, threshold: float = 0.95
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of strong views with the classes of the weak ones, divided by all images, the unsure ones too.

    Args:
        weak: Logits (N, C) of the weak views; no gradient flows into them.
        strong: Logits (N, C) of the strong views of the same images.
        threshold: Probability from which a class is taken for the label.

    Returns:
        A scalar, and which images counted, bool (N,).
    """
    confidence, labels = weak.detach().float().softmax(1).max(1)
    sure = confidence >= threshold
    losses = functional.cross_entropy(strong.float(), labels, reduction="none")
    return (losses * sure).mean(), sure


@dataclass
class FixMatch:
    """Cross-entropy on labels, and consistency on unlabelled images.

    Attributes:
        stream: The unlabelled images.
        weight: Of the consistency.
        threshold: Probability from which a class is taken for the label.
    """

    stream: Stream
    weight: float
    threshold: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each kind."""
        n, other = len(batch.labels), self.stream.beside(batch, "weak", "strong")
        logits = model(self.stream.joined(batch.images, other.images)).float()
        weak, strong = logits[n:].chunk(2)
        consistency, sure = consistency_loss(weak, strong, self.threshold)
        loss = functional.cross_entropy(logits[:n], batch.labels) + self.weight * consistency
        correct = int((logits[:n].argmax(1) == batch.labels).sum())
        extras = {
            "consistency_loss": consistency.item(),
            "mask_rate": sure.float().mean().item(),
            "pseudo_accuracy": hidden_accuracy(weak.argmax(1), other.labels, sure),
        }
        return StepResult(loss, n, correct, extras)


def make(
    setting: Setting,
    unlabelled: ImageData | None = None,
    weight: float = 1.0,
    threshold: float = 0.95,
    ratio: int = 2,
) -> FixMatch:
    """Makes the method from a recipe's options.

    Args:
        setting: The run.
        unlabelled: The unlabelled images; those of the run's own data by default.
        weight: Of the consistency, 0 or more.
        threshold: In (0, 1]; the paper's is 0.95. Lower it where ``mask_rate`` (the share of images that count) stays
            near 0, raise it where ``pseudo_accuracy`` is poor.
        ratio: Unlabelled images for each labelled one of a batch; the paper's is 7.

    Raises:
        RecipeError: An option makes no sense.
        DataError: There are no unlabelled images.
    """
    if weight < 0 or not 0 < threshold <= 1:
        raise RecipeError(f"weight is {weight!r}, threshold {threshold!r}.", "Give 0 or more, and above 0 up to 1.")
    return FixMatch(unlabelled_stream(setting, unlabelled, ratio), weight, threshold)
