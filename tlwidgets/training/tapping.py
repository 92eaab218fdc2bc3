"""Logits and features of one forward pass, of any network and wherever the run's engine has wrapped it."""

from __future__ import annotations

import torch
from torch import nn

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.stages import classifier_names


def classifier_of(backbone: Backbone) -> nn.Module:
    """The layer whose input the features are."""
    return backbone.model.get_submodule(classifier_names(backbone.model)[-1])


def head_parameters(backbone: Backbone) -> dict[str, nn.Parameter]:
    """Parameters of the head, by full name."""
    heads = tuple(f"{name}." for name in classifier_names(backbone.model))
    return {name: parameter for name, parameter in backbone.model.named_parameters() if name.startswith(heads)}


def learning_trunk(backbone: Backbone) -> list[nn.Parameter]:
    """What learns at present of a network, without its classifier."""
    own = {id(parameter) for parameter in classifier_of(backbone).parameters()}
    return [p for p in backbone.model.parameters() if p.requires_grad and id(p) not in own]


def feature_size(backbone: Backbone) -> int:
    """Length D of the features."""
    layer = classifier_of(backbone)
    size = getattr(layer, "in_features", getattr(layer, "in_channels", None))
    return int(size) if size is not None else backbone.num_features


def logits_and_features(
    model: nn.Module, classifier: nn.Module, images: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Runs a network once.

    Args:
        model: The network as ``step`` is given it; perhaps the tail behind a prefix cache, or wrapped for several
            processes, whose gradients would not meet if a part were called by itself.
        classifier: Its layer, from ``classifier_of``.
        images: What the network takes.

    Returns:
        Logits (N, C) and what entered the classifier (N, D), the same as ``forward_head(..., pre_logits=True)``.
    """
    seen: list[torch.Tensor] = []
    handle = classifier.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    try:
        logits = model(images)
    finally:
        handle.remove()
    return logits, seen[0].flatten(1)
