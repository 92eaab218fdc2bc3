"""Methods that learn from the source alone and adapt the network to the target once, when training is over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones import Backbone
from tlwidgets.training.method import Batch, StepResult
from tlwidgets.training.shown import Shown
from tlwidgets.training.target import Target

Metrics = dict[str, dict[str, float]]
Adapt = Callable[[Backbone, Shown], tuple[Backbone, Metrics]]


@dataclass
class AfterTraining:
    """Fine-tuning on the source, after which the weights that are kept are adapted to the target.

    The columns of the target in the history tell of the network before that, the baseline; ``run.metrics["target"]``
    tells of the adapted one. The run's other metrics are, as ever, of the source's held-out images, and of the weights
    that are kept: the adapted ones.

    Attributes:
        backbone: The network that is trained.
        target: The other domain.
        adapt: Given the trained network and the target's images returns it, or a copy, adapted; and further metrics.
    """

    backbone: Backbone
    target: Target
    adapt: Adapt
    cacheable: ClassVar[bool] = True
    takes_mixtures: ClassVar[bool] = True

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of the source."""
        logits = model(batch.images)
        loss = functional.cross_entropy(logits, batch.targets)
        return StepResult(loss, len(batch.labels), int((logits.argmax(1) == batch.labels).sum()))

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:
        """How the target fares before anything is adapted."""
        return self.target.report(model)

    def finish(self, model: nn.Module) -> Metrics:
        """Adapts the network in place, and says how the target fares with it."""
        device = next(model.parameters()).device
        with torch.autocast(device.type, enabled=False):
            adapted, further = self.adapt(self.backbone, Shown(self.target.stream, device))
            model.load_state_dict(adapted.model.state_dict())
            report = self.target.report(model)
        return {"target": {name.removeprefix("target_"): value for name, value in report.items()}, **further}


def alone(adapt: Callable[..., Backbone], **options: Any) -> Adapt:
    """A function that makes an adapted copy of a network, with these options, and has nothing more to tell."""
    return lambda backbone, images: (adapt(backbone, images, **options), {})
