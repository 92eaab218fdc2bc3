"""CourseMap: the lessons, what they build on and how far the learner has come; what JupyterLab's side bar shows too."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import traitlets

from tlwidgets.lessons import (
    Standing,
    as_json,
    course_folder,
    list_lessons,
    next_lesson,
    open_lesson,
    read_progress,
    reset_lesson,
    standing,
)
from tlwidgets.widgets.base import TlwWidget


class CourseMap(TlwWidget):
    """The map of the course. It reads the progress file; the lessons' own checks write it.

    Args:
        folder: Where the copies of the lessons and the progress file lie. By default the current folder or, where
            JupyterLab's launcher began the course, ``transfer-learning`` below it.

    Raises:
        TlwError: The lessons or the progress file cannot be read.
    """

    commands: ClassVar[dict[str, str]] = {"open": "open_lesson", "reset": "reset_lesson"}

    lessons: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """The catalogue, as in ``tlwidgets.lessons.as_json``."""

    progress: traitlets.Dict[str, Any] = traitlets.Dict().tag(sync=True)
    """By name of a lesson, what the progress file says of it."""

    problem = traitlets.Unicode("").tag(sync=True)
    """Why the progress file cannot be used: "damaged", "newer" or ""."""

    note = traitlets.Unicode("").tag(sync=True)
    """What the latest command did, in words."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self.folder = Path(folder) if folder is not None else course_folder(Path.cwd())
        self._course = list_lessons()
        super().__init__(lessons=as_json(self._course)["lessons"])
        self.refresh()

    def __repr__(self) -> str:
        done = sum(stands.done for stands in self.standings.values())
        following = self.next
        return f"CourseMap({done} of {len(self._course)} lessons done" + (f", next {following})" if following else ")")

    @property
    def standings(self) -> dict[str, Standing]:
        """How each lesson stands, by name."""
        return {lesson.name: standing(lesson, self.progress) for lesson in self._course}

    @property
    def next(self) -> str | None:
        """Name of the lesson to open next; None when all are done."""
        lesson = next_lesson(self._course, self.progress)
        return lesson.name if lesson else None

    def refresh(self) -> None:
        """Read the progress file again."""
        progress = read_progress(self.folder)
        self.problem = progress.problem
        self.progress = progress.lessons

    def open_lesson(self, lesson: str) -> Path:
        """Make the learner's copy of a lesson, or find the one that is there.

        Args:
            lesson: Its number or name.

        Returns:
            The path of the copy, to open in JupyterLab's file browser.
        """
        copy = open_lesson(lesson, self.folder)
        self.note = f"{copy} is yours: open it in the file browser."
        self.refresh()
        return copy

    def reset_lesson(self, lesson: str) -> Path:
        """Make a fresh copy of a lesson and keep the old one under a dated name; returns the path of the fresh one."""
        copy, backup = reset_lesson(lesson, self.folder)
        self.note = f"{copy} is fresh." + (f" What was there is kept as {backup.name}." if backup else "")
        self.refresh()
        return copy

    def receive(self, content: dict[str, Any]) -> None:
        """Answers a page that wants to know how things stand now."""
        if content.get("t") == "look":
            try:
                self.refresh()
            finally:
                self.send({"t": "looked"})


def course(folder: str | Path | None = None) -> CourseMap:
    """Show the course: its lessons, how far you have come and what comes next. Needs no extension of JupyterLab.

    Args:
        folder: Where your copies of the lessons lie; by default here.
    """
    return CourseMap(folder)
