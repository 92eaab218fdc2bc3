"""Looks at a split with the present weights."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones.backbone import evaluating
from tlwidgets.data import ImageData
from tlwidgets.training.batches import Batches
from tlwidgets.training.events import Judged
from tlwidgets.training.prefix_cache import PrefixCache

MOST_CLASSES = 50  # a larger matrix nobody reads, and every epoch would keep one
MISTAKES = 8


def evaluate(
    model: nn.Module,
    batches: Batches,
    n_classes: int,
    cache: PrefixCache | None = None,
    between: Callable[[], object] = lambda: None,
) -> tuple[dict[str, float], np.ndarray]:
    """Classifies every image of a split, in evaluation mode; the network is not changed.

    Args:
        model: The network with its head.
        batches: The split.
        n_classes: Number of classes C.
        cache: What the frozen part says of this split, where that is kept.
        between: Called before each batch.

    Returns:
        ``{"accuracy", "loss", "n"}`` (nan without images) and the probabilities (N, C), in the split's order.
    """
    losses, hits = 0.0, 0
    rows = [np.zeros((0, n_classes))]
    with evaluating(model), torch.no_grad():
        for batch in batches.in_order(cache):
            between()
            logits = (cache.partition.run_tail if cache is not None else model)(batch.images).float()
            losses += float(functional.cross_entropy(logits, batch.labels, reduction="sum"))
            hits += int((logits.argmax(1) == batch.labels).sum())
            rows.append(logits.softmax(1).cpu().numpy())
    probabilities = np.concatenate(rows)
    n = len(probabilities)
    return {"accuracy": hits / n if n else math.nan, "loss": losses / n if n else math.nan, "n": n}, probabilities


def judge(data: ImageData, split: str, probabilities: np.ndarray) -> Judged | None:
    """Says which classes are taken for which, and what was most wrong.

    Args:
        data: The images.
        split: Whose.
        probabilities: (N, C), in the split's order.

    Returns:
        None where the split is empty or another process has seen a part of it.
    """
    indices = data.indices(split)
    if not len(indices) or len(indices) != len(probabilities):
        return None
    labels, predicted = data.labels[indices], probabilities.argmax(1)
    confusion = np.zeros((0, 0), np.int64)
    if len(data.classes) <= MOST_CLASSES:
        confusion = np.zeros((len(data.classes),) * 2, np.int64)
        np.add.at(confusion, (labels, predicted), 1)
    ours = probabilities[np.arange(len(labels)), labels]
    worst = [place for place in np.argsort(ours, kind="stable") if labels[place] != predicted[place]][:MISTAKES]
    wrongest = [(int(indices[at]), int(predicted[at]), float(probabilities[at].max())) for at in worst]
    return Judged(tuple(map(tuple, confusion.tolist())), tuple(wrongest))
