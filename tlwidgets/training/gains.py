"""What computing the fixed part of a network once for each image should bring, before it is tried.

With a share p of the forward multiply-adds in that part, a step costs 3 - 2p without the cache (forward 1, backward
twice the rest) and 3 (1 - p) with it, so epochs after the first gain 1 + p / (3 (1 - p)).
"""

from __future__ import annotations

WORTH_IT = 1.05  # predicted speed-up of the whole run below which nothing is cached


def epoch_gain(share: float) -> float:
    """Speed-up of an epoch whose images have all been computed, at least 1.

    Args:
        share: Of the forward multiply-adds, in [0, 1], that is computed once.
    """
    return 1 + share / (3 * max(1e-9, 1 - share))


def run_gain(share: float, epochs: int, views: int = 1) -> float:
    """Speed-up of a run, the passes that fill the cache included; at least 1.

    Args:
        share: Of the forward multiply-adds, in [0, 1], that is computed once.
        epochs: Passes over the training images.
        views: Augmented views of each image, used in turn: so many passes fill the cache.
    """
    plain, cached = 3 - 2 * share, 3 * (1 - share)
    filling = min(epochs, views)
    return epochs * plain / (filling * plain + (epochs - filling) * cached)
