"""What methods refuse of their options: names that they do not have, kinds that they cannot use, senseless numbers."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

from tlwidgets.errors import RecipeError

KINDS: dict[str, tuple[Any, str]] = {
    "int": (Integral, "a whole number"),
    "float": (Real, "a number"),
    "str": ((str, os.PathLike), "text"),
    "None": (type(None), "null"),
    "Mapping[str, float]": (Mapping, "a mapping from names to numbers"),
}


def check_options(method: str, make: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Compares a recipe's options with what ``make(setting, ...)`` takes, before anything is made or loaded.

    Args:
        method: Its name.
        make: Its parameters after the first are the options. Where their annotations, as text, are made of ``KINDS``,
            the kinds of the values are compared too.
        options: By name.

    Raises:
        RecipeError: An option is unknown, lacks or is of another kind.
    """
    known = dict(list(inspect.signature(make).parameters.items())[1:])
    takes = f"Its options: {', '.join(known)}." if known else "It has no options."
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            offer = f"Did you mean {near[0]!r}? " if near else ""
            raise RecipeError(f"The method {method!r} does not take an option {name!r}.", f"{offer}{takes}")
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and options.get(name) is None:
            raise RecipeError(f"The method {method!r} needs the option {name!r}.", f"{takes} See its docstring.")
        if name in options:
            _check_kind(method, name, options[name], str(parameter.annotation))


def _check_kind(method: str, name: str, value: Any, annotation: str) -> None:
    parts = annotation.split(" | ")
    if not all(part in KINDS for part in parts) or any(isinstance(value, KINDS[part][0]) for part in parts):
        return
    words = " or ".join(KINDS[part][1] for part in parts)
    raise RecipeError(f"The option {name!r} of the method {method!r} is {value!r}.", f"Give {words}.")


def at_least(lowest: float, **options: Any) -> None:
    """Refuses options, given by name, that are below a number.

    Raises:
        RecipeError: One of them is, or is nan or no number.
    """
    for name, value in options.items():
        if not isinstance(value, Real) or not float(value) >= lowest:
            raise RecipeError(f"{name} is {value!r}.", f"Give {lowest} or more.")


def above(bound: float, **options: Any) -> None:
    """Refuses options, given by name, that are not above a number.

    Raises:
        RecipeError: One of them is not.
    """
    for name, value in options.items():
        if not isinstance(value, Real) or not float(value) > bound:
            raise RecipeError(f"{name} is {value!r}, not above {bound}.", f"Give a number above {bound}.")
