"""Checkpoints: one safetensors file each, so that it is whole or not there. No pickle."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from tlwidgets.errors import RunError
from tlwidgets.freezing import merged_state, plain_names

PIECE = 16 * 2**20  # bytes of a checkpoint that are read at a time


@dataclass(frozen=True)
class Snapshot:
    """What a file will hold: tensors that training no longer changes, and texts beside them."""

    tensors: Mapping[str, torch.Tensor]
    metadata: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Writes a file that is whole or not there."""
        partial = path.with_suffix(".partial")
        save_file(_unshared(self.tensors), partial, {"format": "pt", **self.metadata})
        partial.replace(path)


def snapshot_model(model: nn.Module, fixed: Collection[str] = ()) -> Snapshot:
    """Keeps parameters and buffers; what low-rank adapters learned is added to the weights.

    Args:
        model: The network.
        fixed: Names of tensors that will not change until the snapshot is written: they are not copied.
    """
    return Snapshot({f"model/{name}": _kept(tensor, name in fixed) for name, tensor in merged_state(model).items()})


def snapshot_state(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    progress: Mapping[str, Any],
    fixed: Collection[str] = (),
    own: nn.Module | None = None,
) -> Snapshot:
    """Keeps everything that a run needs to go on to the same numbers.

    Args:
        model: Parameters and buffers are kept; those of low-rank adapters apart from the network's own.
        optimiser: Its state is kept by parameter name.
        progress: Plain values: epoch, step, rate, history, ...
        fixed: Names of tensors that will not change until the snapshot is written: they are not copied.
        own: The method's own parts.
    """
    plain = plain_names(model)
    tensors = {}
    for name, tensor in model.state_dict().items():
        known = plain.get(name, name)
        tensors[f"adapter/{name}" if known is None else f"model/{known}"] = _kept(tensor, known in fixed)
    for name, tensor in (own.state_dict() if own is not None else {}).items():
        tensors[f"method/{name}"] = _kept(tensor, is_fixed=False)
    names = _parameter_names(model, own)
    for parameter, state in optimiser.state.items():
        for key, value in state.items():
            tensors[f"optimizer/{names[parameter]}/{key}"] = _kept(torch.as_tensor(value), is_fixed=False)
    return Snapshot(tensors, {"progress": json.dumps(progress)})


def _parameter_names(model: nn.Module, own: nn.Module | None) -> dict[torch.Tensor, str]:
    """Every parameter's name in the file; a slash tells the method's own from the network's."""
    names: dict[torch.Tensor, str] = {parameter: name for name, parameter in model.named_parameters()}
    mine = own.named_parameters() if own is not None else ()
    return names | {parameter: f"method/{name}" for name, parameter in mine}


def _kept(tensor: torch.Tensor, is_fixed: bool) -> torch.Tensor:
    return tensor.detach() if is_fixed else tensor.detach().clone()


def _unshared(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """On the CPU, contiguous, and without two names for one memory (tied weights), which safetensors refuses."""
    seen: set[int] = set()
    owned = {}
    for name, tensor in tensors.items():
        here = tensor.cpu().contiguous()
        place = here.untyped_storage().data_ptr()
        owned[name] = here.clone() if place in seen else here
        seen.add(place)
    return owned


def saved_shapes(path: Path) -> dict[str, list[int]]:
    """Shapes of the network's parameters and buffers in a file, by name.

    Raises:
        RunError: The file is missing or damaged.
    """
    with _told(path), safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith("model/")]  # noqa: SIM118  a file, not a dictionary
        return {name.removeprefix("model/"): file.get_slice(name).get_shape() for name in names}


def load_model(path: Path, model: nn.Module) -> None:
    """Reads parameters and buffers into a network of the same shape.

    Raises:
        RunError: The file is missing, damaged or of another network.
    """
    with _told(path), safe_open(path, "pt") as file:
        names = [name for name in file.keys() if name.startswith("model/")]  # noqa: SIM118  a file, not a dictionary
    if {name.removeprefix("model/") for name in names} != set(model.state_dict()):
        raise _of_another(path)
    while names:
        names = names[_fill_some(path, model, names) :]


def _fill_some(path: Path, model: nn.Module, names: Sequence[str]) -> int:
    """Reads the first of these tensors; how many.

    The file is opened anew each time: what was read of it counts as memory until it is closed, so that a network read
    at once is held twice.
    """
    piece: dict[str, torch.Tensor] = {}
    with _told(path), safe_open(path, "pt") as file:
        for name in names:
            piece[name.removeprefix("model/")] = file.get_tensor(name)
            if sum(tensor.nbytes for tensor in piece.values()) >= PIECE:
                break
    try:
        model.load_state_dict(piece, strict=False)
    except RuntimeError as error:
        raise _of_another(path) from error
    return len(piece)


def load_state(path: Path, model: nn.Module) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """Reads what a snapshot of a run's state wrote.

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


def read_note(path: Path, name: str) -> dict[str, Any] | None:
    """Plain values that a snapshot carries beside its tensors; None where it has none of that name.

    Raises:
        RunError: The file is missing or damaged.
    """
    with _told(path), safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    note: dict[str, Any] | None = json.loads(metadata[name]) if name in metadata else None
    return note


def load_adapters(path: Path, model: nn.Module) -> None:
    """Reads what a snapshot holds of low-rank adapters into a network that has the same ones again.

    Raises:
        RunError: The file is missing, damaged or of a network with other adapters.
    """
    tensors, _ = _load(path)
    saved = {key.removeprefix("adapter/"): value for key, value in tensors.items() if key.startswith("adapter/")}
    wanted = {name for name, plain in plain_names(model).items() if plain is None}
    if wanted != set(saved):
        raise RunError(f"The checkpoint {str(path)!r} has other low-rank adapters.", "Run the recipe again.")
    model.load_state_dict(saved, strict=False)


def load_own(path: Path, own: nn.Module) -> None:
    """Reads what a snapshot holds of a method's own parts.

    Raises:
        RunError: The checkpoint is of another method, or of other options.
    """
    tensors, _ = _load(path)
    saved = {key.removeprefix("method/"): value for key, value in tensors.items() if key.startswith("method/")}
    try:
        own.load_state_dict(saved)
    except RuntimeError as error:
        raise RunError(f"The checkpoint {str(path)!r} is of another method.", "Run the recipe again.") from error


def restore_optimiser(
    optimiser: torch.optim.Optimizer,
    model: nn.Module,
    state: Mapping[str, Mapping[str, torch.Tensor]],
    own: nn.Module | None = None,
) -> None:
    """Hands every parameter that learns its saved state."""
    names = _parameter_names(model, own)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            if names[parameter] in state:
                saved = state[names[parameter]]
                # AdamW counts its steps on the CPU whatever the device of the weights.
                optimiser.state[parameter] = {
                    key: value if key == "step" else value.to(parameter.device) for key, value in saved.items()
                }


def _load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    with _told(path), safe_open(path, "pt") as file:
        names = list(file.keys())
        return {name: file.get_tensor(name) for name in names}, file.metadata() or {}


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        raise RunError(f"The checkpoint {str(path)!r} cannot be read: {error}.", "Run the recipe again.") from error


def _of_another(path: Path) -> RunError:
    return RunError(f"The checkpoint {str(path)!r} is of another network.", "Run the recipe again.")


def _fill(path: Path, model: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    weights = {key.removeprefix("model/"): value for key, value in tensors.items() if key.startswith("model/")}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise _of_another(path) from error
