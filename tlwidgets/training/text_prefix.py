"""Cuts a text encoder between two of its layers; the counterpart of ``Partition`` for what cannot be traced.

Neither half changes the network: each is a view of it, with modules of its own along the path to the list of layers
and the network's own everywhere else, in which some layers are replaced. In the prefix the first layer that learns only
catches what it is given. In the tail the frozen layers hand on whatever they get, and the first layer that learns is
given what was caught; everything around the layers (masks, tables of relative positions) is computed as always.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, TypeAlias

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.text_encoder import TextClassifier
from tlwidgets.training.prefix import Partition
from tlwidgets.training.tracing import NotCacheableError

EXACT = 1e-5  # share of the largest logit by which the halves together may differ from the whole


class TextPartition:
    """A text encoder in two halves, with the same methods as ``Partition``.

    Args:
        model: The network, frozen as planned and in the mode it will be used in.
        tokens: The longest text, int64 (1, L): shorter ones are filled up to L where they cross the cut.

    Attributes:
        prefix: Gives, of tokens (N, L), what goes into the first layer that learns, (N, L, D); the mean vectors (N, D)
            where no layer learns.
        names: Names, in the network, of every parameter and buffer that the prefix reads.
        shapes: Of each tensor that crosses, for one text: (1, ...).
        dtypes: Of each tensor that crosses.
        share: Of the forward pass's multiply-adds, in [0, 1], that the prefix does.

    Raises:
        NotCacheableError: The first layer already learns, or the halves together are not the network.
    """

    def __init__(self, model: TextClassifier, tokens: torch.Tensor) -> None:
        self.pad_id, self.length = model.pad_id, tokens.shape[1]
        self._whole = _is_fixed(model, model.n_layers) and not _learns_between(model)
        depth = next((k for k in reversed(range(model.n_layers)) if _is_fixed(model, k)), 0)
        if not self._whole and not depth:
            raise NotCacheableError("the first layer already learns")
        self.prefix: nn.Module = _Mean(model) if self._whole else _Until(model, depth)
        self._tail: nn.Module = model.head if self._whole else _From(model, depth, _parts_of_answer(model, tokens))
        last = model.n_layers + 1 if self._whole else depth
        self.names = _read(model, last)
        with evaluating(model):
            with FlopCounterMode(display=False) as first:
                stored = self.run_prefix(tokens)
            with torch.no_grad(), FlopCounterMode(display=False) as all_of_it:
                logits = model(tokens)
            with torch.no_grad():
                _check(logits, self.run_tail(stored))
        self.share = first.get_total_flops() / max(1, all_of_it.get_total_flops())
        self.shapes = tuple((1, *value.shape[2:]) for value in stored)
        self.dtypes = tuple(value.dtype for value in stored)

    @property
    def bytes_per_image(self) -> int:
        """How many bytes a text leaves at the cut."""
        return sum(
            torch.Size(shape).numel() * dtype.itemsize for shape, dtype in zip(self.shapes, self.dtypes, strict=True)
        )

    def run_prefix(self, tokens: torch.Tensor) -> list[torch.Tensor]:
        """Computes what crosses the cut: mean vectors (N, 1, D), or tokens (N, 1, L) and vectors (N, 1, L, D)."""
        filled = functional.pad(tokens, (0, self.length - tokens.shape[1]), value=self.pad_id)
        with torch.no_grad():
            vectors = self.prefix(filled)
        return [vectors[:, None]] if self._whole else [filled[:, None], vectors[:, None]]

    def run_tail(self, stored: Sequence[torch.Tensor]) -> torch.Tensor:
        """Goes on from the cut to the logits."""
        logits: torch.Tensor
        if self._whole:
            logits = self._tail(stored[0][:, 0])
            return logits
        tokens = stored[0][:, 0].long()
        longest = int((tokens != self.pad_id).any(0).nonzero().max()) + 1
        logits = self._tail(tokens[:, :longest], stored[1][:, 0, :longest])
        return logits


AnyPartition: TypeAlias = Partition | TextPartition


def partition_of(model: nn.Module, example: torch.Tensor) -> AnyPartition:
    """Cuts a network: a text encoder between layers, any other where its trace says.

    Raises:
        NotCacheableError: It cannot be cut exactly; the message says why.
    """
    return TextPartition(model, example) if isinstance(model, TextClassifier) else Partition(model, example)


class _Mean(nn.Module):
    """From tokens to mean vectors."""

    def __init__(self, model: TextClassifier) -> None:
        super().__init__()
        self.model = model
        self.code = "mean vectors"

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.model.forward_features(tokens)


class _Until(nn.Module):
    """From tokens to what enters the layer with a given number, counted from 0."""

    def __init__(self, model: TextClassifier, depth: int) -> None:
        super().__init__()
        layers = list(model.get_submodule(model.layers_name).children())
        self.view = _view(model, [*layers[:depth], _Catch(layers[depth]), *layers[depth + 1 :]])
        self.code = f"input of layer {depth}"

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        try:
            self.view.forward_features(tokens)
        except _Caught as caught:
            return caught.vectors
        raise NotCacheableError("its layers are not used one after the other")


class _From(nn.Module):
    """From what enters a layer to the logits."""

    def __init__(self, model: TextClassifier, depth: int, parts: int) -> None:
        super().__init__()
        layers = list(model.get_submodule(model.layers_name).children())
        self.entry = _Enter(layers[depth])
        self.view = _view(model, [*(_Skip(layer, parts) for layer in layers[:depth]), self.entry, *layers[depth + 1 :]])

    def forward(self, tokens: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        self.entry.vectors = vectors
        logits: torch.Tensor = self.view(tokens)
        return logits


class _Caught(Exception):  # noqa: N818  no error: the way out of the middle of somebody's network
    def __init__(self, vectors: torch.Tensor) -> None:
        super().__init__()
        self.vectors = vectors


class _Double(nn.Module):
    """Stands in a layer's place; what the network reads of the layer (ModernBERT its kind of attention) it has too."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(self._modules["layer"], name)


