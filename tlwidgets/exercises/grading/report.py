"""The grades as a table for a spreadsheet, and as a summary for a terminal. Names and messages are strangers' words."""

from __future__ import annotations

import csv
import errno
import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tlwidgets.errors import TlwError
from tlwidgets.exercises import catalogue
from tlwidgets.exercises.grading.batch import Grade
from tlwidgets.lessons.checking import Outcome

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(path: Path, grades: Sequence[Grade]) -> None:
    """Write the table of ``as_csv``, whole or not at all.

    Raises:
        TlwError: The file cannot be written.
    """
    write_whole(path, as_csv(grades))


def as_csv(grades: Sequence[Grade]) -> bytes:
    """One row a student and one column an exercise, for a spreadsheet.

    What a spreadsheet would take for a formula gets an apostrophe in front: file names and error messages come from
    students.
    """
    names = columns(grades)
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["student", "passed", "of", *names, "remarks"])
    for grade in sorted(grades, key=lambda grade: grade.student):
        cells = [words(grade.outcomes.get(name)) for name in names]
        row = [grade.student, str(grade.passed), str(len(names)), *cells, "; ".join(grade.remarks)]
        table.writerow([harmless(value) for value in row])
    return text.getvalue().encode("utf-8-sig")  # the mark tells Excel that this is UTF-8


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that at any time it is there as it was or as it will be.

    Raises:
        TlwError: The file cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise refused(path, error) from error


def check_place(path: Path) -> None:
    """Try whether a file could be written, and touch nothing that is there.

    Raises:
        TlwError: It could not.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        partial = path.with_name(f".{path.name}.partial")
        partial.write_bytes(b"")
        partial.unlink()
    except OSError as error:
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> TlwError:
    """What to tell where a file cannot be written."""
    return TlwError(f"Cannot write {path}: {error.strerror}.", "Name a file in a folder that exists.")


def columns(grades: Sequence[Grade]) -> list[str]:
    """Ids of all exercises and questions that a notebook was asked, in the order of the course."""
    asked = {name for grade in grades for name in grade.outcomes}
    return [name for name in (*catalogue.exercises(), *catalogue.questions()) if name in asked]


def words(outcome: Outcome | None) -> str:
    """An outcome in one field; nothing where the student handed in no notebook of that lesson."""
    if outcome is None:
        return ""
    return f"{outcome.status}: {outcome.text}" if outcome.text else outcome.status


def harmless(value: str) -> str:
    """A field that no spreadsheet computes and no terminal obeys."""
    printable = "".join(sign if sign.isprintable() else " " for sign in value)
    return f"'{printable}" if value.startswith(_FORMULA) else printable


def summary(grades: Sequence[Grade]) -> str:
    """Two small tables: how far each student came, and what each exercise met with."""
    names = columns(grades)
    width = max([7, *(len(harmless(grade.student)) for grade in grades)])
    lines = [f"{'student':{width}}  passed"]
    for grade in sorted(grades, key=lambda grade: grade.student):
        counts = Counter(outcome.status for outcome in grade.outcomes.values() if outcome.status != "passed")
        rest = [f"{count} {status}" for status, count in counts.most_common()]
        line = f"{harmless(grade.student):{width}}  {grade.passed:3} of {len(names):<3} {', '.join(rest)}"
        lines.append("; ".join([line.rstrip(), *map(harmless, grade.remarks)]))
    return "\n".join([*lines, "", *_by_exercise(grades, names)])


def _by_exercise(grades: Sequence[Grade], names: Sequence[str]) -> list[str]:
    lines = []
    for name in names:
        met = [grade.outcomes[name] for grade in grades if name in grade.outcomes]
        hints = Counter(outcome.text for outcome in met if outcome.status == "wrong")
        passed = sum(outcome.status == "passed" for outcome in met)
        often = f"  most often: {harmless(hints.most_common(1)[0][0])}" if hints else ""
        lines.append(f"{name:16} {passed:3} of {len(met):<3}{often}".rstrip())
    return lines
