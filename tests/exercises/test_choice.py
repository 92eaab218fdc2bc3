"""Questions where the choice is left out: something to click, driven here from Python as the page drives it."""

from __future__ import annotations

import comm
import pytest
from fake_comm import FakeComm

from tlwidgets.exercises import predict, questions, quiz, reveal


@pytest.fixture(autouse=True)
def notebook(monkeypatch):
    """A kernel with a page, and no grader."""
    for name in ("TLW_STRICT", "NBGRADER_EXECUTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    monkeypatch.setattr(questions, "in_notebook", lambda: True)
    yield
    questions._clicked.clear()
    questions._predictions.clear()


def test_an_open_question_says_not_yet_whatever_shows_it():
    for asked in (predict("wt-p1"), predict("wt-p1", ..., confidence=...)):
        bundle = asked._repr_mimebundle_()
        assert bundle["text/plain"] == "predict wt-p1: not yet – Choose one of a, b, c."
        assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert quiz("wt-q1")._repr_mimebundle_()["text/plain"] == "quiz wt-q1: not yet – Choose one of a, b, c."


def test_without_a_kernel_it_is_a_card(monkeypatch):
    monkeypatch.setattr(questions, "in_notebook", lambda: False)
    assert set(predict("wt-p1")._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_a_click_records_a_prediction_with_how_sure_one_is_and_reveals_nothing():
    widget = predict("wt-p2").show()
    widget.set_state({"choice": "a", "confidence": 0.8})
    assert repr(reveal("wt-p2")).startswith("prediction wt-p2: not yet")
    widget.set_state({"given": 1})
    assert widget.reply == {
        "given": 1,
        "choice": "a",
        "text": "You chose a (confidence 0.8). Run on: the result will tell.",
        "good": True,
    }
    assert repr(reveal("wt-p2")).startswith("prediction wt-p2: not as you predicted – More labels help both sides")


def test_what_was_clicked_outlives_another_run_of_its_cell_and_code_has_the_last_word():
    widget = predict("wt-p2").show()
    widget.choice = "a"
    widget.answer()
    again = predict("wt-p2", ..., confidence=...)
    assert repr(again) == "predict wt-p2: recorded"
    assert (again.show().choice, again.show().reply["choice"]) == ("a", "a")
    predict("wt-p2", "c")
    assert reveal("wt-p2").good
    assert repr(predict("wt-p2")).startswith("predict wt-p2: not yet")
    assert not reveal("wt-p2").good


def test_each_wrong_choice_of_a_quiz_has_its_own_feedback_and_one_may_try_again():
    widget = quiz("wt-q1").show()
    said = {}
    for letter, _ in widget.choices:
        widget.choice = letter
        widget.answer()
        said[letter] = (widget.reply["text"], widget.reply["good"])
    assert len({text for text, _ in said.values()}) == len(widget.choices)
    assert [letter for letter, (_, good) in said.items() if good] == ["c"]
