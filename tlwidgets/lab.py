"""Where the notebooks are, and JupyterLab opened on a copy of one of them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from tlwidgets.errors import TlwError

STUDIO = "00_studio"


class Lesson(NamedTuple):
    """One notebook that comes with the package."""

    name: str
    """File name without its ending, such as "01_what_transfers"."""
    title: str
    """Its first heading."""
    path: Path
    """Where the original lies; people work on copies."""


def list_lessons(folder: Path | None = None) -> list[Lesson]:
    """The notebooks at hand, in the order in which they are meant to be read.

    Args:
        folder: Where to look. By default the notebooks inside the package or, in a checkout, ``notebooks/lessons``.

    Raises:
        TlwError: Where there are none: the installation is not whole.
    """
    folder = folder or notebooks_folder()
    lessons = [Lesson(path.stem, read_title(path), path) for path in sorted(folder.glob("*.ipynb"))]
    if not lessons:
        raise TlwError(
            f"There are no notebooks in {folder}.",
            "Install tlwidgets again; in a checkout run `make notebooks`.",
        )
    return lessons


def notebooks_folder() -> Path:
    """The folder of the lessons: in the wheel beside this file, in a checkout beside the package."""
    package = Path(__file__).resolve().parent
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks" / "lessons"


def read_title(path: Path) -> str:
    """The first Markdown heading of a notebook, or its file name where it has none."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            for line in "".join(cell["source"]).splitlines():
                if line.startswith("# "):
                    return line[2:].strip()
    return path.stem


def copy_lesson(name: str, folder: Path) -> Path:
    """Put a copy of a lesson into ``folder``; one that is there already is somebody's work and is left as it is.

    Args:
        name: The name of a lesson or the beginning of one, such as "01".
        folder: Where the copy goes.

    Returns:
        The path of the copy.

    Raises:
        TlwError: If no lesson has that name, or the folder cannot be written.
    """
    lessons = list_lessons()
    lesson = next((lesson for lesson in lessons if lesson.name.startswith(name)), None)
    if lesson is None:
        raise TlwError(f"There is no lesson '{name}'.", f"There are: {', '.join(lesson.name for lesson in lessons)}.")
    copy = folder / lesson.path.name
    if not copy.exists():
        try:
            shutil.copyfile(lesson.path, copy)
        except OSError as error:
            raise TlwError(f"Cannot write {copy}: {error.strerror}.", "Start from a folder of your own.") from error
    return copy


def lab_command(notebook: Path, options: Sequence[str]) -> list[str]:
    """The command that starts JupyterLab on a notebook of the current folder.

    Args:
        notebook: A notebook in the folder in which JupyterLab will start.
        options: More arguments for ``jupyter lab``, such as ``--no-browser``.
    """
    command = [sys.executable, "-m", "jupyterlab", f"--LabApp.default_url=/lab/tree/{quote(notebook.name)}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers run as root, and Jupyter refuses to without this
    return [*command, *options]
