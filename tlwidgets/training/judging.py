"""Looks at a split with the present weights."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.training.batches import Batches


def evaluate(backbone: Backbone, batches: Batches, n_classes: int) -> tuple[dict[str, float], np.ndarray]:
    """Classifies every image of a split, in evaluation mode; the network is not changed.

    Args:
        backbone: The network with its head.
        batches: The split.
        n_classes: Number of classes C.

    Returns:
        ``{"accuracy", "loss", "n"}`` (nan without images) and the probabilities (N, C), in the split's order.
    """
    losses, hits = 0.0, 0
    rows = [np.zeros((0, n_classes))]
    with evaluating(backbone.model), torch.inference_mode():
        for batch in batches.in_order():
            logits = backbone.model(batch.images).float()
            losses += float(functional.cross_entropy(logits, batch.labels, reduction="sum"))
            hits += int((logits.argmax(1) == batch.labels).sum())
            rows.append(logits.softmax(1).cpu().numpy())
    probabilities = np.concatenate(rows)
    n = len(probabilities)
    return {"accuracy": hits / n if n else math.nan, "loss": losses / n if n else math.nan, "n": n}, probabilities
