"""What BatchNorm layers know of a set of images: mean and variance over all of it, not the mean of batches' numbers."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.errors import BackboneError, DataError
from tlwidgets.training.shown import Shown

Images = Sequence[Any] | Shown


class _ReachedLayerError(Exception):
    """Ends a forward pass at the layer that is looked at."""


def batch_norms(model: nn.Module) -> dict[str, _BatchNorm]:
    """The BatchNorm layers that keep running statistics, by name."""
    found = ((name, module) for name, module in model.named_modules() if isinstance(module, _BatchNorm))
    return {name: module for name, module in found if module.running_mean is not None}


def copied(backbone: Backbone) -> Backbone:
    """A backbone of its own network, in evaluation mode; the caller's stays as it is."""
    return Backbone(backbone.name, copy.deepcopy(backbone.model).eval(), backbone.preprocessing, backbone.classes)


def check_inputs(images: Images) -> None:
    """Refuses fewer than two images.

    Raises:
        DataError: There are fewer.
    """
    if len(images) < 2:
        raise DataError(f"{len(images)} images have no statistics.", "Give at least two, better some dozens.")


def prepared_batches(backbone: Backbone, images: Images, batch_size: int) -> Iterator[torch.Tensor]:
    """The images as the network takes them, in order."""
    if isinstance(images, Shown):
        yield from images.batches(batch_size)
        return
    device = next(backbone.model.parameters()).device
    for start in range(0, len(images), batch_size):
        prepared = backbone.preprocessing.prepare_all(images[start : start + batch_size])
        yield backbone.preprocessing.normalise(prepared.to(device))


def even_batches(backbone: Backbone, images: Images, batch_size: int) -> Iterator[torch.Tensor]:
    """The images as the network takes them, in batches of about the size asked for, none of one image.

    Raises:
        DataError: There are fewer than two images.
    """
    check_inputs(images)
    return prepared_batches(backbone, images, even_size(len(images), batch_size))


def even_size(n: int, batch_size: int) -> int:
    """A size of batches near to the one asked for that leaves no last batch of one."""
    size = max(2, batch_size)
    while n % size == 1:
        size += 1
    return size


@contextmanager
def own_statistics(model: nn.Module) -> Iterator[None]:
    """Everything in evaluation mode, but BatchNorm uses each batch's own statistics and keeps none of them."""
    layers = batch_norms(model).values()
    kept = [(layer.running_mean, layer.running_var) for layer in layers]
    with evaluating(model):
        for layer in layers:
            layer.running_mean = layer.running_var = None
        try:
            yield
        finally:
            for layer, (mean, variance) in zip(layers, kept, strict=True):
                layer.running_mean, layer.running_var = mean, variance


def check_batch_norms(backbone: Backbone) -> list[_BatchNorm]:
    """The BatchNorm layers of a network that must have some.

    Raises:
        BackboneError: There is none that keeps statistics.
    """
    if layers := list(batch_norms(backbone.model).values()):
        return layers
    raise BackboneError(
        f"{backbone.name!r} has no BatchNorm with running statistics.", "Use tent, which other norms suit too."
    )


def set_population_statistics(backbone: Backbone, images: Images, batch_size: int = 64) -> None:
    """Gives every BatchNorm layer mean and variance over all of the images, whatever the size of a batch.

    Layer by layer, in the order in which they are called, because the statistics of one decide what the next sees:
    half a forward pass of all images for each layer. (One pass with ``momentum=None`` averages the batches' variances,
    which leaves out how their means differ.) The variance is the population's, so that afterwards the same images leave
    a layer with the mean ``bias`` and the standard deviation ``|weight|``.

    Raises:
        BackboneError: There is no such layer.
        DataError: There are fewer than two images.
    """
    check_inputs(images)
    layers = check_batch_norms(backbone)
    with evaluating(backbone.model), torch.no_grad():
        for layer in _in_order_of_calls(backbone, layers, images):
            mean, variance = _population(backbone, layer, images, batch_size)
            buffers = dict(layer.named_buffers(recurse=False))
            buffers["running_mean"].copy_(mean)
            buffers["running_var"].copy_(variance)


def settle_statistics(backbone: Backbone, images: Images, batch_size: int = 64) -> None:
    """The same, where the network has such layers."""
    if batch_norms(backbone.model):
        set_population_statistics(backbone, images, batch_size)


def _in_order_of_calls(backbone: Backbone, layers: list[_BatchNorm], images: Images) -> list[_BatchNorm]:
    called: list[_BatchNorm] = []
    handles = [layer.register_forward_pre_hook(lambda module, _: called.append(module)) for layer in layers]
    try:
        backbone.model(next(prepared_batches(backbone, images, 2)))
    finally:
        for handle in handles:
            handle.remove()
    return list(dict.fromkeys(called))


def _population(
    backbone: Backbone, layer: _BatchNorm, images: Images, batch_size: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance (C,) of each channel of what enters a layer."""
    seen: list[torch.Tensor] = []

    def look(_module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        seen.append(inputs[0].transpose(0, 1).flatten(1).double())  # (C, all the rest)
        raise _ReachedLayerError

    count, sums = 0, list[torch.Tensor]()
    shift = torch.zeros(())
    handle = layer.register_forward_pre_hook(look)
    try:
        for batch in prepared_batches(backbone, images, batch_size):
            try:
                backbone.model(batch)
            except _ReachedLayerError:
                values = seen.pop()
            # Without the first batch's mean, so that the difference of large squares stays exact.
            shift = shift if sums else values.mean(1, keepdim=True)
            count += values.shape[1]
            sums.append(torch.stack([(values - shift).sum(1), (values - shift).square().sum(1)]))
    finally:
        handle.remove()
    mean, square = torch.stack(sums).sum(0) / count
    return mean + shift[:, 0], (square - mean.square()).clamp(min=0)
