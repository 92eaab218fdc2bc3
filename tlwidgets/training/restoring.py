"""Training on trial: whatever it changes is put back bit by bit."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def restored(model: nn.Module, optimiser: torch.optim.Optimizer) -> Iterator[None]:
    """Puts back, bit by bit and also after an error, whatever training changes in between.

    That is: parameters, buffers, gradients, training modes, the optimiser's state and settings, random numbers.
    """
    tensors = [(t, t.detach().clone()) for t in (*model.parameters(), *model.buffers())]
    gradients = [(p, None if p.grad is None else p.grad.clone()) for p in model.parameters()]
    modes = [(module, module.training) for module in model.modules()]
    state = {parameter: _copied(values) for parameter, values in optimiser.state.items()}
    settings = [{key: value for key, value in group.items() if key != "params"} for group in optimiser.param_groups]
    with own_random_numbers():
        try:
            yield
        finally:
            with torch.no_grad():
                for tensor, before in tensors:
                    tensor.copy_(before)
            for parameter, gradient in gradients:
                parameter.grad = gradient
            for module, mode in modes:
                module.training = mode
            optimiser.state.clear()
            optimiser.state.update(state)
            for group, values in zip(optimiser.param_groups, settings, strict=True):
                group.update(values)


@contextmanager
def on_trial(model: nn.Module) -> Iterator[None]:
    """Puts back, also after an error, what forward passes change: buffers and random numbers."""
    # The tensors themselves: a network may put another in a buffer's place, computed for the size of its images.
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    with own_random_numbers():
        try:
            yield
        finally:
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


@contextmanager
def own_random_numbers() -> Iterator[None]:
    """Puts the random states of Python, numpy and torch back at the end."""
    ours, theirs = random.getstate(), np.random.get_state()  # noqa: NPY002  libraries draw from it
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
    try:
        with torch.random.fork_rng(devices=devices):
            yield
    finally:
        random.setstate(ours)
        np.random.set_state(theirs)  # noqa: NPY002


def _copied(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value.clone() if isinstance(value, torch.Tensor) else value for key, value in values.items()}
