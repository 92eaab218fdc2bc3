"""What methods refuse of their options: numbers that mean nothing."""

from __future__ import annotations

from tlwidgets.errors import RecipeError


def at_least(lowest: float, **options: float) -> None:
    """Refuses options, given by name, that are below a number.

    Raises:
        RecipeError: One of them is, or is nan.
    """
    for name, value in options.items():
        if not value >= lowest:
            raise RecipeError(f"{name} is {value!r}.", f"Give {lowest} or more.")


def above(bound: float, **options: float) -> None:
    """Refuses options, given by name, that are not above a number.

    Raises:
        RecipeError: One of them is not.
    """
    for name, value in options.items():
        if not value > bound:
            raise RecipeError(f"{name} is {value!r}, not above {bound}.", f"Give a number above {bound}.")
