"""Write the notebooks from their sources.

``python notebooks/generate.py [NAME ...]`` writes, for every ``src/NN_topic.py`` (or those named),

* ``lessons/NN_topic.ipynb`` for students: solutions cut and replaced by stubs, no outputs;
* ``solutions/NN_topic.ipynb``: executed from top to bottom, outputs kept.

``python notebooks/generate.py --prose [NAME ...]`` executes nothing: it writes the words anew, keeps the outputs, and
refuses a lesson whose code has changed.

``python notebooks/generate.py --check`` executes nothing and fails when a written notebook is not what its source says.

Sources are jupytext's py:percent with three additions:

* ``# %% solution="ID"``: the cell holds, between ``### BEGIN SOLUTION`` and ``### END SOLUTION``, the answer of an
  exercise or question; students get its stub in that place;
* ``# %% grade="ID"``: the cell checks that exercise and is locked;
* ``[[question ID]]`` in a Markdown cell becomes the text and choices of that question.

The first two are written out as nbgrader's metadata, so its tools work on the notebooks as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tlwidgets.exercises import catalogue

HERE = Path(__file__).parent
BINDER = "gh/YOUR_ORGANISATION/tlwidgets/main"
"""Where Binder finds this repository: host, owner, name, tag. The one place to change once it has a public home."""
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
REGION = re.compile(r"^### BEGIN SOLUTION\n.*?^### END SOLUTION$", re.MULTILINE | re.DOTALL)
QUESTION = re.compile(r"\[\[question ([\w-]+)\]\]")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit code says whether all is well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="lessons to write, for example 01_what_transfers (default: all)")
    parser.add_argument("--check", action="store_true", help="only compare with what is written; execute nothing")
    parser.add_argument("--prose", action="store_true", help="write words anew, keep outputs; execute nothing")
    options = parser.parse_args(arguments)
    names = options.names or sorted(path.stem for path in (HERE / "src").glob("[0-9]*.py"))
    if options.check:
        return report(problem for name in names for problem in drift(name))
    for name in names:
        if options.prose:
            write_prose(name)
            continue
        print(f"{name}: executing", flush=True)
        write(name)
    return 0


def report(problems: Iterable[str]) -> int:
    """Print the problems; the exit code is 1 when there is one."""
    found = list(problems)
    for problem in found:
        print(problem, file=sys.stderr)
    if found:
        print("Run `make notebooks` and commit what it writes.", file=sys.stderr)
    return 1 if found else 0


def write(name: str) -> None:
    """Write both notebooks of a lesson; the solved one is executed first, so a failure leaves both as they were."""
    solved = execute(solution(name))
    save(solved, path_of("solutions", name))
    save(lesson(name), path_of("lessons", name))


def write_prose(name: str) -> None:
    """Write both notebooks with the outputs that the solved one has already.

    Raises:
        SystemExit: Some code differs from what was executed.
    """
    fresh, written = solution(name), nbformat.read(path_of("solutions", name), as_version=4)
    before, after = ([cell for cell in each.cells if cell.cell_type == "code"] for each in (written, fresh))
    if [cell.source for cell in before] != [cell.source for cell in after]:
        raise SystemExit(f"{name}: its code has changed; run it without --prose.")
    for old, new in zip(before, after, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    save(fresh, path_of("solutions", name))
    save(lesson(name), path_of("lessons", name))


def solution(name: str) -> NotebookNode:
    """The notebook as its source has it, not yet executed."""
    notebook = jupytext.read(HERE / "src" / f"{name}.py", fmt="py:percent")
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen: dict[str, int] = {}
    if notebook.cells[0].cell_type == "markdown":
        notebook.cells[0].source = with_badge(notebook.cells[0].source, name)
    for cell in notebook.cells:
        cell.source = QUESTION.sub(lambda match: catalogue.questions()[match[1]].markdown(), cell.source)
        nbgrader_metadata(cell)
        cell.id = stable_id(cell, seen)
    nbformat.validate(notebook)
    return notebook


def with_badge(header: str, name: str) -> str:
    """Put a link to the lesson on Binder below its title; no picture, for a lesson fetches nothing from the network."""
    title, _, rest = header.partition("\n")
    return f"{title}\n\n[▶ Open in Binder]({binder_url(name)})\n{rest}"


def binder_url(name: str) -> str:
    """Address that opens a lesson in JupyterLab on Binder."""
    return f"https://mybinder.org/v2/{BINDER}?urlpath=lab%2Ftree%2Fnotebooks%2Flessons%2F{name}.ipynb"


def nbgrader_metadata(cell: NotebookNode) -> None:
    """Write the short ``solution`` and ``grade`` marks of a source cell out in nbgrader's schema, version 3."""
    for mark in ("solution", "grade"):
        if identifier := cell.metadata.pop(mark, None):
            graded = mark == "grade"
            points = {"points": 1} if graded else {}
            cell.metadata.nbgrader = NotebookNode(
                grade=graded,
                grade_id=f"{identifier}-check" if graded else identifier,
                locked=graded,
                schema_version=3,
                solution=not graded,
                **points,
            )


