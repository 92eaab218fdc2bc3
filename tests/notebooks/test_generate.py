"""The generator: what it cuts, what it keeps, and that it notices drift."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest

from tlwidgets.exercises import catalogue

ROOT = Path(__file__).parents[2]
SOURCE = """# %% [markdown]
# # A lesson
# [[question wt-q1]]

# %% solution="wt-vanish"
leads = {1: 0.3, 2: 0.01}
### BEGIN SOLUTION
answer = 2
### END SOLUTION

# %% tags=["nbval-ignore-output"]
print(6 * 7)
"""


@pytest.fixture
def house(generate, tmp_path, monkeypatch):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "99_small.py").write_text(SOURCE)
    monkeypatch.setattr(generate, "HERE", tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def executed(generate, tmp_path_factory):
    """The small lesson, written once: starting a kernel takes seconds."""
    folder = tmp_path_factory.mktemp("executed")
    (folder / "src").mkdir()
    (folder / "src" / "99_small.py").write_text(SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "HERE", folder)
        generate.write("99_small")
    return folder


@pytest.fixture
def written(house, executed):
    shutil.copytree(executed, house, dirs_exist_ok=True)
    return house


def test_students_get_the_stub_and_no_outputs(generate, house):
    notebook = generate.lesson("99_small")
    stub = catalogue.exercises()["wt-vanish"].stub
    assert "..." in stub
    assert notebook.cells[1].source == f"leads = {{1: 0.3, 2: 0.01}}\n{stub}"
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_a_question_is_written_out_from_its_data(generate, house):
    text = generate.lesson("99_small").cells[0].source
    assert "- `a`: That pre-training helps." in text
    assert "[[" not in text


def test_short_marks_become_nbgraders_metadata(generate, house):
    (house / "src" / "99_small.py").write_text(SOURCE + '\n# %% grade="wt-vanish"\n0\n')
    cells = generate.lesson("99_small").cells
    assert cells[1].metadata.nbgrader == {
        "grade": False,
        "grade_id": "wt-vanish",
        "locked": False,
        "schema_version": 3,
        "solution": True,
    }
    assert cells[3].metadata.nbgrader.points == 1
    assert cells[3].id == "wt-vanish-check"


def test_the_solved_notebook_is_executed_and_keeps_its_solution(written):
    notebook = nbformat.read(written / "solutions" / "99_small.ipynb", as_version=4)
    assert "### BEGIN SOLUTION" in notebook.cells[1].source
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2]
    assert notebook.cells[2].outputs[0].text == "42\n"
    assert notebook.metadata.kernelspec.name == "python3"
    assert "widgets" not in notebook.metadata
    nbformat.validate(notebook)


def test_writing_twice_changes_nothing(generate, written):
    before = {path: path.read_text() for path in written.rglob("*.ipynb")}
    generate.write("99_small")
    assert before == {path: path.read_text() for path in written.rglob("*.ipynb")}


def test_cell_ids_stay_when_another_cell_changes(generate, house):
    before = [cell.id for cell in generate.solution("99_small").cells]
    (house / "src" / "99_small.py").write_text(SOURCE.replace("# # A lesson", "# # Another"))
    after = [cell.id for cell in generate.solution("99_small").cells]
    assert before[1:] == after[1:]
    assert before[1] == "wt-vanish"


def test_what_was_just_written_has_not_drifted(generate, written):
    assert generate.main(["--check"]) == 0


@pytest.mark.parametrize("kind", ["lessons", "solutions"])
def test_an_edited_notebook_has_drifted(generate, written, kind, capsys):
    path = written / kind / "99_small.ipynb"
    path.write_text(path.read_text().replace("6 * 7", "6 * 8"))
    assert generate.main(["--check"]) == 1
    assert f"{kind}/99_small.ipynb: differs from src/99_small.py" in capsys.readouterr().err


def test_an_edited_source_has_drifted(generate, written, capsys):
    (written / "src" / "99_small.py").write_text(SOURCE.replace("answer = 2", "answer = 1"))
    assert generate.main(["--check"]) == 1
    assert "solutions" in capsys.readouterr().err


def test_a_solved_notebook_without_counts_or_a_students_one_with_outputs_is_refused(generate, written):
    (written / "lessons" / "99_small.ipynb").write_text((written / "solutions" / "99_small.ipynb").read_text())
    assert any("holds outputs" in problem for problem in generate.drift("99_small"))
    blank = nbformat.read(written / "solutions" / "99_small.ipynb", as_version=4)
    blank.cells[1].execution_count = None
    nbformat.write(blank, written / "solutions" / "99_small.ipynb")
    assert any("not run once each" in problem for problem in generate.drift("99_small"))


def test_a_missing_notebook_is_reported(generate, house):
    assert len([problem for problem in generate.drift("99_small") if "missing" in problem]) == 2


def test_a_solution_outside_a_solution_cell_is_refused(generate, house):
    (house / "src" / "99_small.py").write_text("# %%\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n")
    with pytest.raises(SystemExit, match="without a mark"):
        generate.lesson("99_small")


def test_a_lesson_that_fails_leaves_the_written_notebooks_as_they_were(generate, written):
    before = {path: path.read_text() for path in written.rglob("*.ipynb")}
    (written / "src" / "99_small.py").write_text("# %%\n1 / 0\n")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        generate.write("99_small")
    assert before == {path: path.read_text() for path in written.rglob("*.ipynb")}


def test_words_can_be_written_anew_with_the_outputs_that_are_there(generate, written):
    before = (written / "solutions" / "99_small.ipynb").read_text()
    (written / "src" / "99_small.py").write_text(SOURCE.replace("# # A lesson", "# # Another"))
    assert generate.main(["--prose", "99_small"]) == 0
    assert generate.drift("99_small") == []
    after = nbformat.read(written / "solutions" / "99_small.ipynb", as_version=4)
    assert after.cells[0].source.startswith("# Another")
    assert after.cells[2].outputs[0].text == "42\n"
    generate.main(["--prose", "99_small"])
    (written / "src" / "99_small.py").write_text(SOURCE)
    generate.main(["--prose", "99_small"])
    assert (written / "solutions" / "99_small.ipynb").read_text() == before


def test_words_alone_are_not_written_where_code_has_changed(generate, written):
    (written / "src" / "99_small.py").write_text(SOURCE.replace("6 * 7", "6 * 8"))
    with pytest.raises(SystemExit, match="code has changed"):
        generate.main(["--prose", "99_small"])


def test_a_lesson_links_to_itself_on_binder_and_so_does_the_readme(generate, house):
    header = generate.lesson("99_small").cells[0].source.splitlines()
    assert header[0] == "# A lesson"
    assert header[2].endswith("(" + generate.binder_url("99_small") + ")")
    assert generate.binder_url("00_studio") in (ROOT / "README.md").read_text(encoding="utf-8")
