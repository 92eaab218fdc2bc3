"""Exercises and questions of lesson 02: filters, probes and likeness."""

from __future__ import annotations

from numbers import Real
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "02_looking_inside"


def _features() -> tuple[Any, Any]:
    """Two descriptions of forty images that have something in common; their means are far from zero."""
    import numpy as np

    draw = np.random.default_rng(2)
    shared = draw.normal(size=(40, 3))
    one = shared @ draw.normal(size=(3, 6)) + draw.normal(size=(40, 6)) + 5
    other = shared @ draw.normal(size=(3, 4)) + draw.normal(size=(40, 4)) - 3
    return one, other


def _cka(values: Values, one: Any, other: Any) -> float:
    return float(finished(values["cka"](one, other)))


def _turned(values: Values) -> float:
    """The learner's likeness of a description and the same one turned and made larger."""
    import numpy as np

    one, _ = _features()
    turn, _ = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))
    return _cka(values, one, 7 * one @ turn)


def _right() -> float:
    from tlwidgets.evaluation.similarity import linear_cka

    return linear_cka(*_features(), unbiased=False)


CKA = Exercise(
    id="look-cka",
    lesson=LESSON,
    title="Measure likeness",
    takes=("cka",),
    properties=(
        Property("a description is wholly like itself: 1", lambda v: abs(_cka(v, *[_features()[0]] * 2) - 1) < 1e-6),
        Property("turning it and making it larger changes nothing", lambda v: abs(_turned(v) - 1) < 1e-6),
        Property(
            "two other descriptions get the number that they should",
            lambda v: abs(_cka(v, *_features()) - _right()) < 1e-6,
        ),
    ),
    hints=(
        "Three steps: take the mean off every column, multiply the transposed tables, divide so that 1 is the most.",
        "(one.T @ other) is a table; its squared entries are summed. The two sums below the line need a square root.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def cka(one, other):\n"
                "    common = ((one.T @ other) ** 2).sum()\n"
                "    return common / np.sqrt(((one.T @ one) ** 2).sum() * ((other.T @ other) ** 2).sum())"
            ),
            recognise=lambda v: _cka(v, *_features()) > _right() + 0.1 and abs(_turned(v) - 1) < 1e-6,
            hint="The columns still carry their means, and two large means look like something in common.",
        ),
        WrongAnswer(
            code=(
                "def cka(one, other):\n"
                "    one, other = one - one.mean(axis=0), other - other.mean(axis=0)\n"
                "    common = ((one.T @ other) ** 2).sum()\n"
                "    return common / (((one.T @ one) ** 2).sum() * ((other.T @ other) ** 2).sum())"
            ),
            recognise=lambda v: _cka(v, *[_features()[0]] * 2) < 0.01,
            hint="Even a description and itself come out near zero: what you divide by is of the wrong order.",
        ),
        WrongAnswer(
            code=("def cka(one, other):\n    return abs(np.corrcoef(one[:, 0], other[:, 0])[0, 1])"),
            recognise=lambda v: abs(_turned(v) - 1) > 1e-3,
            hint="Single columns are compared with each other. Turned, the same knowledge stands in other columns.",
        ),
    ),
    stub="def cka(one, other):\n    ...",
    solution=(
        "def cka(one, other):\n"
        "    one, other = one - one.mean(axis=0), other - other.mean(axis=0)\n"
        "    common = ((one.T @ other) ** 2).sum()\n"
        "    return common / np.sqrt(((one.T @ one) ** 2).sum() * ((other.T @ other) ** 2).sum())"
    ),
    setup="import numpy as np",
)


def _plain(values: Values) -> float:
    """Plain likeness of two unrelated descriptions of as many images as answered."""
    import numpy as np

    from tlwidgets.evaluation.similarity import linear_cka

    one, other = np.random.default_rng(0).normal(size=(2, int(values["images"]), 192))
    return linear_cka(one, other, unbiased=False)


def _whole(values: Values) -> bool:
    images = values["images"]
    return isinstance(images, Real) and float(images).is_integer() and 4 <= float(images) <= 1797


