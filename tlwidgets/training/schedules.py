"""Schedules: how fast each part learns at each step, and which parts learn in which epoch.

Smith & Topin (2017), "Super-convergence", arXiv 1708.07120: one cycle. Howard & Ruder (2018), "Universal language
model fine-tuning", ACL, arXiv 1801.06146: gradual unfreezing and a smaller rate for every layer further from the
head. Kumar et al. (2022), "Fine-tuning can distort pretrained features", ICLR, arXiv 2202.10054: probe first.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from timm.models import group_parameters

from tlwidgets.backbones import Backbone
from tlwidgets.errors import PlanError
from tlwidgets.recipe import Recipe

PROBE_PATIENCE = 2  # epochs without a better accuracy before a probe counts as done


def rate_factor(schedule: str, step: int, total_steps: int, warmup: float = 0.0) -> float:
    """Share of the base rate at one step.

    Args:
        schedule: "cosine" (half a cosine from 1 towards 0), "constant", or "one_cycle" (a cosine from 1/25 up to 1
            and another one down to 1/250,000, as torch's OneCycleLR).
        step: From 0.
        total_steps: Steps of the whole schedule.
        warmup: Share of the steps that go up, in [0, 1): in a straight line before "cosine" and "constant"; the rise
            of "one_cycle", where 0 means 0.3.
    """
    if schedule == "one_cycle":
        last = total_steps - 1
        peak = max((warmup or 0.3) * total_steps - 1, 0.0)
        if step < peak:
            return 1 / 25 + (1 - 1 / 25) * 0.5 * (1 - math.cos(math.pi * step / peak))
        return 4e-6 + (1 - 4e-6) * 0.5 * (1 + math.cos(math.pi * (step - peak) / ((last - peak) or 1)))
    rise = int(warmup * total_steps)
    if step < rise:
        return (step + 1) / (rise + 1)
    if schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (total_steps - rise)))


def layer_depths(layer_of: dict[str, int], head: set[str]) -> dict[str, int]:
    """Counts layers down from the head.

    Args:
        layer_of: Ordinal of the layer of every parameter, from the input on.
        head: Names of the head's parameters.

    Returns:
        0 for the head, 1 for the layer before it, and so on to the input.
    """
    body = sorted({layer for name, layer in layer_of.items() if name not in head}, reverse=True)
    return {name: 0 if name in head else 1 + body.index(layer) for name, layer in layer_of.items()}


def rate_scales(recipe: Recipe, backbone: Backbone) -> dict[str, float]:
    """Every parameter's share of the recipe's learning rate, by name.

    The head learns at the full rate. What comes before it has ``backbone_scale``, or, with ``layer_decay``, that number
    to the power of the layer's distance from the head; a layer is timm's finest grouping (each block), or a stage where
    a network has none.
    """
    head = set(backbone.stages[-1].parameter_names)
    stage_of = {name: index for index, stage in enumerate(backbone.stages) for name in stage.parameter_names}
    if recipe.layer_decay is None:
        return {name: 1.0 if name in head else recipe.backbone_scale for name in stage_of}
    layer_of = stage_of
    if hasattr(backbone.model, "group_matcher"):
        matcher = backbone.model.group_matcher(coarse=False)  # type: ignore[operator]
        layer_of = group_parameters(backbone.model, matcher, reverse=True)
    return {name: recipe.layer_decay**depth for name, depth in layer_depths(layer_of, head).items()}


def scheduled_states(
    recipe: Recipe, states: Mapping[str, str], history: Sequence[Mapping[str, float]]
) -> dict[str, str]:
    """The states of the next epoch, where the recipe unfreezes step by step.

    Args:
        recipe: Says how: ``unfreezing``, ``unfreeze_every``, ``probe_epochs``.
        states: The plan that everything ends in, complete and in stage order.
        history: Rows of the epochs so far.

    Returns:
        The plan's states for the stages whose turn has come, "frozen" for those still to come.

    Raises:
        PlanError: A probe is asked for, but the plan freezes the head.
    """
    learning = [stage for stage, state in states.items() if state != "frozen"]
    if recipe.unfreezing == "probe_first":
        if learning[-1:] != list(states)[-1:]:
            raise PlanError("The head is to be probed first, but the plan freezes it.", "Let the head learn.")
        reached = len(learning) if probe_is_over(recipe, history) else 1
    elif recipe.unfreezing == "gradual":
        reached = 1 + len(history) // recipe.unfreeze_every
    else:
        reached = len(learning)
    waiting = set(learning[: max(len(learning) - reached, 0)])
    return {stage: "frozen" if stage in waiting else state for stage, state in states.items()}


def probe_is_over(recipe: Recipe, history: Sequence[Mapping[str, float]]) -> bool:
    """Whether the head has been probed long enough: ``probe_epochs``, or accuracy has stopped rising.

    Validation accuracy counts (training accuracy where there are no validation images); it has stopped rising when
    the best epoch lies ``PROBE_PATIENCE`` epochs back. Half the recipe's epochs are the most that a probe takes then.
    """
    if recipe.probe_epochs is not None:
        return len(history) >= recipe.probe_epochs
    if len(history) >= max(recipe.epochs // 2, 1):
        return True
    scores = [row["train_accuracy"] if math.isnan(row["val_accuracy"]) else row["val_accuracy"] for row in history]
    return bool(scores) and len(scores) - 1 - scores.index(max(scores)) >= PROBE_PATIENCE
