"""The inner loop of meta-learning: a few plain gradient steps on one task, beside the network and not in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from fnmatch import fnmatch

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from tlwidgets.errors import RecipeError

Task = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Support inputs and targets, query inputs and targets."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Parameters = dict[str, torch.Tensor]


def adaptable(model: nn.Module, pattern: str = "*") -> list[str]:
    """Names of the parameters that a task may move: those that fit a pattern and are not frozen.

    Raises:
        RecipeError: There are none, or tasks would leave running statistics behind.
    """
    # In evaluation mode they stand still.
    if any(module.training and getattr(module, "track_running_stats", False) for module in model.modules()):
        raise RecipeError(
            "The network keeps running statistics, which one task would leave behind for the next.",
            "Use GroupNorm, track_running_stats=False, or evaluation mode.",
        )
    known = dict(model.named_parameters())
    fit = [name for name in known if fnmatch(name, pattern)]
    if not fit:
        raise RecipeError(f"No parameter is called {pattern!r}.", f"Parameters: {', '.join(known)}.")
    learning = [name for name in fit if known[name].requires_grad]
    if not learning:
        raise RecipeError(f"Nothing of {pattern!r} learns: it is frozen.", "Give a plan by which it learns.")
    return learning


def descend(
    model: nn.Module,
    loss: Loss,
    parameters: Mapping[str, torch.Tensor],
    names: list[str],
    support: tuple[torch.Tensor, torch.Tensor],
    rate: float,
    steps: int,
    *,
    graph: bool = False,
) -> Parameters:
    """Takes plain gradient steps on a task; the network stays as it is.

    Args:
        model: Computes outputs from inputs.
        loss: ``loss(outputs, targets)``, a mean.
        parameters: Where to start, by name.
        names: Those that move; they have ``requires_grad``.
        support: Inputs and targets.
        rate: Of the steps.
        steps: How many.
        graph: Keep the gradients' own graph, so that the end can be differentiated by the start through them.

    Returns:
        The parameters at the end, by name.
    """
    known, (inputs, targets) = dict(parameters), support
    # Of the fused kernels of attention nobody has written the second derivative.
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH) if graph else nullcontext():
        for _ in range(steps):
            values = [known[name] for name in names]
            gradients = torch.autograd.grad(
                loss(functional_call(model, known, (inputs,)), targets), values, create_graph=graph
            )
            moves = zip(names, values, gradients, strict=True)
            known |= {name: value - rate * gradient for name, value, gradient in moves}
    return known


def answers(model: nn.Module, parameters: Mapping[str, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    """What the network says with the parameters of a task, without a graph."""
    with torch.no_grad():
        answer: torch.Tensor = functional_call(model, dict(parameters), (inputs,))
    return answer
