"""Heads that are found and not trained: a linear layer on unit features, or one that remembers its examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones.backbone import Backbone
from tlwidgets.backbones.stages import classifier_names, find_stages
from tlwidgets.errors import BackboneError


class UnitHead(nn.Linear):
    """A linear layer on features less a centre, each scaled to length 1.

    Args:
        in_features: Length D of the features.
        out_features: Number C of classes.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features)
        self.register_buffer("centre", torch.zeros(in_features))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Logits (N, C) of features (N, D); features that are the centre stay zero."""
        return super().forward(functional.normalize(features - self.get_buffer("centre"), dim=1))


class MemoryHead(nn.Module):
    """A head that keeps features and what is believed of their classes, and mixes the beliefs of those that are alike.

    What it keeps are parameters: it is what the head has learned, though no gradient step takes part.

    Args:
        n: Most features that it can keep.
        in_features: Length D of the features.
        out_features: Number C of classes.
        setting: What ``shares`` needs beside the features.
    """

    SETTING: ClassVar[str]  # its name, by which saved weights tell the kind of head

    def __init__(self, n: int, in_features: int, out_features: int, setting: float = 1.0) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.memory = nn.Parameter(torch.zeros(n, in_features))
        self.beliefs = nn.Parameter(torch.zeros(n, out_features))  # a row of zeros is a free place
        self.register_buffer(self.SETTING, torch.tensor(float(setting)))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Log probabilities (N, C) of features (N, D)."""
        shares = self.shares(features.float(), self.beliefs.sum(1) == 0)
        return (shares @ self.beliefs).clamp_min(torch.finfo(torch.float32).tiny).log()

    def shares(self, features: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """How much each kept feature counts for each of the N, rows that add up to 1; free places count nothing."""
        raise NotImplementedError


class AttentionHead(MemoryHead):
    """Kept features count by a softmax over their cosine times ``sharpness``."""

    SETTING = "sharpness"

    def shares(self, features: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """See ``MemoryHead``."""
        cosines = functional.normalize(features, dim=1) @ functional.normalize(self.memory, dim=1).T
        lowest = torch.finfo(cosines.dtype).min  # and not -inf: of a head that keeps nothing yet, nan would come
        return (self.get_buffer(self.SETTING) * cosines).masked_fill(free, lowest).softmax(1)


class NeighbourHead(MemoryHead):
    """The ``n_neighbours`` nearest kept features count the same, by Euclidean distance, and the others nothing."""

    SETTING = "n_neighbours"

    def shares(self, features: torch.Tensor, free: torch.Tensor) -> torch.Tensor:
        """See ``MemoryHead``."""
        distances = torch.cdist(features, self.memory).masked_fill(free, torch.inf)
        k = int(self.get_buffer(self.SETTING))
        return torch.zeros_like(distances).scatter(1, distances.topk(k, largest=False).indices, 1 / k)


def put_head(backbone: Backbone, head: nn.Module) -> None:
    """Puts a head in the place of a network's last linear layer.

    Raises:
        BackboneError: The network does not end in one linear layer.
    """
    names = classifier_names(backbone.model)
    if len(names) != 1 or not isinstance(backbone.model.get_submodule(names[0]), nn.Linear):
        raise BackboneError(
            f"{backbone.name!r} does not end in one linear layer.", "Choose a network that does, such as tlw_resnet."
        )
    parent, _, leaf = names[0].rpartition(".")
    setattr(backbone.model.get_submodule(parent), leaf, head.to(next(backbone.model.parameters()).device))
    backbone.stages = find_stages(backbone.model)


def suit_head(backbone: Backbone, shapes: Mapping[str, Sequence[int]]) -> None:
    """Puts in the kind of head that saved weights are of, where that is one of these; its values are still to be read.

    Args:
        backbone: The network that a run began with.
        shapes: Of all saved tensors of the network, by full name.
    """
    prefix = f"{classifier_names(backbone.model)[-1]}."
    mine = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
    if "centre" in mine:
        classes, size = mine["weight"]
        put_head(backbone, UnitHead(size, classes))
    for kind in (AttentionHead, NeighbourHead):
        if kind.SETTING in mine:
            (n, size), classes = mine["memory"], mine["beliefs"][1]
            put_head(backbone, kind(n, size, classes))
