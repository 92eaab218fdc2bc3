"""What a teacher with three hundred hand-ins needs: nothing is lost, and a grading that was broken off goes on."""

from __future__ import annotations

import json
import time
from threading import Event
from types import SimpleNamespace

import pytest

from tlwidgets import cli
from tlwidgets.errors import TlwError
from tlwidgets.exercises.grading import Limits, find_students, grade_students, sensible_jobs
from tlwidgets.exercises.grading.confinement import TimeIsUpError
from tlwidgets.exercises.grading.plan import Step
from tlwidgets.exercises.grading.process import run_steps
from tlwidgets.exercises.grading.worker import Work
from tlwidgets.lessons.checking import Outcome

CLASS = ["anna", "ben", "carl"]
OLD = "student,passed\nlast week,7\n"


def hand_in(folder, name, answer="1"):
    """A notebook of lesson 8 that answers nothing; the fake grader below does not run it."""
    cell = {"cell_type": "code", "id": "nt-add", "metadata": {}, "source": answer}
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": [cell]}))


class Grader:
    """Stands in for the processes: says the same of every notebook, and breaks off where it is told to."""

    def __init__(self) -> None:
        self.graded, self.breaks_at, self.says = 0, -1, "passed"

    def __call__(self, _steps, _limits, _stop):
        if self.graded == self.breaks_at:
            raise KeyboardInterrupt
        self.graded += 1
        return {"nt-add": Outcome("nt-add", self.says)}


@pytest.fixture
def grader(tmp_path, monkeypatch):
    for name in CLASS:
        hand_in(tmp_path / "class", name)
    fake = Grader()
    monkeypatch.setattr("tlwidgets.exercises.grading.batch.run_steps", fake)
    monkeypatch.chdir(tmp_path)
    return fake


def grade(*arguments, jobs="1"):
    return cli.main(["grade", "class", "--csv", "--jobs", jobs, *arguments])


def rows(path):
    return [line.split(",")[0] for line in path.read_text("utf-8-sig").splitlines()[1:]]


def backups(folder):
    return [path.read_text("utf-8-sig") for path in folder.glob("grades.2*.csv")]


def test_a_grading_that_is_broken_off_at_once_leaves_the_table_as_it_was(grader, tmp_path):
    (tmp_path / "grades.csv").write_text(OLD)
    grader.breaks_at = 0
    assert grade() == 130
    assert (tmp_path / "grades.csv").read_text() == OLD
    assert not backups(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--jobs", "0"], "jobs is 0: no notebook would be graded. Give 1 or more"),
        (["--jobs", "-3"], "jobs is -3"),
        (["--lesson", "99"], "no lesson '99'"),
        (["--cell-limit", "0"], "a cell's seconds is 0"),
        (["--memory-limit", "-1"], "memory is -1"),
        (["--only", "bem"], "No student is called 'bem'. Nearest: ben."),
    ],
)
def test_what_cannot_be_done_is_said_before_the_table_is_touched(grader, tmp_path, capsys, arguments, told):
    (tmp_path / "grades.csv").write_text(OLD)
    assert grade(*arguments) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["class", "grades.csv"]
    assert (tmp_path / "grades.csv").read_text() == OLD
    assert grader.graded == 0


def test_what_was_in_the_file_before_is_kept_under_a_dated_name_and_that_is_said(grader, tmp_path, capsys):
    (tmp_path / "grades.csv").write_text(OLD)
    assert grade() == 0
    assert backups(tmp_path) == [OLD]
    assert "is kept as grades.2" in capsys.readouterr().err
    assert rows(tmp_path / "grades.csv") == CLASS


