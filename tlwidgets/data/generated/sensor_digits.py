"""Scanned digits through a bad sensor: each pixel has a gain and an offset of its own."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "sensor", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw scanned digits as they are or as a bad sensor sees them.

    The gain of a pixel is exp(0.5 g) and its offset 0.3 h, with g and h standard normal and fixed for the sensor. The
    result is brought to 0..255 by one brightness and contrast for all images. Standardising each pixel
    over the sensor's own images undoes the shift.

    Args:
        seed: Another seed, another sensor.
        domain: "clean" or "sensor".
        shift: Multiplies the gain's exponent and the offset.

    Returns:
        uint8 (N, 8, 8) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "sensor", side=8)
    if domain == "clean":
        return to_pixels(ink), labels
    g, h = np.random.default_rng(seed).normal(size=(2, 8, 8))
    seen = ink * np.exp(0.5 * shift * g) + 0.3 * shift * h
    return to_pixels((seen - seen.min()) / (seen.max() - seen.min())), labels


SENSOR_DIGITS = World(
    name="sensor_digits",
    summary="Scanned digits through a sensor with a gain and an offset for each pixel",
    classes=tuple("0123456789"),
    shape=(8, 8),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("clean", "sensor"),
    sha256="742c7e2b5c7c7e12eecec695059fdc8d4c5c50f6115f202701b793c668365382",
)
