"""The unlabelled domain of a run that adapts: its batches, and how the network does there after each epoch.

What a method of domain adaptation may use of the target are its images. Its labels, where the data set has them, are
told in the history as ``target_accuracy`` (the oracle) and choose nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones.backbone import evaluating
from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.second_data import UNKNOWN
from tlwidgets.training.stream import Stream
from tlwidgets.training.tapping import classifier_of, logits_and_features

SELECTIONS = ("information", "entropy", "source", "last")


@dataclass(frozen=True)
class BothDomains:
    """What a network says of a batch of each domain, as float32.

    Attributes:
        logits: (N, C) of the source.
        features: (N, D) of the source.
        target_logits: (M, C).
        target_features: (M, D).
    """

    logits: torch.Tensor
    features: torch.Tensor
    target_logits: torch.Tensor
    target_features: torch.Tensor


class Target:
    """The target domain beside the source.

    Args:
        setting: The run on the source.
        data: The target's images; labels are used for nothing but the oracle's column.
        select: Which epoch is kept, without target labels: the one with the highest "information" (confident on each
            target image, varied over all of them), or the lowest "entropy" there; by "source" validation accuracy; or
            the "last".

    Raises:
        RecipeError: There is no such selection.
        DataError: The domains have different classes, or one of them has too few images.
    """

    def __init__(self, setting: Setting, data: ImageData, select: str = "last") -> None:
        if select not in SELECTIONS:
            raise RecipeError(f"select is {select!r}.", f"Choices: {', '.join(SELECTIONS)}.")
        check_same_classes(setting.data, data)
        self.stream = Stream(setting, data)
        self.classifier = classifier_of(setting.backbone)
        self._select = select
        # Where nothing is held out, what the steps see is looked at.
        self.split = "val" if len(data.indices("val")) else "train"

    def both(self, model: nn.Module, batch: Batch) -> BothDomains:
        """Runs the batches of both domains through the network at once, so that BatchNorm sees their mixture.

        That is what it keeps for evaluation too; a pass for each domain would normalise each by its own numbers in
        training and by those of the mixture afterwards.
        """
        n = len(batch.labels)
        together = self.stream.joined(batch.images, self.stream.beside(batch).images)
        logits, features = (part.float() for part in logits_and_features(model, self.classifier, together))
        return BothDomains(logits[:n], features[:n], logits[n:], features[n:])

    def report(self, model: nn.Module) -> dict[str, float]:
        """Columns for the history: how sure the network is of the target's held-out images, and whether it is right.

        ``target_entropy`` (nats, the mean over images), ``target_information`` (entropy of the mean prediction less
        that mean, 0 to log C) and ``target_accuracy``, nan without labels.
        """
        device = next(model.parameters()).device
        batches = self.stream.held_out(self.split, device).in_order()
        probabilities, truth, _ = classified(model, batches)
        entropy = entropies(probabilities).mean().item()
        known = bool((truth != UNKNOWN).all())
        hits = (probabilities.argmax(1) == truth).float().mean().item()
        return {
            "target_entropy": entropy,
            "target_information": entropies(probabilities.mean(0, keepdim=True)).item() - entropy,
            "target_accuracy": hits if known else math.nan,
        }

    def select(self, row: Mapping[str, float]) -> float:
        """How good an epoch was, from its row of the history."""
        if self._select == "last":
            return row["epoch"]
        if self._select == "source":
            return row["val_accuracy"]
        return row["target_information"] if self._select == "information" else -row["target_entropy"]


@dataclass
class OnTarget:
    """What all methods share that learn from the source's labels with a target in view.

    Attributes:
        target: The other domain.
    """

    target: Target

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:
        """How the target fares."""
        return self.target.report(model)

    def select(self, row: Mapping[str, float]) -> float:
        """How good an epoch was."""
        return self.target.select(row)


def source_result(seen: BothDomains, batch: Batch, penalty: torch.Tensor, extras: Mapping[str, float]) -> StepResult:
    """Result of a step that adds a penalty to the cross-entropy on the source.

    Args:
        seen: What the network says of both domains.
        batch: The source's, with labels.
        penalty: Scalar that is added.
        extras: Columns for the history.
    """
    loss = functional.cross_entropy(seen.logits, batch.labels) + penalty
    correct = int((seen.logits.argmax(1) == batch.labels).sum())
    return StepResult(loss, len(batch.labels), correct, extras)


def classified(model: nn.Module, batches: Iterable[Batch]) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """What a network says of batches, in evaluation mode.

    Returns:
        Probabilities (N, C), labels (N,) and positions in the data set (N,).
    """
    rows, labels, positions = [], [], []
    with evaluating(model), torch.no_grad():
        for batch in batches:
            rows.append(model(batch.images).float().softmax(1))
            labels.append(batch.labels)
            positions.append(batch.indices)
    return torch.cat(rows), torch.cat(labels), np.concatenate(positions)


def entropies(probabilities: torch.Tensor) -> torch.Tensor:
    """Entropy of each row, nats, (N,)."""
    entropy: torch.Tensor = torch.special.entr(probabilities).sum(1)
    return entropy


def check_same_classes(source: ImageData, target: ImageData) -> None:
    """Refuses a target whose classes, if it has any, are not the source's.

    Raises:
        DataError: They differ.
    """
    if target.classes and tuple(target.classes) != tuple(source.classes):
        only = sorted(set(target.classes) ^ set(source.classes)) or list(target.classes)
        raise DataError(
            f"{source.name!r} and {target.name!r} have different classes, for example {only[0]!r}.",
            "Adaptation takes the same classes in both domains: leave out the others, or give bare target images.",
        )
