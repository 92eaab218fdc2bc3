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


TABLES: tuple[tuple[dict[int, float], int | None], ...] = (
    ({1: 0.3, 2: 0.2, 5: 0.1, 10: 0.02, 20: 0.01}, 10),
    ({2: 0.17, 5: 0.05, 10: 0.09, 20: 0.03}, 5),
    ({3: 0.05, 9: 0.01}, 3),
    ({2: 0.08, 4: 0.07}, 4),
    ({1: 0.3, 5: 0.2}, None),
)
"""Leads that an answer is tried with, and where they are gone."""


def _found(values: Values, table: int) -> Any:
    leads, _ = TABLES[table]
    return values["where_gone"](dict(leads))


def _right_in(values: Values, *tables: int) -> bool:
    return all(_found(values, table) == TABLES[table][1] for table in tables)


VANISH = Exercise(
    id="wt-vanish",
    lesson=LESSON,
    title="Where the lead ends",
    takes=("where_gone",),
    properties=(
        Property("it answers with one of the numbers of labels", lambda v: finished(_found(v, 0)) in TABLES[0][0]),
        Property("it finds the first lead that is too small", lambda v: _right_in(v, 0, 2)),
        Property("also where a later lead is larger again by luck", lambda v: _right_in(v, 1)),
        Property(f"a lead of exactly {NO_LEAD} is not gone yet", lambda v: _right_in(v, 3)),
        Property("where the lead is never gone, it gives None", lambda v: _right_in(v, 4)),
    ),
    hints=(
        "Read the leads from the top: you look for the first one that is too small to matter.",
        "Go through leads.items() in order: each step gives a number of labels and its lead. Stop at the right one.",
    ),
    wrong=(
        WrongAnswer(
            code="def where_gone(leads):\n    return max(leads)",
            recognise=lambda v: _found(v, 0) == 20,
            hint="There the lead is gone, but it was gone earlier: the question asks for the first such count.",
        ),
        WrongAnswer(
            code="def where_gone(leads):\n    return max(leads, key=leads.get)",
            recognise=lambda v: _found(v, 0) == 1,
            hint="You found where transfer helps most. The question asks where it stops helping.",
        ),
        WrongAnswer(
            code="def where_gone(leads):\n    return next((x for x in leads.values() if x < 0.08), None)",
            recognise=lambda v: 0 < float(_found(v, 0)) < 1,
            hint="That is a lead, so an accuracy difference. Answer with the number of labels beside it.",
        ),
        WrongAnswer(
            code="def where_gone(leads):\n    return next(n for n, lead in leads.items() if lead < 0.08)",
            recognise=lambda v: _right_in(v, 0, 1, 2, 3),
            hint="Now think of somebody whose lead is still large at the last count: what does your function do there?",
        ),
    ),
    stub="def where_gone(leads):\n    ...",
    solution=(
        "def where_gone(leads):\n"
        "    for labels, lead in leads.items():\n"
        "        if lead < 0.08:\n"
        "            return labels\n"
        "    return None"
    ),
)


def _pair(values: Values) -> tuple[Any, Any, Any]:
    """Call the learner's function on a recipe it has not seen; hands back (given, scratch, transfer)."""
    from tlwidgets.recipe import Recipe

    given = Recipe(data="faces", epochs=7, learning_rate=0.004, batch_size=16, seed=3)
    made = finished(values["fair_pair"](given, 0.02, 0.005))
    scratch, transfer = made
    if scratch is ... or transfer is ...:
        raise UnfinishedError
    return given, scratch, transfer


def _changed(one: Any, other: Any) -> set[str]:
    return {field.name for field in fields(one) if getattr(one, field.name) != getattr(other, field.name)}


def _rates(values: Values) -> tuple[float | None, float | None]:
    _, scratch, transfer = _pair(values)
    return scratch.learning_rate, transfer.learning_rate


MEANT = {"pretrained", "learning_rate"}

