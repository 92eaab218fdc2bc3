"""From a student's notebook to the steps of its grading: run a cell, or ask the catalogue's check of an exercise."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from tlwidgets.errors import TlwError
from tlwidgets.exercises import catalogue
from tlwidgets.exercises.grading.submissions import Cell, calls, is_call, read_cells
from tlwidgets.lessons import find_lesson, list_lessons


@dataclass(frozen=True)
class Step:
    """One thing that the grading process does.

    Attributes:
        exercise: Id of the exercise that a cell answers or that is asked; "" for other cells.
        source: The cell to run; "" for a question.
        asks: The values to hand to the check, as pairs of name and expression; empty for a cell.
    """

    exercise: str
    source: str = ""
    asks: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The step as plain data."""
        return asdict(self)


@cache
def original(lesson: str) -> tuple[Cell, ...]:
    """The code cells of a lesson as it comes with the package."""
    return tuple(read_cells(find_lesson(lesson).path))


def lesson_of(cells: Sequence[Cell]) -> str:
    """Which lesson a notebook was made from: the one of most of its exercises, questions and cells.

    Raises:
        TlwError: It is made from none. The message names no path.
    """
    homes = {name: each.lesson for name, each in catalogue.exercises().items()}
    homes |= {name: each.lesson for name, each in catalogue.questions().items()}
    votes = Counter(homes[name] for cell in cells for name in cell.ids if name in homes)
    if not votes:
        ids = {cell.cell_id for cell in cells if cell.cell_id}
        ours = {each.name: {cell.cell_id for cell in original(each.name)} for each in list_lessons()}
        votes = Counter({name: len(ids & known) for name, known in ours.items()})
    best, count = votes.most_common(1)[0]
    if not count:
        raise TlwError("is made from no lesson of this course")
    return best


def exercises_of(lesson: str) -> list[str]:
    """Ids of the exercises of a lesson, in its order."""
    return [name for name, each in catalogue.exercises().items() if each.lesson == lesson]


def quizzes_of(lesson: str) -> list[str]:
    """Ids of the quiz questions of a lesson, in its order."""
    return [name for name, each in catalogue.questions().items() if each.lesson == lesson and each.kind == "quiz"]


def steps_of(cells: Sequence[Cell], lesson: str) -> list[Step]:
    """Plan the grading of a notebook.

    The student's cells run in their order, without their calls of ``check``. Each exercise is asked once, as the lesson
    itself asks, behind the last cell that carries its id; where no cell does, before the next one that is still known.
    """
    wanted = _questions(lesson)
    place = {name: _place(name, cells, lesson) for name in wanted}
    steps = []
    for number, cell in enumerate([*cells, None]):
        steps += [Step(name, asks=wanted[name]) for name in wanted if place[name] == number]
        if cell is not None and (source := _without_checks(cell, set(wanted))):
            steps.append(Step(next((name for name in wanted if name in cell.ids), ""), source))
    return steps


def _questions(lesson: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """What each exercise's check is given, as the lesson's own notebook writes it."""
    found = {}
    for cell in original(lesson):
        for call in calls(cell.source, "check"):
            named = [(str(word.arg), ast.unparse(word.value)) for word in call.keywords if word.arg != "strict"]
            positional = [("answer", ast.unparse(value)) for value in call.args[1:]]
            found[str(getattr(call.args[0], "value", ""))] = (*positional, *named)
    return {name: found[name] for name in exercises_of(lesson) if name in found}


def _place(name: str, cells: Sequence[Cell], lesson: str) -> int:
    """Number of the cell before which an exercise is asked."""
    carriers = [number for number, cell in enumerate(cells) if name in cell.ids]
    if carriers:
        return carriers[-1] + 1
    ours = original(lesson)
    last = max((number for number, cell in enumerate(ours) if name in cell.ids), default=len(ours))
    later = {cell.cell_id for cell in ours[last + 1 :]}
    return next((number for number, cell in enumerate(cells) if cell.cell_id in later), len(cells))


def _without_checks(cell: Cell, known: set[str]) -> str:
    """The source of a cell without the lines that call ``check``; what else stands there is the student's work."""
    if not (cell.ids & known):
        return cell.source
    try:
        body = ast.parse(cell.source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "" if cell.checks else cell.source
    kept = [statement for statement in body if not is_call(statement, "check")]
    if len(kept) == len(body):
        return cell.source
    return "\n".join(ast.unparse(statement) for statement in kept)
