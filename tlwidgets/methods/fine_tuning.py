"""Fine-tuning: go on training a pre-trained network on the target's labels.

Yosinski, Clune, Bengio, Lipson (2014), "How transferable are features in deep neural networks?", NeurIPS,
arXiv 1411.1792. The head is new; the stages that the plan lets learn start from the pre-trained weights and move with
a smaller rate, so that what they know is bent, not broken. A plan that freezes everything but the head makes it
feature extraction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import nn
from torch.nn import functional

from tlwidgets.training.method import Batch, Setting, StepResult


@dataclass(frozen=True)
class FineTuning:
    """Cross-entropy on the target's labels.

    Attributes:
        label_smoothing: Share of the target that is spread over all classes, in [0, 1).
    """

    label_smoothing: float = 0.0
    cacheable: ClassVar[bool] = True  # it does nothing with the images but call the network
    takes_mixtures: ClassVar[bool] = True

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        logits = model(batch.images)
        loss = functional.cross_entropy(logits, batch.targets, label_smoothing=self.label_smoothing)
        correct = int((logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct)


def make(setting: Setting, label_smoothing: float = 0.0) -> FineTuning:  # noqa: ARG001  every method is given it
    """Makes the method from a recipe's options."""
    return FineTuning(label_smoothing)
