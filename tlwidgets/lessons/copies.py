"""A learner's copies of the lessons. What is there already is somebody's work: it is opened, never written over."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from tlwidgets.errors import TlwError
from tlwidgets.lessons.catalogue import find_lesson
from tlwidgets.lessons.progress import FILE, free_name, start_course

SUBFOLDER = "transfer-learning"
"""Where JupyterLab's launcher puts lessons, below the folder that it shows, unless its settings say otherwise."""


def course_folder(base: Path) -> Path:
    """Where the course of a folder lives: in itself or below it, whichever holds a progress file; else in itself."""
    below = base / SUBFOLDER
    return below if not (base / FILE).is_file() and (below / FILE).is_file() else base


def open_lesson(name: str, folder: Path) -> Path:
    """The learner's copy of a lesson, made where there is none.

    Args:
        name: Its number or the beginning of its name.
        folder: Where the copies lie. Progress is kept there from now on.

    Returns:
        The path of the copy. A folder that has the lesson's name is left alone: the copy's name then ends in a number.

    Raises:
        TlwError: If no lesson has that name, its original is gone, or the folder cannot be written.
    """
    lesson = find_lesson(name)
    copy = place(folder, lesson.name)
    if not copy.exists():
        _copy(lesson.path, copy)
    start_course(folder, lesson.name)
    return copy


def reset_lesson(name: str, folder: Path) -> tuple[Path, Path | None]:
    """A fresh copy of a lesson; what was there is kept under a dated name.

    Returns:
        The path of the fresh copy, and that of the backup or None where there was nothing to keep.

    Raises:
        TlwError: If no lesson has that name, its original is gone, or the folder cannot be written.
    """
    lesson = find_lesson(name)
    copy, backup = place(folder, lesson.name), None
    if copy.exists():
        stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
        backup = free_name(folder, f"{copy.stem}.backup-{stamp}", copy.suffix)
        try:
            copy.rename(backup)
        except OSError as error:
            raise _refused(copy, error) from error
    try:
        return open_lesson(lesson.name, folder), backup
    except TlwError:
        if backup is not None:
            backup.rename(copy)  # no fresh copy: the learner keeps what there was, where it was
        raise


def place(folder: Path, name: str) -> Path:
    """Where the copy of a lesson lies or goes; a folder of that name is passed by."""
    path, number = folder / f"{name}.ipynb", 2
    while path.is_dir():
        path, number = folder / f"{name}-{number}.ipynb", number + 1
    return path


def _copy(original: Path, copy: Path) -> None:
    try:
        shutil.copyfile(original, copy)
    except FileNotFoundError as error:
        if original.exists():
            raise _refused(copy, error) from error
        raise TlwError(f"The lesson {original} is missing.", "Install tlwidgets again.") from error
    except OSError as error:
        raise _refused(copy, error) from error


def _refused(copy: Path, error: OSError) -> TlwError:
    return TlwError(f"Cannot write {copy}: {error.strerror}.", "Start from a folder of your own.")
