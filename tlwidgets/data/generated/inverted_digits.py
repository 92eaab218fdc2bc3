"""Scanned digits, some of them dark on light: the shape stays and every pixel changes."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "inverted", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw scanned digits, light on dark or dark on light.

    Args:
        seed: Another seed, other digits are inverted.
        domain: "clean" or "inverted".
        shift: Share of the digits that are inverted.

    Returns:
        uint8 (N, 32, 32) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "inverted")
    if domain == "inverted":
        chosen = np.random.default_rng(seed).random(len(ink)) < shift
        ink[chosen] = 1.0 - ink[chosen]
    return to_pixels(ink), labels


INVERTED_DIGITS = World(
    name="inverted_digits",
    summary="Scanned digits, dark on light",
    classes=tuple("0123456789"),
    shape=(32, 32),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("clean", "inverted"),
    sha256="068ce5baf116d7273564fda84743f316673930d7776892b9cb241de3b57ec136",
)
