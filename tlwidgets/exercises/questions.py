"""Predictions before a result and quizzes after it: by code, or by a click where the choice is left out.

A prediction reveals nothing until :func:`reveal` is called below the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tlwidgets.exercises import catalogue
from tlwidgets.exercises.cards import card
from tlwidgets.exercises.checking import strict_by_environment
from tlwidgets.exercises.model import Question
from tlwidgets.lessons import progress

_predictions: dict[str, tuple[str, float | None]] = {}
"""What the learner predicted in this kernel: question id to choice and confidence."""
_clicked: set[str] = set()
"""Predictions that were made by a click: their cells hold no answer, and say so again whenever they are run."""


@dataclass(frozen=True, repr=False)
class Reply:
    """One line of feedback; a card in a notebook."""

    kind: str
    id: str
    status: str
    text: str
    good: bool

    def __repr__(self) -> str:
        return f"{self.kind} {self.id}: {self.status}" + (f" – {self.text}" if self.text else "")

    def _repr_html_(self) -> str:
        lines = (self.text,) if self.text else ()
        return card(good=self.good, title=f"{self.kind} {self.id}", status=self.status, lines=lines)


@dataclass(frozen=True, repr=False)
class Asked(Reply):
    """A question that is still open: in a notebook the choices to click, elsewhere one line."""

    show: Callable[[], Any]
    """Makes the widget."""

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "text/html": self._repr_html_()}
        if in_notebook():
            view = {"version_major": 2, "version_minor": 0, "model_id": self.show().model_id}
            bundle["application/vnd.jupyter.widget-view+json"] = view
        return bundle


def in_notebook() -> bool:
    """Whether a kernel runs this, so that somebody may be there to click."""
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def predict(question_id: str, /, choice: Any = ..., confidence: Any = None) -> Reply:
    """Write a prediction down before the result is visible. Nothing is revealed.

    Args:
        question_id: the question.
        choice: the letter of one of its choices; left out or ``...`` it shows them to click.
        confidence: how sure you are, from 0 (a guess) to 1 (certain); optional.

    Returns:
        A reply that says what was recorded.

    Raises:
        ExerciseError: no prediction has this id.
    """
    question = catalogue.question(question_id, "predict")
    if choice is ...:
        return _ask_prediction(question)
    _clicked.discard(question_id)
    if not _offered(choice, question):
        _predictions.pop(question_id, None)
        return Reply("predict", question_id, "not yet", _pick_one(question), good=False)
    sure = float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 1 else None
    _predictions[question_id] = (choice, sure)
    if not strict_by_environment():
        progress.note(question.lesson, "predictions", question_id, passed=False, choice=choice, confidence=sure)
    how_sure = "" if sure is None else f" (confidence {sure:g})"
    return Reply(
        "predict", question_id, "recorded", f"You chose {choice}{how_sure}. Run on: the result will tell.", good=True
    )


def _ask_prediction(question: Question) -> Reply:
    """Show the choices, with what was clicked before; what an earlier run of the cell wrote down no longer holds."""
    from tlwidgets.exercises.choice import choice_widget

    if question.id not in _clicked:
        _predictions.pop(question.id, None)

    def answer(choice: str, sure: float) -> Reply:
        reply = predict(question.id, choice, sure)
        _clicked.add(question.id)
        return reply

    def show() -> Any:
        return choice_widget(question, answer, *_predictions.get(question.id, ("", None)))

    status, text = ("recorded", "") if question.id in _predictions else ("not yet", _pick_one(question))
    return Asked("predict", question.id, status, text, good=question.id in _predictions, show=show)


def reveal(question_id: str, /) -> Reply:
    """Compare the recorded prediction with what the experiment showed.

    Raises:
        ExerciseError: no prediction has this id.
    """
    question = catalogue.question(question_id, "predict")
    if question_id not in _predictions:
        return Reply(
            "prediction",
            question_id,
            "not yet",
            "Write your prediction down above, then run this cell again.",
            good=False,
        )
    choice, _ = _predictions[question_id]
    right = choice == question.right
    status = "as you predicted" if right else "not as you predicted"
    return Reply("prediction", question_id, status, question.feedback[choice], good=right)


def quiz(question_id: str, /, choice: Any = ..., *, strict: bool = False) -> Reply:
    """Answer a quiz question.

    Args:
        question_id: the question.
        choice: the letter of one of its choices; left out or ``...`` it shows them to click.
        strict: raise when the answer is not right; also on under a grader, as in :func:`tlwidgets.exercises.check`.

    Raises:
        ExerciseError: no quiz question has this id.
        AssertionError: strict, and the answer is not right.
    """
    question = catalogue.question(question_id, "quiz")
    right = choice == question.right
    text = question.feedback[choice] if _offered(choice, question) else _pick_one(question)
    reply = Reply("quiz", question_id, "passed" if right else "not yet", text, good=right)
    if not strict_by_environment() and _offered(choice, question):
        progress.note(question.lesson, "quiz", question_id, passed=right)
    if not right and (strict or strict_by_environment()):
        raise AssertionError(repr(reply))
    return _ask_quiz(question) if choice is ... else reply


def _ask_quiz(question: Question) -> Reply:
    from tlwidgets.exercises.choice import choice_widget

    def show() -> Any:
        return choice_widget(question, lambda choice, _: quiz(question.id, choice))

    return Asked("quiz", question.id, "not yet", _pick_one(question), good=False, show=show)


def _pick_one(question: Question) -> str:
    return f"Choose one of {', '.join(question.choices)}."


def _offered(choice: Any, question: Question) -> bool:
    return isinstance(choice, str) and choice in question.choices
