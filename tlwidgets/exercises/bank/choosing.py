"""Exercises and questions of lesson 07: which network to borrow, and how sure the guess is."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "07_choosing_a_backbone"


def _tied(values: Values) -> set[str]:
    return {str(name) for name in values["tied"]}


def _first(values: Values) -> str:
    return str(values["table"]["value"].idxmax())


def _reaching(values: Values) -> set[str]:
    """Every network but the first whose interval reaches up to the first one's low end."""
    table = values["table"]
    first = _first(values)
    return {str(name) for name in table.index if name != first and table["high"][name] >= table["low"][first]}


TIED = Exercise(
    id="cb-tied",
    lesson=LESSON,
    title="Who cannot be told from the first?",
    takes=("tied", "table"),
    properties=(
        Property("every answer is a network of the table", lambda v: _tied(v) <= set(v["table"].index)),
        Property("the first network itself is not among them", lambda v: _first(v) not in _tied(v)),
        Property("all whose interval reaches up to that of the first are", lambda v: _reaching(v) <= _tied(v)),
        Property("no other is", lambda v: _tied(v) - {_first(v)} <= _reaching(v)),
    ),
    hints=(
        "An interval says how far a score may be off by luck. Compare the ends of two intervals, not their middles.",
        "The first one's worst case is its low end. Whose high end comes up to that?",
    ),
    wrong=(
        WrongAnswer(
            code="tied = list(table.index)",
            recognise=lambda v: _tied(v) == set(v["table"].index),
            hint="These are all of them, the first itself included.",
        ),
        WrongAnswer(
            code='tied = [name for name in table.index[1:] if table["high"][name] >= table["value"].max()]',
            recognise=lambda v: _tied(v) < _reaching(v),
            hint="One is missing: the score of the first may be off as well, so its own low end counts too.",
        ),
        WrongAnswer(
            code='tied = [name for name in table.index[1:] if table["value"][name] > table["null_high"][name]]',
            recognise=lambda v: _reaching(v) < _tied(v),
            hint="These beat shuffled labels. That tells them from chance; the question is whom to tell them from.",
        ),
    ),
    stub="tied = ...",
    solution='tied = [name for name in table.index[1:] if table["high"][name] >= table["low"].iloc[0]]',
    setup=(
        "import pandas as pd\n"
        "table = pd.DataFrame(\n"
        '    {"value": [0.3, 0.25, 0.2, 0.0], "low": [0.2, 0.18, 0.15, -0.1], "high": [0.4, 0.32, 0.25, 0.1],'
        ' "null_high": [-0.2] * 4},\n'
        '    index=["all-round", "pen", "texture", "random"],\n'
        ")"
    ),
)

LABELS = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2]


class _Witness:
    """A score that remembers what it was asked."""

    def __init__(self) -> None:
        import numpy as np

        self.features = np.arange(24.0).reshape(12, 2)
        self.labels = np.array(LABELS)
        self.seen: list[tuple[Any, Any]] = []

    def __call__(self, features: Any, labels: Any) -> float:
        self.seen.append((features.copy(), labels.copy()))
        return float(len(self.seen))


def _tried(values: Values) -> tuple[list[Any], _Witness]:
    witness = _Witness()
    made = finished(values["chance"](witness, witness.features, witness.labels, 20))
    return list(made), witness


def _asked(values: Values) -> list[list[int]]:
    return [labels.tolist() for _, labels in _tried(values)[1].seen]


def _same_features(values: Values) -> bool:
    return all((features == _Witness().features).all() for features, _ in _tried(values)[1].seen)


