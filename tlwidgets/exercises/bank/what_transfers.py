"""Exercises and questions of lesson 01: what transfers, and where the gain ends."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from tlwidgets.exercises.model import (
    Exercise,
    Property,
    Question,
    UnfinishedError,
    Values,
    WrongAnswer,
    finished,
)

LESSON = "01_what_transfers"
NO_LEAD = 0.08
"""A lead below this is called gone in the lesson (accuracy, 0 to 1)."""


def _leads(values: Values) -> dict[int, float]:
    return {int(labels): float(lead) for labels, lead in dict(values["leads"]).items()}


def _lead(values: Values) -> float:
    """The lead at the answered number of labels; an answer that is none of them has the largest lead there is."""
    return _leads(values).get(values["answer"], 1.0)


def _earlier(values: Values) -> list[float]:
    return [lead for labels, lead in _leads(values).items() if labels < values["answer"]]


VANISH = Exercise(
    id="wt-vanish",
    lesson=LESSON,
    title="Where the lead ends",
    takes=("answer", "leads"),
    properties=(
        Property("your answer is one of the label counts of the table", lambda v: v["answer"] in _leads(v)),
        Property(f"at your answer the lead is below {NO_LEAD}", lambda v: _lead(v) < NO_LEAD),
        Property(
            f"at every smaller count it is still at least {NO_LEAD}",
            lambda v: all(x >= NO_LEAD for x in _earlier(v)),
        ),
    ),
    hints=(
        "Read the column of leads from the top: you look for the first one that is too small to matter.",
        (
            f"Go through leads.items() in order and stop at the first lead below {NO_LEAD}; answer with its"
            " number of labels."
        ),
    ),
    wrong=(
        WrongAnswer(
            code="answer = max(leads)",
            recognise=lambda v: v["answer"] == max(_leads(v)),
            hint=("There the lead is gone, but it was gone earlier: the question asks for the first such count."),
        ),
        WrongAnswer(
            code="answer = max(leads, key=leads.get)",
            recognise=lambda v: _lead(v) == max(_leads(v).values()),
            hint="You found where transfer helps most. The question asks where it stops helping.",
        ),
        WrongAnswer(
            code="answer = leads[1]",
            recognise=lambda v: 0 < float(v["answer"]) < 1,
            hint="That is a lead, so an accuracy difference. Answer with the number of labels beside it.",
        ),
    ),
    stub="answer = ...",
    solution=f"answer = next(labels for labels, lead in leads.items() if lead < {NO_LEAD})",
    setup="leads = {1: 0.3, 2: 0.2, 5: 0.1, 10: 0.02, 20: 0.01}",
)


def _pair(values: Values) -> tuple[Any, Any, Any]:
    """Call the learner's function on a recipe it has not seen; hands back (given, scratch, transfer)."""
    from tlwidgets.recipe import Recipe

    given = Recipe(data="faces", epochs=7, learning_rate=0.004, batch_size=16, seed=3)
    made = finished(values["fair_pair"](given))
    scratch, transfer = made
    if scratch is ... or transfer is ...:
        raise UnfinishedError
    return given, scratch, transfer


def _changed(one: Any, other: Any) -> set[str]:
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}


FAIR = Exercise(
    id="wt-fair",
    lesson=LESSON,
    title="A fair pair",
    takes=("fair_pair",),
    properties=(
        Property("the first recipe starts from random weights", lambda v: _pair(v)[1].pretrained is False),
        Property("the second recipe starts from pre-trained weights", lambda v: _pair(v)[2].pretrained is True),
        Property("nothing else differs between the two", lambda v: _changed(*_pair(v)[1:]) == {"pretrained"}),
        Property(
            "nothing else was changed in the recipe that you were given",
            lambda v: _changed(_pair(v)[0], _pair(v)[2]) <= {"pretrained"},
        ),
    ),
    hints=(
        ("In a fair experiment the two sides differ in one thing only. Which field of a recipe is that thing here?"),
        ("recipe.replace(field=value) gives a copy with that one field changed. You need it once for each side."),
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def fair_pair(recipe):\n    return recipe.replace(pretrained=False, learning_rate=0.01),"
                " recipe.replace(pretrained=True, learning_rate=0.001)"
            ),
            recognise=lambda v: "pretrained" in _changed(*_pair(v)[1:]) and len(_changed(*_pair(v)[1:])) > 1,
            hint=("Two things differ at once. If one side wins, you cannot say which of the two made the difference."),
        ),
        WrongAnswer(
            code=(
                "def fair_pair(recipe):\n    return recipe.replace(pretrained=True), recipe.replace(pretrained=False)"
            ),
            recognise=lambda v: _pair(v)[1].pretrained and not _pair(v)[2].pretrained,
            hint="Right idea, wrong order: scratch comes first, transfer second.",
        ),
        WrongAnswer(
            code="def fair_pair(recipe):\n    return recipe, recipe",
            recognise=lambda v: not _changed(*_pair(v)[1:]),
            hint="Both sides are the same experiment: it would compare chance with chance.",
        ),
    ),
    stub="def fair_pair(recipe):\n    scratch = ...\n    transfer = ...\n    return scratch, transfer",
    solution=(
        "def fair_pair(recipe):\n"
        "    scratch = recipe.replace(pretrained=False)\n"
        "    transfer = recipe.replace(pretrained=True)\n"
        "    return scratch, transfer"
    ),
)

