"""A sheet of sample images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from tlwidgets.errors import DataError

if TYPE_CHECKING:
    from tlwidgets.data.images import ImageData


def sample_sheet(data: ImageData, n: int, split: str, seed: int) -> Figure:
    """Draw ``n`` images of ``split``, the classes taking turns, each image under its class name.

    Args:
        data: What to show.
        n: How many images, at least 1; fewer are shown when the split holds fewer.
        split: Which split.
        seed: Another seed, other images.

    Raises:
        DataError: ``n`` is below 1 or there is no such split.
    """
    if n < 1:
        raise DataError(f"A sheet of {n} images cannot be drawn.", "Ask for at least 1.")
    chosen = _in_turn(data.labels, data.indices(split), n, seed)
    columns = min(8, max(1, len(chosen)))
    rows = max(1, math.ceil(len(chosen) / columns))
    figure = Figure(figsize=(1.3 * columns, 1.5 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, index in zip(axes, chosen, strict=False):
        axis.imshow(data.image(index), interpolation="nearest")
        name = data.classes[data.labels[index]]
        # a class name is a stranger's text: no mathematics, no line breaks
        axis.set_title(" ".join(name[:20].split()), fontsize=8, parse_math=False)
    return figure


def _in_turn(labels: np.ndarray, members: np.ndarray, n: int, seed: int) -> list[int]:
    """Pick ``n`` of ``members`` at random, one of each class before a second of any, sorted by class."""
    members = np.random.default_rng(seed).permutation(members)
    seen: dict[int, int] = {}
    turn = np.empty(len(members), dtype=np.int64)
    for place, label in enumerate(labels[members].tolist()):
        turn[place] = seen.get(label, 0)
        seen[label] = seen.get(label, 0) + 1
    first = members[np.argsort(turn, kind="stable")][:n]
    return [int(index) for index in first[np.argsort(labels[first], kind="stable")]]
