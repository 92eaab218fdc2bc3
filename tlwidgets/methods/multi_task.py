"""Multi-task learning: one trunk, several heads, and a look at whether the tasks pull the same way.

Caruana (1997), "Multitask learning", Machine Learning 28: what helps one task may be learned from another's labels.
Kendall, Gal, Cipolla (2018), "Multi-task learning using uncertainty to weigh losses", CVPR, arXiv 1705.07115: with
``weighting="uncertainty"`` a loss L counts exp(-s) L + s / 2 with a learned s, so that a task that stays noisy counts
less. The cosine between the tasks' gradients in the trunk is a column of the history: below 0 they are in conflict (Yu
et al. 2020, arXiv 2001.06782), and separate networks may be better. Once trained, ``run.predict(images, task="name")``
asks a further head.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.errors import RecipeError
from tlwidgets.training.gradients import gradient_cosine
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.tapping import classifier_of, feature_size, learning_trunk, logits_and_features
from tlwidgets.training.task_answers import answers_of, held_out_accuracies
from tlwidgets.training.task_heads import TaskHeads
from tlwidgets.training.task_labels import TaskLabels, fixed_weights, read_tasks

WEIGHTINGS = ("fixed", "uncertainty")


def uncertainty_weighted(losses: torch.Tensor, log_variances: torch.Tensor) -> torch.Tensor:
    """Sum of exp(-s) L + s / 2 over tasks (T,); at its minimum over s each s is log(2 L)."""
    return (torch.exp(-log_variances) * losses + log_variances / 2).sum()


@dataclass
class MultiTask:
    """Several tasks on one trunk.

    Attributes:
        setting: The run; its own labels are the first task.
        tasks: The further tasks.
        modules: Their heads.
        weights: (1 + T,) fixed weights of the losses; None learns them.
        conflict_every: Steps between two looks at the gradients.
    """

    setting: Setting
    tasks: list[TaskLabels]
    modules: TaskHeads
    weights: torch.Tensor | None
    conflict_every: int
    cacheable: ClassVar[bool] = False

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Weighted losses of all tasks; hits of the run's own."""
        logits, features = logits_and_features(model, classifier_of(self.setting.backbone), batch.images)
        losses, extras = [functional.cross_entropy(logits, batch.labels)], {}
        for name, answers, labels in answers_of(self.tasks, self.modules, features, batch.indices):
            # The mean of none would be nan; a sum of none is 0 and still reaches the head.
            losses.append(functional.cross_entropy(answers, labels, reduction="sum") / max(len(labels), 1))
            extras[f"accuracy_{name}"] = (answers.argmax(1) == labels).double().mean().item()
        extras |= self._conflicts(losses, batch.step)
        stacked = torch.stack(losses)
        learned, fixed = self.modules.log_variances, self.weights
        loss = uncertainty_weighted(stacked, learned) if fixed is None else (fixed.to(stacked.device) * stacked).sum()
        return StepResult(loss, len(batch.labels), int((logits.argmax(1) == batch.labels).sum()), extras)

    def _conflicts(self, losses: Sequence[torch.Tensor], step: int) -> dict[str, float]:
        names = [f"cosine_{task.name}" for task in self.tasks]
        trunk = learning_trunk(self.setting.backbone)
        if step % self.conflict_every or not trunk:
            return dict.fromkeys(names, math.nan)
        return {name: gradient_cosine(losses[0], loss, trunk) for name, loss in zip(names, losses[1:], strict=True)}

    def end_epoch(self, model: nn.Module) -> dict[str, float]:
        """Validation accuracy of every further task."""
        return held_out_accuracies(self.setting, model, self.tasks, self.modules)

    def select(self, row: Mapping[str, float]) -> float:  # noqa: ARG002
        """The latest epoch counts as the best: the heads that are kept are those of the last."""
        return math.nan


def make(
    setting: Setting,
    tasks: Mapping[str, Any] | None = None,
    table: str | None = None,
    weighting: str = "fixed",
    weights: Mapping[str, float] | None = None,
    conflict_every: int = 10,
) -> MultiTask:
    """Makes the method from a recipe's options.

    Args:
        setting: The run; its own labels are the first task.
        tasks: Further tasks by name: a mapping from each class of the data to a label, or (N,) labels of all samples in
            their order, None where one has none. Or the names of columns of ``table``.
        table: CSV file with a column ``path`` or ``sample_id`` and a column a task, for example the one that the run's
            data come from; all further columns but label and split are tasks where ``tasks`` is left out.
        weighting: "fixed" or "uncertainty".
        weights: Fixed weight of tasks by name, the run's own is "label"; 1 where left out.
        conflict_every: Steps between two looks at the gradients, at least 1; each costs one more backward pass a task.

    Raises:
        RecipeError: There is no further task, or one cannot be used; unknown weighting or weights.
    """
    read = read_tasks(setting, tasks, table)
    names, given = ["label", *(task.name for task in read)], dict(weights or {})
    if weighting not in WEIGHTINGS or (given and weighting != "fixed") or conflict_every < 1:
        raise RecipeError(
            f"weighting is {weighting!r}, weights {given!r}, conflict_every {conflict_every!r}.",
            f"Choices: {', '.join(WEIGHTINGS)}; weights only with fixed ones; look every 1 or more steps.",
        )
    fixed = fixed_weights(names, given) if weighting == "fixed" else None
    heads = TaskHeads(feature_size(setting.backbone), {task.name: task.classes for task in read})
    return MultiTask(setting, read, heads, fixed, conflict_every)
