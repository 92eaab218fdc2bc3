"""A table of grades that is on disk after every student, and what is needed to go on with it another day."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from tlwidgets import __version__, exercises
from tlwidgets.exercises.grading.batch import STRANGE, Grade
from tlwidgets.exercises.grading.process import Limits
from tlwidgets.exercises.grading.report import as_csv, check_place, refused, write_whole
from tlwidgets.exercises.grading.submissions import LARGEST_NOTEBOOK, Student
from tlwidgets.lessons import find_lesson
from tlwidgets.lessons.checking import Outcome
from tlwidgets.lessons.progress import free_name

_AT_A_LIMIT = ("time limit", "memory limit", "kernel died")


@dataclass(frozen=True)
class Entry:
    """A grade and what it was given for.

    Attributes:
        grade: The grade.
        hand_in: What was handed in, see :func:`fingerprint`.
        asked: What was asked of it, and by which checks.
        limits: What the notebook might take.
    """

    grade: Grade
    hand_in: str
    asked: dict[str, Any]
    limits: dict[str, Any]

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Entry:
        """The entry of plain data, as ``dataclasses.asdict`` makes it."""
        grade = stored["grade"]
        outcomes = {str(name): Outcome(**outcome) for name, outcome in grade["outcomes"].items()}
        remarks = tuple(map(str, grade["remarks"]))
        return cls(Grade(str(grade["student"]), outcomes, remarks), **{k: v for k, v in stored.items() if k != "grade"})

    def holds(self, now: Entry) -> bool:
        """Whether grading now, on other terms perhaps, would come to the same."""
        met_limit = any(outcome.status in _AT_A_LIMIT for outcome in self.grade.outcomes.values())
        failed = any(STRANGE in remark for remark in self.grade.remarks)
        same = (self.hand_in, self.asked) == (now.hand_in, now.asked)
        return same and not failed and (self.limits == now.limits or not met_limit)


class GradeTable:
    """The grades of a class in a CSV file, written anew after every student.

    What was in the file is never lost: it is replaced from the first new grade on, and kept under a dated name where
    the new table does not begin with the same rows. Beside the table lies ``<its name>.resume.json``; by that, students
    whose hand-in is unchanged keep their grades when the same command is given again.

    Args:
        path: Of the CSV file.
        students: Who is to be graded.
        limits: As for ``grade_students``.
        lesson: As for ``grade_students``.
        quizzes: As for ``grade_students``.
        again: Whether to grade those too who have a grade that still holds.
        keep_others: Whether rows of students who are not among ``students`` stay.

    Attributes:
        path: Of the CSV file.
        backup: Where the earlier content of the file is kept; None as long as none had to be.

    Raises:
        TlwError: The file cannot be written, or there is no such lesson.
    """

    def __init__(
        self,
        path: Path,
        students: Sequence[Student],
        limits: Limits,
        *,
        lesson: str | None = None,
        quizzes: bool = False,
        again: bool = False,
        keep_others: bool = False,
    ) -> None:
        name = None if lesson is None else find_lesson(lesson).name
        check_place(path)
        self.path = path
        self.backup: Path | None = None
        self._students = students
        self._resume = path.with_name(f"{path.name}.resume.json")
        asked = {"checks": checks_in_use(), "lesson": name, "quizzes": quizzes}
        self._now = {each.name: Entry(Grade(each.name), fingerprint(each), asked, asdict(limits)) for each in students}
        before = self._read()
        ours = {} if again else {each: entry for each, entry in before.items() if self._holds(entry)}
        others = {each: entry for each, entry in before.items() if keep_others and each not in self._now}
        self._entries = ours | others
        self._shrinks = len(self._entries) < len(before)
        self._expected = as_csv(self.grades)

    @property
    def grades(self) -> list[Grade]:
        """All grades of the table by now: at first those that are known and still hold."""
        return [entry.grade for entry in self._entries.values()]

    @property
    def left(self) -> list[Student]:
        """The students who are still to be graded."""
        return [student for student in self._students if student.name not in self._entries]

    def add(self, grade: Grade) -> None:
        """Put in a grade and write the table.

        Raises:
            TlwError: It cannot be written.
        """
        terms = self._now[grade.student]
        self._entries[grade.student] = Entry(grade, terms.hand_in, terms.asked, terms.limits)
        self._write()

    def close(self) -> None:
        """Write the table if rows have gone and no grade has come since, as where a hand-in was taken away."""
        if self._shrinks:
            self._write()

    def _write(self) -> None:
        content = as_csv(self.grades)
        self._keep_what_is_there()
        write_whole(self.path, content)
        stored = [asdict(entry) for entry in self._entries.values()]
        write_whole(self._resume, json.dumps(stored, indent=1).encode())
        self._expected, self._shrinks = content, False

    def _keep_what_is_there(self) -> None:
        """Copy the file aside unless it holds what we expect, so also where somebody worked in it meanwhile."""
        try:
            if not self.path.exists() or self.path.read_bytes() == self._expected:
                return
            stem = f"{self.path.stem}.{datetime.now():%Y-%m-%d-%H%M%S}"
            backup = free_name(self.path.parent, stem, self.path.suffix)
            shutil.copy2(self.path, backup)
            self.backup = backup
        except OSError as error:
            raise refused(self.path, error) from error

    def _holds(self, entry: Entry) -> bool:
        now = self._now.get(entry.grade.student)
        return now is not None and entry.holds(now)

    def _read(self) -> dict[str, Entry]:
        """What is known of the table; nothing where it is gone, or what lies beside it cannot be read."""
        if not self.path.is_file():
            return {}
        try:
            entries = [Entry.from_json(stored) for stored in json.loads(self._resume.read_bytes())]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}
        return {entry.grade.student: entry for entry in entries}


def fingerprint(student: Student) -> str:
    """A text that changes when what somebody handed in does."""
    found = hashlib.sha256()
    for path in student.notebooks:
        found.update(json.dumps(path.name).encode())
        try:
            readable = path.is_file() and path.stat().st_size <= LARGEST_NOTEBOOK  # a pipe would wait for ever
            found.update(path.read_bytes() if readable else b"too large, or no file")
        except OSError as error:
            found.update(str(error.strerror).encode())
    return found.hexdigest()


@cache
def checks_in_use() -> str:
    """A text that changes when our checks do: grades by earlier ones are no longer worth the same."""
    found = hashlib.sha256(__version__.encode())
    for path in sorted(Path(exercises.__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()
