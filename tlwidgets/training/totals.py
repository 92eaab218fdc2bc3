"""What the steps of an epoch add up to."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tlwidgets.training.method import StepResult


class Totals:
    """Sums over the images of an epoch; its properties are means over them.

    Attributes:
        count: Images so far.
    """

    def __init__(self) -> None:
        self.count = 0.0
        self._loss = self._correct = 0.0
        self._extras: dict[str, tuple[float, float]] = {}  # sum and images, of the steps where it was a number

    @property
    def loss(self) -> float:
        """Mean loss; nan before the first step."""
        return self._loss / self.count if self.count else math.nan

    @property
    def accuracy(self) -> float:
        """Share of the images classified rightly."""
        return self._correct / self.count if self.count else math.nan

    @property
    def extras(self) -> dict[str, float]:
        """Mean of each further number; nan where it never was one."""
        return {name: total / count if count else math.nan for name, (total, count) in self._extras.items()}

    def add(self, result: StepResult) -> None:
        """Takes a step in."""
        self._loss += result.loss.item() * result.count
        self._correct += result.correct
        self.count += result.count
        for name, value in result.extras.items():
            total, count = self._extras.get(name, (0.0, 0.0))
            known = not math.isnan(value)
            self._extras[name] = (total + value * result.count, count + result.count) if known else (total, count)

    def over_processes(self, add_up: Callable[[np.ndarray], np.ndarray]) -> Totals:
        """The same of all processes; ``add_up`` sums an array over them. All must have the same extras."""
        mine = [self._loss, self._correct, self.count, *np.ravel(list(self._extras.values()))]
        everybody = Totals()
        everybody._loss, everybody._correct, everybody.count, *rest = add_up(np.array(mine, dtype=np.float64)).tolist()
        everybody._extras = dict(zip(self._extras, zip(rest[::2], rest[1::2], strict=True), strict=True))
        return everybody
