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

GAIN = 1.05  # measured speed-up that is worth leaving fp32 for


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


def fastest(
    model: nn.Module, device: torch.device, loss: Callable[[], torch.Tensor]
) -> tuple[Numerics, dict[Numerics, float]]:
    """Measures forward and backward of one batch in every candidate.

    Weights, buffers, gradients and random numbers are left as they were.

    Args:
        model: The network, frozen as planned.
        device: Where it is.
        loss: Computes the loss of one batch.

    Returns:
        The fastest, or fp32 where nothing gains 5 %; and seconds a step of each, infinite where it does not work.
    """
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    seconds = {}
    with torch.random.fork_rng(devices=[]):
        for candidate in CANDIDATES:
            candidate.lay_out(model)
            times = [_step_seconds(candidate, device, loss) for _ in range(3)]
            # A bf16 kernel for maps of 2 x 2 pixels was seen to give gradients that are no numbers (torch 2.15, CPU).
            seconds[candidate] = min(times) if _finite_gradients(model) else math.inf
            model.zero_grad(set_to_none=True)
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    best = min(seconds, key=lambda candidate: seconds[candidate])
    choice = best if seconds[Numerics()] / seconds[best] >= GAIN else Numerics()
    choice.lay_out(model)
    return choice, seconds


def _finite_gradients(model: nn.Module) -> bool:
    return all(bool(p.grad.isfinite().all()) for p in model.parameters() if p.grad is not None)


def _step_seconds(candidate: Numerics, device: torch.device, loss: Callable[[], torch.Tensor]) -> float:
    began = time.perf_counter()
    with candidate.active(device):
        value = loss()
    value.backward()  # type: ignore[no-untyped-call]
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began
