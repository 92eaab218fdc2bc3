"""Each exercise of the bank is tried with its solution, its stub and every catalogued wrong answer."""

from __future__ import annotations

import pytest

from tlwidgets.exercises import catalogue, check
from tlwidgets.exercises.model import Exercise

EXERCISES = list(catalogue.exercises().values())
WRONG = [(exercise, wrong) for exercise in EXERCISES for wrong in exercise.wrong]


def answers(exercise: Exercise, code: str) -> dict[str, object]:
    """Run code as a learner's cell does and hand back the values that the check takes."""
    namespace: dict[str, object] = {}
    exec(exercise.setup, namespace)
    exec(code, namespace)
    return {name: namespace[name] for name in exercise.takes}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_the_solution_passes(exercise):
    result = check(exercise.id, **answers(exercise, exercise.solution))
    assert result.passed, result.hints
    assert repr(result) == f"check {exercise.id}: passed"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_the_stub_is_told_to_replace_the_dots(exercise):
    result = check(exercise.id, **answers(exercise, exercise.stub))
    assert not result.passed
    assert result.hints[0].startswith("Replace the ...")
    assert result.hints[1:] == exercise.hints


@pytest.mark.parametrize(("exercise", "wrong"), WRONG, ids=lambda value: getattr(value, "id", ""))
def test_a_plausible_wrong_answer_gets_its_own_hint(exercise, wrong):
    result = check(exercise.id, **answers(exercise, wrong.code))
    assert not result.passed
    assert result.hints == (wrong.hint, *exercise.hints)


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.id)
def test_an_exercise_is_complete(exercise):
    assert len(exercise.wrong) >= 1
    assert len(exercise.properties) >= 2
    assert len(set(exercise.hints)) == 2
    own_lines = [line.strip() for line in exercise.solution.splitlines() if line not in exercise.stub]
    for hint in (*exercise.hints, *(wrong.hint for wrong in exercise.wrong)):
        assert not any(line in hint for line in own_lines), "a hint gives the answer away"


@pytest.mark.parametrize("question", catalogue.questions().values(), ids=lambda question: question.id)
def test_every_choice_of_a_question_has_its_own_feedback(question):
    assert question.right in question.choices
    assert set(question.feedback) == set(question.choices)
    assert len(set(question.feedback.values())) == len(question.choices)


def test_ids_are_used_once():
    ids = [each.id for lesson in catalogue.lessons() for each in (*lesson.EXERCISES, *lesson.QUESTIONS)]
    assert len(ids) == len(set(ids))
