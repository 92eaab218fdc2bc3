"""Every exercise and question by id."""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from tlwidgets.errors import ExerciseError
from tlwidgets.exercises import bank
from tlwidgets.exercises.model import Exercise, Question


@cache
def lessons() -> tuple[ModuleType, ...]:
    """The modules of the bank, each with ``LESSON``, ``EXERCISES`` and ``QUESTIONS``, in the order of the lessons."""
    modules = (import_module(f"{bank.__name__}.{found.name}") for found in iter_modules(bank.__path__))
    return tuple(sorted(modules, key=lambda module: str(module.LESSON)))


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises, in the order of the lessons."""
    return {each.id: each for lesson in lessons() for each in lesson.EXERCISES}


@cache
def questions() -> dict[str, Question]:
    """All predictions and quiz questions, in the order of the lessons."""
    return {each.id: each for lesson in lessons() for each in lesson.QUESTIONS}


def exercise(name: str) -> Exercise:
    """Find an exercise.

    Raises:
        ExerciseError: there is none with this id; the message names the nearest.
    """
    if name not in exercises():
        raise ExerciseError(f"There is no exercise {name!r}.", hint=_nearest(name, list(exercises())))
    return exercises()[name]


def question(name: str, kind: str) -> Question:
    """Find a question of a kind (``"predict"`` or ``"quiz"``).

    Raises:
        ExerciseError: there is none with this id and kind; the message names the nearest.
    """
    known = {each.id: each for each in questions().values() if each.kind == kind}
    if name not in known:
        raise ExerciseError(f"There is no {kind} question {name!r}.", hint=_nearest(name, list(known)))
    return known[name]


def stub(name: str) -> str:
    """The text that replaces a solution in the student's notebook.

    Raises:
        ExerciseError: neither an exercise nor a question has this id.
    """
    return questions()[name].stub if name in questions() else exercise(name).stub


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.4) or sorted(known)[:5]
    return f"Did you mean {', '.join(close)}?"
