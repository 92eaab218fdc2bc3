"""MAML: learn a start from which a few gradient steps on a few examples go far.

Finn, Abbeel, Levine (2017), "Model-agnostic meta-learning for fast adaptation of deep networks", ICML, arXiv
1703.03400. Each task is learned in a copy by a few steps on its support set; the loss on its query set is
differentiated through these steps back to the common start. ``first_order`` takes the steps for constants (FOMAML: half
the cost, nearly as good). ``inner`` names the layers that adapt: only the last one is ANIL (Raghu, Raghu, Bengio,
Vinyals 2020, ICLR, arXiv 1909.09157), which found that features hardly change in the inner loop anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch

import torch
from torch import nn
from torch.func import functional_call

from tlwidgets.errors import RecipeError, TrainingError

Task = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Support inputs and targets, query inputs and targets."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass
class MAML:
    """Meta-learning of a small network by gradients through gradient steps.

    Attributes:
        model: The network; its parameters are the common start and are trained in place by ``train_step``. Without
            running statistics: a task would leave them behind for the next one.
        loss: ``loss(outputs, targets)``, a mean.
        inner_rate: Rate of the steps within a task, above 0.
        inner_steps: How many, at least 1.
        first_order: Take the inner gradients for constants.
        inner: Pattern of the names of parameters that adapt: "*" all; ANIL is the last layer's, such as "4.*".
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
        if any(getattr(module, "track_running_stats", False) for module in self.model.modules()):
            raise RecipeError("The network keeps running statistics.", "Use GroupNorm, or track_running_stats=False.")
        if not any(fnmatch(name, self.inner) for name, _ in self.model.named_parameters()):
            names = ", ".join(name for name, _ in self.model.named_parameters())
            raise RecipeError(f"No parameter is called {self.inner!r}.", f"Parameters: {names}.")
        self._optimiser = torch.optim.Adam(self.model.parameters(), lr=self.outer_rate)

    def adapt(self, inputs: torch.Tensor, targets: torch.Tensor, *, trains: bool = False) -> dict[str, torch.Tensor]:
        """Learns one task from its support set; the network itself stays as it is.

        Args:
            inputs: Support inputs.
            targets: Support targets.
            trains: Keep the graph, so that the start can be differentiated.

        Returns:
            All parameters by name; those that do not adapt are the network's own.
        """
        parameters: dict[str, torch.Tensor] = dict(self.model.named_parameters())
        names = [name for name in parameters if fnmatch(name, self.inner)]
        second_order = trains and not self.first_order
        with torch.enable_grad():
            for _ in range(self.inner_steps):
                loss = self.loss(functional_call(self.model, parameters, (inputs,)), targets)
                values = [parameters[name] for name in names]
                gradients = torch.autograd.grad(loss, values, create_graph=second_order)
                steps = zip(names, values, gradients, strict=True)
                parameters |= {name: value - self.inner_rate * gradient for name, value, gradient in steps}
        return parameters

    def predict(self, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        """What the network answers with the parameters of a task."""
        with torch.no_grad():
            answer: torch.Tensor = functional_call(self.model, dict(parameters), (inputs,))
        return answer

    def outer_loss(self, tasks: Sequence[Task]) -> torch.Tensor:
        """Mean loss on the query sets after adapting to the support sets, to be differentiated by the start.

        Raises:
            TrainingError: There is no task.
        """
        if not tasks:
            raise TrainingError("There are no tasks to learn from.", "Give at least one.")
        losses = []
        for support, targets, queries, answers in tasks:
            parameters = self.adapt(support, targets, trains=True)
            losses.append(self.loss(functional_call(self.model, parameters, (queries,)), answers))
        return torch.stack(losses).mean()

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
