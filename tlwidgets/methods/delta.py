"""DELTA: fine-tuning that keeps what the source's feature maps say, most of all where they matter for the target.

Li, Xiong, Wang, Rao, Liu, Huan (2019), "DELTA: deep learning transfer using feature map with attention for
convolutional networks", ICLR, arXiv 1901.09229. Not the weights are held near the source but what they compute: a
frozen copy of the source sees every batch too, and the distance between both networks' feature maps is penalised.
Attention says which channels to hold: those without which a linear classifier of the target does worse. As with L2-SP,
set the recipe's ``weight_decay`` to 0: the new head has its own decay here.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tlwidgets.backbones import Backbone, TextPreprocessing
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult

TEMPERATURE = 5.0  # of the attention, the authors'; lower looks at fewer channels


def behaviour_gap(source: torch.Tensor, target: torch.Tensor, attention: torch.Tensor | None = None) -> torch.Tensor:
    """Half the squared distance between two feature maps, summed over the batch.

    Args:
        source: float (N, C, P): N images, C channels, P places.
        target: The same shape; gradients flow into it alone.
        attention: Weight of each channel (C,); the sum then counts C / P times. Weights that sum to 1 make it the mean
            over places of a weighted mean over channels, times C. None: every channel counts the same.

    Returns:
        A scalar.
    """
    squares = (target.float() - source.detach().float()).square().sum(2)  # (N, C)
    if attention is None:
        return 0.5 * squares.sum()
    return 0.5 * source.shape[1] / source.shape[2] * (squares * attention).sum()


@dataclass
class Delta:
    """Cross-entropy, and a pull towards the source's feature maps.

    Attributes:
        source: The network as it was, frozen, in evaluation mode.
        layers: Names of the modules whose outputs are compared.
        trained: These modules in the network that is trained.
        attention: Weights of the channels of each; None for the plain distance.
        head: Parameters of the new head.
        alpha: Strength of the pull towards the source's feature maps.
        beta: Strength of the head's pull towards zero.
    """

    source: nn.Module
    layers: tuple[str, ...]
    trained: list[nn.Module]
    attention: list[torch.Tensor] | None
    head: list[nn.Parameter]
    alpha: float
    beta: float

    def gap(self, source: Sequence[torch.Tensor], target: Sequence[torch.Tensor]) -> torch.Tensor:
        """The penalty of all layers that can still move, for one image in the mean."""
        total = torch.zeros((), device=target[0].device)
        for index, (theirs, ours) in enumerate(zip(source, target, strict=True)):
            if ours.requires_grad:
                weights = self.attention[index].to(ours.device) if self.attention else None
                total = total + behaviour_gap(theirs, ours, weights)
        return total / len(target[0])

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        self.source.to(batch.images.device)
        with feature_maps(self.source, self.trained) as target:
            logits = model(batch.images)
        copies = [self.source.get_submodule(name) for name in self.layers]
        with torch.no_grad(), feature_maps(self.source, copies) as source:
            self.source(batch.images)
        decay = sum((p.square().sum() for p in self.head if p.requires_grad), torch.zeros((), device=logits.device))
        penalty = self.alpha * self.gap(source, target) + self.beta * 0.5 * decay
        loss = functional.cross_entropy(logits, batch.labels) + penalty
        correct = int((logits.argmax(1) == batch.labels).sum())
        return StepResult(loss, len(batch.labels), correct, {"penalty": penalty.item()})


def make(setting: Setting, alpha: float = 0.01, beta: float = 0.01, attention_images: int = 64) -> Delta:
    """Makes the method from a recipe's options.

    Args:
        setting: Its network has the source's weights.
        alpha: Strength of the pull towards the source's feature maps, 0 or more.
        beta: Strength of the head's pull towards zero, 0 or more.
        attention_images: Training images on which the attention is measured once, before training: a forward pass of
            all of them for every channel. 0 compares every channel alike, at no cost.

    Raises:
        RecipeError: The network has no source or no stage that can be watched, or an option is negative.
    """
    if not setting.recipe.pretrained:
        raise RecipeError("delta pulls towards the source, but pretrained is False.", "Use fine_tuning from scratch.")
    if min(alpha, beta, attention_images) < 0:
        raise RecipeError("An option of delta is negative.", "Give alpha, beta and attention_images of 0 or more.")
    backbone = setting.backbone
    if isinstance(backbone.preprocessing, TextPreprocessing):
        raise RecipeError("delta compares feature maps, which texts have none of.", "Use l2_sp for texts.")
    source = copy.deepcopy(backbone.model).eval().requires_grad_(False)
    layers = _watchable(backbone, source)
    attention = None
    if attention_images:
        chosen = setting.data.indices("train")
        chosen = chosen[np.linspace(0, len(chosen) - 1, min(attention_images, len(chosen))).astype(int)]
        pixels = backbone.preprocessing.prepare_all(setting.data.images(chosen))
        labels = torch.from_numpy(setting.data.labels[chosen])
        attention = channel_attention(source, layers, backbone.preprocessing.normalise(pixels), labels)
    names = tuple(f"{name}." for name in classifier_names(backbone.model))
    head = [parameter for name, parameter in backbone.model.named_parameters() if name.startswith(names)]
    return Delta(source, layers, [backbone.model.get_submodule(name) for name in layers], attention, head, alpha, beta)


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
        features = _features(model, classifier, images)
    weights, bias = _linear_probe(features, labels)
    last = getattr(model, "output_fmt", "NCHW") == "NHWC"
    attention = []
    for name in layers:
        layer = model.get_submodule(name)
        with torch.no_grad(), feature_maps(model, [layer]) as maps:
            model(images[:1])
        losses = []
        for channel in range(maps[0].shape[1]):
            handle = layer.register_forward_hook(
                lambda _m, _i, output, channel=channel: _silenced(output, channel, last)
            )
            with torch.no_grad():
                logits = _features(model, classifier, images) @ weights + bias
            handle.remove()
            losses.append(functional.cross_entropy(logits, labels).item())
        rises = torch.tensor(losses)
        attention.append(((rises - rises.mean()) / (rises.std() + 1e-12) / TEMPERATURE).softmax(0))
    return attention


def _watchable(backbone: Backbone, source: nn.Module) -> tuple[str, ...]:
    """The modules that give what a stage between stem and head gives, for the stages that have one."""
    modules = dict(source.named_modules())
    names = [stage.label for stage in backbone.stages[1:-1] if stage.label in modules]
    fire = []
    for name in names:
        with torch.no_grad(), feature_maps(source, [modules[name]]) as maps:
            source(backbone.example())
        if maps and maps[0].ndim == 3:
            fire.append(name)
    if not fire:
        raise RecipeError(
            f"delta finds no stage to watch in {backbone.name!r}.", "Use l2_sp, which needs nothing but weights."
        )
    return tuple(fire)


def _channels_first(output: object, last: bool) -> torch.Tensor:
    """(N, C, H, W), (N, H, W, C) or tokens (N, L, C) as (N, C, P); anything else as it is, if a tensor."""
    if not isinstance(output, torch.Tensor):
        return torch.empty(0)
    if output.ndim == 3 or (output.ndim == 4 and last):
        return output.flatten(1, -2).transpose(1, 2)
    return output.flatten(2) if output.ndim == 4 else torch.empty(0)


def _silenced(output: torch.Tensor, channel: int, last: bool) -> torch.Tensor:
    quiet = output.clone()
    axis = 1 if output.ndim == 4 and not last else output.ndim - 1
    quiet.select(axis, channel).zero_()
    return quiet


def _features(model: nn.Module, classifier: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What enters the classifier, (N, D)."""
    seen: list[torch.Tensor] = []
    handle = classifier.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    try:
        model(images)
    finally:
        handle.remove()
    return seen[0].flatten(1)


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
