"""Checkpoints: one safetensors file each, so that it is whole or not there. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from tlwidgets.errors import RunError
from tlwidgets.freezing import merged_state, plain_names


def save_model(path: Path, model: nn.Module) -> None:
    """Writes parameters and buffers, atomically; what low-rank adapters learned is added to the weights."""
    _save(path, {f"model/{name}": tensor for name, tensor in merged_state(model).items()}, {})


def save_state(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, progress: Mapping[str, Any]) -> None:
    """Writes everything that a run needs to go on to the same numbers, atomically.

    Args:
        path: The file.
        model: Parameters and buffers are written; those of low-rank adapters apart from the network's own.
        optimiser: Its state is written by parameter name.
        progress: Plain values: epoch, step, rate, history, ...
    """
    plain = plain_names(model)
    tensors = {_key(name, plain.get(name, name)): tensor for name, tensor in model.state_dict().items()}
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    for parameter, state in optimiser.state.items():
        tensors |= {f"optimizer/{names[parameter]}/{key}": torch.as_tensor(value) for key, value in state.items()}
    _save(path, tensors, {"progress": json.dumps(progress)})


def _key(name: str, plain: str | None) -> str:
    return f"adapter/{name}" if plain is None else f"model/{plain}"


def load_model(path: Path, model: nn.Module) -> None:
    """Reads parameters and buffers into a network of the same shape.

    Raises:
        RunError: The file is missing, damaged or of another network.
    """
    tensors, _ = _load(path)
    _fill(path, model, tensors)


def load_state(path: Path, model: nn.Module) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """Reads what ``save_state`` wrote.

    Returns:
        The progress, and the optimiser's state by parameter name.

    Raises:
        RunError: The file is missing, damaged or of another network.
    """
    tensors, metadata = _load(path)
    _fill(path, model, tensors)
    optimiser: dict[str, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith("optimizer/"):
            name, _, entry = key.removeprefix("optimizer/").rpartition("/")
            optimiser.setdefault(name, {})[entry] = tensor
    progress: dict[str, Any] = json.loads(metadata["progress"])
    return progress, optimiser


def load_adapters(path: Path, model: nn.Module) -> None:
    """Reads what ``save_state`` wrote of low-rank adapters into a network that has the same ones again.

    Raises:
        RunError: The file is missing, damaged or of a network with other adapters.
    """
    tensors, _ = _load(path)
    saved = {key.removeprefix("adapter/"): value for key, value in tensors.items() if key.startswith("adapter/")}
    wanted = {name for name, plain in plain_names(model).items() if plain is None}
    if wanted != set(saved):
        raise RunError(f"The checkpoint {str(path)!r} has other low-rank adapters.", "Run the recipe again.")
    model.load_state_dict(saved, strict=False)


def restore_optimiser(
    optimiser: torch.optim.Optimizer, model: nn.Module, state: Mapping[str, Mapping[str, torch.Tensor]]
) -> None:
    """Hands every parameter that learns its saved state."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if names[parameter] in state:
                saved = state[names[parameter]]
                # AdamW counts its steps on the CPU whatever the device of the weights.
                optimiser.state[parameter] = {
                    key: value if key == "step" else value.to(parameter.device) for key, value in saved.items()
                }


def _save(path: Path, tensors: Mapping[str, torch.Tensor], metadata: dict[str, str]) -> None:
    # Clones, because safetensors refuses tensors that share memory (tied weights).
    owned = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    partial = path.with_suffix(".partial")
    save_file(owned, partial, {"format": "pt", **metadata})
    partial.replace(path)


def _load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    try:
        with safe_open(path, "pt") as file:
            names = list(file.keys())
            return {name: file.get_tensor(name) for name in names}, file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise RunError(f"The checkpoint {str(path)!r} cannot be read: {error}.", "Run the recipe again.") from error


def _fill(path: Path, model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    weights = {key.removeprefix("model/"): value for key, value in tensors.items() if key.startswith("model/")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise RunError(f"The checkpoint {str(path)!r} is of another network.", "Run the recipe again.") from error
