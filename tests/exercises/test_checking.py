"""``check``, ``claim``, ``predict``, ``reveal`` and ``quiz`` as a learner, a grader and nbval meet them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tlwidgets.errors import ExerciseError
from tlwidgets.exercises import catalogue, check, claim, predict, quiz, reveal, say

MEASURED = {"digits": {"pixels": 0.3, "random": 0.2}}


def right(leads):
    """The answer of the exercise "wt-vanish"."""
    return next((labels for labels, lead in leads.items() if lead < 0.08), None)


def wrong(leads):
    """A wrong one: where the lead is smallest in the end, not where it is first gone."""
    return max(leads)


@pytest.fixture(autouse=True)
def no_grader(monkeypatch):
    monkeypatch.delenv("TLW_STRICT", raising=False)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)


def test_a_passed_check_counts_its_visible_checks_and_promises_no_more():
    result = check("wt-vanish", where_gone=right)
    assert result.summary == "5 of 5 visible checks passed"
    assert "all correct" not in result._repr_html_()


def test_a_failed_check_shows_which_properties_hold():
    result = check("wt-vanish", where_gone=wrong)
    held = [ok for _, ok in result.properties]
    assert held[0]
    assert not held[1]
    assert repr(result).startswith("check wt-vanish: not yet – ")
    assert "\n" not in repr(result)


def test_the_one_answer_of_an_exercise_can_be_given_without_its_name():
    assert check("wt-vanish", right).passed


def test_values_under_other_names_are_answered_with_the_names_to_use():
    result = check("lr-read", rows=5)
    assert not result.passed
    assert "rate=…, curve=…" in result.hints[0]


def test_an_exception_in_the_learners_function_is_feedback():
    def fair_pair(recipe, scratch_rate, transfer_rate):
        raise KeyError("<img src=x onerror=alert(1)>")

    result = check("wt-fair", fair_pair=fair_pair)
    assert "KeyError" in result.hints[0]
    assert "<img" not in result._repr_html_()
    assert "&lt;img" in result._repr_html_()


@pytest.mark.parametrize("left", [{"a": 5, "b": ...}, [1, ...], {"a": {"b": (1, ...)}}])
def test_a_stub_that_is_filled_in_halfway_is_told_what_is_left(left):
    result = check("fe-choose", choice=left, measured=MEASURED)
    assert result.unfinished
    assert repr(result).startswith("check fe-choose: not yet – Replace the ... that is still in `choice`")
    assert result.hints[1:] == catalogue.exercise("fe-choose").hints


def test_a_function_that_returns_dots_in_a_dictionary_is_a_stub():
    result = check("nt-verdict", verdict=lambda *_: {"positive": ...})
    assert result.unfinished
    assert result.hints[0].startswith("Replace the ...")


def test_a_none_inside_an_answer_is_an_answer():
    assert not check("fe-choose", choice=[None], measured=MEASURED).unfinished


def test_a_card_takes_its_colours_from_the_theme_and_opens_later_hints_on_demand():
    html = check("wt-vanish", where_gone=wrong)._repr_html_()
    assert "var(--jp-warn-color1" in html
    assert html.count("<details>") == len(catalogue.exercise("wt-vanish").hints)
    assert 'role="status"' in html


@pytest.mark.parametrize("name", ["TLW_STRICT", "NBGRADER_EXECUTION"])
def test_a_grader_gets_an_assertion_error(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    with pytest.raises(AssertionError, match="check wt-vanish: not yet"):
        check("wt-vanish", where_gone=...)
    with pytest.raises(AssertionError, match="quiz wt-q1: not yet"):
        quiz("wt-q1", "a")
    assert check("wt-vanish", where_gone=right).passed


def test_strict_raises_without_a_grader_and_zero_means_not_strict(monkeypatch):
    with pytest.raises(AssertionError):
        check("wt-vanish", where_gone=wrong, strict=True)
    monkeypatch.setenv("TLW_STRICT", "0")
    assert not check("wt-vanish", where_gone=wrong).passed


@pytest.mark.parametrize(
    "call", [lambda: check("wt-vanis", 1), lambda: quiz("wt-q9", "a"), lambda: predict("wt-q1", "a")]
)
def test_an_unknown_id_names_the_nearest(call):
    with pytest.raises(ExerciseError, match="Did you mean wt-"):
        call()


def test_a_claim_prints_the_same_text_whatever_the_numbers(capsys):
    claim("C1", 0.9, ">", 0.5, margin=0.1, says="transfer beats scratch")
    claim("C1", 0.7, ">", 0.6, margin=0.1, says="transfer beats scratch")
    first, second = capsys.readouterr().out.splitlines()
    assert first == second == "claim C1: holds (transfer beats scratch, by at least 0.1)"


@pytest.mark.parametrize(
    ("lhs", "op", "rhs"), [(0.6, ">", 0.55), (0.55, "<", 0.6), (0.4, "==", 0.6), (float("nan"), ">", 0.0)]
)
def test_a_claim_that_does_not_hold_raises_and_shows_its_numbers(lhs, op, rhs):
    with pytest.raises(AssertionError, match=r"C1 does not hold.*measured"):
        claim("C1", lhs, op, rhs, margin=0.1)


def test_a_claim_refuses_a_comparison_it_does_not_know():
    with pytest.raises(ExerciseError, match=">="):
        claim("C1", 1, ">=", 0)
    with pytest.raises(ExerciseError, match="margin"):
        claim("C1", 1, ">", 0, margin=-1)


def test_a_prediction_reveals_nothing_until_asked():
    assert repr(reveal("wt-p2")).startswith("prediction wt-p2: not yet")
    recorded = predict("wt-p2", "a", confidence=0.8)
    assert repr(recorded) == "predict wt-p2: recorded – You chose a (confidence 0.8). Run on: the result will tell."
    assert repr(reveal("wt-p2")).startswith("prediction wt-p2: not as you predicted – More labels help both sides")
    predict("wt-p2", "c")
    assert reveal("wt-p2").good


def test_an_unanswered_question_says_what_to_choose_from():
    assert repr(predict("wt-p1", ..., confidence=...)) == "predict wt-p1: not yet – Choose one of a, b, c."
    assert repr(quiz("wt-q1", ...)) == "quiz wt-q1: not yet – Choose one of a, b, c."
    assert repr(quiz("wt-q1", ["a"])) == "quiz wt-q1: not yet – Choose one of a, b, c."


def test_a_sentence_is_prose_in_a_notebook_and_text_elsewhere():
    sentence = say(f"It reached {0.5:.0%}.")
    assert sentence._repr_markdown_() == repr(sentence) == "It reached 50%."


def test_exercises_load_neither_torch_nor_ipywidgets():
    code = "import sys, tlwidgets.exercises; print({'torch', 'ipywidgets', 'IPython', 'numpy'} & set(sys.modules))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        == "set()"
    )
