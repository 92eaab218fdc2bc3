"""Reptile: move the start towards where each task ends.

Nichol, Achiam, Schulman (2018), "On first-order meta-learning algorithms", arXiv 1803.02999. A task is learned from
the start by a few ordinary steps, and the start moves a share of the way to where they led. No gradient of a gradient
and no division into support and query set. In the paper each inner step takes another batch of the task, and the
expected move then also raises the agreement between the gradients of its batches. Here tasks are small and every inner
step sees the whole of one: to second order in the rate a, k steps of gradient g move the start by
-k a g + k (k - 1) / 4 a^2 grad |g|^2, towards where a task's own gradient is long and few steps go far. One step would
be plain training on all tasks together.

In a recipe, 56 steps of a small network from random weights, then three coloured shapes that no step saw, one example
of each (five seeds, ``benchmarks/results/methods.md``): .61, .38 before; plain training on the known shapes and then
the same inner steps .42, but .65 where these move a new head alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from tlwidgets.errors import RecipeError, TrainingError
from tlwidgets.training.inner_loop import Loss, Parameters, Task, adaptable, answers, descend
from tlwidgets.training.method import Setting
from tlwidgets.training.new_classes import MetaLearning, meta_learning, task_loss
from tlwidgets.training.tasks import TaskSampler

TRAINS_HEAD = False  # its outputs stand for other classes in every task, and say nothing before one is learned


@dataclass
class Reptile:
    """Meta-learning of a small network without second derivatives.

    Attributes:
        model: The network; its parameters are the start and are trained in place by ``train_step``. Without running
            statistics, or in evaluation mode.
        loss: ``loss(outputs, targets)``, a mean.
        inner_rate: Rate of the plain gradient steps within a task, above 0.
        inner_steps: How many, at least 2.
        outer_rate: Share of the way to the mean end of the tasks, in (0, 1].
    """

    model: nn.Module
    loss: Loss
    inner_rate: float = 0.02
    inner_steps: int = 8
    outer_rate: float = 0.3

    def __post_init__(self) -> None:
        if not (self.inner_rate > 0 and 0 < self.outer_rate <= 1) or self.inner_steps < 2:
            raise RecipeError(
                f"inner_rate is {self.inner_rate!r}, inner_steps {self.inner_steps!r}, outer_rate {self.outer_rate!r}.",
                "Give a rate above 0, at least 2 steps and a share up to 1.",
            )
        self._names = adaptable(self.model)

    def adapt(self, inputs: torch.Tensor, targets: torch.Tensor) -> Parameters:
        """Learns one task, all of it in every step; the network itself stays as it is. Parameters by name."""
        start = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        for name in self._names:
            start[name].requires_grad_(True)
        steps = (self.inner_rate, self.inner_steps)
        ends = descend(self.model, self.loss, start, self._names, (inputs, targets), *steps)
        return {name: value.detach() for name, value in ends.items()}

    def predict(self, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """What the network answers with the parameters of a task."""
        return answers(self.model, parameters, inputs)

    def meta_loss(self, tasks: Sequence[Task]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """For another optimiser: a loss whose gradient by the start is what the mean end of the tasks lies behind.

        Its value is their mean loss there. The paper's section 3 hands that gradient, start less end, to Adam.

        Returns:
            The loss, and the answers to each query set.

        Raises:
            TrainingError: There is no task.
        """
        end, mean, said = self._learned(tasks)
        parameters = dict(self.model.named_parameters())
        way = [((parameters[name] - end[name]).detach() * parameters[name]).sum() for name in self._names]
        pull = torch.stack(way).sum()
        return pull - pull.detach() + mean, said

    def train_step(self, tasks: Sequence[Task]) -> float:
        """Moves the start towards the mean end of the tasks; returns their mean loss there.

        Raises:
            TrainingError: There is no task, or the loss is not a number.
        """
        end, mean, _ = self._learned(tasks)
        if not torch.isfinite(torch.tensor(mean)):
            raise TrainingError(f"The loss became {mean}.", "Lower inner_rate.")
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                value.lerp_(end[name], self.outer_rate)
        return mean

    def _learned(self, tasks: Sequence[Task]) -> tuple[Parameters, float, list[torch.Tensor]]:
        """The mean end of the tasks, their mean loss there, and the answers to each query set."""
        if not tasks:
            raise TrainingError("There are no tasks to learn from.", "Give at least one.")
        ends, losses, said = [], [], []
        for support, targets, queries, truth in tasks:
            inputs, outputs = torch.cat([support, queries]), torch.cat([targets, truth])
            ends.append(self.adapt(inputs, outputs))
            answer = self.predict(ends[-1], inputs)
            losses.append(float(self.loss(answer, outputs)))
            said.append(answer[len(support) :])
        mean = {name: torch.stack([end[name] for end in ends]).mean(0) for name in ends[0]}
        return mean, sum(losses) / len(losses), said


def make(
    setting: Setting,
    n_way: int = 3,
    n_shot: int = 1,
    n_query: int = 5,
    n_tasks: int = 4,
    held_out: Sequence[str] | None = None,
    n_judged: int = 40,
    inner_rate: float = 0.1,
    inner_steps: int = 8,
) -> MetaLearning:
    """Makes the method from a recipe's options; the recipe's optimiser moves the start, at its learning rate.

    Args:
        setting: The run.
        n_way: Classes a task; this and what follows see ``TaskSampler``.
        n_shot: Support images of each.
        n_query: Query images of each; in training they are learned from too.
        n_tasks: Tasks a step.
        held_out: Names of classes that no step sees, to judge by.
        n_judged: Tasks of these classes after each epoch and at the end, at least 2.
        inner_rate: Rate of the steps within a task, above 0.
        inner_steps: How many, at least 2.

    Raises:
        RecipeError: An option makes no sense, or the plan has low-rank adapters.
        DataError: Classes or images are too few, or are texts.
    """
    tasks = TaskSampler(setting, n_way, n_shot, n_query, n_tasks, held_out)
    learner = partial(Reptile, loss=task_loss, inner_rate=inner_rate, inner_steps=inner_steps)
    return meta_learning(setting, tasks, learner, n_judged)
