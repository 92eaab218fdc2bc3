"""``tlwidgets check``: a notebook's checks, run without a page."""

import json

import pytest

from tlwidgets import cli
from tlwidgets.errors import TlwError
from tlwidgets.lessons import FILE, read_progress, start_course
from tlwidgets.lessons.checking import check_notebook


def write(folder, *cells):
    """A notebook of marked code cells: (source, grade_id or "", whether it checks)."""
    written = []
    for number, (source, name, checks) in enumerate(cells):
        mark = {"grade": checks, "solution": not checks, "grade_id": name, "locked": checks, "schema_version": 3}
        cell = {"cell_type": "code", "id": f"c{number}", "execution_count": None, "outputs": [], "source": source}
        written.append(cell | {"metadata": {"nbgrader": mark} if name else {}})
    path = folder / "mine.ipynb"
    path.write_text(json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


SETUP = ("from tlwidgets.exercises import check, quiz", "", False)
RIGHT = """def where_gone(leads):
    return next((labels for labels, lead in leads.items() if lead < 0.08), None)"""
CHECK = ('check("wt-vanish", where_gone=where_gone)', "wt-vanish-check", True)


@pytest.mark.slow
def test_a_notebook_is_run_and_its_checks_are_told(own_folder, capsys):
    start_course(own_folder)
    gone = ("check('wt-fair', fair_pair=nobody)", "wt-fair-check", True)
    path = write(own_folder, SETUP, (RIGHT, "wt-vanish", False), CHECK, gone, ('quiz("wt-q1", ...)', "wt-q1", False))
    before = path.read_text()
    assert cli.main(["check", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["wt-vanish", "passed"]
    assert "could not run – NameError" in lines[1]
    assert "not yet" in lines[2]
    assert lines[-1].startswith("1 of 3")
    assert path.read_text() == before
    assert read_progress(own_folder).lessons["01_what_transfers"]["checks"]["wt-vanish"]["passed"]


@pytest.mark.slow
def test_a_notebook_that_passes_ends_with_0(own_folder):
    path = write(own_folder, SETUP, (RIGHT, "wt-vanish", False), CHECK)
    assert cli.main(["check", str(path)]) == 0
    assert not (own_folder / FILE).exists()


@pytest.mark.slow
def test_a_cell_that_takes_too_long_is_told(own_folder):
    path = write(own_folder, ("import time\ntime.sleep(60)", "", False), CHECK)
    with pytest.raises(TlwError, match="a cell took too long"):
        check_notebook(path, timeout=2)


@pytest.mark.parametrize(
    ("content", "says"), [(None, "Cannot read"), ("{", "is not a notebook"), ("[]", "cannot be read")]
)
def test_what_is_no_notebook_is_told(own_folder, content, says):
    path = own_folder / "x.ipynb"
    if content is not None:
        path.write_text(content)
    with pytest.raises(TlwError, match=says):
        check_notebook(path)


def test_a_notebook_without_checks_is_told(own_folder):
    with pytest.raises(TlwError, match="checks nothing"):
        check_notebook(write(own_folder, ("1 + 1", "", False)))
