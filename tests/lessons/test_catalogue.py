"""The catalogue says what the notebooks say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tlwidgets.errors import TlwError
from tlwidgets.exercises import catalogue as exercises
from tlwidgets.lessons import as_json, find_lesson, list_lessons


def notebook(*cells):
    """A notebook of Markdown (str) and of code with nbgrader's mark (pair)."""
    written = [
        {"cell_type": "markdown", "metadata": {}, "source": cell}
        if isinstance(cell, str)
        else {"cell_type": "code", "metadata": {"nbgrader": cell[1]}, "source": cell[0].splitlines(keepends=True)}
        for cell in cells
    ]
    return json.dumps({"cells": written, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def test_every_exercise_and_question_of_the_lessons_is_known_and_each_exercise_has_its_title():
    known, asked = exercises.exercises(), exercises.questions()
    for lesson in list_lessons():
        assert {item.id: item.title for item in lesson.exercises} == {
            item.id: known[item.id].title for item in lesson.exercises
        }
        assert {asked[name].kind for name in lesson.quizzes} <= {"quiz"}
        assert {asked[name].kind for name in lesson.predictions} <= {"predict"}
        assert {asked[name].lesson for name in (*lesson.quizzes, *lesson.predictions)} <= {lesson.name}


def test_every_lesson_says_how_long_it_takes_and_builds_on_earlier_ones_only():
    for lesson in list_lessons():
        assert lesson.minutes
        assert lesson.exercises
        assert all(number < lesson.number for number in lesson.needs), lesson


def test_the_header_of_a_notebook_is_read(own_folder):
    header = (
        "# 07 · Choosing: which one?\n\n**About 35 minutes** · no network needed · you need lessons 01 and\n"
        "[lesson 05](05_rates.ipynb)\n\nAfter this lesson, in the year 30, you can"
    )
    answer = {"grade": False, "solution": True, "grade_id": "c-q1"}
    check = {"grade": True, "solution": False, "grade_id": "c-rank-check"}
    (own_folder / "07_choosing.ipynb").write_text(
        notebook(header, ('check("c-rank", rank=rank)', check), ('quiz("c-q1", ...)', answer), "you need 99")
    )
    (lesson,) = list_lessons(own_folder)
    assert (lesson.number, lesson.topic, lesson.minutes, lesson.needs) == ("07", "Choosing", 35, ("01", "05"))
    assert ([item.id for item in lesson.exercises], lesson.quizzes) == (["c-rank"], ("c-q1",))


def test_the_catalogue_for_the_pages_names_no_place_on_this_machine():
    text = json.dumps(as_json(list_lessons()))
    assert str(list_lessons()[0].path.parent) not in text
    assert '"minutes": 40' in text


@pytest.mark.parametrize("name", ["1", "01", "01_what", "01_what_transfers"])
def test_a_lesson_is_found_by_number_or_name(name):
    assert find_lesson(name).name == "01_what_transfers"


@pytest.mark.parametrize("name", ["99", "", "what"])
def test_a_lesson_that_is_not_there_is_told_with_those_that_are(name):
    with pytest.raises(TlwError, match="01_what_transfers"):
        find_lesson(name)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": 3}', '{"cells": [{"cell_type": "code"}]}', "\ud800"])
def test_a_damaged_lesson_is_told(own_folder, content):
    (own_folder / "01_x.ipynb").write_text(content, "utf-8", errors="surrogatepass")
    with pytest.raises(TlwError, match=r"01_x\.ipynb cannot be read"):
        list_lessons(own_folder)


def test_no_lessons_at_all_are_told(own_folder):
    with pytest.raises(TlwError, match="no notebooks"):
        list_lessons(own_folder)


def test_the_build_can_read_the_catalogue_where_nothing_is_installed():
    root = str(Path(__file__).parents[2])
    code = f"import sys; sys.path.insert(0, {root!r}); from tlwidgets.lessons import list_lessons; list_lessons()"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], check=True)
