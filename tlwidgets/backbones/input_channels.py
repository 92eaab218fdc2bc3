"""Other numbers of input channels than three, so that the network goes on computing what it was pre-trained to.

A network sees (x - mean) / std. Summing the three colour filters, as is common, forgets that each colour has a mean
and a deviation of its own; here both are folded into the first layer. With colours c, one grey value g for all of
them, and the new normalisation z = (g - M) / S:

    sum_c w_c (g - m_c) / s_c  =  (sum_c w_c S / s_c) z  +  sum_c w_c (M - m_c) / s_c

The first bracket is the new filter, the second term goes into the bias. Exact wherever the filter lies inside the
image. Where it reaches into zero padding, the padding now means the grey M instead of the colour m: there, and only
there, outputs differ a little. Filters without padding (the patches of a vision transformer) are exact everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from timm.layers import Conv2dSame
from torch import nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.preprocessing import Preprocessing
from tlwidgets.errors import BackboneError


def adapt_input(model: nn.Module, in_chans: int, preprocessing: Preprocessing) -> Preprocessing:
    """Makes a network for colour images take ``in_chans`` channels, in place.

    One or two channels: each takes an equal share of the three colour filters, so an image that holds the same grey
    in every channel gives what its repetition in three colours gave. Four or more: the first three stay red, green
    and blue, the others begin with filters of zero (they count once the stem has learned).

    Args:
        model: A network for three channels.
        in_chans: The number it shall take, at least 1.
        preprocessing: Its own, for three channels.

    Returns:
        The preprocessing that goes with the changed network.

    Raises:
        BackboneError: ``in_chans`` is no whole number above 0, or the image enters this network by something else
            than a convolution or a linear layer.
    """
    if isinstance(in_chans, bool) or not isinstance(in_chans, int) or in_chans < 1:
        raise BackboneError(f"in_chans is {in_chans!r}.", "Give a whole number above 0: 1 for grey, 3 for colour.")
    if in_chans == 3:
        return preprocessing
    if getattr(model, "transform_input", False):
        # torchvision's Inceptions turn ImageNet's normalisation into 0.5 / 0.5 themselves, for three channels only.
        model.transform_input = False  # type: ignore[assignment]  # a flag, no module
        preprocessing = replace(preprocessing, mean=(0.5,) * 3, std=(0.5,) * 3)
    mean, std = sum(preprocessing.mean) / 3, sum(preprocessing.std) / 3
    names = first_layers(model)
    colour_last = [_colour_last(model, name, preprocessing) for name in names]
    for name, last in zip(names, colour_last, strict=True):
        _fold(model, name, last, in_chans, preprocessing, (mean, std))
    extra = in_chans - 3
    return replace(
        preprocessing,
        input_size=(in_chans, *preprocessing.input_size[1:]),
        mean=(*preprocessing.mean, *(mean,) * extra) if extra > 0 else (mean,) * in_chans,
        std=(*preprocessing.std, *(std,) * extra) if extra > 0 else (std,) * in_chans,
    )


def first_layers(model: nn.Module) -> tuple[str, ...]:
    """Names of the layers that see the image itself: timm's ``first_conv``, else the first convolution.

    Raises:
        BackboneError: There is none.
    """
    named = (getattr(model, "pretrained_cfg", None) or {}).get("first_conv")
    if named is None:
        named = next((name for name, module in model.named_modules() if isinstance(module, nn.Conv2d)), ())
    names = (named,) if isinstance(named, str) else tuple(named)
    if not names or not all(isinstance(model.get_submodule(name), nn.Conv2d | nn.Linear) for name in names):
        raise _colour_only(model)
    return names


class _Reached(Exception):  # noqa: N818  no error: it ends a forward pass that has shown what was asked
    """The first layer has been reached, with this input."""


def _colour_last(model: nn.Module, name: str, preprocessing: Preprocessing) -> bool:
    """Whether the colour changes fastest along a layer's inputs: (position, colour), else (colour, position).

    Networks that fold space into depth before the first layer, or cut patches by hand, do the one or the other: an
    image of one value a colour tells.
    """

    def stop(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        raise _Reached(inputs[0])

    layer = model.get_submodule(name)
    device = next(model.parameters()).device
    image = torch.tensor([1.0, 2.0, 3.0], device=device).view(1, 3, 1, 1).expand(1, *preprocessing.input_size)
    handle = layer.register_forward_pre_hook(stop)
    try:
        with evaluating(model), torch.no_grad():
            model(image)
    except _Reached as reached:
        seen = reached.args[0]
    finally:
        handle.remove()
    flat = (
        seen.flatten(0, -2)[0] if isinstance(layer, nn.Linear) else seen[0, :, seen.shape[2] // 2, seen.shape[3] // 2]
    )
    low, high = float(flat.min()), float(flat.max())
    even = len(set(preprocessing.mean)) == len(set(preprocessing.std)) == 1
    if high <= low or (not even and (round(low, 3), round(high, 3)) != (1, 3)):
        raise _colour_only(model)  # it shifts or scales colours itself, where each has a mean of its own
    # Rounded, because a network may resize the image first.
    colours, positions = (1 + 2 * (flat - low) / (high - low)).round(decimals=3).tolist(), len(flat) // 3
    if colours == [1.0, 2.0, 3.0] * positions:
        return True
    if colours == [1.0] * positions + [2.0] * positions + [3.0] * positions:
        return False
    raise _colour_only(model)


def _colour_only(model: nn.Module) -> BackboneError:
    return BackboneError(
        f"{type(model).__name__} does not begin with a convolution: it takes colour images only.",
        "Use in_chans=3; grey images are repeated in three colours by themselves.",
    )


def _fold(
    model: nn.Module,
    name: str,
    colour_last: bool,
    in_chans: int,
    preprocessing: Preprocessing,
    grey: tuple[float, float],
) -> None:
    layer = _with_plain_weight(model, name)
    weight = layer.weight.detach()
    # (O, positions, 3, ...), whichever way round the layer has them
    shape = (-1, 3) if colour_last else (3, weight.shape[1] // 3)
    colours = weight.reshape(len(weight), *shape, *weight.shape[2:])
    colours = colours if colour_last else colours.transpose(1, 2)
    if in_chans > 3:
        nothing = torch.zeros_like(colours[:, :, :1]).repeat_interleave(in_chans - 3, 2)
        folded, offset = torch.cat([colours, nothing], 2), None
    else:
        folded, offset = _grey(colours, in_chans, preprocessing, grey)
    folded = folded if colour_last else folded.transpose(1, 2)
    layer.weight = nn.Parameter(folded.flatten(1, 2).contiguous())
    size = "in_features" if isinstance(layer, nn.Linear) else "in_channels"
    setattr(layer, size, layer.weight.shape[1])
    if offset is not None:
        layer.bias = nn.Parameter(offset if layer.bias is None else layer.bias.detach() + offset)


def _grey(
    colours: torch.Tensor, in_chans: int, preprocessing: Preprocessing, grey: tuple[float, float]
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """New filters (O, positions, in_chans, ...) and what they add to the bias (O,), None where that is nothing."""
    mean, std = grey
    shape = (1, 1, 3, *[1] * (colours.ndim - 3))
    scale = torch.tensor([std / own for own in preprocessing.std], device=colours.device).view(shape)
    shift = [(mean - own) / deviation for own, deviation in zip(preprocessing.mean, preprocessing.std, strict=True)]
    filters = (colours * scale).sum(2, keepdim=True) / in_chans
    repeated = filters.repeat_interleave(in_chans, 2)
    if len(set(preprocessing.mean)) == 1:
        return repeated, None
    return repeated, (colours * torch.tensor(shift, device=colours.device).view(shape)).flatten(1).sum(1)


class _WeightCaught(TorchFunctionMode):
    """Notes the weight that a layer really multiplies with."""

    weight: torch.Tensor

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (functional.conv2d, functional.linear, torch.conv2d):
            self.weight = args[1]
        return func(*args, **(kwargs or {}))


def _with_plain_weight(model: nn.Module, name: str) -> nn.Conv2d | nn.Linear:
    """The layer itself; one that standardises its weight gives way to a plain one with the standardised weight.

    Folded filters cannot be standardised again without undoing the fold.
    """
    layer = model.get_submodule(name)
    if not isinstance(layer, nn.Conv2d):
        return layer  # type: ignore[return-value]  # first_layers() lets nothing else than Linear through
    with torch.no_grad(), _WeightCaught() as caught:
        layer(torch.zeros(1, layer.in_channels, *(2 * side for side in layer.kernel_size), device=layer.weight.device))
    if torch.equal(caught.weight, layer.weight):
        return layer
    kind: Any = Conv2dSame if getattr(layer, "same_pad", False) else nn.Conv2d
    plain: nn.Conv2d = kind(
        layer.in_channels,
        layer.out_channels,
        layer.kernel_size,
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        bias=layer.bias is not None,
    )
    plain.weight = nn.Parameter(caught.weight.detach().clone())
    if layer.bias is not None:
        plain.bias = nn.Parameter(layer.bias.detach().clone())
    parent, _, leaf = name.rpartition(".")
    setattr(model.get_submodule(parent), leaf, plain)
    return plain
