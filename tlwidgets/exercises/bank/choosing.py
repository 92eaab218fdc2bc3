"""Exercises and questions of lesson 07: which network to borrow, and how sure the guess is."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "07_choosing_a_backbone"


def _tied(values: Values) -> set[str]:
    return {str(name) for name in values["tied"]}


def _names(values: Values) -> set[str]:
    return {str(name) for name in values["gaps"].index}


def _holding(values: Values) -> set[str]:
    """Every network for which the interval of the gap to the first holds 0."""
    gaps = values["gaps"]
    return {str(name) for name in gaps.index if gaps["low"][name] <= 0 <= gaps["high"][name]}


TIED = Exercise(
    id="cb-tied",
    lesson=LESSON,
    title="Who cannot be told from the first?",
    takes=("tied", "gaps"),
    properties=(
        Property("every answer is a network of the table", lambda v: _tied(v) <= _names(v)),
        Property("all whose interval holds 0 are among them", lambda v: _holding(v) <= _tied(v)),
        Property("no other is", lambda v: _tied(v) <= _holding(v)),
    ),
    hints=(
        "A gap of 0 means: equally good. For which networks is that among what the interval allows?",
        "The gap to the first is never negative. So which end of the interval decides whether 0 lies in it?",
    ),
    wrong=(
        WrongAnswer(
            code="tied = list(gaps.index)",
            recognise=lambda v: _tied(v) == _names(v),
            hint="These are all of them. Some gaps are too wide to be luck.",
        ),
        WrongAnswer(
            code="tied = [name for name in gaps.index if gaps['gap'][name] <= 0]",
            recognise=lambda v: not _tied(v),
            hint="The gap itself is hardly ever 0. It may be off by luck, and the interval says by how much.",
        ),
        WrongAnswer(
            code="tied = [name for name in gaps.index if gaps['low'][name] > 0]",
            recognise=lambda v: _tied(v) == _names(v) - _holding(v),
            hint="These are the ones that can be told from the first.",
        ),
        WrongAnswer(
            code="tied = ['all-round', *[name for name in gaps.index if gaps['low'][name] <= 0]]",
            recognise=lambda v: bool(_tied(v) - _names(v)) and _holding(v) <= _tied(v),
            hint="The first is among them, or a name that is none of the table's. Nobody is tied with oneself.",
        ),
    ),
    stub="tied = ...",
    solution='tied = [name for name in gaps.index if gaps["low"][name] <= 0]',
    setup=(
        "import pandas as pd\n"
        "gaps = pd.DataFrame(\n"
        '    {"gap": [0.01, 0.06, 0.09, 0.3], "low": [-0.03, -0.01, 0.04, 0.2], "high": [0.05, 0.13, 0.14, 0.4]},\n'
        '    index=["transformer", "pen", "texture", "random"],\n'
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
        import numpy as np

        self.seen.append((np.array(features), np.array(labels)))
        return float(len(self.seen))


def _tried(values: Values) -> tuple[list[Any], _Witness]:
    witness = _Witness()
    made = finished(values["chance"](witness, witness.features, witness.labels, 20))
    return list(made), witness


def _asked(values: Values) -> list[list[int]]:
    return [labels.tolist() for _, labels in _tried(values)[1].seen]


def _turned(values: Values) -> bool:
    """Whether every deal is the given order begun at another place."""
    turns = {tuple(LABELS[i:] + LABELS[:i]) for i in range(len(LABELS))}
    return all(tuple(asked) in turns for asked in _asked(values))


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
        Property("each deal is a new one, not the old one moved along", lambda v: not _turned(v)),
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
        WrongAnswer(
            code=(
                "def chance(score, features, labels, repeats):\n"
                "    return [score(features, np.roll(labels, i + 1)) for i in range(repeats)]"
            ),
            recognise=_turned,
            hint="The labels are only moved along. Neighbours stay neighbours, and nothing is left to chance.",
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
        id="cb-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "TransRate gives the all-round network some number on digits. Now the labels are shuffled, so that they"
            " mean nothing. What does TransRate give?"
        ),
        choices={
            "a": "About zero: there is nothing to see.",
            "b": "About half as much.",
            "c": "Nearly the same.",
        },
        right="c",
        feedback={
            "a": "That would be a score with chance taken off. This one counts from a place of its own.",
            "b": "More: with 192 features and a hundred images, any labels look as if they were neatly apart.",
            "c": "Yes. Most of the number comes from having more features than images, whatever the labels say.",
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
        text="Two networks come first and second, and the interval of their difference holds 0. What is sensible?",
        choices={
            "a": "Take the first: it scored higher.",
            "b": "Show both more labelled images, try both, or take the one that is cheaper to run.",
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
