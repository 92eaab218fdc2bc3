"""Lesson 02: what the stages of a network know, by filters, probes and likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.data import ImageData, load_data
from tlwidgets.evaluation.similarity import linear_cka
from tlwidgets.exercises.experiments.describing import Described, network, some_tests
from tlwidgets.exercises.experiments.measured import MeasuredClaim
from tlwidgets.exercises.explorer import explore

LESSON = "02_looking_inside"
PEN, TEXTURE = "tlw_resnet_pen", "tlw_resnet_texture"


def first_filters(backbone: Backbone) -> np.ndarray:
    """Weights of the first convolution: (filters, 3, height, width), the channels red, green and blue."""
    layer = next(module for module in backbone.model.modules() if isinstance(module, nn.Conv2d))
    weights: np.ndarray = layer.weight.detach().numpy()
    return weights


def colour_share(filters: np.ndarray) -> float:
    """Say how much the filters look at colour, from 0 to 1.

    Args:
        filters: (F, 3, h, w).

    Returns:
        The share of their squared weights that is left once every place has lost its mean over red, green and blue.
        Weights drawn at random have two thirds.
    """
    colour = filters - filters.mean(axis=1, keepdims=True)
    return float((colour**2).sum() / (filters**2).sum())


def draw_filters(networks: Mapping[str, Backbone]) -> Figure:
    """Draw the first filters of several networks, a row each; middle grey is a weight of zero."""
    found = {name: first_filters(backbone) for name, backbone in networks.items()}
    columns = max(len(filters) for filters in found.values())
    figure = Figure(figsize=(columns * 1.1, 1.3 * len(found)))
    for row, (name, filters) in enumerate(found.items()):
        for column, weights in enumerate(filters):
            axes = figure.add_subplot(len(found), columns, row * columns + column + 1)
            axes.imshow(0.5 + 0.5 * weights.transpose(1, 2, 0) / np.abs(weights).max())
            axes.set(xticks=[], yticks=[])
            if column == 0:
                axes.set_ylabel(name, fontsize="small")
    return figure


def by_stage(backbone: Backbone, images: Sequence[np.ndarray], batch_size: int = 64) -> dict[str, np.ndarray]:
    """Describe images by what each stage hands on, averaged over the places of the image.

    Args:
        backbone: a convolutional network; it is not changed.
        images: uint8 (H, W, 3) each.
        batch_size: images a forward pass.

    Returns:
        For every stage before the head, from input to output: float32 (N, channels of the stage).
    """
    caught: dict[str, list[torch.Tensor]] = {stage.name: [] for stage in backbone.stages[:-1]}

    def keep(name: str, _module: nn.Module, _inputs: Any, output: torch.Tensor) -> None:
        caught[name].append(output.flatten(2).mean(2) if output.ndim == 4 else output)

    ends = {stage.name: [name for name in stage.module_names if "." not in name][-1] for stage in backbone.stages[:-1]}
    handles = [
        backbone.model.get_submodule(end).register_forward_hook(partial(keep, name)) for name, end in ends.items()
    ]
    try:
        with evaluating(backbone.model), torch.inference_mode():
            for start in range(0, len(images), batch_size):
                batch = backbone.preprocessing.prepare_all(images[start : start + batch_size])
                backbone.model(backbone.preprocessing.normalise(batch))
    finally:
        for handle in handles:
            handle.remove()
    return {name: torch.cat(parts).numpy() for name, parts in caught.items()}


def five_labels(world: str, seed: int = 0) -> ImageData:
    """Load bundled images with five labels of each class; the quarter for testing differs by seed."""
    return load_data(world, seed=seed, val=0.0, test=0.25, labels_per_class=5)


def probes(backbone: Backbone, data: ImageData) -> dict[str, float]:
    """Put a simple model on each stage in turn.

    Returns:
        For every stage before the head, accuracy (0 to 1) on test images.
    """
    train, test = data.indices("train"), some_tests(data)
    learned, asked = (by_stage(backbone, data.images(rows)) for rows in (train, test))
    return {
        stage: Described(learned[stage], data.labels[train], asked[stage], data.labels[test]).read()
        for stage in learned
    }


def likeness(one: Backbone, other: Backbone, images: Sequence[np.ndarray]) -> dict[str, float]:
    """Compare two networks stage by stage on the same images: unbiased linear CKA, 1 where they see alike."""
    first, second = by_stage(one, images), by_stage(other, images)
    return {stage: linear_cka(first[stage], second[stage]) for stage in first}


def unrelated(images: int, seed: int = 0) -> tuple[float, float]:
    """Compare two descriptions that have nothing to do with each other: 192 random numbers an image each.

    Args:
        images: how many, at least 4.
        seed: of the numbers.

    Returns:
        Plain and unbiased linear CKA.
    """
    one, other = np.random.default_rng(seed).normal(size=(2, images, 192))
    return linear_cka(one, other, unbiased=False), linear_cka(one, other)


def explore_stages(table: pd.DataFrame) -> Any:
    """Show a table of probes, a row a stage and a column a network, one stage at a time."""
    rows = (100 * table).round().astype(int).to_dict("index")

    def describe(stage: str) -> str:
        found = ", ".join(f"{name} {value}" for name, value in rows[stage].items())
        return f"{stage}: of 100 new digits a simple model on top of it reads: {found}."

    return explore("stage", list(table.index), describe)


def lost_colour(seed: int, sabotaged: bool) -> float:
    """Share of colour in the first filters of a random network minus that of the pre-trained one."""
    filters = [first_filters(network(pretrained=p, seed=s)) for p, s in ((False, seed), (not sabotaged, seed + 1000))]
    return colour_share(filters[0]) - colour_share(filters[1])


def rise(seed: int, sabotaged: bool) -> float:
    """Accuracy of the probe on the last stage minus that of the probe on the stem, on digits."""
    found = probes(network(pretrained=not sabotaged, seed=seed), five_labels("digits", seed))
    return found["stage4"] - found["stem"]


def parting(seed: int, sabotaged: bool) -> float:
    """Likeness of two specialists at the stem minus their likeness at the last stage, on digits."""
    data = five_labels("digits", seed)
    pen, texture = (network(name, pretrained=not sabotaged, seed=seed + i) for i, name in enumerate((PEN, TEXTURE)))
    found = likeness(pen, texture, data.images(some_tests(data)))
    return found["stem"] - found["stage4"]


def too_deep(seed: int, sabotaged: bool) -> float:
    """Accuracy of the pen specialist's probe on its second stage minus that on its last, on scraps of photographs."""
    found = probes(network(PEN, pretrained=not sabotaged, seed=seed), five_labels("grey_patches", seed))
    return found["stage2"] - found["stage4"]


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "learned first filters look less at colour than random ones", 0.3, lost_colour),
    MeasuredClaim(LESSON, "C2", "the last stage tells digits apart better than the stem", 0.2, rise),
    MeasuredClaim(LESSON, "C3", "two specialists are more alike at the stem than at the end", 0.35, parting),
    MeasuredClaim(LESSON, "C4", "for scraps, the pen specialist's middle beats its end", 0.12, too_deep),
)
