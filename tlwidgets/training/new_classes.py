"""Learning to learn in the run's own loop: steps on tasks, and after each epoch a look at classes never seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.errors import RecipeError
from tlwidgets.freezing import FreezePlan
from tlwidgets.training.inner_loop import Parameters, Task
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import at_least
from tlwidgets.training.tasks import TaskSampler

COLUMN = "new_class_accuracy"


class TaskLearner(Protocol):
    """What learns a task from a common start, such as ``MAML`` of a network."""

    def adapt(self, inputs: torch.Tensor, targets: torch.Tensor) -> Parameters:
        """Learns a task; the network itself stays as it is."""

    def predict(self, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """What it answers then."""

    def meta_loss(self, tasks: Sequence[Task]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """A loss whose gradient says where the start should move, and the answers to each task's queries."""


def task_loss(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy among the first outputs, as many as a task has classes; targets (N,) hold each of them."""
    return functional.cross_entropy(among(outputs, targets), targets)


def among(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Those outputs that stand for a task's classes, (N, n_way)."""
    return outputs[:, : int(targets.max()) + 1].float()


class Before(nn.Module):
    """What the network could do before the run: kept with its checkpoints, for a resumed run cannot look back."""

    accuracy: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("accuracy", torch.tensor(math.nan))


@dataclass
class MetaLearning:
    """Meta-learning in a recipe, whatever learns the tasks.

    The network is in evaluation mode throughout: running statistics and dropout stand still, as if frozen, for a task
    would leave its own behind for the next.

    Attributes:
        backbone: The network; its parameters are the common start.
        tasks: Deals tasks.
        learner: Makes what learns them, given the network.
        n_judged: Tasks of new classes that it is judged by.
        modules: What is known of the start.
    """

    backbone: Backbone
    tasks: TaskSampler
    learner: Callable[[nn.Module], TaskLearner]
    n_judged: int
    modules: Before = field(default_factory=Before)
    cacheable: ClassVar[bool] = False

    def step(self, model: nn.Module, batch: Batch) -> StepResult:  # noqa: ARG002  of several processes a wrapper
        """Loss and hits on the queries of one step's tasks; the run's own batch only tells the step."""
        tasks = self.tasks.beside(batch)
        with evaluating(self.backbone.model):
            loss, answers = self.learner(self.backbone.model).meta_loss(tasks)
        hits = [_hits(answer, task[3]) for answer, task in zip(answers, tasks, strict=True)]
        return StepResult(loss, sum(map(len, hits)), int(torch.cat(hits).sum()))

    def start_epoch(self, model: nn.Module, epoch: int) -> None:  # noqa: ARG002
        """Before the first one: what tasks of new classes come to without any of this."""
        if epoch == 1:
            self.modules.accuracy.fill_(self._judged("test").mean())

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:  # noqa: ARG002
        """Accuracy on queries of new classes after adapting to a few support images of each."""
        return {COLUMN: self._judged("val").mean().item()}

    def select(self, row: Mapping[str, float]) -> float:
        """The same."""
        return row[COLUMN]

    def finish(self, model: nn.Module) -> dict[str, dict[str, float]]:  # noqa: ARG002
        """The same with test images as queries: mean over tasks with its 95 % interval, and before the run."""
        found = self._judged("test")
        mean, half = found.mean().item(), 1.96 * found.std().item() / math.sqrt(len(found))
        before = round(self.modules.accuracy.item(), 6)
        episodes = {"accuracy": mean, "low": mean - half, "high": mean + half, "before": before, "n": len(found)}
        return {"episodes": episodes}

    def _judged(self, split: str) -> torch.Tensor:
        """Accuracy of each task of new classes."""
        model = self.backbone.model
        tasks = self.tasks.of_new_classes(split, self.n_judged, next(model.parameters()).device)
        with evaluating(model):
            learner = self.learner(model)
            found = [_hits(learner.predict(learner.adapt(x, y), queries), truth) for x, y, queries, truth in tasks]
        return torch.stack(found).double().mean(1)


def meta_learning(
    setting: Setting, tasks: TaskSampler, learner: Callable[[nn.Module], TaskLearner], n_judged: int
) -> MetaLearning:
    """Puts it together, after a look whether the plan lets anything of it learn.

    Raises:
        RecipeError: It does not, a number makes no sense, or the plan has low-rank adapters.
    """
    at_least(2, n_judged=n_judged)
    if "lora" in FreezePlan(setting.backbone, setting.recipe.plan).states.values():
        raise RecipeError("A task cannot be learned by low-rank adapters here.", "Give a plan without lora.")
    applied = FreezePlan(setting.backbone, setting.recipe.plan).apply()
    try:
        with evaluating(setting.backbone.model):
            learner(setting.backbone.model)
    finally:
        applied.undo()
    return MetaLearning(setting.backbone, tasks, learner, n_judged)


def _hits(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return among(outputs, targets).argmax(1) == targets
