"""From what contenders reported to the figures of the table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import mean, median
from typing import Any

Rounds = Mapping[str, Sequence[Mapping[str, Any]]]
"""Contender -> what it reported in each round."""


def summary(rounds: Rounds, peers: Sequence[str], ours: Sequence[str]) -> dict[str, Any]:
    """Medians of seconds and accuracy of everybody, and of the ratios of one round.

    Args:
        rounds: What was reported.
        peers: Contenders to compare with.
        ours: Contenders that are compared.

    Returns:
        ``contenders``: name -> seconds, cpu_seconds, accuracy; ``faster``: ours -> how many times faster it is than
        the peer over which the median of its ratios is smallest, in CPU seconds and on the clock; ``notes``.
    """
    rows = {
        name: {
            "cpu_seconds": median(some["cpu_seconds"] for some in reports),
            "seconds": median(some["seconds"] for some in reports),
            "accuracy": mean(some["accuracy"] for some in reports),
        }
        for name, reports in rounds.items()
    }
    faster = {
        name: {
            unit: min((ratio(rounds[peer], rounds[name], unit) for peer in peers), default=math.nan)
            for unit in ("cpu_seconds", "seconds")
        }
        for name in ours
    }
    notes = {name: list(rounds[name][-1]["notes"]) for name in ours}
    return {"contenders": rows, "faster": faster, "notes": notes, "rounds": len(next(iter(rounds.values())))}


def ratio(slow: Sequence[Mapping[str, Any]], fast: Sequence[Mapping[str, Any]], unit: str) -> float:
    """The median over the rounds of how many times longer one took than the other."""
    return median(one[unit] / other[unit] for one, other in zip(slow, fast, strict=True))


def share_above(these: Sequence[float], those: Sequence[float]) -> float:
    """By what share ``these`` exceed ``those``: the median over neighbours of their ratio, less 1."""
    return median(one / other for one, other in zip(these, those, strict=True)) - 1
