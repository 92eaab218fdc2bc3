"""nbgrader's own tools on the notebooks that we write. `make classroom-check` runs this where nbgrader is installed."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

if os.environ.get("TLW_REQUIRE_NBGRADER"):
    import nbgrader
else:
    nbgrader = pytest.importorskip("nbgrader", reason="nbgrader is not installed here: make classroom-check")

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in (NOTEBOOKS / "src").glob("[0-9]*.py"))
SMALL = """# %% [markdown]
# # A small lesson

# %%
from tlwidgets.exercises import check, quiz
import numpy as np

# %% solution="nt-verdict"
### BEGIN SOLUTION
def verdict(transfer, target_only, luck):
    gain = transfer - target_only
    return "positive" if gain > luck else "negative" if gain < -luck else "none"
### END SOLUTION

# %% grade="nt-verdict"
check("nt-verdict", verdict=verdict)

# %% solution="nt-q1"
### BEGIN SOLUTION
quiz("nt-q1", "b")
### END SOLUTION
"""
RESOURCES = {"nbgrader": {"notebook": "lesson"}, "metadata": {}}


def processed(notebook, *names):
    """What nbgrader's preprocessors make of a notebook, one after the other."""
    from nbgrader import preprocessors

    for name in names:
        notebook, _ = getattr(preprocessors, name)().preprocess(notebook, RESOURCES)
    return notebook


def read(kind, name):
    return nbformat.read(NOTEBOOKS / kind / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("kind", ["lessons", "solutions"])
@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_finds_our_metadata_valid(kind, name):
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = read(kind, name)
    validator = MetadataValidator()
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells if "nbgrader" in cell.metadata]
    for cell in notebook.cells:
        assert validator.validate_cell(cell) is None
        assert cell.metadata.get("nbgrader", {}).get("schema_version", 3) == validator.schema_version
    processed(notebook, "CheckCellMetadata")


@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_makes_of_a_solution_what_we_give_to_students(name):
    steps = ("LockCells", "ClearSolutions", "ClearHiddenTests", "ClearOutput", "ComputeChecksums", "CheckCellMetadata")
    theirs, ours = processed(read("solutions", name), *steps), read("lessons", name)
    assert [cell.id for cell in theirs.cells] == [cell.id for cell in ours.cells]
    for their, our in zip(theirs.cells, ours.cells, strict=True):
        mark = our.metadata.get("nbgrader", {})
        if mark.get("solution"):
            assert "raise NotImplementedError" in their.source
        else:
            assert their.source == our.source
        assert not their.get("outputs")
        if mark.get("grade"):
            assert their.metadata.deletable is their.metadata.editable is False
            assert mark.points == 1
            assert len(their.metadata.nbgrader.checksum) == 32


@pytest.mark.parametrize("name", NAMES)
def test_nbgrader_leaves_what_we_give_to_students_as_it_is(name):
    steps = ("LockCells", "ClearSolutions", "ClearHiddenTests", "ClearOutput", "CheckCellMetadata")
    before, after = read("lessons", name), processed(read("lessons", name), *steps)
    marked = [cell for cell in before.cells if "nbgrader" in cell.metadata]
    assert marked
    for one, other in zip(before.cells, after.cells, strict=True):
        solution = one.metadata.get("nbgrader", {}).get("solution")
        assert other.source == one.source or (solution and "raise NotImplementedError" in other.source)


@pytest.fixture
def small(generate, tmp_path, monkeypatch):
    """A lesson of two exercises, solved and as students get it."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "99_small.py").write_text(SMALL)
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    return SimpleNamespace(solved=generate.solution("99_small"), student=generate.lesson("99_small"))


@pytest.mark.slow
def test_nbgraders_validator_tells_a_solved_notebook_from_an_unsolved_one(small, tmp_path):
    from nbgrader.validator import Validator

    said = {}
    for name, notebook in vars(small).items():
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
        validator = Validator(ignore_checksums=True)
        validator.stream = io.StringIO()
        validator.validate_and_print(str(tmp_path / f"{name}.ipynb"))
        said[name] = validator.stream.getvalue()
    assert "Success! Your notebook passes all the tests." in said["solved"]
    assert "VALIDATION FAILED ON 1 CELL(S)" in said["student"]
    assert "AssertionError: check nt-verdict: not yet" in said["student"]


@pytest.mark.slow
def test_an_assignment_is_made_handed_in_and_graded_by_nbgrader(small, tmp_path, monkeypatch):
    from nbgrader.apps import NbGraderAPI
    from traitlets.config import Config

    # nbgrader asks for its database's version by a command, which a make target has not on its path.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    course = tmp_path / "course"
    (course / "source" / "one").mkdir(parents=True)
    nbformat.write(small.solved, course / "source" / "one" / "small.ipynb")
    config = Config()
    config.CourseDirectory.root = str(course)
    api = NbGraderAPI(config=config)
    assert api.generate_assignment("one")["success"]
    released = course / "release" / "one" / "small.ipynb"
    assert "BEGIN SOLUTION" not in released.read_text()
    hand_in(course, "anna", fill(nbformat.read(released, as_version=4), small.solved))
    hand_in(course, "ben", nbformat.read(released, as_version=4))
    scores = {}
    for student in ("anna", "ben"):
        assert api.autograde("one", student, force=True)["success"]
        scores[student] = api.get_submission("one", student)["score"]
    assert scores == {"anna": 1.0, "ben": 0.0}


def fill(notebook, solved):
    """Write the solutions into a released notebook, as a student would."""
    for cell, answer in zip(notebook.cells, solved.cells, strict=True):
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = answer.source
    return notebook


def hand_in(course, student, notebook):
    folder = course / "submitted" / student / "one"
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / "small.ipynb")
