"""A head that learns beside its backbone without touching it: how good the features of a self-supervised run are."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.method import Setting
from tlwidgets.training.stream import Stream


def pretraining_stream(setting: Setting, unlabelled: ImageData | None) -> Stream:
    """Batches to pretrain on: the second data set, or the run's own training and unlabelled images.

    Raises:
        DataError: There are fewer than two images.
    """
    return Stream(setting, unlabelled or setting.data)


def check_view(view: str) -> None:
    """Refuses a view of which two would be the same image, or that there is not.

    Raises:
        RecipeError: It is neither "weak" nor "strong".
    """
    if view not in ("weak", "strong"):
        raise RecipeError(f"view is {view!r}.", 'Give "weak" or "strong".')


def probe_loss(
    classifier: nn.Module, features: torch.Tensor, labels: torch.Tensor, known: torch.Tensor
) -> tuple[torch.Tensor, int]:
    """Cross-entropy of the run's own head on features that it cannot change.

    Args:
        classifier: The network's last layer.
        features: (N, D) what enters it.
        labels: int64 (N,).
        known: bool (N,) whose labels may be looked at.

    Returns:
        The loss, 0 where no label is known; and how many of the N would be classified rightly, if all did as the known.
    """
    # A convolution as classifier wants its maps back: (N, D, 1, 1).
    rows = features.detach()
    logits = classifier(rows if isinstance(classifier, nn.Linear) else rows[:, :, None, None]).flatten(1)
    if not known.any():
        return 0 * logits.sum(), 0
    loss = functional.cross_entropy(logits[known], labels[known])
    share = (logits[known].argmax(1) == labels[known]).double().mean().item()
    return loss, round(len(labels) * share)


def known_labels(setting: Setting, stream: Stream, indices: np.ndarray) -> torch.Tensor:
    """Which images of a batch the run may know the labels of: those of its own training split, bool (N,)."""
    own = stream.prepared.data is setting.data
    return torch.from_numpy((setting.data.split[indices] == "train") if own else np.zeros(len(indices), bool))


def projector(sizes: Sequence[int]) -> nn.Sequential:
    """A small network behind the features: linear layers, BatchNorm and ReLU between them.

    Raises:
        DataError: Fewer than two sizes.
    """
    if len(sizes) < 2 or min(sizes) < 1:
        raise DataError(f"The sizes of a projector are {list(sizes)}.", "Give the input's and at least one more.")
    layers: list[nn.Module] = []
    for number, (wide, narrow) in enumerate(itertools.pairwise(sizes)):
        if number:
            layers += [nn.BatchNorm1d(wide), nn.ReLU()]
        layers.append(nn.Linear(wide, narrow))
    return nn.Sequential(*layers)
