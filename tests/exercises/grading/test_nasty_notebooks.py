"""Grading by `tlwidgets grade`: every kind of notebook that would spoil a batch, and what is said of it."""

from __future__ import annotations

import csv
import json
import os
import time
from pathlib import Path

import psutil
import pytest

from tlwidgets import cli
from tlwidgets.errors import TlwError
from tlwidgets.exercises import catalogue
from tlwidgets.exercises.grading import Grade, Limits, find_students, grade_students, summary, write_csv
from tlwidgets.lessons.checking import Outcome

VERDICT, ADD = (catalogue.exercise(name) for name in ("nt-verdict", "nt-add"))
QUICK = Limits(cell=3, total=60, cpu=30, memory=1500)
HINT = VERDICT.wrong[1].hint


def solution(exercise, source=None, **mark):
    """The cell that answers an exercise."""
    return (exercise.setup + "\n" + (source or exercise.solution), {"grade_id": exercise.id, "solution": True} | mark)


def check(exercise):
    """The locked cell that checks it."""
    (name,) = exercise.takes
    return f'check("{exercise.id}", {name}={name})', {"grade_id": f"{exercise.id}-check", "grade": True}


SETUP = ("from tlwidgets.exercises import check", {})


def write(path, *cells):
    """A notebook of (source, nbgrader's mark) pairs."""
    written = [
        {"cell_type": "code", "id": mark.get("grade_id", f"c{number}"), "metadata": {"nbgrader": mark} if mark else {},
         "source": source, "outputs": [], "execution_count": None}
        for number, (source, mark) in enumerate(cells)
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def grade(folder, limits=QUICK, **options):
    """Grades of a folder by student."""
    return {each.student: each for each in grade_students(find_students(folder), limits, **options)}


def said(found: Grade) -> dict[str, str]:
    return {name: outcome.status for name, outcome in found.outcomes.items()}


def good(*between):
    """A notebook that answers both exercises, with other cells between them."""
    return [SETUP, solution(VERDICT), check(VERDICT), *between, solution(ADD), check(ADD)]


BOTH = {"nt-verdict": "passed", "nt-add": "passed"}


def test_a_solved_notebook_passes_and_a_stub_is_not_yet(tmp_path):
    write(tmp_path / "anna.ipynb", *good())
    write(tmp_path / "ben.ipynb", SETUP, solution(VERDICT, VERDICT.stub), solution(ADD, ADD.wrong[2].code))
    found = grade(tmp_path)
    assert said(found["anna"]) == BOTH
    assert said(found["ben"]) == {"nt-verdict": "not yet", "nt-add": "wrong"}
    assert found["ben"].outcomes["nt-add"].text == ADD.wrong[2].hint


UNHARMED = {
    "an endless loop": "while True: pass",
    "an exit": "import sys; sys.exit(3)",
    "IPython's exit": "exit",
    "a memory bomb": "hoard = []\nwhile True: hoard.append(bytearray(10**8))",
    "one enormous array": "import numpy as np; np.ones(10**12)",
    "a printed gigabyte": "import sys\nfor _ in range(1024): sys.stdout.write('x' * 2**20)",
    "a gigabyte past Python": "import os\nfor _ in range(1024): os.write(1, b'x' * 2**20)",
    "a syntax error": "def (",
    "a prompt": "input('your name? ')",
    "a magic": "%time 1 + 1\n!echo hello",
    "a signal ignored": "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "a folder taken away": "import os, shutil; shutil.rmtree(os.getcwd())",
    "all names deleted": "%reset -f",
    "an error with a broken text": "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
    "awaiting": "import asyncio; await asyncio.sleep(0.01)",
}


@pytest.mark.slow
@pytest.mark.parametrize("source", UNHARMED.values(), ids=UNHARMED)
def test_other_exercises_are_graded_in_spite_of(tmp_path, source):
    write(tmp_path / "one.ipynb", *good((source, {})))
    assert said(grade(tmp_path)["one"]) == BOTH


DEADLY = {
    "kernel died": "import os; os._exit(0)",
    "kernel died ": "import os; os.kill(os.getpid(), 9)",
    "kernel died  ": "import ctypes; ctypes.string_at(0)",
    "time limit": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "memory limit": (
        "import subprocess, sys, time\n"
        "eats = 'import time; a = bytearray(1200 * 2**20); time.sleep(30)'\n"
        "[subprocess.Popen([sys.executable, '-c', eats]) for _ in range(2)]\n"
        "time.sleep(30)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("word", "source"), DEADLY.items(), ids=range(len(DEADLY)))
def test_a_cell_that_ends_its_process_is_left_out_and_the_others_count(tmp_path, monkeypatch, word, source):
    monkeypatch.setattr("tlwidgets.exercises.grading.process._GRACE", 1.0)
    answer = solution(ADD, source)
    write(tmp_path / "one.ipynb", SETUP, answer, check(ADD), solution(VERDICT), check(VERDICT))
    limits = Limits(cell=3 if word == "time limit" else 25, total=60, cpu=30, memory=1500)
    assert said(grade(tmp_path, limits)["one"]) == {"nt-verdict": "passed", "nt-add": word.strip()}


def test_a_check_that_never_ends_is_the_students_time(tmp_path):
    answer = "def verdict(transfer, target_only, luck):\n    while True: pass"
    write(tmp_path / "one.ipynb", SETUP, solution(VERDICT, answer), check(VERDICT), solution(ADD))
    assert said(grade(tmp_path)["one"]) == BOTH | {"nt-verdict": "time limit"}


@pytest.mark.slow
def test_processor_time_and_the_whole_time_are_limited_too(tmp_path):
    write(tmp_path / "one.ipynb", *good(("while True: pass", {})))
    began = time.monotonic()
    assert said(grade(tmp_path, Limits(cell=50, total=50, cpu=4))["one"]) == BOTH | {"nt-add": "time limit"}
    assert said(grade(tmp_path, Limits(cell=50, total=6))["one"]) == BOTH | {"nt-add": "time limit"}
    assert time.monotonic() - began < 45


CHEATS = {
    "check replaced": "import tlwidgets.exercises\ntlwidgets.exercises.check = check = lambda *a, **k: True",
    "its inside replaced": (
        "import sys, tlwidgets.exercises.checking as inside\n"
        "from dataclasses import replace\n"
        "real = inside._judge\n"
        "inside._judge = inside.judge = lambda *a: replace(real(*a), passed=True)"
    ),
    "the catalogue emptied": (
        "from tlwidgets.exercises import catalogue\n"
        "for each in catalogue.exercises().values(): object.__setattr__(each, 'properties', ())"
    ),
    "the words printed": "print('check nt-verdict: passed')",
    "lines on every pipe": (
        "import os, json\n"
        "for pipe in range(3, 30):\n"
        "    try: os.write(pipe, json.dumps(\n"
        "        {'event': 'ends', 'number': 0, 'said': ['passed', '']}).encode() + b'\\n')\n"
        "    except OSError: pass"
    ),
    "the worker edited": (
        "import sys\n"
        "for name in list(sys.modules):\n"
        "    for word in ('PASSED', 'tell', 'Examiner'):\n"
        "        if name.startswith('tlwidgets') and hasattr(sys.modules[name], word):\n"
        "            setattr(sys.modules[name], word, None)"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("source", CHEATS.values(), ids=CHEATS)
def test_our_own_checks_decide_whatever_the_notebook_does_to_its_copy(tmp_path, source):
    wrong = solution(VERDICT, VERDICT.wrong[1].code)
    write(tmp_path / "one.ipynb", SETUP, (source, {}), wrong, check(VERDICT), solution(ADD), check(ADD))
    found = grade(tmp_path)["one"]
    assert said(found) == {"nt-verdict": "wrong", "nt-add": "passed"}
    assert found.outcomes["nt-verdict"].text == HINT


NETWORK = """
import socket, subprocess, sys
def reached(call):
    try: call()
    except OSError: return False
    return True
inside = reached(lambda: socket.create_connection(("127.0.0.1", {port}), 2))
second = socket.socket()
again = reached(lambda: second.connect(("127.0.0.1", {port})))
program = "import socket; socket.create_connection(('127.0.0.1', {port}), 2)"
outside = subprocess.run([sys.executable, "-c", program]).returncode == 0
def verdict(*_): raise RuntimeError(f"{{inside}} {{again}} {{outside}}")
"""


def test_nothing_is_reached_over_the_network(tmp_path):
    import socket
    import sys

    with socket.create_server(("127.0.0.1", 0)) as server:
        source = NETWORK.format(port=server.getsockname()[1])
        write(tmp_path / "one.ipynb", SETUP, solution(VERDICT, source))
        text = grade(tmp_path)["one"].outcomes["nt-verdict"].text
    assert text.startswith("RuntimeError: False False")
    if sys.platform == "linux" and os.geteuid() == 0:  # elsewhere the kernel may not lend a network of its own
        assert text.endswith("False")


def test_no_process_and_no_secret_is_left_to_the_notebook(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "secret")
    source = (
        "import os, subprocess\n"
        "subprocess.Popen(['sleep', '4321'])\n"
        "def verdict(*_): raise RuntimeError(f\"{os.environ.get('MY_TOKEN')} {os.listdir()}\")"
    )
    write(tmp_path / "one.ipynb", SETUP, solution(VERDICT, source))
    assert grade(tmp_path)["one"].outcomes["nt-verdict"].text == "RuntimeError: None []"
    assert not [each for each in psutil.process_iter(["cmdline"]) if "4321" in (each.info["cmdline"] or [])]


def test_deleted_renamed_and_duplicated_cells_do_no_harm(tmp_path):
    stub, wrong = solution(VERDICT, VERDICT.stub), solution(VERDICT, VERDICT.wrong[1].code)
    strange = ("1 + 1", {"grade_id": "nobody-knows-me", "grade": True, "points": 3})
    write(tmp_path / "no-checks.ipynb", solution(VERDICT), solution(ADD))
    write(tmp_path / "no-marks.ipynb", *[(source, {}) for source, _ in good()])
    write(tmp_path / "renamed.ipynb", SETUP, solution(VERDICT, grade_id="x"), solution(ADD), check(ADD))
    write(tmp_path / "last-wins.ipynb", stub, wrong, check(VERDICT), solution(VERDICT), check(VERDICT), solution(ADD))
    write(tmp_path / "last-loses.ipynb", solution(VERDICT), check(VERDICT), wrong, check(VERDICT), solution(ADD))
    write(tmp_path / "unknown.ipynb", strange, *good(strange))
    write(
        tmp_path / "inside.ipynb", SETUP, (f"{VERDICT.solution}\n{check(VERDICT)[0]}", check(VERDICT)[1]), solution(ADD)
    )
    found = {name: said(each) for name, each in grade(tmp_path).items()}
    assert found.pop("last-loses") == BOTH | {"nt-verdict": "wrong"}
    assert set(found) == {"no-checks", "no-marks", "renamed", "last-wins", "unknown", "inside"}
    assert all(each == BOTH for each in found.values()), found


def test_a_deleted_answer_is_an_error_and_a_later_cell_does_not_speak_for_an_earlier(tmp_path):
    write(tmp_path / "gone.ipynb", SETUP, check(VERDICT), solution(ADD), check(ADD), ("verdict = 1", {}))
    found = grade(tmp_path)["gone"]
    assert said(found) == BOTH | {"nt-verdict": "error"}
    assert found.outcomes["nt-verdict"].text == "NameError: name 'verdict' is not defined"


def test_an_error_in_the_cell_that_answers_is_what_is_told(tmp_path):
    write(tmp_path / "one.ipynb", SETUP, solution(VERDICT, "1 / 0"), check(VERDICT), solution(ADD))
    assert grade(tmp_path)["one"].outcomes["nt-verdict"].text == "ZeroDivisionError: division by zero"


BROKEN = {
    "": "text is broken",
    "{": "text is broken",
    "[" * 100_000: "text is broken",
    "[]": "not a notebook",
    '{"cells": 3}': "not a notebook",
    '{"worksheets": []}': "old format",
    '{"cells": []}': "no lesson of this course",
    '{"cells": [1, null, {"cell_type": "code", "metadata": 3, "source": 7}]}': "no lesson of this course",
    "\udcff": "text is broken",
}


def test_what_is_no_notebook_is_a_remark_and_the_others_are_graded(tmp_path):
    for number, content in enumerate(BROKEN):
        (tmp_path / f"{number}.ipynb").write_bytes(content.encode(errors="surrogateescape"))
    os.mkfifo(tmp_path / "pipe.ipynb")
    (tmp_path / "gone.ipynb").symlink_to(tmp_path / "nowhere")
    write(tmp_path / "good.ipynb", *good())
    found = grade(tmp_path)
    assert said(found["good"]) == BOTH
    for number, words in enumerate(BROKEN.values()):
        assert words in found[str(number)].remarks[0]
    assert "is not a file" in found["pipe"].remarks[0]
    assert "is not a file" in found["gone"].remarks[0]


def test_students_may_have_folders_and_the_best_of_several_notebooks_counts(tmp_path):
    write(tmp_path / "anna" / "lesson" / "first.ipynb", solution(VERDICT, VERDICT.stub), solution(ADD))
    write(tmp_path / "anna" / "second.ipynb", solution(VERDICT), solution(ADD, ADD.stub))
    write(tmp_path / "anna" / ".ipynb_checkpoints" / "third.ipynb", ("while True: pass", {}))
    (tmp_path / "ben").mkdir()
    (tmp_path / ".hidden").mkdir()
    found = grade(tmp_path, jobs=2)
    assert set(found) == {"anna", "ben"}
    assert said(found["anna"]) == BOTH
    assert found["ben"].remarks == ("handed in no notebook",)


def test_quizzes_are_counted_on_request(tmp_path):
    answers = ('quiz("nt-q1", "b")', {}), ('quiz("nt-q2", "a")', {}), ('quiz("nt-q3", ...)', {})
    write(tmp_path / "one.ipynb", *good(*answers))
    assert said(grade(tmp_path)["one"]) == BOTH
    quiz = {"nt-q1": "passed", "nt-q2": "wrong", "nt-q3": "not yet"}
    assert said(grade(tmp_path, quizzes=True)["one"]) == BOTH | quiz


def test_the_lesson_can_be_named(tmp_path):
    write(tmp_path / "one.ipynb", (catalogue.exercise("wt-vanish").solution, {}))
    assert "no lesson" in grade(tmp_path)["one"].remarks[0]
    assert said(grade(tmp_path, lesson="1")["one"])["wt-vanish"] == "passed"


def test_no_field_of_the_table_is_a_formula_and_no_name_speaks_to_the_terminal(tmp_path):
    names = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "Zoë", "a,b\n\x1b[31m"]
    wrong = {"nt-verdict": Outcome("nt-verdict", "error", "=HYPERLINK(1)")}
    grades = [Grade(name, wrong, ("=2",)) for name in names]
    write_csv(tmp_path / "grades.csv", grades)
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["student", "passed", "of", "nt-verdict", "remarks"]
    assert sorted(row[0] for row in rows[1:]) == sorted(
        ["'=1+1", "'+cmd", "'-2", "'@SUM(A1)", "' x", "Zoë", "a,b  [31m"]
    )
    assert not [value for row in rows for value in row if value.startswith(("=", "+", "-", "@"))]
    assert "\x1b" not in summary(grades)
    assert list(tmp_path.iterdir()) == [tmp_path / "grades.csv"]


def test_the_command_writes_the_table_and_prints_a_summary(tmp_path, capsys):
    write(tmp_path / "class" / "anna.ipynb", *good())
    write(tmp_path / "class" / "ben.ipynb", SETUP, solution(VERDICT, VERDICT.wrong[1].code), solution(ADD))
    (tmp_path / "class" / "carl.ipynb").write_text("{")
    table = tmp_path / "grades.csv"
    assert cli.main(["grade", str(tmp_path / "class"), "--csv", str(table), "--jobs", "2"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["anna", "2", "of", "2"]
    assert printed[2].split() == ["ben", "1", "of", "2", "1", "wrong"]
    assert "carl.ipynb is not a notebook" in printed[3]
    assert f"most often: {HINT}" in printed[5]
    rows = list(csv.DictReader(table.read_text("utf-8-sig").splitlines()))
    assert [row["student"] for row in rows] == ["anna", "ben", "carl"]
    assert rows[1]["nt-verdict"] == f"wrong: {HINT}"
    assert rows[2]["nt-verdict"] == ""


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(["nowhere"], "Cannot read"), (["."], "no notebooks"), (["class", "--csv", "no/folder.csv"], "Cannot write"),
     (["class", "--lesson", "99"], "no lesson '99'")],
)  # fmt: skip
def test_a_mistake_of_the_teacher_is_told_before_anything_runs(tmp_path, monkeypatch, capsys, arguments, told):
    write(tmp_path / "deeper" / "class" / "anna.ipynb", ("1", {}))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / ("empty" if arguments == ["."] else "deeper"))
    assert cli.main(["grade", *arguments]) == 2
    assert told in capsys.readouterr().err


def test_an_unknown_lesson_is_an_error_of_our_own(tmp_path):
    write(tmp_path / "anna.ipynb", ("1", {}))
    with pytest.raises(TlwError, match="no lesson"):
        list(grade_students(find_students(Path(tmp_path)), QUICK, lesson="77"))


def test_the_table_has_a_name_of_its_own_where_none_is_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "empty.ipynb").write_text("")
    cli.main(["grade", "class", "--csv"])
    assert "empty,0" in (tmp_path / "grades.csv").read_text("utf-8-sig")
