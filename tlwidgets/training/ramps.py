"""Weights that grow over a run."""

from __future__ import annotations

import math


def growing(share: float, steepness: float = 10.0) -> float:
    """Weight that grows from 0 to 1 over a run: 2 / (1 + exp(-steepness share)) - 1, the schedule of DANN.

    What is to be compared is not worth comparing before the first features have been learned.
    """
    return 2 / (1 + math.exp(-steepness * share)) - 1


def sigmoid_ramp(share: float, end: float) -> float:
    """exp(-5 (1 - share / end)^2) up to ``end``, then 1."""
    return math.exp(-5 * (1 - min(share / end, 1.0)) ** 2)
