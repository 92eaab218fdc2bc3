"""Lesson 03: a frozen network as a describer of images, and what its descriptions leave out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from tlwidgets.data import ImageData, load_data
from tlwidgets.data.bundled import scanned_digits
from tlwidgets.exercises.experiments.describing import described, network
from tlwidgets.exercises.experiments.measured import MeasuredClaim
from tlwidgets.exercises.explorer import explore_shares

LESSON = "03_feature_extraction"
PENS = {"red": (200, 80, 80), "green": (70, 140, 90), "blue": (90, 110, 215), "ochre": (150, 110, 50)}
"""Inks of about the same brightness: seen in grey they cannot be told apart."""


def scraps(labels_per_class: int = 5, seed: int = 0) -> ImageData:
    """Load pieces of ten photographs, brightness and contrast evened out; the quarter for testing differs by seed.

    Args:
        labels_per_class: labelled pieces of each photograph.
        seed: of the choice.
    """
    return load_data("grey_patches", seed=seed, val=0.0, test=0.25, labels_per_class=labels_per_class)


def notes(wanted: str, seed: int = 0, labels_per_class: int = 5) -> ImageData:
    """Load digits written in four inks on white: 5 labelled notes of each ink, or 5 of each digit, or as many as asked.

    Args:
        wanted: ``"ink"`` or ``"digit"``: what the label is. The images are the same.
        seed: of the choice of scans and inks.
        labels_per_class: labelled notes of each ink, or digit.
    """
    draw = np.random.default_rng(seed)
    scans, digits = scanned_digits()
    rows = draw.choice(len(scans), 800, replace=False)
    inks = draw.integers(0, len(PENS), len(rows))
    colours = np.array(list(PENS.values()))[inks][:, None, None]  # (N, 1, 1, 3)
    images = 255 - (255 - colours) * (scans[rows][..., None] / 255)
    names = list(PENS) if wanted == "ink" else [str(digit) for digit in range(10)]
    labels = inks if wanted == "ink" else digits[rows]
    arrays = (images.astype(np.uint8), labels)
    return load_data(arrays, classes=names, val=0.0, test=0.5, seed=seed, labels_per_class=labels_per_class)


def three_descriptions(data: ImageData, seed: int = 0) -> dict[str, float]:
    """Read the test images by a linear model on three descriptions of them.

    Args:
        data: labelled images of one size.
        seed: of the random network.

    Returns:
        Accuracy, 0 to 1, on ``pixels``, on the features of a ``random`` network and of the ``pretrained`` one.
    """
    describers = {"pixels": None, "random": network(pretrained=False, seed=seed), "pretrained": network()}
    return {name: described(data, backbone).read() for name, backbone in describers.items()}


def label_curve(counts: Sequence[int], seed: int = 0) -> pd.DataFrame:
    """Measure ``three_descriptions`` of the scraps for several numbers of labels.

    Returns:
        One row a number of labels of each class; columns ``pixels``, ``random``, ``pretrained``.
    """
    table = pd.DataFrame([three_descriptions(scraps(count, seed), seed) for count in counts], index=list(counts))
    table.index.name = "labels per class"
    return table


def explore_labels(curve: pd.DataFrame) -> Any:
    """Show a table of ``label_curve`` one number of labels at a time; see ``explorer.explore_shares``."""
    return explore_shares(
        "labelled scraps of each photograph",
        curve,
        "{option} labelled scraps of each photograph: of 100 new ones, {pixels} find home by pixels, {random} by a "
        "random network, {pretrained} by the pre-trained one.",
    )


def gain_over_pixels(seed: int, sabotaged: bool) -> float:
    """Accuracy on features of the scraps minus accuracy on pixels."""
    data = scraps(seed=seed)
    backbone = network(pretrained=not sabotaged, seed=seed + 1000)
    return described(data, backbone).read() - described(data, None).read()


def gain_over_random(seed: int, sabotaged: bool) -> float:
    """Accuracy on pre-trained features of the scraps minus accuracy on those of a random network."""
    data = scraps(seed=seed)
    other = network(pretrained=not sabotaged, seed=seed + 1000)
    return described(data, other).read() - described(data, network(pretrained=False, seed=seed)).read()


def lost_colour(seed: int, sabotaged: bool) -> float:
    """Accuracy on random features minus accuracy on pre-trained ones where the ink is wanted; sabotaged, the digit."""
    data = notes("digit" if sabotaged else "ink", seed)
    return described(data, network(pretrained=False, seed=seed)).read() - described(data, network()).read()


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "frozen features beat pixels", 0.35, gain_over_pixels),
    MeasuredClaim(LESSON, "C2", "frozen features beat those of a random network", 0.12, gain_over_random),
    MeasuredClaim(LESSON, "C3", "where the ink is wanted, random features beat pre-trained ones", 0.2, lost_colour),
)
