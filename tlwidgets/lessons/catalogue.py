"""Which lessons there are, read from the students' notebooks themselves: nothing is listed by hand."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tlwidgets.errors import TlwError

PACKAGE = Path(__file__).resolve().parent.parent
FORMAT = {"format": "tlwidgets course", "version": 1}
_NUMBER = re.compile(r"\b\d\d\b")
_MINUTES = re.compile(r"\bAbout (\d+) minutes\b")
_NEEDS = re.compile(r"\byou need\b(.*?)(?:\n\s*\n|\Z)", re.DOTALL)
_ANSWER = re.compile(r"^(quiz|predict)\(", re.MULTILINE)


@dataclass(frozen=True)
class Item:
    """An exercise of a lesson."""

    id: str
    title: str


@dataclass(frozen=True)
class Lesson:
    """One notebook that comes with the package."""

    name: str
    """File name without its ending, such as "01_what_transfers"."""
    title: str
    """Its first heading."""
    path: Path
    """Where the original lies; people work on copies."""
    minutes: int | None = None
    """How long it takes, as its header says."""
    needs: tuple[str, ...] = ()
    """Numbers of the lessons that it builds on."""
    exercises: tuple[Item, ...] = ()
    quizzes: tuple[str, ...] = ()
    """Ids of its quiz questions."""
    predictions: tuple[str, ...] = ()
    """Ids of the questions asked before a result."""

    @property
    def number(self) -> str:
        """The digits at the front of its name."""
        return self.name.partition("_")[0]

    @property
    def topic(self) -> str:
        """The title without its number and without what follows a colon: short enough for a card."""
        return self.title.removeprefix(self.number).lstrip(" ·").partition(":")[0].strip() or self.name


def notebooks_folder() -> Path:
    """The folder of the lessons: in the wheel inside the package, in a checkout beside it."""
    installed = PACKAGE / "notebooks"
    return installed if installed.is_dir() else PACKAGE.parent / "notebooks" / "lessons"


def list_lessons(folder: Path | None = None) -> list[Lesson]:
    """The lessons at hand, in the order in which they are meant to be read.

    Args:
        folder: Where to look. By default the notebooks inside the package or, in a checkout, ``notebooks/lessons``.

    Raises:
        TlwError: Where there are none, or one cannot be read: the installation is not whole.
    """
    folder = folder or notebooks_folder()
    lessons = [read_lesson(path) for path in sorted(folder.glob("*.ipynb"))]
    if not lessons:
        raise TlwError(
            f"There are no notebooks in {folder}.",
            "Install tlwidgets again; in a checkout run `make notebooks`.",
        )
    return lessons


def find_lesson(name: str, lessons: Sequence[Lesson] | None = None) -> Lesson:
    """The lesson with a number ("1" or "01") or whose name begins so ("01_what").

    Raises:
        TlwError: If there is none.
    """
    lessons = lessons or list_lessons()
    wanted = name.zfill(2) if name.isdecimal() else name
    for lesson in lessons:
        if wanted and lesson.name.startswith(wanted):
            return lesson
    raise TlwError(f"There is no lesson '{name}'.", f"There are: {', '.join(lesson.name for lesson in lessons)}.")


def read_lesson(path: Path) -> Lesson:
    """Read what a notebook says about itself.

    Raises:
        TlwError: If it is not a notebook.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = [(cell, "".join(cell["source"])) for cell in cells]
        header = next((text for cell, text in sources if cell["cell_type"] == "markdown"), "")
        asked = {kind: _asked(sources, kind) for kind in ("quiz", "predict")}
        exercises = tuple(Item(name, exercise_titles().get(name, name)) for name in _checked(sources))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TlwError(f"The lesson {path} cannot be read ({error}).", "Install tlwidgets again.") from error
    title = next((line[2:].strip() for line in header.splitlines() if line.startswith("# ")), path.stem)
    minutes, needs = _MINUTES.search(header), _NEEDS.search(header)
    return Lesson(
        name=path.stem,
        title=title,
        path=path,
        minutes=int(minutes[1]) if minutes else None,
        needs=tuple(dict.fromkeys(_NUMBER.findall(needs[1]))) if needs else (),
        exercises=exercises,
        quizzes=asked["quiz"],
        predictions=asked["predict"],
    )


def _checked(sources: Sequence[tuple[dict[str, Any], str]]) -> tuple[str, ...]:
    """Ids of the exercises that a notebook checks."""
    marks = [cell["metadata"].get("nbgrader", {}) for cell, _ in sources]
    return tuple(str(mark["grade_id"]).removesuffix("-check") for mark in marks if mark.get("grade"))


def _asked(sources: Sequence[tuple[dict[str, Any], str]], kind: str) -> tuple[str, ...]:
    """Ids of the questions of a kind, in the order asked."""
    found = []
    for cell, text in sources:
        mark, call = cell["metadata"].get("nbgrader", {}), _ANSWER.search(text)
        if mark.get("solution") and call and call[1] == kind:
            found.append(str(mark["grade_id"]))
    return tuple(found)


@cache
def exercise_titles() -> dict[str, str]:
    """Title of every exercise by id, read from the sources of the bank: importing it may need what is not installed."""
    titles = {}
    for path in sorted((PACKAGE / "exercises" / "bank").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Exercise":
                said = {key.arg: key.value.value for key in node.keywords if isinstance(key.value, ast.Constant)}
                if isinstance(said.get("id"), str) and isinstance(said.get("title"), str):
                    titles[str(said["id"])] = str(said["title"])
    return titles


def as_json(lessons: Sequence[Lesson]) -> dict[str, Any]:
    """The catalogue as the pages read it; where the notebooks lie on this machine is left out."""
    return {**FORMAT, "lessons": [_plain(lesson) for lesson in lessons]}


def _plain(lesson: Lesson) -> dict[str, Any]:
    return {
        "name": lesson.name,
        "number": lesson.number,
        "title": lesson.title,
        "topic": lesson.topic,
        "minutes": lesson.minutes,
        "needs": list(lesson.needs),
        "exercises": [{"id": item.id, "title": item.title} for item in lesson.exercises],
        "quizzes": list(lesson.quizzes),
        "predictions": list(lesson.predictions),
    }
