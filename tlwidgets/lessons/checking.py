"""Run the checks of a notebook from outside JupyterLab: what its "Check" button does, without a page."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlwidgets.errors import TlwError
from tlwidgets.lessons.catalogue import read_lesson

_SAID = re.compile(r"^(check|quiz) (?P<id>[^\s:]+): (?P<status>passed|not yet)(?: – (?P<text>.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What one check of a notebook said."""

    id: str
    status: str
    """In a notebook "passed", "not yet" or "could not run"; a grader has more words."""
    text: str = ""
    """The first hint, or why it could not run."""


def check_notebook(path: Path, timeout: int = 600) -> list[Outcome]:
    """Run a notebook from top to bottom in a kernel of its own and hand back what its checks say.

    The file is left as it is. Progress is kept as in JupyterLab: in the notebook's folder, where a course was begun.

    Args:
        path: The notebook.
        timeout: Seconds that one cell may take.

    Returns:
        One outcome for each exercise and quiz question, in the order of the notebook.

    Raises:
        TlwError: The file cannot be read, is no notebook, holds no check, or no kernel can be started.
    """
    lesson = _read(path)
    wanted = [*(item.id for item in lesson.exercises), *lesson.quizzes]
    if not wanted:
        raise TlwError(f"{path} checks nothing.", "Give a notebook made from a lesson: `tlwidgets lessons open 1`.")
    cells = _execute(path, timeout)
    found: dict[str, Outcome] = {}
    for cell in cells:
        outcome = _outcome(cell)
        if outcome is not None and outcome.id in wanted:
            found[outcome.id] = outcome
    return [found.get(name, Outcome(name, "could not run", "Its cell said nothing.")) for name in wanted]


def _read(path: Path) -> Any:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TlwError(f"Cannot read {path}: {error.strerror}.", "Give the path of a notebook.") from error
    except ValueError as error:
        raise TlwError(f"{path} is not a notebook.", "Give the path of a notebook, ending in .ipynb.") from error
    return read_lesson(path)


def _execute(path: Path, timeout: int) -> list[Any]:
    import nbformat
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(path.resolve().parent)}}
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=timeout,
        allow_errors=True,
        store_widget_state=False,
        resources=resources,
    )
    try:
        client.execute()
    except NoSuchKernel as error:
        raise TlwError("There is no Python kernel here.", "Install one: pip install ipykernel.") from error
    except (CellTimeoutError, DeadKernelError) as error:
        reason = "a cell took too long" if isinstance(error, CellTimeoutError) else "the kernel died"
        raise TlwError(f"{path} did not run to its end: {reason}.", "Run it in JupyterLab to see where.") from error
    cells: list[Any] = notebook.cells
    return cells


def _outcome(cell: Any) -> Outcome | None:
    """What a cell's output says of a check; an error in a cell that is one counts as not run."""
    for output in cell.get("outputs", []):
        said = _SAID.search(output.get("data", {}).get("text/plain", "") or output.get("evalue", ""))
        if said:
            return Outcome(said["id"], said["status"], said["text"] or "")
    errors = [output for output in cell.get("outputs", []) if output["output_type"] == "error"]
    name = str(cell.metadata.get("nbgrader", {}).get("grade_id", "")).removesuffix("-check")
    return Outcome(name, "could not run", f"{errors[0]['ename']}: {errors[0]['evalue']}") if name and errors else None
