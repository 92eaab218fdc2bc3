"""All measured claims, for the tests that repeat them."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from tlwidgets.exercises import experiments
from tlwidgets.exercises.experiments.measured import MeasuredClaim


def every_claim() -> tuple[MeasuredClaim, ...]:
    """The ``CLAIMS`` of all modules beside this one, in the order of the lessons."""
    names = (f"{experiments.__name__}.{found.name}" for found in iter_modules(experiments.__path__))
    modules = [import_module(name) for name in names if name != __name__]
    claims = (claim for module in modules for claim in getattr(module, "CLAIMS", ()))
    return tuple(sorted(claims, key=lambda claim: claim.lesson))  # sorted is stable: C1 stays before C2
