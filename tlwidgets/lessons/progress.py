"""How far a learner has come: one plain JSON file beside the learner's copies of the lessons.

The file looks like this; a teacher may read it, and whatever else stands in it is kept::

    {"format": "tlwidgets progress", "version": 1, "lessons": {"01_what_transfers": {
        "started": "2026-05-04T09:30:00+00:00",
        "checks": {"wt-vanish": {"tries": 2, "passed": "2026-05-04T09:41:12+00:00"}},
        "quiz": {"wt-q1": {"tries": 1, "passed": "..."}},
        "predictions": {"wt-p1": {"tries": 1, "choice": "b", "confidence": 0.7}}}}}

What was passed once stays passed. A file that is damaged, or that a newer tlwidgets wrote, is kept under another name
before a new one is begun. Keeping progress never makes a check fail.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tlwidgets.errors import TlwError

FILE = "tlwidgets-progress.json"
FORMAT, VERSION = "tlwidgets progress", 1
GROUPS = ("checks", "quiz", "predictions")
_LOCK_PATIENCE, _LOCK_STALE = 2.0, 10.0  # seconds
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """What a progress file says.

    Attributes:
        lessons: By name of the lesson.
        problem: "" or why the file cannot be used: "damaged" or "newer".
    """

    lessons: dict[str, dict[str, Any]] = field(default_factory=dict)
    problem: str = ""


def read_progress(folder: Path) -> Progress:
    """Read the progress file of a folder and leave it as it is; where there is none, nothing has been done yet.

    Raises:
        TlwError: The file is there and may not be read.
    """
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Progress()
    except (ValueError, RecursionError):
        return Progress(problem="damaged")
    except OSError as error:
        raise TlwError(f"Cannot read {path}: {error.strerror}.", "Move it away, or allow reading it.") from error
    return understand(content)


def understand(content: Any) -> Progress:
    """What the content of a progress file means; every shape that this version does not write is "damaged"."""
    version = content.get("version") if isinstance(content, dict) else None
    if not isinstance(version, int) or content.get("format") != FORMAT:
        return Progress(problem="damaged")
    if version > VERSION:
        return Progress(problem="newer")
    lessons = content.get("lessons")
    whole = isinstance(lessons, dict) and all(_is_entry(entry) for entry in lessons.values())
    return Progress(lessons) if whole and isinstance(lessons, dict) else Progress(problem="damaged")


def _is_entry(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    groups = [entry.get(group, {}) for group in GROUPS]
    return all(isinstance(group, dict) and all(isinstance(fact, dict) for fact in group.values()) for group in groups)


def start_course(folder: Path, lesson: str | None = None) -> None:
    """Begin to keep progress in a folder, and note that a lesson was started; a folder that refuses is left alone."""

    def note(lessons: dict[str, Any]) -> None:
        if lesson is not None:
            lessons.setdefault(lesson, {}).setdefault("started", now())

    _change(folder, note)


def note(lesson: str, group: str, name: str, *, passed: bool, **facts: Any) -> None:
    """Note one answer, where the current folder is one in which a course was begun.

    Args:
        lesson: Name of the lesson.
        group: One of ``GROUPS``.
        name: Id of the exercise or question.
        passed: Whether the answer is right; once passed stays passed.
        **facts: More to keep, replacing what an earlier try left.
    """
    folder = Path.cwd()
    if not (folder / FILE).is_file():
        return  # notebooks of people who never asked for a course leave no file behind

    def add(lessons: dict[str, Any]) -> None:
        entry = lessons.setdefault(lesson, {})
        entry.setdefault("started", now())
        kept = entry.setdefault(group, {}).setdefault(name, {})
        tries = kept.get("tries", 0)
        kept["tries"] = tries + 1 if isinstance(tries, int) else 1
        kept.update(facts)
        if passed:
            kept.setdefault("passed", now())

    _change(folder, add)


def now() -> str:
    """The time of day in UTC, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _change(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Read, change and write under a lock; what goes wrong is logged, for no lesson may stop because of it."""
    try:
        with _lock(folder):
            progress = read_progress(folder)
            content: dict[str, Any] = {"format": FORMAT, "version": VERSION, "lessons": {}}
            if progress.problem:
                _log.warning("%s is %s: kept as %s", FILE, progress.problem, set_aside(folder, progress.problem))
            elif (folder / FILE).is_file():
                content = json.loads((folder / FILE).read_text(encoding="utf-8"))
            change(content["lessons"])
            write(folder / FILE, content)
    except (OSError, TlwError) as error:
        _log.warning("progress could not be kept in %s: %s", folder, error)


def write(path: Path, content: Any) -> None:
    """Write a JSON file whole or not at all."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def set_aside(folder: Path, why: str) -> str:
    """Give the progress file a name that says why it is not used; returns that name."""
    stem = f"{FILE.removesuffix('.json')}.{why}-{datetime.now():%Y%m%d-%H%M%S}"
    kept = free_name(folder, stem, ".json")
    (folder / FILE).rename(kept)
    return kept.name


def free_name(folder: Path, stem: str, suffix: str) -> Path:
    """A path that is not taken: the stem itself, or with a number behind it."""
    path, number = folder / f"{stem}{suffix}", 2
    while path.exists():
        path, number = folder / f"{stem}-{number}{suffix}", number + 1
    return path


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One writer at a time, of the kernels that share a folder. A lock left by a killed kernel is taken over."""
    path, end = folder / f".{FILE}.lock", time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            with suppress(OSError):
                if time.time() - path.stat().st_mtime > _LOCK_STALE:
                    path.unlink()
            if time.monotonic() > end:
                raise TlwError(f"{path} is held by another kernel.", "Delete it if there is none.") from None
            time.sleep(0.01)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
