"""How a lesson stands with a learner, and which comes next. ``frontend/src/shared/course.ts`` has the same rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tlwidgets.lessons.catalogue import Lesson


@dataclass(frozen=True)
class Standing:
    """What a learner has done of one lesson."""

    started: bool
    passed: int
    """Exercises passed."""
    exercises: int
    answered: int
    """Quiz questions answered rightly."""
    quizzes: int

    @property
    def done(self) -> bool:
        """Whether every exercise is passed and every quiz question right; with none of either, whether it was begun."""
        return self.started and self.passed == self.exercises and self.answered == self.quizzes

    @property
    def word(self) -> str:
        """One of "done", "started" and "new"."""
        return "done" if self.done else "started" if self.started else "new"


def standing(lesson: Lesson, progress: Mapping[str, Mapping[str, Any]]) -> Standing:
    """How a lesson stands.

    Args:
        lesson: The lesson.
        progress: By name of the lesson, as in :class:`tlwidgets.lessons.Progress`.
    """
    entry = progress.get(lesson.name, {})

    def right(group: str, names: Sequence[str]) -> int:
        return sum(bool(entry.get(group, {}).get(name, {}).get("passed")) for name in names)

    return Standing(
        started=bool(entry),
        passed=right("checks", [item.id for item in lesson.exercises]),
        exercises=len(lesson.exercises),
        answered=right("quiz", lesson.quizzes),
        quizzes=len(lesson.quizzes),
    )


def next_lesson(lessons: Sequence[Lesson], progress: Mapping[str, Mapping[str, Any]]) -> Lesson | None:
    """What to open next: a lesson already begun, else the first whose prerequisites are done, else the first not done.

    Prerequisites that are not among ``lessons`` ask for nothing. None when all are done.
    """
    stands = {lesson.number: standing(lesson, progress) for lesson in lessons}
    unfinished = [lesson for lesson in lessons if not stands[lesson.number].done]
    ready = [lesson for lesson in unfinished if all(stands[n].done for n in lesson.needs if n in stands)]
    begun = [lesson for lesson in unfinished if stands[lesson.number].started]
    return next(iter([*begun, *ready, *unfinished]), None)
