"""Number format and memory layout of a run: as the recipe says, or the fastest of a few measured first steps.

bf16 autocast and channels_last pay on machines and networks that suit them and slow others down, so "auto" tries.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from tlwidgets.training.restoring import on_trial

GAIN = 1.05  # measured speed-up that is worth leaving fp32 for
# How many times slower than the fastest a candidate may be to get a turn: all get the first, in which kernels are
# also built, so that it tells only who is far behind.
ALLOWANCES = (math.inf, 2.0, 1.2)
TRIAL_IMAGES = 8  # for each thread of a CPU: which candidate is faster shows on few


@dataclass(frozen=True)
class Numerics:
    """A choice.

    Attributes:
        precision: "fp32", or "bf16" (autocast: products in bfloat16, weights and sums in fp32).
        channels_last: Whether images lie in memory pixel by pixel (NHWC), which convolutions may like better.
    """

    precision: str = "fp32"
    channels_last: bool = False

    def __str__(self) -> str:
        return f"{self.precision}, {'channels last' if self.channels_last else 'channels first'}"

    def lay_out(self, model: nn.Module) -> None:
        """Puts the weights into the layout; convolutions follow their weights. Values stay as they are."""
        model.to(memory_format=torch.channels_last if self.channels_last else torch.contiguous_format)

    @contextmanager
    def active(self, device: torch.device) -> Iterator[None]:
        """Computes in this precision for a while, in this thread."""
        with torch.autocast(device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            yield


CANDIDATES = (Numerics(), Numerics("fp32", True), Numerics("bf16", False), Numerics("bf16", True))


def trial_size(device: torch.device, batch_size: int) -> int:
    """Images that are enough to tell candidates apart; a graphics processor is itself only with a whole batch."""
    return min(batch_size, TRIAL_IMAGES * torch.get_num_threads()) if device.type == "cpu" else batch_size


def fastest(
    model: nn.Module,
    device: torch.device,
    loss: Callable[[], torch.Tensor],
    trial: Callable[[], torch.Tensor] | None = None,
) -> tuple[Numerics, dict[Numerics, float]]:
    """Measures forward and backward in every candidate, in turns; whoever falls far behind is not asked again.

    Weights, buffers, gradients and random numbers are left as they were.

    Args:
        model: The network, frozen as planned.
        device: Where it is.
        loss: Computes the loss of one batch; a candidate is taken only if its gradients are numbers.
        trial: Computes the loss of what is timed, for instance of a part of the batch; ``loss`` by default.

    Returns:
        The fastest, or fp32 where nothing gains 5 %; and seconds a step of each, infinite where it does not work.
    """
    with on_trial(model):
        seconds = _race(model, device, trial or loss)
        choice = Numerics()
        for candidate in sorted(CANDIDATES, key=lambda some: seconds[some]):
            if seconds[Numerics()] / seconds[candidate] < GAIN:
                break
            if _works(candidate, model, device, loss):
                choice = candidate
                break
            seconds[candidate] = math.inf
    choice.lay_out(model)
    return choice, seconds


def _race(model: nn.Module, device: torch.device, loss: Callable[[], torch.Tensor]) -> dict[Numerics, float]:
    """Shortest seconds of each candidate. In turns, so that a busy moment of the machine does not meet one alone."""
    seconds = dict.fromkeys(CANDIDATES, math.inf)
    for allowance in ALLOWANCES:
        bound = allowance * min(seconds.values())
        for candidate in CANDIDATES:
            if seconds[candidate] <= bound:
                candidate.lay_out(model)
                seconds[candidate] = min(seconds[candidate], _step_seconds(candidate, device, loss))
    model.zero_grad(set_to_none=True)
    return seconds


def _works(candidate: Numerics, model: nn.Module, device: torch.device, loss: Callable[[], torch.Tensor]) -> bool:
    """Whether gradients are numbers: a bf16 kernel for maps of 2 x 2 was seen to give others (torch 2.15, CPU)."""
    candidate.lay_out(model)
    _step_seconds(candidate, device, loss)
    finite = all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)
    model.zero_grad(set_to_none=True)
    return finite


def _step_seconds(candidate: Numerics, device: torch.device, loss: Callable[[], torch.Tensor]) -> float:
    began = time.perf_counter()
    with candidate.active(device):
        value = loss()
    value.backward()  # type: ignore[no-untyped-call]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