EXERCISES = (VANISH, FAIR)

QUESTIONS = (
    Question(
        id="wt-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "The network has never seen a digit, only letters, scribbles, textures and other drawn shapes."
            " You label two images of each digit. What happens?"
        ),
        choices={
            "a": "Starting from scratch is as good: letters are not digits.",
            "b": "The pre-trained network is clearly ahead.",
            "c": "The pre-trained network is behind: it confuses digits with letters.",
        },
        right="b",
        feedback={
            "a": (
                "Letters are not digits, but both are made of strokes, and it is the strokes that the early"
                " stages know."
            ),
            "b": (
                "Yes. Strokes, corners and loops serve letters and digits alike; they do not have to be"
                " learned from your few images."
            ),
            "c": (
                "It could not confuse them: its old answers were thrown away with its old head. Only the"
                " features stayed."
            ),
        },
    ),
    Question(
        id="wt-p2",
        lesson=LESSON,
        kind="predict",
        text="Now you label more and more images. What happens to the lead of the pre-trained network?",
        choices={
            "a": "It grows.",
            "b": "It stays about the same.",
            "c": "It shrinks until nothing is left to speak of.",
        },
        right="c",
        feedback={
            "a": ("More labels help both sides, but the one that starts with nothing has more to gain from each."),
            "b": (
                "More labels help both sides, but not equally: borrowed knowledge replaces labels, and here"
                " they are no longer missing."
            ),
            "c": (
                "Yes. Borrowed knowledge stands in for labels. With enough labels there is less and less for"
                " it to stand in for."
            ),
        },
    ),
    Question(
        id="wt-q1",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Two runs differ in their starting weights and in their learning rate. The pre-trained one wins."
            " What have you shown?"
        ),
        choices={
            "a": "That pre-training helps.",
            "b": "That this learning rate is better.",
            "c": "That one bundle of settings beat another; not why.",
        },
        right="c",
        feedback={
            "a": "Perhaps, but the learning rate may have done it. A fair pair differs in one thing.",
            "b": "Perhaps, but the weights may have done it. A fair pair differs in one thing.",
            "c": "Right: to say why, change one thing at a time.",
        },
    ),
    Question(
        id="wt-q2",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Somebody has 100,000 labelled images of the very kind that they want to sort. What would you"
            " expect of transfer there?"
        ),
        choices={
            "a": "A much better final accuracy.",
            "b": "Little difference in final accuracy; it may still get there sooner.",
            "c": "It can only do harm.",
        },
        right="b",
        feedback={
            "a": "The lead shrinks with the number of labels, as your own curve shows.",
            "b": "Right: with plenty of labels both arrive, and transfer mostly saves time.",
            "c": ("It can do harm when source and target are far apart, but plenty of labels do not make it harmful."),
        },
    ),
    Question(
        id="wt-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: train with_transfer once more with learning_rate=0.001, a third of what it was. What"
            " happens to accuracy_of(...)?"
        ),
        choices={
            "a": "It falls as far as with the huge steps.",
            "b": "It stays far above guessing: smaller steps keep what was borrowed.",
            "c": "It cannot be trained at all.",
        },
        right="b",
        feedback={
            "a": "Run it: huge steps destroy what was borrowed, small ones do not.",
            "b": "Right: small steps may be slow, but they do not throw away what the network knows.",
            "c": "Run it: any rate above zero trains. The question is how far and how safely.",
        },
    ),
)
