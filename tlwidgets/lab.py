"""JupyterLab, opened on a learner's copy of a lesson."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

STUDIO = "00_studio"


def lab_command(notebook: Path, options: Sequence[str]) -> list[str]:
    """The command that starts JupyterLab on a notebook below the current folder.

    Args:
        notebook: A notebook in the folder in which JupyterLab will start, or below it.
        options: More arguments for ``jupyter lab``, such as ``--no-browser``.
    """
    inside = notebook.relative_to(Path.cwd()) if notebook.is_relative_to(Path.cwd()) else Path(notebook.name)
    command = [sys.executable, "-m", "jupyterlab", f"--LabApp.default_url=/lab/tree/{quote(inside.as_posix())}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers run as root, and Jupyter refuses to without this
    return [*command, *options]
