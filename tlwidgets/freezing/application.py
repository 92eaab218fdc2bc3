"""Freezes a network exactly, and takes it back exactly.

Frozen means three things at once: no gradient, no moving running statistics (BatchNorm in evaluation mode), and no
randomness (dropout, stochastic depth) - and that it stays so after ``model.train()``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from torch import nn

from tlwidgets.backbones import Backbone
from tlwidgets.errors import PlanError


@dataclass(frozen=True)
class Applied:
    """The record of one application of a plan.

    Attributes:
        backbone: The network that was changed.
        states: What was applied, by stage name.
        gradients: ``requires_grad`` of every parameter before.
        modes: ``training`` of every module before.
    """

    backbone: Backbone
    states: Mapping[str, str]
    gradients: Mapping[str, bool]
    modes: Mapping[str, bool]

    @property
    def frozen_names(self) -> tuple[str, ...]:
        """Full names of every frozen parameter and of every buffer of a frozen stage."""
        frozen = [stage for stage in self.backbone.stages if self.states[stage.name] == "frozen"]
        return tuple(name for stage in frozen for name in (*stage.parameter_names, *stage.buffer_names))

    def undo(self) -> None:
        """Restores ``requires_grad`` and the training mode of every part, and lets ``train()`` reach all again."""
        for module in self.backbone.model.modules():
            vars(module).pop("train", None)
        for name, module in self.backbone.model.named_modules():
            module.training = self.modes[name]
        for name, parameter in self.backbone.model.named_parameters():
            parameter.requires_grad_(self.gradients[name])


def apply_states(backbone: Backbone, states: Mapping[str, str]) -> Applied:
    """Applies one state a stage to a network.

    Args:
        backbone: The network; its weights are not touched.
        states: "frozen" or "trainable" for every stage.

    Returns:
        The record that undoes it.

    Raises:
        PlanError: Nothing would be left to learn; the network is not changed then.
    """
    model = backbone.model
    if not any(stage.n_parameters for stage in backbone.stages if states[stage.name] == "trainable"):
        raise PlanError("Every stage with parameters is frozen: nothing would learn.", "Unfreeze at least the head.")
    applied = Applied(
        backbone,
        dict(states),
        {name: parameter.requires_grad for name, parameter in model.named_parameters()},
        {name: module.training for name, module in model.named_modules()},
    )
    parameters = dict(model.named_parameters())
    for stage in backbone.stages:
        frozen = states[stage.name] == "frozen"
        for name in stage.parameter_names:
            parameters[name].requires_grad_(not frozen)
        for name in stage.module_names if frozen else ():
            _hold_in_evaluation(model.get_submodule(name))
    return applied


def _hold_in_evaluation(module: nn.Module) -> None:
    module.training = False
    # An instance attribute hides nn.Module.train, so train() on any parent leaves this module as it is.
    vars(module)["train"] = partial(_stay_in_evaluation, module)


def _stay_in_evaluation(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001  train()'s signature
    return module
