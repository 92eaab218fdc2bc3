"""Scanned digits, turned: a shift that no change of brightness undoes."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "rotated", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw scanned digits, upright or turned anticlockwise.

    Args:
        seed: Another seed, other angles.
        domain: "upright" or "rotated".
        shift: Mean angle over 45 degrees; each digit deviates by 8 degrees (sd) times ``shift``.

    Returns:
        uint8 (N, 32, 32) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "rotated")
    pixels = to_pixels(ink)
    if domain == "upright":
        return pixels, labels
    angles = shift * (45.0 + 8.0 * np.random.default_rng(seed).normal(size=len(pixels)))
    turned = [
        Image.fromarray(one).rotate(angle, Image.Resampling.BICUBIC) for one, angle in zip(pixels, angles, strict=True)
    ]
    return np.stack([np.asarray(one) for one in turned]), labels


ROTATED_DIGITS = World(
    name="rotated_digits",
    summary="Scanned digits turned by about 45 degrees",
    classes=tuple("0123456789"),
    shape=(32, 32),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("upright", "rotated"),
    sha256="9eec695008542d2fd739ccb1e3b7787aed9dd5c107f3580a182bb372f9bb080f",
)
