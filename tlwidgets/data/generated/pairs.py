"""Two scanned digits and their sum: a task that stands on another, for vertical transfer."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.bundled import scanned_digits
from tlwidgets.data.world import World


def draw(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Put scanned digits side by side, each scan in one pair only, so that no scan is in two splits.

    Args:
        seed: Another seed, other pairs.

    Returns:
        uint8 (898, 8, 16) images and int64 (898,) sums, 0 to 18; the left digit is ``image[:, :8]``.
    """
    scans, labels = scanned_digits()
    order = np.random.default_rng(seed).permutation(len(scans))[:1796].reshape(-1, 2)
    return np.concatenate([scans[order[:, 0]], scans[order[:, 1]]], axis=2), labels[order].sum(axis=1)


PAIRS = World(
    name="pairs",
    summary="Two scanned digits side by side; the class is their sum",
    classes=tuple(str(total) for total in range(19)),
    shape=(8, 16),
    licence="CC BY 4.0, made from digits",
    draw=draw,
    sha256="24be06c2caaca15a330341723cfdddd3adb59b06cc6eb7126b632ba220b95ddf",
)
