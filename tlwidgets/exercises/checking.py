"""``check``: says at once whether an answer has the properties that were asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from tlwidgets.exercises import catalogue
from tlwidgets.exercises.cards import card
from tlwidgets.exercises.model import Exercise, UnfinishedError, Values, holds_dots
from tlwidgets.lessons import progress

_MISSING = object()


@dataclass(frozen=True, repr=False)
class CheckResult:
    """The answer of one check; shows itself as a card in a notebook and as one line elsewhere."""

    id: str
    title: str
    passed: bool
    properties: tuple[tuple[str, bool], ...] = ()
    """Each visible property in words, with whether it holds."""
    hints: tuple[str, ...] = ()
    """What to think about next, most helpful first; empty when passed."""
    unfinished: bool = False
    """Whether a ``...`` of the stub still stands in the answer."""

    @property
    def summary(self) -> str:
        """How many of the visible checks hold. It never says more than that: hidden mistakes may remain."""
        passed = sum(ok for _, ok in self.properties)
        return f"{passed} of {len(self.properties)} visible checks passed"

    def __repr__(self) -> str:
        return f"check {self.id}: passed" if self.passed else f"check {self.id}: not yet – {self.hints[0]}"

    def _repr_html_(self) -> str:
        """Colours come from JupyterLab's theme; every text that may hold the learner's words is escaped."""
        return card(
            good=self.passed,
            title=self.title,
            status="passed" if self.passed else "not yet",
            lines=(self.summary, *(f"{'✓' if ok else '○'} {says}" for says, ok in self.properties)),
            hints=self.hints,
        )


def check(exercise_id: str, /, answer: Any = _MISSING, *, strict: bool = False, **values: Any) -> CheckResult:
    """Check an answer of an exercise.

    Args:
        exercise_id: the exercise, for example ``"wt-gain"``.
        answer: the answer of an exercise that takes one value.
        strict: raise when the answer does not pass; also on when the environment sets ``TLW_STRICT`` or
            ``NBGRADER_EXECUTION`` (nbgrader does while it grades).
        **values: the answers of an exercise that takes several values, by name.

    Returns:
        A result that displays itself; ``.passed`` says whether the visible checks passed.

    Raises:
        ExerciseError: no exercise has this id.
        AssertionError: strict, and the answer does not pass.
    """
    exercise = catalogue.exercise(exercise_id)
    given = values if answer is _MISSING else {_first_name(exercise.takes): answer, **values}
    result = _judge(exercise, given)
    if not strict_by_environment() and not result.unfinished:
        progress.note(exercise.lesson, "checks", exercise.id, passed=result.passed)
    if not result.passed and (strict or strict_by_environment()):
        raise AssertionError(repr(result))
    return result


def _first_name(takes: tuple[str, ...]) -> str:
    """What an answer without a name is called: as the exercise calls its only value, else "answer"."""
    return takes[0] if len(takes) == 1 else "answer"


def judge(exercise_id: str, values: Values) -> CheckResult:
    """What :func:`check` says of these values, with no progress noted and nothing raised: for graders.

    Raises:
        ExerciseError: no exercise has this id.
    """
    return _judge(catalogue.exercise(exercise_id), values)


def strict_by_environment() -> bool:
    """Whether a grader is running this notebook (values 0 and empty mean no)."""
    return any(os.environ.get(name, "") not in ("", "0") for name in ("TLW_STRICT", "NBGRADER_EXECUTION"))


def _judge(exercise: Exercise, given: Values) -> CheckResult:
    if set(given) != set(exercise.takes):
        wanted = ", ".join(f"{name}=…" for name in exercise.takes)
        return _not_yet(exercise, f'This check takes check("{exercise.id}", {wanted}).')
    if any(value is None or value is ... for value in given.values()):
        return _not_yet(exercise, _STUB, unfinished=True)
    if left := next((name for name, value in given.items() if holds_dots(value)), None):
        return _not_yet(exercise, _LEFT.format(name=left), unfinished=True)
    try:
        properties = tuple((each.says, bool(each.holds(given))) for each in exercise.properties)
    except UnfinishedError:
        return _not_yet(exercise, _STUB, unfinished=True)
    except Exception as error:  # noqa: BLE001 - whatever the learner's code raises is feedback, not a crash of the lesson
        seen = f"{UNTRIED} {type(error).__name__}: {error}".splitlines()[0]
        return _not_yet(exercise, *_recognised(exercise, given) or (seen,))
    passed = all(ok for _, ok in properties)
    hints = () if passed else (*_recognised(exercise, given), *exercise.hints)
    return CheckResult(exercise.id, exercise.title, passed, properties, hints)


_STUB = "Replace the ... with your answer, run that cell, then run this one again."
_LEFT = "Replace the ... that is still in `{name}`, every one of them, run that cell, then run this one again."
UNTRIED = "Your answer could not be tried:"
"""How a hint begins that tells of an exception in the learner's code."""


def _not_yet(exercise: Exercise, reason: str, *, unfinished: bool = False) -> CheckResult:
    properties = tuple((each.says, False) for each in exercise.properties)
    return CheckResult(exercise.id, exercise.title, False, properties, (reason, *exercise.hints), unfinished)


def _recognised(exercise: Exercise, given: Values) -> tuple[str, ...]:
    """The hint of the first catalogued misconception that this answer shows, if any."""
    for wrong in exercise.wrong:
        try:
            if wrong.recognise(given):
                return (wrong.hint,)
        except Exception:  # noqa: BLE001, S112 - an answer too strange to be this misconception is not this one
            continue
    return ()
