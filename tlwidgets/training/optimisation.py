"""The optimiser: only what learns, one rate a stage, and the rate of every step as a plain formula."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from tlwidgets.backbones import Backbone
from tlwidgets.recipe import Recipe


def make_optimiser(recipe: Recipe, backbone: Backbone) -> torch.optim.Optimizer:
    """Builds the optimiser after freezing, from the parameters that learn and no others.

    Each stage gives up to two groups: matrices with weight decay, norms and biases (one dimension) without. A group's
    ``scale`` is its share of the recipe's learning rate: 1 for the head, ``backbone_scale`` before it.
    """
    parameters = dict(backbone.model.named_parameters())
    groups: list[dict[str, Any]] = []
    for stage in backbone.stages:
        learning = [parameters[name] for name in stage.parameter_names if parameters[name].requires_grad]
        scale = 1.0 if stage.name == "head" else recipe.backbone_scale
        for decay, members in _by_decay(learning, recipe.weight_decay):
            groups.append({"params": members, "weight_decay": decay, "scale": scale, "stage": stage.name})
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def _by_decay(parameters: list[torch.nn.Parameter], decay: float) -> list[tuple[float, list[torch.nn.Parameter]]]:
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    return [(rate, members) for rate, members in ((decay, matrices), (0.0, vectors)) if members]


def rate_factor(schedule: str, step: int, total_steps: int) -> float:
    """Share of the base rate at a step (counted from 0): a half cosine from 1 towards 0, or always 1."""
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * step / total_steps))


def set_rates(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Sets every group's rate to its share of the head's rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


def stage_rates(optimiser: torch.optim.Optimizer) -> Mapping[str, float]:
    """The effective rate of every stage that learns, read from the optimiser itself."""
    return {group["stage"]: float(group["lr"]) for group in optimiser.param_groups}


def carry_state(old: torch.optim.Optimizer, new: torch.optim.Optimizer) -> None:
    """Hands momentum on to the parameters that learned before and still do; all others start afresh."""
    for group in new.param_groups:
        for parameter in group["params"]:
            if parameter in old.state:
                new.state[parameter] = old.state[parameter]