CHANCE = Exercise(
    id="cb-chance",
    lesson=LESSON,
    title="What chance would score",
    takes=("chance",),
    properties=(
        Property("it returns as many scores as asked for", lambda v: _tried(v)[0] == [float(i + 1) for i in range(20)]),
        Property("each time the same labels are dealt out anew", lambda v: all(sorted(x) == LABELS for x in _asked(v))),
        Property("the deals differ", lambda v: len({tuple(x) for x in _asked(v)}) > 10),
        Property("features stay as they are", _same_features),
        Property("the caller's labels are not touched", lambda v: _tried(v)[1].labels.tolist() == LABELS),
    ),
    hints=(
        "Chance keeps everything but the tie between an image and its label: same features, same labels, mixed up.",
        "A generator of NumPy has permutation, which gives a mixed copy, and shuffle, which mixes in place.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def chance(score, features, labels, repeats):\n"
                "    draw = np.random.default_rng(0)\n"
                "    return [score(features, draw.choice(labels, len(labels))) for _ in range(repeats)]"
            ),
            recognise=lambda v: any(sorted(x) != LABELS for x in _asked(v)),
            hint="Drawn anew, some classes grow and others shrink. Only their order should change.",
        ),
        WrongAnswer(
            code=(
                "def chance(score, features, labels, repeats):\n"
                "    made = []\n"
                "    for _ in range(repeats):\n"
                "        np.random.default_rng(0).shuffle(labels)\n"
                "        made.append(score(features, labels))\n"
                "    return made"
            ),
            recognise=lambda v: _tried(v)[1].labels.tolist() != LABELS,
            hint="The caller's own labels are mixed up afterwards: whoever goes on with them gets nonsense.",
        ),
        WrongAnswer(
            code=(
                "def chance(score, features, labels, repeats):\n"
                "    return [score(features, np.random.default_rng(0).permutation(labels)) for _ in range(repeats)]"
            ),
            recognise=lambda v: len({tuple(x) for x in _asked(v)}) == 1,
            hint="Every deal is the same one: a generator that is made anew from one seed begins anew each time.",
        ),
    ),
    stub="def chance(score, features, labels, repeats):\n    ...",
    solution=(
        "def chance(score, features, labels, repeats):\n"
        "    draw = np.random.default_rng(0)\n"
        "    return [score(features, draw.permutation(labels)) for _ in range(repeats)]"
    ),
    setup="import numpy as np",
)

EXERCISES = (TIED, CHANCE)

QUESTIONS = (
    Question(
        id="cb-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Two specialists of the same size stand on the shelf, one for pen strokes, one for textures. Two jobs wait:"
            " digits, and scraps of torn photographs. Which specialist scores higher?"
        ),
        choices={
            "a": "The same one for both jobs: a better network is better.",
            "b": "Pen for the digits, texture for the scraps.",
            "c": "They score the same: they have the same size.",
        },
        right="b",
        feedback={
            "a": "Better at what? Neither is better as such; each is nearer to one of the jobs.",
            "b": "Yes. The nearer the source is to the target, the more of what was learned is of use.",
            "c": "Size says how much a network can hold, not what it holds.",
        },
    ),
    Question(
        id="cb-q1",
        lesson=LESSON,
        kind="quiz",
        text="A score gives a network 328 on your data. Is that good?",
        choices={
            "a": "Yes, 328 is a lot.",
            "b": "It cannot be said before one knows what shuffled labels score, and other networks.",
            "c": "No, scores should lie between 0 and 1.",
        },
        right="b",
        feedback={
            "a": "In this lesson shuffled labels scored about as much. A number needs company.",
            "b": "Right: compare with chance, and with other networks on the same images.",
            "c": "Some do and some do not. The scale says nothing; the comparison does.",
        },
    ),
    Question(
        id="cb-q2",
        lesson=LESSON,
        kind="quiz",
        text="Two networks come first and second, and their intervals overlap. What is sensible?",
        choices={
            "a": "Take the first: it scored higher.",
            "b": "Show it more labelled images, try both, or take the one that is cheaper to run.",
            "c": "Throw both away.",
        },
        right="b",
        feedback={
            "a": "With other images of the same kind the order may well be the other way round.",
            "b": "Right: as far as anybody knows they are equally good, so other reasons may decide.",
            "c": "They may both be excellent. Only their order is open.",
        },
    ),
    Question(
        id="cb-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            'Needs code: look at rows_of(ranked("digits"), "logme"). How does the random network compare with shuffled'
            " labels?"
        ),
        choices={
            "a": "It scores above them: even random filters see something of a digit.",
            "b": "It scores as they do: it has learned nothing.",
            "c": "It scores higher than the texture specialist.",
        },
        right="a",
        feedback={
            "a": "Right. Beating chance is little; a network should beat a random one of its own shape.",
            "b": "It has learned nothing, but what it makes of an image still depends on the image.",
            "c": "Look again: learned textures are worth more than no learning, even on digits.",
        },
    ),
)
