"""What crosses the cut of a network: tensors with rows for each image, and values that no image changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch

from tlwidgets.training.tracing import NotCacheableError

# Share of the largest value by which an image's values may differ in other company: rounding does (1e-6, in bf16
# 1e-2), and what mixes images or draws random numbers differs by more.
COMPANY = 0.02


@dataclass(frozen=True)
class PerSample:
    """A tensor that has k rows for each image of the batch."""

    rows: int


@dataclass(frozen=True)
class PerBatch:
    """A number that is k times the batch size."""

    factor: int


@dataclass(frozen=True)
class Constant:
    """A value that no image changes."""

    value: Any


@dataclass(frozen=True)
class Several:
    """A tuple or shape whose entries are of different kinds."""

    kind: Callable[[list[Any]], Any]
    entries: tuple[Any, ...]


Kind = PerSample | PerBatch | Constant | Several


def kind_of(two: Any, three: Any) -> Kind:
    """Tells what a value is from its looks in a batch of two images, and of three that begins with the same two.

    Raises:
        NotCacheableError: It is no function of single images.
    """
    if isinstance(two, torch.Tensor):
        return _tensor_kind(two, three)
    if isinstance(two, int) and not isinstance(two, bool) and two != three:
        if two % 2 or three % 3 or two // 2 != three // 3:
            raise NotCacheableError(f"a number of {two} and {three} crosses the cut")
        return PerBatch(two // 2)
    if isinstance(two, tuple | list):
        entries = tuple(kind_of(a, b) for a, b in zip(two, three, strict=True))
        if any(isinstance(entry, PerSample) for entry in entries):
            raise NotCacheableError("a tuple of tensors crosses the cut")
        return Several(type(two), entries)
    return Constant(two)


def rebuild(kind: Kind, tensors: Iterator[torch.Tensor], n: int) -> Any:
    """Makes a value for n images again, from the next of their tensors (n, rows, ...) where it is one."""
    if isinstance(kind, PerSample):
        return next(tensors).flatten(0, 1)
    if isinstance(kind, PerBatch):
        return kind.factor * n
    if isinstance(kind, Several):
        return kind.kind([rebuild(entry, tensors, n) for entry in kind.entries])
    # The tail may work in place, as on what it computed itself.
    return kind.value.clone() if isinstance(kind.value, torch.Tensor) else kind.value


def _tensor_kind(two: torch.Tensor, three: torch.Tensor) -> PerSample | Constant:
    if two.shape == three.shape and torch.equal(two, three):
        return Constant(two)
    same_inside = two.ndim == three.ndim > 0 and two.shape[1:] == three.shape[1:]
    if not same_inside or two.shape[0] % 2 or three.shape[0] * 2 != two.shape[0] * 3:
        raise NotCacheableError(f"tensors of {tuple(two.shape)} and {tuple(three.shape)} cross the cut")
    if not _same(two, three[: len(two)]):
        raise NotCacheableError("what crosses the cut of an image depends on chance or on the other images")
    return PerSample(two.shape[0] // 2)


def _same(values: torch.Tensor, others: torch.Tensor) -> bool:
    if not values.is_floating_point():
        return torch.equal(values, others)
    scale = float(values.abs().nan_to_num(posinf=0.0).amax()) if values.numel() else 0.0
    return torch.allclose(others.float(), values.float(), rtol=0.0, atol=COMPANY * scale, equal_nan=True)
