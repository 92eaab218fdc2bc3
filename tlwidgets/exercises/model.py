"""What an exercise and a question are, as data.

The notebooks' generator takes stubs from here, the tests run every solution, stub and catalogued wrong answer,
and a grader can check an answer again by its id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]


class UnfinishedError(Exception):
    """Raised inside a property when the learner's function still returns nothing: the answer is a stub."""


@dataclass(frozen=True)
class Property:
    """One thing that must be true of an answer; never equality with a stored accuracy."""

    says: str
    """What must be true, as the learner reads it."""
    holds: Callable[[Values], bool]
    """Receives the learner's values by name."""


@dataclass(frozen=True)
class WrongAnswer:
    """A plausible wrong answer, kept because somebody will write it."""

    code: str
    """The answer as a learner would write it; a test runs it and expects ``hint``."""
    recognise: Callable[[Values], bool]
    """True for this misconception; only asked when some property fails."""
    hint: str
    """Names the misconception, not the answer."""


@dataclass(frozen=True)
class Exercise:
    """One exercise: what it asks, how an answer is checked, and what helps on the way."""

    id: str
    lesson: str
    title: str
    takes: tuple[str, ...]
    """Names of the values that the learner hands to :func:`tlwidgets.exercises.check`."""
    properties: tuple[Property, ...]
    hints: tuple[str, str]
    """Two levels, from general to specific; neither holds the answer."""
    wrong: tuple[WrongAnswer, ...]
    stub: str
    """What stands in the student's notebook; it must run without an exception."""
    solution: str
    setup: str = ""
    """Code that gives the names which stub, solution and wrong answers use, for the tests."""


@dataclass(frozen=True)
class Question:
    """One multiple-choice question: a prediction (before the result) or a quiz (after it)."""

    id: str
    lesson: str
    kind: str
    """``"predict"`` or ``"quiz"``."""
    text: str
    choices: Mapping[str, str]
    right: str
    feedback: Mapping[str, str]
    """One sentence for every choice, the right one included."""

    @property
    def stub(self) -> str:
        """The call as it stands in the student's notebook."""
        confidence = ", confidence=..." if self.kind == "predict" else ""
        return f'{self.kind}("{self.id}", ...{confidence})'

    def markdown(self) -> str:
        """The question and its choices, for the cell above the call."""
        lines = [f"**{self.text}**", ""]
        lines += [f"- `{letter}`: {choice}" for letter, choice in self.choices.items()]
        return "\n".join(lines)


def finished(result: Any) -> Any:
    """Hand back what a learner's function returned.

    Raises:
        UnfinishedError: it returned ``None`` or ``...``, as a stub does, or something that still holds a ``...``.
    """
    if result is None or result is ... or holds_dots(result):
        raise UnfinishedError
    return result


def holds_dots(value: Any, depth: int = 3) -> bool:
    """Whether a ``...`` of the stub is left inside a dictionary, list, tuple or set, or in one within it."""
    if depth == 0 or not isinstance(value, dict | list | tuple | set):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return any(each is ... or holds_dots(each, depth - 1) for each in inside)
