"""Methods that find the head from features at once, and train nothing by steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import torch
import torch.distributed
from torch import nn
from torch.nn import functional

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.feature_heads import MemoryHead, UnitHead, put_head
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.freezing import FreezePlan
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.stream import Stream
from tlwidgets.training.tapping import classifier_of, feature_size, logits_and_features

PLAN = {"*": "frozen", "head": "trainable"}
"""The plan of a method that leaves the backbone as it is."""
Values = Mapping[str, Any]
"""Parameters and buffers of the head by name, arrays of their shapes or shorter; the rest of a memory stays free."""
Solve = Callable[[np.ndarray, np.ndarray], Values]
"""Features (N, D) and class numbers (N,) -> what the head shall hold."""


@dataclass
class Solved:
    """A head that follows from the features of an epoch's images, all together.

    Every epoch gathers anew, so one is enough; with augmentation each shows other views. In the first epoch the loss of
    a batch is that of a head that knows nothing; the row of the history has what the head that was found makes of the
    same features.

    Attributes:
        backbone: The network, with the head that will be found.
        classes: Their names.
        solve: Finds the head.
        counted: bool (C,), the classes whose images may be learned from; all by default.
        further: What ``end_epoch`` adds to the row, as ``solve`` finds it.
    """

    backbone: Backbone
    classes: tuple[str, ...]
    solve: Solve
    counted: np.ndarray | None = None
    further: dict[str, float] = field(default_factory=dict)
    cacheable: ClassVar[bool] = True
    by_steps: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.classifier = classifier_of(self.backbone)
        self._seen: list[tuple[torch.Tensor, torch.Tensor]] = []
        self._row: dict[str, float] = {}

    def start_epoch(self, model: nn.Module, epoch: int) -> None:  # noqa: ARG002  the protocol's signature
        """Forgets the features of the epoch before."""
        self._seen.clear()

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Keeps the features of one batch; the loss is that of the present head, and nothing is to be differentiated.

        Images of classes that may not be learned from count in neither.
        """
        # As for features at any other time: no dropout, and statistics stay where a person has unfrozen a stage.
        with evaluating(self.backbone.model), torch.no_grad():
            logits, features = logits_and_features(model, self.classifier, batch.images)
        known = torch.ones_like(batch.labels, dtype=torch.bool)
        if self.counted is not None:
            known = torch.from_numpy(self.counted).to(batch.labels.device)[batch.labels]
        logits, labels = logits[known].float(), batch.labels[known]
        self._seen.append((features[known].float().cpu(), labels.cpu()))
        loss, correct = functional.cross_entropy(logits, labels, reduction="sum"), logits.argmax(1) == labels
        return StepResult(loss / max(len(labels), 1), max(len(labels), 1), int(correct.sum()))

    def solved(self, model: nn.Module) -> None:  # noqa: ARG002  the protocol's signature
        """Finds the head from the epoch's features, of all processes."""
        rows, labels = (torch.cat(parts) for parts in zip(*_everywhere(self._seen), strict=True))
        self._check_classes(labels.numpy())
        fill_head(self.classifier, self.solve(rows.double().numpy(), labels.numpy()))
        with torch.no_grad():
            device = next(self.classifier.parameters()).device
            logits = torch.cat([self.classifier(some.to(device)).float().cpu() for some in torch.split(rows, 1024)])
        self._row = {
            "train_loss": functional.cross_entropy(logits, labels).item(),
            "train_accuracy": (logits.argmax(1) == labels).double().mean().item(),
        }

    def _check_classes(self, labels: np.ndarray) -> None:
        """Refuses a class that nothing could be learned of: its part of the head would say nothing."""
        wanted = np.ones(len(self.classes), dtype=bool) if self.counted is None else self.counted
        for number in np.setdiff1d(np.flatnonzero(wanted), labels):
            raise DataError(f"The class {self.classes[number]!r} has no training image.", "Give at least one.")

    def features(self, stream: Stream) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, D) of a second data set, and its labels (N,), -1 where there is none."""
        model, rows, labels = self.backbone.model, [], []
        with evaluating(model), torch.no_grad():
            for batch in stream.all_in_order(next(model.parameters()).device):
                rows.append(logits_and_features(model, self.classifier, batch.images)[1].double().cpu().numpy())
                labels.append(batch.labels.cpu().numpy())
        return np.concatenate(rows), np.concatenate(labels)

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:  # noqa: ARG002  the protocol's signature
        """What the head that was found makes of the images that it was found from."""
        return {**self._row, **self.further}


def fill_head(head: nn.Module, values: Values) -> None:
    """Writes what was found into a head; where a memory has more places, they are free."""
    tensors = {**dict(head.named_parameters()), **dict(head.named_buffers())}
    with torch.no_grad():
        for name, found in values.items():
            place = tensors[name]
            place.zero_()
            tensor = torch.as_tensor(np.asarray(found)).to(place)
            place[: len(tensor)].copy_(tensor)


def solving(
    setting: Setting,
    solve: Solve,
    *,
    unit: bool = False,
    memory: Callable[..., MemoryHead] | None = None,
    places: int = 0,
) -> Solved:
    """Makes a method that finds the head at once.

    Args:
        setting: The run; its plan freezes all but the head.
        solve: Finds the head.
        unit: Whether the head takes features of length 1, less a centre: ``UnitHead``.
        memory: The kind of head that remembers; given places, width and classes.
        places: Its places.

    Raises:
        RecipeError: The plan lets more learn than the head, or not the head.
        BackboneError: The network does not end in one linear layer.
    """
    check_frozen_body(setting)
    backbone, n_classes = setting.backbone, len(setting.data.classes)
    size = feature_size(backbone)
    head = nn.Linear(size, n_classes) if memory is None else memory(places, size, n_classes)
    head = UnitHead(size, n_classes) if unit else head
    if isinstance(head, nn.Linear):
        for parameter in head.parameters():
            nn.init.zeros_(parameter)
    put_head(backbone, head)
    return Solved(backbone, setting.data.classes, solve)


def check_frozen_body(setting: Setting) -> None:
    """Refuses a plan by which more learns than the head, or less.

    Raises:
        RecipeError: As said.
    """
    states = FreezePlan(setting.backbone, setting.recipe.plan).states
    for stage, state in states.items():
        if state != PLAN.get(stage, PLAN["*"]):
            raise RecipeError(
                f"{setting.recipe.method} finds the head and leaves the rest as it is, but {stage!r} is {state!r}.",
                f"Give plan={PLAN}, or use fine_tuning.",
            )


def _everywhere(parts: list[Any]) -> list[Any]:
    """The parts of all processes."""
    if not torch.distributed.is_available() or not torch.distributed.is_initialized():
        return parts
    lists: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(lists, parts)
    return [part for some in lists for part in some]
