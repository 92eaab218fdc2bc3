"""A layer that passes values on and turns gradients round."""

from __future__ import annotations

from typing import Any

import torch


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, values: torch.Tensor, strength: float) -> torch.Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        return -context.strength * gradients[0], None


def reversed_gradient(values: torch.Tensor, strength: float) -> torch.Tensor:
    """The same values; gradients that flow back through them are multiplied by ``-strength``."""
    reversed_: torch.Tensor = _Reversal.apply(values, strength)
    return reversed_


def domain_head(n_inputs: int, hidden: int) -> torch.nn.Sequential:
    """A small classifier of domains: one logit (N, 1), above 0 for the source."""
    return torch.nn.Sequential(
        torch.nn.Linear(n_inputs, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, hidden),
        torch.nn.ReLU(),
        torch.nn.Linear(hidden, 1),
    )
