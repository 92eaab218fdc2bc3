"""All students of a folder, one after the other or several at once; what one hands in keeps no other from a grade."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from tlwidgets.errors import TlwError
from tlwidgets.exercises import catalogue
from tlwidgets.exercises.grading.plan import exercises_of, lesson_of, quizzes_of, steps_of
from tlwidgets.exercises.grading.process import Limits, run_steps
from tlwidgets.exercises.grading.submissions import Cell, Student, quiz_answers, read_cells
from tlwidgets.lessons import find_lesson
from tlwidgets.lessons.checking import Outcome

BEST_FIRST = ("passed", "wrong", "error", "time limit", "memory limit", "kernel died", "not yet")
"""Which outcome counts where somebody handed in one lesson twice."""
STRANGE = "could not be graded"
"""What a remark says where we failed and not the student."""


@dataclass(frozen=True)
class Grade:
    """What one student has reached.

    Attributes:
        student: Name of the student's notebook or folder.
        outcomes: By id of the exercise or quiz question.
        remarks: What kept a notebook from being graded.
    """

    student: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def passed(self) -> int:
        """How many exercises and questions are passed."""
        return sum(outcome.status == "passed" for outcome in self.outcomes.values())


def grade_students(
    students: Sequence[Student], limits: Limits, *, lesson: str | None = None, quizzes: bool = False, jobs: int = 1
) -> Iterator[Grade]:
    """Grade what students handed in.

    Args:
        students: From :func:`find_students`.
        limits: What one notebook may take.
        lesson: Number or name of the lesson that all notebooks are made from; by default each notebook tells.
        quizzes: Whether to look at the quiz questions too.
        jobs: Notebooks at a time; each takes memory of its own.

    Returns:
        One grade a student, as each is ready. Whoever leaves the loop ends the notebooks that run at that time.

    Raises:
        TlwError: There is no such lesson, fewer than one job, or this machine cannot limit a process; at the call.
    """
    if jobs < 1:
        raise TlwError(f"jobs is {jobs}: no notebook would be graded.", "Give 1 or more, or leave it out.")
    if os.name != "posix":
        raise TlwError("Grading limits each notebook by means of Unix.", "Use Linux, macOS or WSL.")
    name = find_lesson(lesson).name if lesson is not None else None
    return _graded(students, (limits, name, quizzes), jobs)


Terms = tuple[Limits, str | None, bool]
"""Limits, name of the lesson, and whether quizzes count."""


def _graded(students: Sequence[Student], terms: Terms, jobs: int) -> Iterator[Grade]:
    stop = Event()
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        work = [pool.submit(_grade, student, terms, stop) for student in students]
        try:
            for ready in as_completed(work):
                yield ready.result()
        finally:
            stop.set()  # after Ctrl-C nobody waits a quarter of an hour for notebooks that still run
            pool.shutdown(wait=True, cancel_futures=True)


def _grade(student: Student, terms: Terms, stop: Event) -> Grade:
    outcomes: dict[str, Outcome] = {}
    remarks = [] if student.notebooks else ["handed in no notebook"]
    for path in student.notebooks:
        try:
            found = _grade_notebook(path, terms, stop)
        except TlwError as error:
            remarks.append(f"{path.name} {error.message}")
            continue
        except Exception as error:  # noqa: BLE001 - one notebook too strange to be read must not spoil the batch
            remarks.append(f"{path.name} {STRANGE}: {type(error).__name__}: {error}")
            continue
        outcomes |= {name: _better(outcomes.get(name), outcome) for name, outcome in found.items()}
    return Grade(student.name, outcomes, tuple(remarks))


def _grade_notebook(path: Path, terms: Terms, stop: Event) -> dict[str, Outcome]:
    limits, lesson, quizzes = terms
    cells = read_cells(path)
    name = lesson or lesson_of(cells)
    found = run_steps(steps_of(cells, name), limits, stop)
    in_order = {each: found[each] for each in exercises_of(name) if each in found}
    return {**in_order, **(_quiz(cells, name) if quizzes else {})}


def _quiz(cells: list[Cell], lesson: str) -> dict[str, Outcome]:
    answers, questions = quiz_answers(cells), catalogue.questions()
    found = {}
    for name in quizzes_of(lesson):
        answer = answers.get(name, ...)
        right, offered = answer == questions[name].right, answer in questions[name].choices
        found[name] = Outcome(name, "passed" if right else "wrong" if offered else "not yet")
    return found


def _better(one: Outcome | None, other: Outcome) -> Outcome:
    rank: Callable[[Outcome], int] = lambda outcome: BEST_FIRST.index(outcome.status)  # noqa: E731
    return other if one is None else min(one, other, key=rank)
