"""MAML: learn a start from which a few gradient steps on a few examples go far.

Finn, Abbeel, Levine (2017), "Model-agnostic meta-learning for fast adaptation of deep networks", ICML, arXiv
1703.03400. Each task is learned in a copy by a few steps on its support set; the loss on its query set is
differentiated through these steps back to the common start. ``first_order`` takes the steps for constants (FOMAML: half
the cost, nearly as good). ``inner`` names the layers that adapt: only the last one is ANIL (Raghu, Raghu, Bengio,
Vinyals 2020, ICLR, arXiv 1909.09157), which found that features hardly change in the inner loop anyway.

In a recipe, 56 steps of a small network from random weights, then three coloured shapes that no step saw, one example
of each (five seeds, ``benchmarks/results/methods.md``): MAML .62, FOMAML .54, ANIL .59, .35 to .38 before. Plain
training on the known shapes, and then the same inner steps on a new head alone, comes to .65.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
from torch import nn
from torch.func import functional_call

from tlwidgets.errors import RecipeError, TrainingError
from tlwidgets.training.inner_loop import Loss, Parameters, Task, adaptable, answers, descend
from tlwidgets.training.method import Setting
from tlwidgets.training.new_classes import MetaLearning, meta_learning, task_loss
from tlwidgets.training.tapping import head_parameters
from tlwidgets.training.tasks import TaskSampler

TRAINS_HEAD = False  # its outputs stand for other classes in every task, and say nothing before one is learned


@dataclass
class MAML:
    """Meta-learning of a small network by gradients through gradient steps.

    Attributes:
        model: The network; its parameters are the common start and are trained in place by ``train_step``. Without
            running statistics, or in evaluation mode: a task would leave them behind for the next one.
        loss: ``loss(outputs, targets)``, a mean.
        inner_rate: Rate of the steps within a task, above 0.
        inner_steps: How many, at least 1.
        first_order: Take the inner gradients for constants.
        inner: Pattern of the names of parameters that adapt: "*" all; ANIL is the last layer's, such as "4.*". Frozen
            ones do not.
        outer_rate: Adam's rate for the start.
    """

    model: nn.Module
    loss: Loss
    inner_rate: float = 0.01
    inner_steps: int = 1
    first_order: bool = False
    inner: str = "*"
    outer_rate: float = 0.001

    def __post_init__(self) -> None:
        if not (self.inner_rate > 0 and self.outer_rate > 0) or self.inner_steps < 1:
            raise RecipeError(
                f"inner_rate is {self.inner_rate!r}, inner_steps {self.inner_steps!r}, outer_rate {self.outer_rate!r}.",
                "Give rates above 0 and at least one step.",
            )
        self._names = adaptable(self.model, self.inner)

    @cached_property
    def _optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), lr=self.outer_rate)

    def adapt(self, inputs: torch.Tensor, targets: torch.Tensor, *, trains: bool = False) -> Parameters:
        """Learns one task from its support set; the network itself stays as it is.

        Args:
            inputs: Support inputs.
            targets: Support targets.
            trains: Keep the graph, so that the start can be differentiated.

        Returns:
            All parameters by name; those that do not adapt are the network's own.
        """
        start, graph = dict(self.model.named_parameters()), trains and not self.first_order
        steps = (self.inner_rate, self.inner_steps)
        return descend(self.model, self.loss, start, self._names, (inputs, targets), *steps, graph=graph)

    def predict(self, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """What the network answers with the parameters of a task."""
        return answers(self.model, parameters, inputs)

    def meta_loss(self, tasks: Sequence[Task]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Mean loss on the query sets after adapting to the support sets, and the answers to each query set.

        Raises:
            TrainingError: There is no task.
        """
        if not tasks:
            raise TrainingError("There are no tasks to learn from.", "Give at least one.")
        said = [functional_call(self.model, self.adapt(x, y, trains=True), (queries,)) for x, y, queries, _ in tasks]
        losses = [self.loss(answer, task[3]) for answer, task in zip(said, tasks, strict=True)]
        return torch.stack(losses).mean(), said

    def outer_loss(self, tasks: Sequence[Task]) -> torch.Tensor:
        """That loss alone, to be differentiated by the start."""
        return self.meta_loss(tasks)[0]

    def train_step(self, tasks: Sequence[Task]) -> float:
        """Moves the start by one step of Adam; returns the loss before it.

        Raises:
            TrainingError: There is no task, or the loss is not a number.
        """
        loss = self.outer_loss(tasks)
        if not torch.isfinite(loss):
            raise TrainingError(f"The loss became {loss.item()}.", "Lower inner_rate or outer_rate.")
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return loss.item()


def make(
    setting: Setting,
    n_way: int = 3,
    n_shot: int = 1,
    n_query: int = 5,
    n_tasks: int = 4,
    held_out: Sequence[str] | None = None,
    n_judged: int = 40,
    inner_rate: float = 0.1,
    inner_steps: int = 3,
    first_order: bool = False,
    inner: str = "*",
) -> MetaLearning:
    """Makes the method from a recipe's options; the outer rate is the recipe's learning rate.

    Args:
        setting: The run.
        n_way: Classes a task; this and what follows see ``TaskSampler``.
        n_shot: Support images of each.
        n_query: Query images of each.
        n_tasks: Tasks a step.
        held_out: Names of classes that no step sees, to judge by.
        n_judged: Tasks of these classes after each epoch and at the end, at least 2.
        inner_rate: Rate of the steps within a task, above 0.
        inner_steps: How many, at least 1.
        first_order: Take the inner gradients for constants.
        inner: What adapts: "*" all that the plan lets learn, "head" the classifier alone (ANIL), or a pattern of names.

    Raises:
        RecipeError: An option makes no sense, or the plan lets nothing adapt.
        DataError: Classes or images are too few, or are texts.
    """
    tasks = TaskSampler(setting, n_way, n_shot, n_query, n_tasks, held_out)
    pattern = f"{next(iter(head_parameters(setting.backbone))).rpartition('.')[0]}.*" if inner == "head" else inner
    steps = partial(MAML, inner_rate=inner_rate, inner_steps=inner_steps, first_order=first_order)
    return meta_learning(setting, tasks, partial(steps, loss=task_loss, inner=pattern), n_judged)
