"""A claim as a measurement that can be repeated with any seed, and that can fail."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ParamSpec, TypeVar

from tlwidgets.recipe import Recipe
from tlwidgets.training import fit

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class MeasuredClaim:
    """A sentence of a lesson, the number that carries it, and the number it must reach."""

    lesson: str
    id: str
    says: str
    margin: float
    """What the lesson asserts; below the worst of the seeds it was measured with."""
    measure: Callable[[int, bool], float]
    """``measure(seed, sabotaged)`` gives the margin found; sabotaged, the pre-trained weights are random ones."""


def accuracy_of(recipe: Recipe) -> float:
    """Run a recipe in a folder that is thrown away.

    Args:
        recipe: the run.

    Returns:
        Accuracy on the test images, from 0 to 1.
    """
    with TemporaryDirectory() as folder:
        return float(fit(recipe, Path(folder) / "run", progress=False).metrics["test"]["accuracy"])


def remembered(function: Callable[P, T]) -> Callable[P, T]:
    """``functools.cache`` for which a default that is spelled out, or a name before a value, is the same call.

    Lessons and claims call one measurement in several ways; each would train, or load, anew.
    """
    signature, known = inspect.signature(function), cache(function)

    @wraps(function)
    def recall(*args: P.args, **kwargs: P.kwargs) -> T:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return known(*bound.args, **bound.kwargs)

    return recall
