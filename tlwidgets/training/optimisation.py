"""The optimiser: only what learns, one rate a stage, and the rate of every step as a plain formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from tlwidgets.backbones import Backbone
from tlwidgets.errors import RecipeError
from tlwidgets.freezing import learning_parameters, weight_of_adapter
from tlwidgets.recipe import Recipe
from tlwidgets.training.schedules import rate_scales

RATE_TIMES_FEATURES, HIGHEST_RATE = 2.0, 0.01


def suited_rate(recipe: Recipe, num_features: int) -> float:
    """A head's learning rate where the recipe names none.

    Adam moves every weight by about its rate, so a score moves by the rate times its inputs: the rate has to fall with
    the width of the network (Yang et al. 2021, "Tensor Programs V", arXiv 2203.03466, table 3). 2 / features, at most
    0.01, is 0.01 for the bundled networks, 0.0039 for a resnet18, 0.001 for a resnet50; without pre-trained weights
    0.3 of that. Plain SGD begins at its usual 0.01.
    """
    if recipe.optimizer == "sgd":
        return HIGHEST_RATE
    return min(HIGHEST_RATE, RATE_TIMES_FEATURES / num_features) * (1.0 if recipe.pretrained else 0.3)


def with_rate(recipe: Recipe, backbone: Backbone) -> Recipe:
    """The recipe with a learning rate that is a number."""
    if recipe.learning_rate is not None:
        return recipe
    return recipe.replace(learning_rate=float(f"{suited_rate(recipe, backbone.num_features):.2g}"))


def known_rate(recipe: Recipe) -> float:
    """The learning rate of a recipe that has one.

    Raises:
        RecipeError: It leaves the rate to the network, and nobody has asked that yet.
    """
    if recipe.learning_rate is None:
        raise RecipeError("The recipe names no learning rate yet.", "Use with_rate(recipe, backbone).")
    return recipe.learning_rate


METHOD = "method"  # where another group has the name of its stage


def make_optimiser(recipe: Recipe, backbone: Backbone, own: torch.nn.Module | None = None) -> torch.optim.Optimizer:
    """Builds the optimiser after freezing, from the parameters that learn and no others.

    Each stage (with ``layer_decay`` each layer of it) gives up to two groups: matrices with weight decay, norms and
    biases (one dimension) without. A group's ``scale`` is its share of the recipe's learning rate: 1 for the head,
    for what comes before it see ``rate_scales``, and 1 for the method's ``own`` parts.
    """
    known = rate_scales(recipe, backbone)
    groups: list[dict[str, Any]] = []
    for stage, parameters in learning_parameters(backbone).items():
        # An adapter learns at the rate of the weight that it stands beside.
        scales = {name: known[name] if name in known else known[weight_of_adapter(name)] for name in parameters}
        for scale in dict.fromkeys(scales.values()):
            learning = [parameter for name, parameter in parameters.items() if scales[name] == scale]
            for decay, members in _by_decay(learning, recipe.weight_decay):
                groups.append({"params": members, "weight_decay": decay, "scale": scale, "stage": stage})
    mine = [parameter for parameter in own.parameters() if parameter.requires_grad] if own is not None else []
    for decay, members in _by_decay(mine, recipe.weight_decay):
        groups.append({"params": members, "weight_decay": decay, "scale": 1.0, "stage": METHOD})
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=known_rate(recipe), momentum=0.9)
    return torch.optim.AdamW(groups, lr=known_rate(recipe))


def _by_decay(parameters: list[torch.nn.Parameter], decay: float) -> list[tuple[float, list[torch.nn.Parameter]]]:
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    return [(rate, members) for rate, members in ((decay, matrices), (0.0, vectors)) if members]


def set_rates(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Sets every group's rate to its share of the head's rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate * group["scale"]


def stage_rates(optimiser: torch.optim.Optimizer) -> Mapping[str, float]:
    """The effective rate of every stage that learns, read from the optimiser itself; of several the highest."""
    rates: dict[str, float] = {}
    for group in (group for group in optimiser.param_groups if group["stage"] != METHOD):
        rates[group["stage"]] = max(float(group["lr"]), rates.get(group["stage"], 0.0))
    return rates


def carry_state(old: torch.optim.Optimizer, new: torch.optim.Optimizer) -> None:
    """Hands momentum on to the parameters that learned before and still do; all others start afresh."""
    for group in new.param_groups:
        for parameter in group["params"]:
            if parameter in old.state:
                new.state[parameter] = old.state[parameter]
