"""How a lesson stands and which comes next; the page's own tests read the same cases."""

import json
from pathlib import Path

import pytest

from tlwidgets.lessons import Item, Lesson, next_lesson, standing

CASES = json.loads((Path(__file__).parent / "next_lesson.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["says"])
def test_what_comes_next(case):
    course = [
        Lesson(n, n, Path(n), needs=tuple(needs), exercises=(Item("x", "x"),)) for n, needs in case["needs"].items()
    ]
    progress = {n: {"started": "s"} for n in case["begun"]}
    progress |= {n: {"checks": {"x": {"passed": "now"}}} for n in case["done"]}
    following = next_lesson(course, progress)
    assert (following and following.number) == case["next"]
    assert {lesson.number: standing(lesson, progress).word for lesson in course} == case["words"]


def test_only_what_the_lesson_asks_counts():
    lesson = Lesson("01", "01", Path("01"), exercises=(Item("a", "a"), Item("b", "b")), quizzes=("q",))
    entry = {"checks": {"a": {"passed": "now"}, "old": {"passed": "now"}, "b": {"tries": 3}}, "quiz": {"q": {}}}
    stands = standing(lesson, {"01": entry})
    assert (stands.passed, stands.exercises, stands.answered, stands.quizzes) == (1, 2, 0, 1)
    assert stands.word == "started"
