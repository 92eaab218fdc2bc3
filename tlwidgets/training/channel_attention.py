"""Feature maps of a network's layers, and which of their channels a linear classifier cannot do without.

The attention of DELTA: Li, Xiong, Wang, Rao, Liu, Huan (2019), ICLR, arXiv 1901.09229.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.training.method import Setting
from tlwidgets.training.tapping import logits_and_features

TEMPERATURE = 5.0  # of the attention, the authors'; lower looks at fewer channels


@contextmanager
def feature_maps(model: nn.Module, layers: Sequence[nn.Module]) -> Iterator[list[torch.Tensor]]:
    """Catches what layers give while a network runs, as (N, C, P), in the order of ``layers``.

    Args:
        model: Says where its channels are.
        layers: Modules of it, or of one like it.
    """
    last = getattr(model, "output_fmt", "NCHW") == "NHWC"
    caught: dict[int, torch.Tensor] = {}
    maps: list[torch.Tensor] = []
    handles = [
        layer.register_forward_hook(lambda _m, _i, output, index=index: caught.update({index: output}))
        for index, layer in enumerate(layers)
    ]
    try:
        yield maps
    finally:
        for handle in handles:
            handle.remove()
    maps.extend(_channels_first(caught[index], last) for index in range(len(layers)) if index in caught)


def channel_attention(
    model: nn.Module, layers: Sequence[str], images: torch.Tensor, labels: torch.Tensor
) -> list[torch.Tensor]:
    """How much worse a linear classifier of the target does without each channel.

    Args:
        model: The source, in evaluation mode.
        layers: Names of the modules whose channels are silenced one by one.
        images: float (N, C, H, W), normalised.
        labels: int64 (N,).

    Returns:
        A softmax over each layer's channels, of the standardised rise of the loss.
    """
    classifier = model.get_submodule(classifier_names(model)[-1])
    with torch.no_grad():
        _, features = logits_and_features(model, classifier, images)
    weights, bias = _linear_probe(features, labels)
    last = getattr(model, "output_fmt", "NCHW") == "NHWC"

    def loss() -> float:
        with torch.no_grad():
            _, found = logits_and_features(model, classifier, images)
        return functional.cross_entropy(found @ weights + bias, labels).item()

    attention = []
    for name in layers:
        layer = model.get_submodule(name)
        with torch.no_grad(), feature_maps(model, [layer]) as maps:
            model(images[:1])
        rises = torch.tensor([_loss_without(layer, channel, last, loss) for channel in range(maps[0].shape[1])])
        attention.append(((rises - rises.mean()) / (rises.std() + 1e-12) / TEMPERATURE).softmax(0))
    return attention


def watchable(backbone: Backbone) -> tuple[str, ...]:
    """Names of the modules that give what a stage between stem and head gives, for the stages that have one."""
    modules = dict(backbone.model.named_modules())
    names = [stage.label for stage in backbone.stages[1:-1] if stage.label in modules]
    fire = []
    with evaluating(backbone.model), torch.no_grad():
        for name in names:
            with feature_maps(backbone.model, [modules[name]]) as maps:
                backbone.model(backbone.example())
            if maps and maps[0].ndim == 3:
                fire.append(name)
    return tuple(fire)


def _loss_without(layer: nn.Module, channel: int, last: bool, loss: Callable[[], float]) -> float:
    handle = layer.register_forward_hook(lambda _module, _inputs, output: silenced(output, channel, last))
    try:
        return loss()
    finally:
        handle.remove()


def _channels_first(output: object, last: bool) -> torch.Tensor:
    """(N, C, H, W), (N, H, W, C) or tokens (N, L, C) as (N, C, P); anything else as it is, if a tensor."""
    if not isinstance(output, torch.Tensor):
        return torch.empty(0)
    if output.ndim == 3 or (output.ndim == 4 and last):
        return output.flatten(1, -2).transpose(1, 2)
    return output.flatten(2) if output.ndim == 4 else torch.empty(0)


def silenced(output: torch.Tensor, channel: int, last: bool) -> torch.Tensor:
    """What a layer gives, with one channel at 0; ``last``: channels are the last axis of four."""
    quiet = output.clone()
    axis = 1 if output.ndim == 4 and not last else output.ndim - 1
    quiet.select(axis, channel).zero_()
    return quiet


def _linear_probe(features: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A lightly decayed linear classifier, from zero and without random numbers, so that it is the same every time."""
    n_classes = int(labels.max()) + 1
    weights = torch.zeros(features.shape[1], n_classes, requires_grad=True)
    bias = torch.zeros(n_classes, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = functional.cross_entropy(features @ weights + bias, labels) + 0.005 * weights.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weights.detach(), bias.detach()


def some_images(setting: Setting, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Training images, normalised, and their labels: at most so many, spread over all of them."""
    rows = setting.data.indices("train")
    rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    preprocessing = setting.backbone.preprocessing
    images: torch.Tensor = preprocessing.normalise(preprocessing.prepare_all(setting.data.images(rows)))
    return images, torch.from_numpy(setting.data.labels[rows])
