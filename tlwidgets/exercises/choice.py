"""A question of a lesson as something to click: choices, for a prediction how sure one is, and feedback at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tlwidgets.exercises.model import Question

STATIC = Path(__file__).parent.parent / "static"
UNDECIDED = 0.5  # where the slider of a prediction begins


def choice_widget(
    question: Question, answer: Callable[[str, float], Any], choice: str = "", sure: float | None = None
) -> Any:
    """Make the widget of a question.

    Args:
        question: what is asked.
        answer: called with letter and confidence when an answer is given; returns a reply with ``text`` and ``good``.
        choice: the letter that is chosen already, or "".
        sure: how sure the learner was of it, 0..1.

    Returns:
        A widget. Setting ``.choice`` and ``.confidence`` and calling ``.answer()`` is what a click does.
    """
    widget = _choice_class()(question, answer, choice, UNDECIDED if sure is None else sure)
    if choice:
        widget.answer()
    return widget


@cache
def _choice_class() -> Any:
    """Made on first use, so that checks need no ipywidgets."""
    import anywidget
    import traitlets

    class Choice(anywidget.AnyWidget):
        """One question and what is said to an answer. The page owns choice, confidence and given."""

        _esm = (STATIC / "choice.js").read_text("utf-8")
        _css = (STATIC / "choice.css").read_text("utf-8")

        id = traitlets.Unicode().tag(sync=True)
        """Id of the question."""

        kind = traitlets.Unicode().tag(sync=True)
        """"predict" or "quiz"."""

        question = traitlets.Unicode().tag(sync=True)
        """What is asked."""

        choices: traitlets.List[list[str]] = traitlets.List().tag(sync=True)
        """Letter and words of each choice."""

        choice = traitlets.Unicode("").tag(sync=True)
        """The letter that is chosen now; "" before one is."""

        confidence = traitlets.Float(UNDECIDED).tag(sync=True)
        """How sure the learner is, 0..1; only predictions ask for it."""

        given = traitlets.Int(0).tag(sync=True)
        """How often an answer was given: the page counts up to give one."""

        reply = traitlets.Dict().tag(sync=True)
        """What is said to the latest answer: given (its number), choice, text, good; at first empty."""

        def __init__(
            self, asked: Question, answer: Callable[[str, float], Any], choice: str, confidence: float
        ) -> None:
            self._answer, self._asked = answer, asked
            words = [[letter, text] for letter, text in asked.choices.items()]
            super().__init__(id=asked.id, kind=asked.kind, question=asked.text, choices=words)
            self.choice, self.confidence = choice, confidence

        def answer(self) -> None:
            """Give the choice as it stands."""
            self.given += 1

        @traitlets.observe("given")
        def _reply_to_it(self, change: Any) -> None:
            reply = self._answer(self.choice, self.confidence)
            self.reply = {"given": change["new"], "choice": self.choice, "text": reply.text, "good": reply.good}

        def __repr__(self) -> str:
            return f"{self.kind} {self.id}"

    return Choice
