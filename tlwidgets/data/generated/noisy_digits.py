"""Scanned digits in noise: information is lost, so no adaptation brings all of it back."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "noisy", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw scanned digits, clean or noisy.

    Args:
        seed: Another seed, other noise.
        domain: "clean" or "noisy".
        shift: The noise's standard deviation over 0.6, on ink from 0 to 1; grains are 2 pixels wide.

    Returns:
        uint8 (N, 32, 32) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "noisy")
    if domain == "noisy":
        grains = np.random.default_rng(seed).normal(size=(len(ink), 16, 16))
        ink = ink + 0.6 * shift * grains.repeat(2, axis=1).repeat(2, axis=2)
    return to_pixels(ink), labels


NOISY_DIGITS = World(
    name="noisy_digits",
    summary="Scanned digits in coarse noise",
    classes=tuple("0123456789"),
    shape=(32, 32),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("clean", "noisy"),
    sha256="c789aa04de57057380c51bf985989bbb4b0630adf93030a66fe8b524f543b832",
)
