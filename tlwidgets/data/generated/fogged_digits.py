"""Scanned digits, dim and in fog: an affine change that statistics of the target undo."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "fogged", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw scanned digits, clean or fogged.

    Args:
        seed: Another seed, other wisps.
        domain: "clean" or "fogged".
        shift: Density of the fog. At 1 the ink keeps 0.15 of its contrast over a veil of mean brightness 0.6 that
            is thicker on one side.

    Returns:
        uint8 (N, 32, 32) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "fogged")
    if domain == "clean":
        return to_pixels(ink), labels
    rng = np.random.default_rng(seed)
    direction = rng.uniform(0, 2 * np.pi, (len(ink), 1, 1))
    along = np.linspace(-1, 1, ink.shape[1])
    slope = np.cos(direction) * along[None, None, :] + np.sin(direction) * along[None, :, None]
    veil = 0.6 + 0.15 * slope
    return to_pixels(ink * (1.0 - 0.85 * shift) + veil * shift), labels


FOGGED_DIGITS = World(
    name="fogged_digits",
    summary="Scanned digits, dim and in uneven fog",
    classes=tuple("0123456789"),
    shape=(32, 32),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("clean", "fogged"),
    sha256="ef8247ad9bf1b05578b4c9c4cca17057ecdd279ffaf985de10c39d3bdb66628a",
)
