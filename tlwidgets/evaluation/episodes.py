"""Episodes: small tasks drawn by seed, as few-shot learning is trained and judged by.

An episode is one task (Vinyals et al. 2016, arXiv 1606.04080): ``n_way`` classes, ``n_shot`` examples of each to learn
from (the support set) and ``n_query`` of each to be judged by (the query set).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlwidgets.errors import DataError


@dataclass(frozen=True)
class Episode:
    """One task, as positions in the data.

    Attributes:
        classes: (n_way,) class numbers in the data; the episode's class 0 is the first.
        support: (n_way * n_shot,), class by class.
        query: (n_way * n_query,), class by class.
    """

    classes: np.ndarray
    support: np.ndarray
    query: np.ndarray

    def labels(self, rows: np.ndarray) -> np.ndarray:
        """The episode's class numbers of ``support`` or ``query``."""
        return np.repeat(np.arange(len(self.classes)), len(rows) // len(self.classes))


def episodes(labels: Any, n_way: int, n_shot: int, n_query: int, n_episodes: int, seed: int = 0) -> Iterator[Episode]:
    """Draws tasks; no sample is in the support and the query set of one task.

    Args:
        labels: (N,) class numbers.
        n_way: Classes a task, at least 2.
        n_shot: Examples a class to learn from.
        n_query: Others to be judged by.
        n_episodes: How many tasks.
        seed: Another seed, other tasks.

    Raises:
        DataError: There are too few classes, or too few samples of one: said at the call, before the first task.
    """
    numbers = np.asarray(labels)
    for name, value, least in (("n_way", n_way, 2), ("n_shot", n_shot, 1), ("n_query", n_query, 1)):
        if not isinstance(value, int) or value < least:
            raise DataError(f"{name} is {value!r}.", f"Give a whole number from {least}.")
    classes, counts = np.unique(numbers, return_counts=True)
    if n_way > len(classes):
        raise DataError(f"n_way is {n_way}, but there are {len(classes)} classes.", "Lower n_way.")
    if counts.min() < n_shot + n_query:
        raise DataError(
            f"Class {classes[counts.argmin()]} has {counts.min()} samples, fewer than n_shot + n_query = "
            f"{n_shot + n_query}.",
            "Lower n_shot or n_query, or leave the class out.",
        )
    members = {number: np.flatnonzero(numbers == number) for number in classes}
    return _draw(members, n_way, (n_shot, n_query), n_episodes, seed)


def _draw(
    members: dict[Any, np.ndarray], n_way: int, sizes: tuple[int, int], n_episodes: int, seed: int
) -> Iterator[Episode]:
    rng = np.random.default_rng(seed)
    for _ in range(n_episodes):
        chosen = rng.choice(list(members), n_way, replace=False)
        drawn = np.stack([rng.choice(members[number], sum(sizes), replace=False) for number in chosen])
        yield Episode(chosen, drawn[:, : sizes[0]].reshape(-1), drawn[:, sizes[0] :].reshape(-1))
