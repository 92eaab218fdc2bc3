"""Low-rank adapters (LoRA, Hu et al. 2021, https://arxiv.org/abs/2106.09685), put in and taken out by peft.

A layer with weight W answers W x + (alpha / rank) B A x, where A and B are learned and W is frozen. B begins at zero,
so nothing changes until something is learned. Afterwards W + (alpha / rank) B A is a plain weight again.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Mapping

import torch
from torch import nn

from tlwidgets.errors import PlanError

RANK = 8
ALPHA = 16
_NAME = "default"  # peft's own name for a first adapter


def add_adapters(model: nn.Module, layers: Iterable[str]) -> dict[str, nn.Module]:
    """Puts an adapter around each layer, in place.

    The numbers that A begins with come from torch's generator, which is left as it was: a run draws the same with
    and without adapters.

    Args:
        model: The network; peft clears ``requires_grad`` everywhere outside the adapters.
        layers: Full names of linear layers and convolutions.

    Returns:
        The layers themselves, by name, as they were: what ``remove_adapters`` puts back.

    Raises:
        PlanError: The network has adapters already.
    """
    names = list(layers)
    if not names:
        return {}
    if adapted_layers(model):
        raise PlanError("This network has low-rank adapters already.", "Undo the plan that put them in first.")
    from peft import LoraConfig, inject_adapter_in_model

    before = {name: model.get_submodule(name) for name in names}
    # A text is matched as a whole; a list would also match every name that ends alike.
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="|".join(re.escape(name) for name in names))
    attributes = set(vars(model))
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peft's advice on language models
        inject_adapter_in_model(config, model)
    for name in set(vars(model)) - attributes:
        delattr(model, name)
    for name, layer in before.items():
        _answer_for(model.get_submodule(name), layer)
    return before


def _answer_for(adapter: nn.Module, layer: nn.Module) -> None:
    """Lets the adapter know its layer's kernel size and the like, which some networks read in their forward pass."""
    for name, value in vars(layer).items():
        if not name.startswith("_") and not hasattr(adapter, name):
            setattr(adapter, name, value)


def remove_adapters(model: nn.Module, layers: Mapping[str, nn.Module]) -> None:
    """Puts the layers back that ``add_adapters`` returned; what the adapters learned is lost."""
    for name, layer in layers.items():
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, layer)


def merge_adapters(model: nn.Module, layers: Mapping[str, nn.Module]) -> None:
    """Adds what the adapters learned to the layers' weights and puts the layers back: the outputs stay the same."""
    for name, delta in _learned(model).items():
        with torch.no_grad():
            layers[name].weight.add_(delta)  # type: ignore[operator]  # a parameter
    remove_adapters(model, layers)


def merged_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers as a network without adapters would hold them, what they learned added in."""
    plain, learned = plain_names(model), _learned(model)
    state = {}
    for name, tensor in model.state_dict().items():
        if (as_plain := plain.get(name, name)) is not None:
            owner, _, leaf = as_plain.rpartition(".")
            state[as_plain] = tensor + learned[owner] if leaf == "weight" and owner in learned else tensor
    return state


def adapter_size(layer: nn.Module) -> int:
    """Number of scalars of the adapter that a linear layer or convolution would get: A is full size, B is pointwise."""
    outputs, *inputs = layer.get_parameter("weight").shape
    return RANK * (math.prod(inputs) + outputs)


def plain_names(model: nn.Module) -> dict[str, str | None]:
    """What a tensor of an adapted layer is called where there is no adapter; None for the adapter's own tensors."""
    plain: dict[str, str | None] = {}
    for layer in adapted_layers(model):
        for name in model.get_submodule(layer).state_dict():
            base = name.startswith("base_layer.")
            plain[f"{layer}.{name}"] = f"{layer}.{name.removeprefix('base_layer.')}" if base else None
    return plain


def weight_of_adapter(name: str) -> str:
    """Plain full name of the weight that an adapter's parameter changes."""
    return f"{name.rpartition('.lora_')[0]}.weight"


def adapted_layers(model: nn.Module) -> tuple[str, ...]:
    """Full names of the layers that carry an adapter."""
    # By its parts, not by its class: asking for the class would import peft, and with it transformers, everywhere.
    return tuple(name for name, module in model.named_modules() if {"base_layer", "lora_A"} <= set(module._modules))


def _learned(model: nn.Module) -> dict[str, torch.Tensor]:
    """What each adapter adds to its layer's weight, by the layer's name."""
    with torch.no_grad():
        layers = {name: model.get_submodule(name) for name in adapted_layers(model)}
        return {name: layer.get_delta_weight(_NAME).detach() for name, layer in layers.items()}  # type: ignore[operator]
