"""Scanned digits somewhere on a larger canvas: the place carries no meaning, which a network has to learn."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "wandering", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw each scan on a canvas of 16 x 16 with noise of standard deviation 0.1.

    Args:
        seed: Another seed, other places and noise.
        domain: "centred" or "wandering".
        shift: How far from the centre a digit may lie, over the 4 pixels that the canvas allows; it moves by this
            share of a place drawn evenly from all.

    Returns:
        uint8 (N, 16, 16) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "wandering", side=8)
    rng = np.random.default_rng(seed)
    canvas = 0.1 * rng.normal(size=(len(ink), 16, 16))
    places = rng.integers(-4, 5, (len(ink), 2))
    moves = np.round(places * shift).astype(np.int64) if domain == "wandering" else np.zeros_like(places)
    rows, columns = (4 + moves[:, axis, None] + np.arange(8) for axis in (0, 1))
    canvas[np.arange(len(ink))[:, None, None], rows[:, :, None], columns[:, None, :]] += ink
    return to_pixels(canvas), labels


CANVAS_DIGITS = World(
    name="canvas_digits",
    summary="Scanned digits anywhere on a larger, noisy canvas",
    classes=tuple("0123456789"),
    shape=(16, 16),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("centred", "wandering"),
    sha256="7df3d9cfbba103c1332d118886acc4dbd9b13afb4899d55d6af70a9f7bcbeb21",
)
