"""The written lessons: true to their sources, honest, and runnable by students and by nbval."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from costs import Cost, run_measured

from tlwidgets.exercises import catalogue

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = sorted(path.stem for path in (NOTEBOOKS / "src").glob("[0-9]*.py"))

every_lesson = pytest.mark.parametrize("name", NAMES)


def read(kind: str, name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / kind / f"{name}.ipynb", as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def text(notebook: nbformat.NotebookNode) -> str:
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def calls(notebook: nbformat.NotebookNode, function: str) -> set[str]:
    return set(re.findall(rf'\b{function}\(\s*"([\w-]+)"', "\n".join(cell.source for cell in code(notebook))))


@every_lesson
def test_the_written_notebooks_are_those_of_their_source(generate, name):
    assert generate.drift(name) == []


@every_lesson
def test_every_claim_in_prose_is_asserted_and_every_assertion_is_in_prose(name):
    notebook = read("solutions", name)
    in_prose = set(re.findall(r"\*\*(C\d+)\*\*", text(notebook)))
    assert in_prose == calls(notebook, "claim")
    assert in_prose


@every_lesson
def test_a_claim_asserts_the_margin_that_was_measured(name):
    from tlwidgets.exercises.experiments.every import every_claim  # here: it imports torch, which other tests need not

    asserted = {}
    for cell in code(read("solutions", name)):
        for call in ast.walk(ast.parse(cell.source)):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "claim":
                margins = [word.value for word in call.keywords if word.arg == "margin"]
                asserted[call.args[0].value] = ast.literal_eval(margins[0]) if margins else 0.0
    assert asserted == {claim.id: claim.margin for claim in every_claim() if claim.lesson == name}


@every_lesson
def test_at_most_two_outputs_are_not_compared_and_never_a_claim_or_check(name):
    ignored = [cell for cell in code(read("solutions", name)) if "nbval-ignore-output" in cell.metadata.get("tags", [])]
    assert len(ignored) <= 2
    assert not any(re.search(r"\b(claim|check|quiz)\(", cell.source) for cell in ignored)


@every_lesson
def test_every_exercise_and_question_of_the_lesson_stands_in_it_and_is_answered(name):
    notebook = read("solutions", name)
    assert calls(notebook, "check") == {each.id for each in catalogue.exercises().values() if each.lesson == name}
    asked = calls(notebook, "predict") | calls(notebook, "quiz")
    assert asked == {each.id for each in catalogue.questions().values() if each.lesson == name}
    assert calls(notebook, "reveal") == calls(notebook, "predict")


@every_lesson
def test_the_solution_in_the_notebook_is_the_one_that_is_tested(name):
    for cell in code(read("solutions", name)):
        exercise = catalogue.exercises().get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if exercise:
            region = re.search(r"### BEGIN SOLUTION\n(.*?)\n### END SOLUTION", cell.source, re.DOTALL)
            assert region[1].rstrip() == exercise.solution


@every_lesson
def test_the_solved_notebook_shows_every_check_passed_and_no_warning(name):
    outputs = [output for cell in code(read("solutions", name)) for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    lines = [line_of(output) for output in outputs]
    for result in (line for line in lines if re.match(r"(check|quiz) [\w-]+:", line)):
        assert ": passed" in result


@every_lesson
def test_every_picture_has_a_description(name):
    for cell in code(read("solutions", name)):
        for output in cell.outputs:
            data = output.get("data", {})
            assert "image/png" not in data or "widget" in str(data.keys()), "use tlwidgets.exercises.picture"
            assert all('alt="' in image for image in re.findall(r"<img[^>]*>", data.get("text/html", "")))


@every_lesson
def test_a_committed_notebook_names_no_folder_of_the_machine_that_ran_it(name):
    # Without the pictures: their letters and strokes may spell anything.
    written = re.sub(r"base64,[A-Za-z0-9+/=]+", "", json.dumps(read("solutions", name)))
    assert not re.search(r"/(home|root|tmp|work|usr|Users)/", written)


@every_lesson
def test_the_nbgrader_metadata_is_complete_and_its_ids_are_used_once(name):
    cells = [cell for cell in read("lessons", name).cells if "nbgrader" in cell.metadata]
    ids = [cell.metadata.nbgrader.grade_id for cell in cells]
    assert len(ids) == len(set(ids))
    for cell in cells:
        graded = cell.metadata.nbgrader
        assert {"grade", "grade_id", "locked", "schema_version", "solution"} <= set(graded)
        assert graded.schema_version == 3
        assert ("points" in graded) == graded.grade
        assert graded.locked == (not graded.solution)


@every_lesson
def test_the_next_lesson_is_a_link_as_soon_as_there_is_one(name):
    numbers = {each[:2]: each for each in NAMES}
    for following in re.findall(r"^Next: (.*)$", text(read("lessons", name)), re.MULTILINE):
        number = re.search(r"\b(\d\d) · ", following)
        if number and number[1] in numbers:
            assert f"]({numbers[number[1]]}.ipynb)" in following


def line_of(output: nbformat.NotebookNode) -> str:
    return output.get("data", {}).get("text/plain", output.get("text", ""))


EXECUTE = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, kernel_name="python3", timeout=600, store_widget_state=False,
               resources={"metadata": {"path": sys.argv[3]}}).execute()
nbformat.write(notebook, sys.argv[2])
"""