def test_the_same_command_goes_on_where_it_was_broken_off(grader, tmp_path, capsys):
    grader.breaks_at = 2
    assert grade() == 130
    assert "2 grades are kept in grades.csv. The same command goes on from there." in capsys.readouterr().err
    assert rows(tmp_path / "grades.csv") == CLASS[:2]
    grader.breaks_at = -1
    assert grade() == 0
    seen = capsys.readouterr()
    assert grader.graded == 3
    assert rows(tmp_path / "grades.csv") == CLASS
    assert "2 of 3 students have their grade already" in seen.err
    assert "3/3" in seen.err
    assert len([line for line in seen.out.splitlines() if "1 of 1" in line]) == 3
    assert not backups(tmp_path)  # nothing was lost


def test_only_who_hands_in_something_else_is_graded_again(grader, tmp_path):
    grade()
    hand_in(tmp_path / "class", "ben", "2")
    hand_in(tmp_path / "class", "dora")
    grade()
    assert grader.graded == 3 + 2
    assert rows(tmp_path / "grades.csv") == [*CLASS, "dora"]
    assert len(backups(tmp_path)) == 1  # it has ben's earlier grade


@pytest.mark.parametrize("arguments", [["--again"], ["--quiz"], ["--lesson", "8"]], ids=" ".join)
def test_all_are_graded_again_on_request_and_where_something_else_is_asked(grader, arguments):
    grade()
    grade(*arguments)
    assert grader.graded == 6


def test_all_are_graded_again_by_other_checks(grader, monkeypatch):
    grade()
    monkeypatch.setattr("tlwidgets.exercises.grading.table.checks_in_use", lambda: "corrected")
    grade()
    assert grader.graded == 6


def test_a_higher_limit_is_for_those_who_met_one(grader):
    grade()
    grade("--time-limit", "1800")
    assert grader.graded == 3
    grader.says = "time limit"
    grade("--again")
    grade()
    assert grader.graded == 6
    grade("--time-limit", "3600")
    assert grader.graded == 9


def test_who_could_not_be_graded_is_tried_again(grader, monkeypatch):
    def fails(*_):
        raise BlockingIOError("no process to be had")

    monkeypatch.setattr("tlwidgets.exercises.grading.batch.run_steps", fails)
    grade()
    monkeypatch.setattr("tlwidgets.exercises.grading.batch.run_steps", grader)
    grade()
    assert grader.graded == 3


def test_one_student_can_be_graded_again_and_the_others_stay_in_the_table(grader, tmp_path, capsys):
    grade()
    grade("--only", "ben", "--again")
    assert grader.graded == 4
    cli.main(["grade", "class/carl.ipynb", "--csv", "--again", "--jobs", "1"])
    assert grader.graded == 5
    assert rows(tmp_path / "grades.csv") == CLASS
    assert "anna" not in capsys.readouterr().out.splitlines()[-4]


def test_a_row_goes_with_its_hand_in_and_the_table_before_is_kept(grader, tmp_path):
    grade()
    (tmp_path / "class" / "ben.ipynb").unlink()
    assert grade() == 0
    assert grader.graded == 3
    assert rows(tmp_path / "grades.csv") == ["anna", "carl"]
    assert "ben" in backups(tmp_path)[0]


def test_what_a_teacher_wrote_into_the_table_is_kept(grader, tmp_path):
    grade()
    edited = (tmp_path / "grades.csv").read_text("utf-8-sig").replace("anna,1", "anna,2 (spoke to her)")
    (tmp_path / "grades.csv").write_text(edited)
    grade()
    assert (tmp_path / "grades.csv").read_text() == edited  # nothing was graded: nothing is written
    hand_in(tmp_path / "class", "dora")
    grade()
    assert backups(tmp_path) == [edited]


@pytest.mark.parametrize("content", ["", "{", "[3]", '{"a": 1}', '[{"grade": {}}]', '[{"grade": null}]'])
def test_a_damaged_note_costs_work_and_nothing_else(grader, tmp_path, content):
    grade()
    (tmp_path / "grades.csv.resume.json").write_text(content)
    assert grade() == 0
    assert grader.graded == 6
    assert rows(tmp_path / "grades.csv") == CLASS
    assert len(backups(tmp_path)) == 1


