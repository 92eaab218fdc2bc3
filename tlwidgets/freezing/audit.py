"""The freeze audit: hashes of everything that must not move, before and after."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from tlwidgets.freezing.adapters import plain_names


def fingerprint(model: nn.Module, names: Iterable[str]) -> dict[str, str]:
    """Hashes parameters and buffers bit by bit.

    Args:
        model: The network.
        names: Full names of parameters and buffers; those of an adapted layer as they are without the adapter.

    Returns:
        SHA-256 in hexadecimal, by name.
    """
    plain = plain_names(model)
    found = itertools.chain(model.named_parameters(), model.named_buffers())
    tensors = {plain.get(name, name): tensor for name, tensor in found}
    return {name: _hash(tensors[name]) for name in names}


def moved(before: Mapping[str, str], model: nn.Module) -> list[str]:
    """Names of those that no longer have the bits that ``fingerprint`` saw."""
    now = fingerprint(model, before)
    return [name for name in before if before[name] != now[name]]


def _hash(tensor: torch.Tensor) -> str:
    data = tensor.detach().cpu().contiguous().view(-1).view(torch.uint8) if tensor.numel() else tensor
    return hashlib.sha256(data.numpy().data).hexdigest()