IMAGES = Exercise(
    id="look-images",
    lesson=LESSON,
    title="How many images?",
    takes=("images",),
    properties=(
        Property("it is a whole number, at most the 1,797 scans that there are", _whole),
        Property("with so many images, noise looks less than 0.4 alike", lambda v: _plain(v) < 0.4),
        Property(
            "it is no waste: with half as many it would not", lambda v: _plain({"images": int(v["images"]) // 2}) > 0.4
        ),
    ),
    hints=(
        "Try unrelated(20), unrelated(100) and so on. In which direction does the first number go?",
        "There are 192 numbers an image. With fewer images than that, almost anything fits anything.",
    ),
    wrong=(
        WrongAnswer(
            code="images = 100",
            recognise=lambda v: _whole(v) and _plain(v) > 0.4,
            hint="With so few images the plain number is still far too high for two things with nothing in common.",
        ),
        WrongAnswer(
            code="images = 1797",
            recognise=lambda v: _whole(v) and _plain(v) < 0.2,
            hint="That is enough, but far more than it takes.",
        ),
        WrongAnswer(
            code="images = 0.39",
            recognise=lambda v: 0 < float(v["images"]) < 1,
            hint="That is a likeness. The question asks for the number of images that gives one.",
        ),
    ),
    stub="images = ...",
    solution="images = 320",
)

EXERCISES = (IMAGES, CKA)

QUESTIONS = (
    Question(
        id="look-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "We put a simple model on each stage in turn and let it read digits from what that stage hands on. Nothing"
            " in the network is trained. Where does it read best?"
        ),
        choices={
            "a": "At the stem: it is closest to the picture, so nothing is lost yet.",
            "b": "At the last stage before the head.",
            "c": "The same everywhere: all stages have seen the same picture.",
        },
        right="b",
        feedback={
            "a": "Nothing is lost yet, but nothing is put together either: strokes are not yet digits.",
            "b": "Yes. Each stage puts together what the one before has found: strokes to corners, corners to shapes.",
            "c": "They have, but each hands on something else, and a simple model needs it ready to use.",
        },
    ),
    Question(
        id="look-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Two networks of the same shape: one learned only letters and scribbles, the other only textures. Both look"
            " at the same digits. Where do they see them most alike?"
        ),
        choices={
            "a": "In the early stages.",
            "b": "In the late stages: both must end up knowing what it is.",
            "c": "Nowhere: they learned different things.",
        },
        right="a",
        feedback={
            "a": "Yes. Edges and bright spots serve everybody; what they are put together to depends on the lessons.",
            "b": "They end up with what *their* source asked for: one was asked for letters, the other for textures.",
            "c": "Different answers, but both start from edges and spots, and find them with similar filters.",
        },
    ),
    Question(
        id="look-q1",
        lesson=LESSON,
        kind="quiz",
        text="A probe on stage 2 reads 70 of 100 digits. What has been shown?",
        choices={
            "a": "That stage 2 was trained to read digits.",
            "b": "That what stage 2 hands on suffices for a simple model to read 70 of 100.",
            "c": "That the network uses stage 2 to read digits.",
        },
        right="b",
        feedback={
            "a": "Nobody trained it on digits. The probe learned; the stage only described.",
            "b": "Right: a probe shows what can be read off easily, neither what was taught nor what is used.",
            "c": "A probe finds what is there. Whether later stages make use of it is another question.",
        },
    ),
    Question(
        id="look-q2",
        lesson=LESSON,
        kind="quiz",
        text="Two networks give, for 20 images, plain CKA 0.9 on 192 features each. Are they alike?",
        choices={
            "a": "Yes, 0.9 is nearly 1.",
            "b": "It cannot be said: with so few images pure noise scores about as high.",
            "c": "No, likeness is only proven by equal weights.",
        },
        right="b",
        feedback={
            "a": "Ask first what noise would score: unrelated(20) tells.",
            "b": "Right. Take more images, or the unbiased estimate, which noise leaves at about 0.",
            "c": "Weights can be ordered in many ways that do the same. CKA compares what they do.",
        },
    ),
    Question(
        id="look-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: put probes on the stages of the *texture* specialist, on the scraps:"
            ' probes(network(TEXTURE), five_labels("grey_patches")). How does its end compare with its middle?'
        ),
        choices={
            "a": "Its end falls as far below its middle as the pen specialist's does.",
            "b": "Its end is about as good as its middle: textures are what it was taught.",
            "c": "All stages guess.",
        },
        right="b",
        feedback={
            "a": "Run it: here the last stage was trained for something very like the question.",
            "b": "Right: how far up one should go depends on how near the source is to the target.",
            "c": "Run it: even the stem is far above the one in ten of guessing.",
        },
    ),
)
