"""Freezes a network exactly, and takes it back exactly.

Frozen means three things at once: no gradient, no moving running statistics (BatchNorm in evaluation mode), and no
randomness (dropout, stochastic depth) - and that it stays so after ``model.train()``. A stage in the state "norm" or
"lora" is frozen in just that sense but for the few parameters that the state names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from torch import nn

from tlwidgets.backbones import Backbone, Stage
from tlwidgets.errors import PlanError
from tlwidgets.freezing.adapters import (
    adapter_size,
    add_adapters,
    merge_adapters,
    plain_names,
    remove_adapters,
    weight_of_adapter,
)
from tlwidgets.freezing.parts import adaptable_layers, norm_parameter_names


@dataclass(frozen=True)
class Applied:
    """The record of one application of a plan.

    Attributes:
        backbone: The network that was changed.
        states: What was applied, by stage name.
        gradients: ``requires_grad`` of every parameter before.
        modes: ``training`` of every module before.
        learning: Full names of the network's own parameters that learn.
        adapted: The layers that got a low-rank adapter, by name.
    """

    backbone: Backbone
    states: Mapping[str, str]
    gradients: Mapping[str, bool]
    modes: Mapping[str, bool]
    learning: frozenset[str]
    adapted: dict[str, nn.Module] = field(default_factory=dict)

    @property
    def frozen_names(self) -> tuple[str, ...]:
        """Full names of every parameter that does not learn and of every buffer of a stage that is not trainable."""
        still = [stage for stage in self.backbone.stages if self.states[stage.name] != "trainable"]
        names = (name for stage in still for name in (*stage.parameter_names, *stage.buffer_names))
        return tuple(name for name in names if name not in self.learning)

    def merge(self) -> None:
        """Adds what low-rank adapters learned to the weights and takes the adapters out; the outputs stay the same."""
        merge_adapters(self.backbone.model, self.adapted)
        self.adapted.clear()

    def undo(self) -> None:
        """Restores modules, ``requires_grad`` and training modes, and lets ``train()`` reach all again.

        What adapters have learned is lost, unless ``merge()`` came first.
        """
        model = self.backbone.model
        remove_adapters(model, self.adapted)
        self.adapted.clear()
        for module in model.modules():
            vars(module).pop("train", None)
        for name, module in model.named_modules():
            module.training = self.modes[name]
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(self.gradients[name])


def apply_states(backbone: Backbone, states: Mapping[str, str]) -> Applied:
    """Applies one state a stage to a network.

    Args:
        backbone: The network; its weights are not touched.
        states: One of ``STATES`` for every stage.

    Returns:
        The record that undoes it.

    Raises:
        PlanError: Nothing would be left to learn, or the network has adapters already; it is not changed then.
    """
    model = backbone.model
    learning = frozenset(name for stage in backbone.stages for name in _learning(backbone, stage, states[stage.name]))
    layers = [n for s in backbone.stages if states[s.name] == "lora" for n in adaptable_layers(backbone, s)]
    if not learning and not layers:
        raise PlanError("Every stage with parameters is frozen: nothing would learn.", "Unfreeze at least the head.")
    gradients = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    modes = {name: module.training for name, module in model.named_modules()}
    applied = Applied(backbone, dict(states), gradients, modes, learning, add_adapters(model, layers))
    plain = plain_names(model)
    for name, parameter in model.named_parameters():
        as_plain = plain.get(name, name)
        parameter.requires_grad_(as_plain is None or as_plain in learning)
    for stage in backbone.stages:
        for name in stage.module_names if states[stage.name] != "trainable" else ():
            module = model.get_submodule(name)
            for part in module.modules() if name in applied.adapted else (module,):
                _hold_in_evaluation(part)
    return applied


def learning_parameters(backbone: Backbone) -> dict[str, dict[str, nn.Parameter]]:
    """What learns at present, read from the network itself: parameters by stage and name, in the network's order.

    The parameters of an adapter stand under the stage of the layer that they adapt, with their own full names.
    """
    plain = plain_names(backbone.model)
    stage_of = {name: stage.name for stage in backbone.stages for name in stage.parameter_names}
    found: dict[str, dict[str, nn.Parameter]] = {stage.name: {} for stage in backbone.stages}
    for name, parameter in backbone.model.named_parameters():
        if parameter.requires_grad:
            found[stage_of[plain.get(name, name) or weight_of_adapter(name)]][name] = parameter
    return {stage: members for stage, members in found.items() if members}


def count_learning(backbone: Backbone, stage: Stage, state: str) -> int:
    """Number of scalars that learn in a stage; the network is not changed."""
    if state == "lora":
        return sum(adapter_size(backbone.model.get_submodule(name)) for name in adaptable_layers(backbone, stage))
    return sum(backbone.model.get_parameter(name).numel() for name in _learning(backbone, stage, state))


def _learning(backbone: Backbone, stage: Stage, state: str) -> tuple[str, ...]:
    """Names of the network's own parameters that learn in a stage."""
    if state == "norm":
        return norm_parameter_names(backbone, stage)
    return stage.parameter_names if state == "trainable" else ()


def _hold_in_evaluation(module: nn.Module) -> None:
    module.training = False
    # An instance attribute hides nn.Module.train, so train() on any parent leaves this module as it is.
    vars(module)["train"] = partial(_stay_in_evaluation, module)


def _stay_in_evaluation(module: nn.Module, mode: bool = True) -> nn.Module:  # noqa: ARG001  train()'s signature
    return module