class _Catch(_Double):
    """Leaves the network with what it was given."""

    def forward(self, *args: Any, **kwargs: Any) -> None:
        raise _Caught(args[0] if args else next(iter(kwargs.values())))


class _Enter(_Double):
    """Runs its layer, which is given other vectors than those that come in."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__(layer)
        self.vectors = torch.zeros(0)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if args:
            return self.layer(self.vectors, *args[1:], **kwargs)
        return self.layer(**{**kwargs, next(iter(kwargs)): self.vectors})


class _Skip(_Double):
    """Hands on what it is given: alone, or as the first of several parts."""

    def __init__(self, layer: nn.Module, parts: int) -> None:
        super().__init__(layer)
        self.parts = parts

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        vectors = args[0] if args else next(iter(kwargs.values()))
        return (vectors, *[None] * (self.parts - 1)) if self.parts else vectors


def _view(model: TextClassifier, layers: Sequence[nn.Module]) -> TextClassifier:
    """The network with other layers; modules on the way to them are copies that share all else."""
    view: TextClassifier = _shallow(model)
    place: nn.Module = view
    *path, last = model.layers_name.split(".")
    for name in path:
        place._modules[name] = place = _shallow(place._modules[name])
    place._modules[last] = nn.ModuleList(layers)
    return view


def _shallow(module: Any) -> Any:
    """A copy of one module with a list of parts of its own; the parts, parameters and buffers are the same ones."""
    twin = copy.copy(module)
    vars(twin)["_modules"] = dict(module._modules)
    return twin


def _parts_of_answer(model: TextClassifier, tokens: torch.Tensor) -> int:
    """How many parts a layer answers with, as a tuple; 0 where it gives its vectors alone."""
    answers: list[Any] = []
    first = next(model.get_submodule(model.layers_name).children())
    handle = first.register_forward_hook(lambda _module, _inputs, answer: answers.append(answer))
    try:
        with evaluating(model), torch.no_grad():
            model(tokens)
    finally:
        handle.remove()
    return len(answers[0]) if isinstance(answers[0], tuple) else 0


def _is_fixed(model: TextClassifier, depth: int) -> bool:
    """Whether stem and the first ``depth`` layers neither learn nor draw random numbers."""
    if any(p.requires_grad for name, p in model.named_parameters() if model.ordinal(name) <= depth):
        return False
    inside, later = f"{model.layers_name}.", ("head.", "head")
    for name, module in model.named_modules():
        place = 1 + int(name.removeprefix(inside).partition(".")[0]) if name.startswith(inside) else 0
        random = module.training and getattr(module, "p", getattr(module, "drop_prob", 0))
        if random and place <= depth and not name.startswith(later):
            return False
    return True


def _learns_between(model: TextClassifier) -> bool:
    """Whether something learns behind the layers but before the classifier, such as a last norm."""
    return any(
        p.requires_grad and not name.startswith("head.") and model.ordinal(name) > model.n_layers
        for name, p in model.named_parameters()
    )


def _read(model: TextClassifier, last: int) -> tuple[str, ...]:
    """Names of the parameters and buffers outside the classifier up to a place."""
    parameters = [name for name, _ in model.named_parameters() if model.ordinal(name) <= last]
    named = [*parameters, *(name for name, _ in model.named_buffers())]
    return tuple(name for name in named if not name.startswith("head."))


def _check(whole: torch.Tensor, halves: torch.Tensor) -> None:
    error = float((halves - whole).abs().max() / whole.abs().max().clamp(min=1e-12))
    if not error <= EXACT:
        raise NotCacheableError(f"prefix and tail together differ from the network by {error:.0e}")