FAIR = Exercise(
    id="wt-fair",
    lesson=LESSON,
    title="A fair pair",
    takes=("fair_pair",),
    properties=(
        Property("the first recipe starts from random weights", lambda v: _pair(v)[1].pretrained is False),
        Property("the second recipe starts from pre-trained weights", lambda v: _pair(v)[2].pretrained is True),
        Property("each has the rate that was given for it", lambda v: _rates(v) == (0.02, 0.005)),
        Property("nothing else differs between the two", lambda v: _changed(*_pair(v)[1:]) == MEANT),
        Property(
            "nothing else was changed in the recipe that you were given",
            lambda v: _changed(_pair(v)[0], _pair(v)[2]) <= MEANT,
        ),
    ),
    hints=(
        "Which field of a recipe is what you ask about? Which one has to suit each side? All others stay as they are.",
        "recipe.replace(field=value, other=value) gives a copy with those fields changed: once for each side.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def fair_pair(recipe, scratch_rate, transfer_rate):\n"
                "    scratch = recipe.replace(pretrained=False, learning_rate=scratch_rate, epochs=30)\n"
                "    return scratch, recipe.replace(pretrained=True, learning_rate=transfer_rate, epochs=5)"
            ),
            recognise=lambda v: bool(_changed(*_pair(v)[1:]) - MEANT),
            hint="Something else differs as well. If one side wins, you cannot say what made the difference.",
        ),
        WrongAnswer(
            code=(
                "def fair_pair(recipe, scratch_rate, transfer_rate):\n"
                "    return recipe.replace(pretrained=False), recipe.replace(pretrained=True)"
            ),
            recognise=lambda v: _changed(*_pair(v)[1:]) == {"pretrained"},
            hint="Both learn at one rate. It suits one side better than the other: a race with a stone in one shoe.",
        ),
        WrongAnswer(
            code=(
                "def fair_pair(recipe, scratch_rate, transfer_rate):\n"
                "    scratch = recipe.replace(pretrained=False, learning_rate=scratch_rate)\n"
                "    return recipe.replace(pretrained=True, learning_rate=transfer_rate), scratch"
            ),
            recognise=lambda v: _pair(v)[1].pretrained and not _pair(v)[2].pretrained,
            hint="Right idea, wrong order: scratch comes first, transfer second.",
        ),
        WrongAnswer(
            code="def fair_pair(recipe, scratch_rate, transfer_rate):\n    return recipe, recipe",
            recognise=lambda v: not _changed(*_pair(v)[1:]),
            hint="Both sides are the same experiment: it would compare chance with chance.",
        ),
        WrongAnswer(
            code=(
                "def fair_pair(recipe, scratch_rate, transfer_rate):\n"
                "    scratch = recipe.replace(pretrained=False, learning_rate=transfer_rate)\n"
                "    return scratch, recipe.replace(learning_rate=scratch_rate)"
            ),
            recognise=lambda v: _rates(v) == (0.005, 0.02),
            hint="The rates went to the wrong sides: who starts with random numbers has the longer way to go.",
        ),
    ),
    stub="def fair_pair(recipe, scratch_rate, transfer_rate):\n    scratch = ...\n    transfer = ...\n"
    "    return scratch, transfer",
    solution=(
        "def fair_pair(recipe, scratch_rate, transfer_rate):\n"
        "    scratch = recipe.replace(pretrained=False, learning_rate=scratch_rate)\n"
        "    transfer = recipe.replace(pretrained=True, learning_rate=transfer_rate)\n"
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
            "c": "It shrinks.",
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
            "Two runs differ in their starting weights, and the pre-trained one was also trained twice as long. It"
            " wins. What have you shown?"
        ),
        choices={
            "a": "That pre-training helps.",
            "b": "That longer training is better.",
            "c": "That one bundle of settings beat another; not why.",
        },
        right="c",
        feedback={
            "a": "Perhaps, but the longer training may have done it. A fair pair gives both sides the same steps.",
            "b": "Perhaps, but the weights may have done it. A fair pair differs in what you ask about.",
            "c": "Right: to say why, let nothing differ that could be the reason as well.",
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
