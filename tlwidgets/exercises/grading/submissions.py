"""What students handed in: which notebooks there are, and their cells as plain data, whatever state they are in."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tlwidgets.errors import TlwError

LARGEST_NOTEBOOK = 100 * 2**20
"""Bytes. A larger file was filled by its outputs; reading it would take what memory there is."""
_CALL = re.compile(r"""\b(check|quiz|predict)\(\s*["']([\w-]+)["']""")
_COPY = re.compile(r"(-check)?(-\d+)?$")


@dataclass(frozen=True)
class Student:
    """One row of the result.

    Attributes:
        name: Of the notebook, or of the student's own folder.
        notebooks: What was handed in, in the order of the paths.
    """

    name: str
    notebooks: tuple[Path, ...]


@dataclass(frozen=True)
class Cell:
    """One code cell.

    Attributes:
        source: Its text.
        cell_id: Its id in the notebook, "" where it has none.
        ids: Ids of exercises and questions that its mark, its id or a call in it names.
        checks: Whether its mark says that it checks.
    """

    source: str
    cell_id: str
    ids: frozenset[str]
    checks: bool


def find_students(folder: Path) -> list[Student]:
    """Find who handed something in: a notebook in the folder, or a sub-folder with notebooks at any depth.

    Instead of a folder it may be one notebook, and is one student then.

    Hidden files and checkpoints of JupyterLab are passed by. A sub-folder without a notebook is a student too: one that
    handed nothing in.

    Raises:
        TlwError: The folder cannot be read, or nobody is in it.
    """
    found: dict[str, list[Path]] = {}
    if folder.suffix == ".ipynb" and folder.is_file():
        return [Student(folder.stem, (folder,))]
    try:
        for path in sorted(folder.iterdir()):
            if path.name.startswith((".", "__")):
                continue
            if path.is_dir():
                found.setdefault(path.name, []).extend(_notebooks_below(path))
            elif path.suffix == ".ipynb":
                found.setdefault(path.stem, []).append(path)
    except OSError as error:
        raise TlwError(f"Cannot read {folder}: {error.strerror}.", "Give a folder of notebooks, or one.") from error
    if not any(found.values()):
        raise TlwError(
            f"There are no notebooks in {folder}.", "Give a folder with one notebook or sub-folder a student."
        )
    return [Student(name, tuple(paths)) for name, paths in sorted(found.items())]


def _notebooks_below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.ipynb")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def read_cells(path: Path) -> list[Cell]:
    """Read the code cells of a notebook.

    Raises:
        TlwError: It cannot be read, is no notebook, is too large or of an old format. The message names no path.
    """
    try:
        if not path.is_file() or path.stat().st_size > LARGEST_NOTEBOOK:
            reason = "is larger than 100 MB: its outputs have to be cleared" if path.is_file() else "is not a file"
            raise TlwError(reason)
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise TlwError(f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise TlwError("is not a notebook: its text is broken") from error
    cells = content.get("cells") if isinstance(content, dict) else None
    if not isinstance(cells, list):
        old = isinstance(content, dict) and "worksheets" in content
        raise TlwError("is of an old format: open and save it in JupyterLab" if old else "is not a notebook")
    return [_cell(cell) for cell in cells if isinstance(cell, dict) and cell.get("cell_type") == "code"]


def _cell(cell: Mapping[str, Any]) -> Cell:
    written = cell.get("source", "")
    source = "".join(map(str, written)) if isinstance(written, list) else str(written)
    mark = cell.get("metadata")
    mark = mark.get("nbgrader") if isinstance(mark, dict) else None
    mark = mark if isinstance(mark, dict) else {}
    cell_id = str(cell.get("id", ""))
    named = {_COPY.sub("", name) for name in (str(mark.get("grade_id", "")), cell_id)}
    ids = named | {name for _, name in _CALL.findall(source)}
    return Cell(source, cell_id, frozenset(ids), bool(mark.get("grade")))


def quiz_answers(cells: list[Cell]) -> dict[str, Any]:
    """What was chosen in each quiz question, by id; the last answer wins. Nothing is run for it."""
    answers = {}
    for cell in cells:
        for call in calls(cell.source, "quiz") if "quiz" in cell.source else ():
            if len(call.args) == 2 and isinstance(call.args[1], ast.Constant):
                answers[str(getattr(call.args[0], "value", ""))] = call.args[1].value
    return answers


def calls(source: str, function: str) -> list[ast.Call]:
    """The calls of a function that stand alone on a line of a cell; none where the cell is not plain Python."""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [each.value for each in statements if is_call(each, function)]  # type: ignore[attr-defined]


def is_call(statement: ast.stmt, function: str) -> bool:
    """Whether a statement is nothing but a call of ``function(...)`` or ``something.function(...)``."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and function in (getattr(call.func, "id", ""), getattr(call.func, "attr", ""))
