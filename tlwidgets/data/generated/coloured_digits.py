"""Scanned digits in coloured ink on coloured paper: what matters is contrast, whatever its colours."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.scans import half_of_the_scans, to_pixels
from tlwidgets.data.world import World


def draw(seed: int = 0, domain: str = "coloured", shift: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Draw scanned digits in white on black or in two colours.

    Args:
        seed: Another seed, other colours.
        domain: "clean" or "coloured".
        shift: How far paper and ink go from black and white towards colours drawn at random for each digit; ink and
            paper then differ by at least 0.8 summed over red, green and blue from 0 to 1.

    Returns:
        uint8 (N, 32, 32, 3) images and int64 (N,) labels.
    """
    ink, labels = half_of_the_scans(domain == "coloured")
    ink = ink[:, :, :, None]
    if domain == "clean":
        return to_pixels(np.repeat(ink, 3, axis=3)), labels
    rng = np.random.default_rng(seed)
    candidates = rng.random((len(ink), 64, 2, 3))
    apart = np.abs(candidates[:, :, 0] - candidates[:, :, 1]).sum(axis=2) > 0.8
    paper, pen = candidates[np.arange(len(ink)), apart.argmax(axis=1)].transpose(1, 0, 2)[:, :, None, None, :]
    low, high = shift * paper, 1.0 - shift + shift * pen
    return to_pixels(low + (high - low) * ink), labels


COLOURED_DIGITS = World(
    name="coloured_digits",
    summary="Scanned digits in random colours on random colours",
    classes=tuple("0123456789"),
    shape=(32, 32),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    domains=("clean", "coloured"),
    sha256="856a7168f66d472694a02f15511d4beaf76c35084342fc1b26d0da1e2997b44d",
)
