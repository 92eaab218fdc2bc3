"""What the further heads of a network with several tasks say, beside the labels that they should say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import nn

from tlwidgets.training.method import Setting
from tlwidgets.training.stream import Stream
from tlwidgets.training.tapping import classifier_of, logits_and_features
from tlwidgets.training.task_heads import TaskHeads
from tlwidgets.training.task_labels import MISSING, TaskLabels


def answers_of(
    tasks: Sequence[TaskLabels], heads: TaskHeads, features: torch.Tensor, indices: np.ndarray
) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """Every further task's name, with logits (K, C) and labels (K,) of those samples that have its label.

    Args:
        tasks: The further tasks.
        heads: Theirs, in the same order.
        features: (N, D).
        indices: (N,) positions in the data set.
    """
    for task, head in zip(tasks, heads.layers, strict=True):
        labels = task.numbers[indices].to(features.device)
        known = labels != MISSING
        yield task.name, head(features)[known], labels[known]


def held_out_accuracies(
    setting: Setting, model: nn.Module, tasks: Sequence[TaskLabels], heads: TaskHeads
) -> dict[str, float]:
    """``val_accuracy_<task>`` of every further task; nothing without validation images."""
    if not len(setting.data.indices("val")):
        return {}
    batches = Stream(setting, setting.data, ("train",)).held_out("val", next(model.parameters()).device)
    hits: dict[str, list[torch.Tensor]] = {task.name: [] for task in tasks}
    model.eval()  # the loop puts it back into training before the next epoch
    with torch.no_grad():
        for batch in batches.in_order():
            _, features = logits_and_features(model, classifier_of(setting.backbone), batch.images)
            for name, answers, labels in answers_of(tasks, heads, features, batch.indices):
                hits[name].append((answers.argmax(1) == labels).double())
    return {f"val_accuracy_{name}": torch.cat(found).mean().item() for name, found in hits.items()}
