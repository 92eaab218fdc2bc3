"""WiSE-FT: the average of the weights before and after fine-tuning.

Wortsman et al. (2022), "Robust fine-tuning of zero-shot models", CVPR, arXiv 2109.01903. Fine-tuning gains on the
target and loses elsewhere. Every point on the straight line between the two sets of weights is a network of the same
size; about half way it often keeps most of both. Nothing is trained.

Measured half way between a network for clean digits and its fine-tuning on noisy ones (five labels a class, five
seeds): on clean digits 97.4 % in place of 92.9 %, and no seed worse, for 2.9 points less of 94.1 % on the noisy ones.
From drawn shapes to digits, where nothing is to be kept, 1.3 points were lost (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.backbone import Images, evaluating
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.errors import RunError
from tlwidgets.training.run import Run

BATCH = 64  # images a forward pass while statistics are counted


def wise_ft(
    tuned: Run | Backbone, alpha: float = 0.5, start: Run | Backbone | None = None, images: Images | None = None
) -> Backbone:
    """A network on the line between a start and a fine-tuned one.

    Args:
        tuned: A run, or its network; it is not changed.
        alpha: Where on the line, 0..1: 0 is the start and 1 the fine-tuned network, both bit by bit.
        start: What was fine-tuned, with a head for the same classes, such as the run of a linear probe. By default the
            pre-trained backbone of the run, which has no such head: it takes the fine-tuned one, so that only what
            comes before the head is averaged.
        images: uint8 images (N, H, W, 3), best the training ones. Given, the running statistics of BatchNorm are
            counted anew on them instead of averaged: averaged weights make features whose statistics are no average.

    Returns:
        A new network in evaluation mode.

    Raises:
        RunError: alpha is not in 0..1, or the two networks differ in more than their weights.
    """
    if not 0 <= alpha <= 1:
        raise RunError(f"alpha is {alpha!r}.", "Give a number from 0 (the start) to 1 (the fine-tuned network).")
    end = tuned.backbone if isinstance(tuned, Run) else tuned
    begin = _pretrained(end) if start is None else start.backbone if isinstance(start, Run) else start
    blend = copy.deepcopy(end)
    blend.model.load_state_dict(interpolate(begin.model.state_dict(), end.model.state_dict(), alpha))
    blend.model.eval()
    if images is not None:
        count_statistics(blend, images)
    return blend


def interpolate(
    start: Mapping[str, torch.Tensor], end: Mapping[str, torch.Tensor], alpha: float
) -> dict[str, torch.Tensor]:
    """(1 - alpha) * start + alpha * end for every floating-point tensor; counters and the like are the end's.

    At 0 and 1 the tensors are copies of one side.

    Raises:
        RunError: Names or shapes differ.
    """
    shapes = [{name: tensor.shape for name, tensor in side.items()} for side in (start, end)]
    if shapes[0] != shapes[1]:
        name = next(name for name in {**shapes[0], **shapes[1]} if shapes[0].get(name) != shapes[1].get(name))
        raise RunError(
            f"The two networks differ: {name!r} is not in both, or of another shape.",
            "Average networks of one architecture and one number of classes.",
        )
    return {name: _between(start[name], tensor, alpha) for name, tensor in end.items()}


def count_statistics(backbone: Backbone, images: Images) -> None:
    """Counts the running means and variances of every BatchNorm anew, over all images at once.

    Sums are pooled over batches, because the mean of the batches' variances is too small. What enters each layer is
    normalised by batch, as in training. Layers without running statistics are left alone.

    Args:
        backbone: The network; only the statistics change.
        images: uint8 (N, H, W, 3) or a sequence of (H, W, 3); at least two.

    Raises:
        RunError: There are fewer than two images.
    """
    if len(images) < 2:
        raise RunError(f"Statistics cannot be counted on {len(images)} images.", "Give at least two, better hundreds.")
    model, device = backbone.model, next(backbone.model.parameters()).device
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.running_mean is not None]
    moments = [_Moments(norm) for norm in norms]
    with evaluating(model), _normalising_by_batch(norms), torch.inference_mode():
        handles = [norm.register_forward_pre_hook(m.note) for norm, m in zip(norms, moments, strict=True)]
        try:
            for part in np.array_split(np.arange(len(images)), -(-len(images) // BATCH)):
                batch = backbone.preprocessing.prepare_all([images[i] for i in part])
                model(backbone.preprocessing.normalise(batch.to(device)))
        finally:
            for handle in handles:
                handle.remove()
    for norm, found in zip(norms, moments, strict=True):
        found.write(norm)


class _Moments:
    """Sums of what enters a layer, by channel."""

    def __init__(self, norm: _BatchNorm) -> None:
        self.sums = torch.zeros(2, norm.num_features, dtype=torch.float64)
        self.count = 0

    def note(self, _norm: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        rows = inputs[0].double().transpose(0, 1).flatten(1)  # (channels, images and places)
        self.sums += torch.stack([rows.sum(1), rows.square().sum(1)]).cpu()
        self.count += rows.shape[1]

    def write(self, norm: _BatchNorm) -> None:
        """Sets the running mean and, as in training, the unbiased variance; a layer that saw nothing stays."""
        if self.count < 2 or norm.running_mean is None or norm.running_var is None:
            return
        mean, square = self.sums / self.count
        norm.running_mean.copy_(mean)
        norm.running_var.copy_((square - mean.square()).clamp(min=0) * self.count / (self.count - 1))


@contextmanager
def _normalising_by_batch(norms: Sequence[_BatchNorm]) -> Iterator[None]:
    """Lets layers use the statistics of their batch for a while, without moving the running ones."""
    before = [(norm.training, norm.track_running_stats) for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, (training, tracks) in zip(norms, before, strict=True):
            norm.training, norm.track_running_stats = training, tracks


def _between(start: torch.Tensor, end: torch.Tensor, alpha: float) -> torch.Tensor:
    if alpha == 1 or not end.is_floating_point():
        return end.clone()
    start = start.to(end.device)
    return start.clone() if alpha == 0 else (1 - alpha) * start + alpha * end


def _pretrained(end: Backbone) -> Backbone:
    """The network as it was before any fine-tuning, with the head of a fine-tuned one."""
    begin = load_backbone(end.name, num_classes=end.num_classes)
    for name in classifier_names(end.model):
        begin.model.get_submodule(name).load_state_dict(end.model.get_submodule(name).state_dict())
    return begin