@pytest.mark.slow
@every_lesson
def test_a_students_notebook_runs_from_top_to_bottom_and_every_check_says_not_yet(name, offline, tmp_path):
    run = tmp_path / "run.ipynb"
    command = [sys.executable, "-c", EXECUTE, str(NOTEBOOKS / "lessons" / f"{name}.ipynb"), str(run), str(tmp_path)]
    done = subprocess.run(command, env=offline, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [line_of(output) for cell in code(nbformat.read(run, as_version=4)) for output in cell.outputs]
    answers = [line for line in lines if re.match(r"(check|quiz|predict|prediction) [\w-]+:", line)]
    asked = [
        call for function in ("check", "quiz", "predict", "reveal") for call in calls(read("lessons", name), function)
    ]
    assert len(answers) == len(asked)
    assert all(": not yet" in line for line in answers)


@pytest.mark.slow
@every_lesson
def test_nbval_finds_every_output_as_it_was_written_within_the_budget(
    name, offline, tmp_path, imports, record_property
):
    shutil.copy(NOTEBOOKS / "solutions" / f"{name}.ipynb", tmp_path)  # a lesson's runs go beside it
    returncode, said, cost = nbval(tmp_path / f"{name}.ipynb", offline)
    assert returncode == 0, said[-6000:]
    assert f"{len(code(read('solutions', name)))} passed" in said
    above = cost.above(imports("tlw.load_backbone('minilm')" if "minilm" in source_of(name) else ""))
    record_property("lesson", name)
    record_property("seconds", above.seconds)
    record_property("megabytes", above.megabytes)
    # The table at the end of the tests shows these, also where several processes share them.
    assert above.seconds <= MOST_SECONDS
    assert above.megabytes <= MOST_MEGABYTES


MOST_SECONDS, MOST_MEGABYTES = 60, 450  # processor time on one thread, and memory, above what the imports take


def nbval(path, environment):
    """Compare a notebook's outputs with those of a new run: exit code, what nbval says, what the run took."""
    options = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=600", f"--nbval-sanitize-with={NBVAL}"]
    quiet = ["-q", "-p", "no:cacheprovider", "-c", os.devnull, f"--rootdir={path.parent}"]
    command = [sys.executable, "-m", "pytest", *options, *quiet, str(path)]
    return run_measured(command, environment, path.parent, timeout=900)


IMPORTS = """import accelerate, ipywidgets, matplotlib.figure, pandas, sklearn.linear_model, timm, torch, torchvision
import tlwidgets as tlw
tlw.Studio, tlw.fit, tlw.compare
"""


taken_by_imports: dict[str, Cost] = {}  # measured once in each process


@pytest.fixture
def imports(offline, tmp_path):
    """What a notebook takes that only imports, as every lesson does; text needs more."""

    def taken(more):
        if more not in taken_by_imports:
            notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS + more)])
            nbformat.write(notebook, tmp_path / "imports.ipynb")
            returncode, said, cost = nbval(tmp_path / "imports.ipynb", offline)
            assert returncode == 0, said
            taken_by_imports[more] = cost
        return taken_by_imports[more]

    return taken


def source_of(name):
    return (NOTEBOOKS / "src" / f"{name}.py").read_text(encoding="utf-8")


NBVAL = Path(__file__).parents[1] / "nbval.cfg"


@pytest.mark.slow
def test_the_network_is_really_out_of_reach_in_these_tests(offline):
    attempt = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=1)"
    done = subprocess.run([sys.executable, "-c", attempt], env=offline, capture_output=True, text=True, check=False)
    assert "lessons use no network" in done.stderr
