"""Which parts of a stage can learn on their own: its norms, and the layers that a low-rank adapter fits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from timm.layers import Conv2dSame
from torch import nn

from tlwidgets.backbones import Backbone, Stage
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.errors import BackboneError

# Subclasses whose own forward() does something else with the weight (standardise it, say) would merge wrongly.
_PLAIN: tuple[Callable[..., torch.Tensor], ...] = (nn.Linear.forward, nn.Conv2d.forward, Conv2dSame.forward)


def norm_parameter_names(backbone: Backbone, stage: Stage) -> tuple[str, ...]:
    """Full names of the affine parameters (weight and bias) of a stage's normalisation layers.

    A normalisation layer is a module with "Norm" in the name of its class or of one it inherits from, as torch's and
    timm's all have.
    """
    modules = dict(backbone.model.named_modules())
    found = []
    for name in stage.parameter_names:
        owner, _, leaf = name.rpartition(".")
        if leaf in {"weight", "bias"} and any("Norm" in kind.__name__ for kind in type(modules[owner]).__mro__):
            found.append(name)
    return tuple(found)


def norms_alone(backbone: Backbone) -> list[torch.Tensor]:
    """Lets nothing learn but the affine parameters of all normalisation layers; returns these.

    Raises:
        BackboneError: There are none.
    """
    backbone.model.requires_grad_(False)
    names = [name for stage in backbone.stages for name in norm_parameter_names(backbone, stage)]
    if not names:
        raise BackboneError(f"{backbone.name!r} has no norm layer with scale and shift.", "Use another network.")
    return [backbone.model.get_parameter(name).requires_grad_(True) for name in names]


def adaptable_layers(backbone: Backbone, stage: Stage) -> tuple[str, ...]:
    """Full names of a stage's layers that a low-rank adapter fits: linear layers and ungrouped, undilated convolutions.

    Only layers that a forward pass calls: some networks multiply with a layer's weight without calling the layer, and
    an adapter there would never be reached. The pass is made once a backbone, of one black image, in evaluation mode.
    """
    called = _called_layers(backbone)
    return tuple(name for name in stage.module_names if name in called)


def _called_layers(backbone: Backbone) -> frozenset[str]:
    # Kept with the backbone: the pass costs as much as one image, and a board asks again at every click.
    kept: frozenset[str] | None = vars(backbone).get("_called_layers")
    if kept is None:
        kept = vars(backbone)["_called_layers"] = _find_called_layers(backbone)
    return kept


def _find_called_layers(backbone: Backbone) -> frozenset[str]:
    model, called = backbone.model, set[str]()
    handles = [
        module.register_forward_hook(partial(_note, called, name))
        for name, module in model.named_modules()
        if _fits(module)
    ]
    example = backbone.example()
    try:
        with evaluating(model), torch.no_grad():
            model(example)
    finally:
        for handle in handles:
            handle.remove()
    return frozenset(called)


def _note(called: set[str], name: str, *_: object) -> None:
    called.add(name)


def _fits(module: nn.Module) -> bool:
    if type(module).forward not in _PLAIN:
        return False
    if isinstance(module, nn.Conv2d):
        # peft neither merges grouped convolutions nor hands dilation and padding mode on to its own.
        return module.groups == 1 and module.dilation == (1, 1) and module.padding_mode == "zeros"
    return True
