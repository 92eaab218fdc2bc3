"""What training will cost on this machine, found out by a few steps on a copy of the network.

Nothing is drawn at random, and the network itself is only read: it may be asked in the background, beside whatever else
goes on. Dropout is off in the copy, the precision is fp32, and reading images is not in the figures.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import torch
from torch import nn

from tlwidgets.backbones import Backbone, TextPreprocessing
from tlwidgets.errors import BackboneError
from tlwidgets.freezing import FreezePlan
from tlwidgets.freezing.parts import adaptable_layers, norm_parameter_names

MOST_PARAMETERS = 150_000_000  # of a network that is tried
_SECONDS = 0.3  # that the step which is timed may take, where two images take less
_COPIES = 4  # of the weights: the copy itself, gradients and AdamW's two moments
_MEMORY_SHARE = 0.5  # of what is free, that trying may take
_ONE_AT_A_TIME = threading.Lock()  # two that are timed together would both seem slow
_MOMENTS = {"adamw": 2, "sgd": 1}


@dataclass(frozen=True)
class StepCost:
    """What one step costs.

    Attributes:
        step_bytes: Memory: weights, gradients, the optimiser's state, and what the backward pass needs of the images.
        seconds: For each image, forward and backward pass and the optimiser's step.
        forward_seconds: For each image, the forward pass alone.
    """

    step_bytes: int
    seconds: float
    forward_seconds: float

    def epoch_seconds(self, images: int, cached_share: float = 0.0) -> float:
        """Seconds of an epoch.

        Args:
            images: Training images.
            cached_share: Share of the forward pass's multiply-adds that the prefix cache has computed before.
        """
        return images * max(0.0, self.seconds - cached_share * self.forward_seconds)


def dry_run(backbone: Backbone, states: Mapping[str, str], batch_size: int = 32, optimizer: str = "adamw") -> StepCost:
    """Takes a few steps with grey images.

    Args:
        backbone: The network with the head that will be trained; it is not changed.
        states: State of each stage.
        batch_size: Images a step.
        optimizer: "adamw" or "sgd".

    Raises:
        BackboneError: It reads texts, or is too large to be tried here.
    """
    with _ONE_AT_A_TIME:
        return _tried(backbone, states, batch_size, optimizer)


def _tried(backbone: Backbone, states: Mapping[str, str], batch_size: int, optimizer: str) -> StepCost:
    model, learning = _copied(backbone, states)
    batch = _batch(backbone, model, 2)
    optimiser = _optimiser(optimizer, learning)
    kept = _kept_bytes(model, batch)
    first = min(_timed_step(model, batch, optimiser) for _ in range(2))
    n = max(2, min(batch_size, int(2 * _SECONDS / first)))
    if n > 2:
        batch = _batch(backbone, model, n)
    seconds = first if n == 2 else min(_timed_step(model, batch, optimiser) for _ in range(3))
    forward = min(_timed_forward(model, batch) for _ in range(2))
    fixed = _fixed_bytes(backbone, states, optimizer)
    return StepCost(fixed + batch_size * kept // 2, seconds / n, forward / n)


def step_bytes(backbone: Backbone, states: Mapping[str, str], batch_size: int = 32, optimizer: str = "adamw") -> int:
    """The memory alone, by one forward pass of two images; arguments and errors as in ``dry_run``."""
    model, _ = _copied(backbone, states)
    return _fixed_bytes(backbone, states, optimizer) + batch_size * _kept_bytes(model, _batch(backbone, model, 2)) // 2


def leading_share(states: Mapping[str, str], shares: Mapping[str, float]) -> float:
    """Share of the forward pass that lies in the frozen stages before the first one that learns.

    Args:
        states: State of each stage, from input to output.
        shares: Share of the multiply-adds of each, as ``stage_costs`` measures it.
    """
    total = 0.0
    for stage, state in states.items():
        if state != "frozen":
            break
        total += shares[stage]
    return min(1.0, total)


def _copied(backbone: Backbone, states: Mapping[str, str]) -> tuple[nn.Module, list[nn.Parameter]]:
    """A copy that learns where the plan lets it, on the device where it would be trained."""
    _check(backbone)
    model = copy.deepcopy(backbone.model).to(_device())
    names = {name for stage in backbone.stages for name in _learning(backbone, stage.name, states[stage.name])}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in names)
    # Only norms may tell training from evaluation here: dropout would draw from the random numbers of others.
    moving = {n for s in backbone.stages if states[s.name] == "trainable" for n in s.module_names}
    for name, module in model.named_modules():
        module.training = name in moving and isinstance(module, nn.modules.batchnorm._BatchNorm)
    return model, [parameter for parameter in model.parameters() if parameter.requires_grad]


def _check(backbone: Backbone) -> None:
    if isinstance(backbone.preprocessing, TextPreprocessing):
        raise BackboneError("What texts cost depends on their length.", "Start the run: it tells what it takes.")
    parameters = sum(stage.n_parameters for stage in backbone.stages)
    room = _MEMORY_SHARE * psutil.virtual_memory().available
    if parameters > MOST_PARAMETERS or 4 * _COPIES * parameters > room:
        raise BackboneError(
            f"{backbone.name!r} is too large to be tried beforehand.", "Start the run: it tells what it takes."
        )


def _learning(backbone: Backbone, stage: str, state: str) -> tuple[str, ...]:
    """Names of the parameters that get a gradient; for an adapter the weight beside it, which keeps as much."""
    [found] = [each for each in backbone.stages if each.name == stage]
    if state == "norm":
        return norm_parameter_names(backbone, found)
    if state == "lora":
        return tuple(f"{name}.weight" for name in adaptable_layers(backbone, found))
    return found.parameter_names if state == "trainable" else ()


def _fixed_bytes(backbone: Backbone, states: Mapping[str, str], optimizer: str) -> int:
    """What does not depend on the images: weights and buffers, gradients and moments of what learns."""
    tensors = (*backbone.model.parameters(), *backbone.model.buffers())
    learning = int(FreezePlan(backbone, states).table()["trainable"].sum())
    return sum(tensor.nbytes for tensor in tensors) + 4 * learning * (1 + _MOMENTS[optimizer])


def _kept_bytes(model: nn.Module, batch: torch.Tensor) -> int:
    """Bytes that a forward pass leaves for the backward pass."""
    own = {tensor.untyped_storage()._cdata for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage  # held, so that no other takes its address
        return tensor

    with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model(batch)
    del output
    return sum(storage.nbytes() for key, storage in kept.items() if key not in own)


def _optimiser(name: str, learning: list[nn.Parameter]) -> torch.optim.Optimizer | None:
    if not learning:
        return None
    # A rate of 0 costs as much as any other.
    return torch.optim.SGD(learning, lr=0.0, momentum=0.9) if name == "sgd" else torch.optim.AdamW(learning, lr=0.0)


def _batch(backbone: Backbone, model: nn.Module, n: int) -> torch.Tensor:
    example = backbone.preprocessing.example().to(next(model.parameters()))
    return example.expand(n, *example.shape[1:]).contiguous()


def _timed_step(model: nn.Module, batch: torch.Tensor, optimiser: torch.optim.Optimizer | None) -> float:
    with _stopwatch(batch.device) as seconds, torch.enable_grad():
        loss = model(batch).float().square().mean()
        if optimiser is not None:
            loss.backward()
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
    return seconds[0]


def _timed_forward(model: nn.Module, batch: torch.Tensor) -> float:
    with _stopwatch(batch.device) as seconds, torch.no_grad():
        model(batch)
    return seconds[0]


@contextmanager
def _stopwatch(device: torch.device) -> Iterator[list[float]]:
    seconds: list[float] = []
    began = time.perf_counter()
    yield seconds
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    seconds.append(time.perf_counter() - began)


def _device() -> torch.device:
    """Where a run would be: what Accelerate chooses for one process."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
