"""Lesson 01: the same network with and without its pre-training, on few and on many labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tlwidgets.backbones.sources import build_bank
from tlwidgets.data import ImageData, load_data
from tlwidgets.exercises.experiments.measured import MeasuredClaim, accuracy_of, remembered
from tlwidgets.exercises.explorer import explore_shares
from tlwidgets.recipe import Recipe

LESSON = "01_what_transfers"
BATCH = 32
STEPS = 56
"""Of every run: whole passes over 20, 50, 100 and 200 images come to exactly this many."""
SCRATCH_RATE = 1e-2
"""Suits a start from random weights; lesson 05 tries others for both sides."""
TRANSFER_RATE = 3e-3
"""Suits a start from pre-trained weights."""
TOO_LARGE = 0.1


def few_digits(labels_per_class: int, seed: int = 0) -> ImageData:
    """Load digits of which only some have a label; the quarter for testing is another one for every seed.

    Args:
        labels_per_class: labelled training images of each digit.
        seed: of the choice.
    """
    return load_data("digits", seed=seed, val=0.0, test=0.25, labels_per_class=labels_per_class)


def short_recipe(data: ImageData, seed: int = 0) -> Recipe:
    """Everything learns, from pre-trained weights, for 56 steps however many images there are.

    Args:
        data: labelled images.
        seed: of the head, the order and the augmentation.
    """
    steps_a_pass = ceil(data.splits["train"] / BATCH)
    return Recipe(
        data=data,
        epochs=ceil(STEPS / steps_a_pass),
        learning_rate=TRANSFER_RATE,
        backbone_scale=1.0,
        batch_size=BATCH,
        augmentation="light",
        seed=seed,
    )


def from_random(recipe: Recipe) -> Recipe:
    """The same run from random weights, at the rate that suits those: one rate for both sides would be a handicap."""
    return recipe.replace(pretrained=False, learning_rate=SCRATCH_RATE)


@remembered
def lead(labels_per_class: int, seed: int, sabotaged: bool = False) -> float:
    """Measure transfer's accuracy minus scratch's, with the same images, steps and seed, each side at its own rate.

    Args:
        labels_per_class: labelled training images of each digit.
        seed: of everything that is drawn.
        sabotaged: "transfer" starts from random weights too, of another draw.
    """
    recipe = short_recipe(few_digits(labels_per_class, seed), seed)
    other = from_random(recipe).replace(seed=seed + 1000) if sabotaged else recipe
    return accuracy_of(other) - accuracy_of(from_random(recipe))


def harm_of_large_steps(seed: int, sabotaged: bool = False) -> float:
    """Accuracy of a transfer at two labels minus what is left of it with steps thirty times too large.

    Args:
        seed: of everything that is drawn.
        sabotaged: leave the learning rate as it should be.
    """
    recipe = short_recipe(few_digits(2, seed), seed)
    rate = recipe.learning_rate if sabotaged else TOO_LARGE
    return accuracy_of(recipe) - accuracy_of(recipe.replace(learning_rate=rate))


def learning_curve(
    counts: Sequence[int], seed: int = 0, known: Mapping[int, tuple[float, float]] | None = None
) -> pd.DataFrame:
    """Train both sides for each number of labels.

    Args:
        counts: labelled images of each digit.
        seed: of everything that is drawn.
        known: accuracies of scratch and transfer that were measured already, by number of labels.

    Returns:
        One row a count: ``scratch``, ``transfer`` (test accuracies, 0 to 1) and ``lead``, their difference.
    """
    rows = dict(known or {})
    for count in counts:
        if count not in rows:
            recipe = short_recipe(few_digits(count, seed), seed)
            rows[count] = accuracy_of(from_random(recipe)), accuracy_of(recipe)
    table: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index", columns=["scratch", "transfer"])
    table.index.name = "labels per class"
    table["lead"] = table["transfer"] - table["scratch"]
    return table.loc[list(counts)]


def old_life(columns: int = 10) -> Figure:
    """Draw a few of the images that the bundled backbone was pre-trained on: letters and shapes.

    Args:
        columns: images a row.
    """
    figure = Figure(figsize=(columns * 0.7, 3.0))
    banks = [build_bank(family) for family in ("glyphs", "shapes")]
    for row in range(4):
        bank = banks[row // 2]
        chosen = np.random.default_rng(row).choice(len(bank.labels), columns, replace=False)
        for column, index in enumerate(chosen):
            axes = figure.add_subplot(4, columns, row * columns + column + 1)
            axes.imshow(bank.pictures[index], cmap="gray")
            axes.set_axis_off()
    return figure


def explore_curve(curve: pd.DataFrame) -> Any:
    """Show a learning curve one number of labels at a time.

    Args:
        curve: as :func:`learning_curve` returns it.

    Returns:
        A slider above a sentence; see :func:`tlwidgets.exercises.explorer.explore`.
    """
    return explore_shares(
        "labels of each digit",
        curve,
        "{option} labels of each digit: of 100 new images, scratch reads {scratch} correctly, transfer {transfer}.",
    )


CLAIMS = (
    MeasuredClaim(
        LESSON,
        "C1",
        "with two labels a class, transfer beats scratch",
        0.08,
        lambda seed, sabotaged: lead(2, seed, sabotaged),
    ),
    MeasuredClaim(
        LESSON,
        "C2",
        "the lead with 2 labels a class exceeds the lead with 20",
        0.06,
        lambda seed, sabotaged: lead(2, seed, sabotaged) - lead(20, seed, sabotaged),
    ),
    MeasuredClaim(LESSON, "C3", "far too large steps cost transfer much of what it reads", 0.1, harm_of_large_steps),
)
