"""Reptile: move the start towards where each task ends.

Nichol, Achiam, Schulman (2018), "On first-order meta-learning algorithms", arXiv 1803.02999. A task is learned from
the start by a few ordinary steps, and the start moves a share of the way to where they led. No gradient of a gradient
and no division into support and query set. In the paper each inner step takes another batch of the task, and the
expected move then also raises the agreement between the gradients of its batches. Here tasks are small and every inner
step sees the whole of one: to second order in the rate a, k steps of gradient g move the start by
-k a g + k (k - 1) / 4 a^2 grad |g|^2, towards where a task's own gradient is long and few steps go far. One step would
be plain training on all tasks together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.func import functional_call

from tlwidgets.errors import RecipeError, TrainingError

Task = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Support inputs and targets, query inputs and targets; in training both sets are learned from."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass
class Reptile:
    """Meta-learning of a small network without second derivatives.

    Attributes:
        model: The network; its parameters are the start and are trained in place by ``train_step``. Without running
            statistics.
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
        if any(getattr(module, "track_running_stats", False) for module in self.model.modules()):
            raise RecipeError("The network keeps running statistics.", "Use GroupNorm, or track_running_stats=False.")

    def adapt(self, inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
        """Learns one task, all of it in every step; the network itself stays as it is. Parameters by name."""
        parameters = {name: value.detach().clone() for name, value in self.model.named_parameters()}
        with torch.enable_grad():
            for _ in range(self.inner_steps):
                known = {name: value.requires_grad_(True) for name, value in parameters.items()}
                loss = self.loss(functional_call(self.model, known, (inputs,)), targets)
                gradients = torch.autograd.grad(loss, list(known.values()))
                steps = zip(known.items(), gradients, strict=True)
                parameters = {name: (value - self.inner_rate * gradient).detach() for (name, value), gradient in steps}
        return parameters

    def predict(self, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """What the network answers with the parameters of a task."""
        with torch.no_grad():
            answer: torch.Tensor = functional_call(self.model, dict(parameters), (inputs,))
        return answer

    def train_step(self, tasks: Sequence[Task]) -> float:
        """Moves the start towards the mean end of the tasks; returns their mean loss there.

        Raises:
            TrainingError: There is no task, or the loss is not a number.
        """
        if not tasks:
            raise TrainingError("There are no tasks to learn from.", "Give at least one.")
        ends, losses = [], []
        for support, targets, queries, answers in tasks:
            inputs, outputs = torch.cat([support, queries]), torch.cat([targets, answers])
            ends.append(self.adapt(inputs, outputs))
            losses.append(float(self.loss(self.predict(ends[-1], inputs), outputs)))
        mean = sum(losses) / len(losses)
        if not torch.isfinite(torch.tensor(mean)):
            raise TrainingError(f"The loss became {mean}.", "Lower inner_rate.")
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                value.lerp_(torch.stack([end[name] for end in ends]).mean(0), self.outer_rate)
        return mean