def test_who_deletes_the_table_begins_anew(grader, tmp_path):
    grade()
    (tmp_path / "grades.csv").unlink()
    grade()
    assert grader.graded == 6


def test_one_notebook_is_graded_by_its_own_path(grader, capsys):
    assert cli.main(["grade", "class/ben.ipynb", "--jobs", "1"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["ben", "1", "of", "1"]
    assert cli.main(["grade", "class/nobody.ipynb"]) == 2
    assert "Give a folder of notebooks, or one" in capsys.readouterr().err


def test_without_a_table_what_was_graded_is_printed_when_somebody_breaks_off(grader, capsys):
    grader.breaks_at = 2
    assert cli.main(["grade", "class", "--jobs", "1"]) == 130
    seen = capsys.readouterr()
    assert "ben" in seen.out
    assert "2 of 3 students were graded. With --csv they would be kept." in seen.err


def test_whoever_leaves_ends_the_notebooks_that_still_run(tmp_path, monkeypatch):
    ended = Event()

    def slow(path, _terms, stop):
        if path.stem != "anna" and stop.wait(20):
            ended.set()
        return {}

    monkeypatch.setattr("tlwidgets.exercises.grading.batch._grade_notebook", slow)
    for name in CLASS:
        hand_in(tmp_path / "class", name)
    for _ in grade_students(find_students(tmp_path / "class"), Limits(), jobs=2):
        break
    assert ended.is_set()


def test_a_process_is_ended_as_soon_as_nobody_waits_for_it():
    stop = Event()
    stop.set()
    began = time.monotonic()
    run_steps([Step("", "import time; time.sleep(60)"), Step("nt-add", asks=(("answer", "1"),))], Limits(), stop)
    assert time.monotonic() - began < 5


def test_the_number_of_jobs_follows_cores_and_free_memory(grader, monkeypatch):
    assert [sensible_jobs(cores, 64_000) for cores in (0.5, 1, 2, 4, 16)] == [1, 1, 2, 3, 15]
    assert [sensible_jobs(8, megabytes) for megabytes in (500, 3100, 7000)] == [1, 2, 4]
    asked = []
    monkeypatch.setattr("tlwidgets.doctor.available_cores", lambda: 4)
    monkeypatch.setattr("tlwidgets.exercises.grading.free_megabytes", lambda: 8000)
    monkeypatch.setattr("tlwidgets.exercises.grading.grade_students", lambda *_, jobs, **__: asked.append(jobs) or [])
    cli.main(["grade", "class"])
    assert asked == [3]


class Shell:
    """Runs nothing: a cell ends as the step's source says."""

    ends = {"stopped": TimeIsUpError(), "typo": NameError("name 'curve' is not defined"), "fine": None}

    def run_cell(self, source, **_):
        return SimpleNamespace(error_before_exec=None, error_in_exec=self.ends[source])


@pytest.mark.parametrize(
    ("cells", "status"), [(["stopped", "typo", "fine"], "time limit"), (["typo", "fine"], "error")]
)
def test_what_fails_because_an_earlier_cell_was_stopped_is_put_down_to_the_limit(cells, status):
    examiner = SimpleNamespace(ask=lambda *_: ("error", "NameError: name 'curve' is not defined"))
    shell = Shell()
    shell.user_ns = {}
    work = Work(shell, examiner, 10, {})
    for number, source in enumerate(cells):
        work.carry_out(number, {"exercise": "" if source != "typo" else "nt-add", "source": source, "asks": []})
    assert work.carry_out(9, {"exercise": "nt-add", "source": "", "asks": [["x", "x"]]})[0] == status


def test_a_limit_that_is_none_is_refused():
    with pytest.raises(TlwError, match="above 0"):
        Limits(cell=float("nan"))