def lesson(name: str) -> NotebookNode:
    """The notebook as students get it: every solution region replaced by its stub, no outputs."""
    notebook = solution(name)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            stub = catalogue.stub(cell.metadata.nbgrader.grade_id)
            cell.source, regions = REGION.subn(lambda _, stub=stub: stub, cell.source)
            if regions != 1:
                raise SystemExit(
                    f"{name}: cell {cell.metadata.nbgrader.grade_id} needs exactly one solution region, has {regions}."
                )
        elif "### BEGIN SOLUTION" in cell.source:
            raise SystemExit(f"{name}: a solution stands in a cell without a mark: {cell.source[:60]!r}")
    return notebook


def stable_id(cell: NotebookNode, seen: dict[str, int]) -> str:
    """An id that changes only when the cell does: nbgrader's id, or a hash of kind and source."""
    graded = cell.metadata.get("nbgrader", {}).get("grade_id")
    stem = graded or hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
    seen[stem] = seen.get(stem, 0) + 1
    return stem if seen[stem] == 1 else f"{stem}-{seen[stem]}"


def execute(notebook: NotebookNode) -> NotebookNode:
    """Run all cells on one thread, in a folder that is thrown away, keeping no widget state and no timings."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            kernel_name="python3",
            timeout=600,
            store_widget_state=False,
            record_timing=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    return notebook


def path_of(kind: str, name: str) -> Path:
    """Where a written notebook lies; ``kind`` is ``"lessons"`` or ``"solutions"``."""
    return HERE / kind / f"{name}.ipynb"


def save(notebook: NotebookNode, path: Path) -> None:
    """Write the notebook in one step, so that an interrupted run leaves no half file."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    part.replace(path)


def drift(name: str) -> list[str]:
    """What differs between a lesson's source and its written notebooks, in words; outputs are not compared."""
    problems = []
    for kind, expected in (("lessons", lesson(name)), ("solutions", solution(name))):
        path = path_of(kind, name)
        if not path.exists():
            problems.append(f"{path}: missing")
            continue
        written = nbformat.read(path, as_version=4)
        if without_outputs(written) != without_outputs(expected):
            problems.append(f"{path}: differs from src/{name}.py")
        problems += [f"{path}: {problem}" for problem in badly_run(written, executed=kind == "solutions")]
    return problems


def without_outputs(notebook: NotebookNode) -> tuple[object, ...]:
    """Everything of a notebook that its source decides."""
    cells = [(cell.id, cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells]
    return cells, notebook.metadata


def badly_run(notebook: NotebookNode, *, executed: bool) -> list[str]:
    """Solved notebooks count their cells 1..n (nbval compares nothing otherwise); students' ones hold no outputs."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    if executed:
        return [] if counts == list(range(1, len(code) + 1)) else [f"cells were not run once each, in order: {counts}"]
    return ["holds outputs"] if any(cell.outputs or cell.execution_count for cell in code) else []


if __name__ == "__main__":
    sys.exit(main())
