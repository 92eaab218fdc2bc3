"""How many notebooks this machine can grade at a time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import psutil

ONE_NOTEBOOK = 1500
"""Megabytes that a notebook of the course takes, with some to spare."""
_CONTAINER = Path("/sys/fs/cgroup")


def sensible_jobs(cores: float, megabytes: float) -> int:
    """Notebooks at a time, each on one thread.

    Args:
        cores: That may be used.
        megabytes: That are free.

    Returns:
        At least 1. Of more than two cores one is left to whoever works at the machine meanwhile.
    """
    by_cores = int(cores) - (cores > 2)
    return max(1, min(by_cores, int(megabytes // ONE_NOTEBOOK)))


def free_megabytes() -> float:
    """Memory that is free, within the limit of the container where there is one."""
    free = float(psutil.virtual_memory().available)
    with suppress(OSError, ValueError):  # "max" where there is no limit
        limit, used = (int((_CONTAINER / f"memory.{name}").read_text()) for name in ("max", "current"))
        free = min(free, float(limit - used))
    return free / 2**20
