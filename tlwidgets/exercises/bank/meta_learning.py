"""Exercises and questions of lesson 14: learning a start from which few steps go far."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "14_meta_learning"


def _gradient(values: Values, *arguments: float) -> float:
    made = finished(values["meta_gradient"](*arguments))
    if made is ...:
        raise UnfinishedError
    return float(made)


def _after(start: float, support: float, query: float, rate: float) -> float:
    """Loss on the query after one inner step."""
    return (start - rate * 2 * (start - support) - query) ** 2


def _slope(*arguments: float) -> float:
    start, *others = arguments
    return (_after(start + 1e-6, *others) - _after(start - 1e-6, *others)) / 2e-6


TRIED = ((2.0, 1.0, -1.0, 0.1), (0.5, -2.0, 3.0, 0.25), (-1.0, 0.5, 0.5, 0.4))


def _first_order(start: float, support: float, query: float, rate: float) -> float:
    return 2 * (start - rate * 2 * (start - support) - query)


GRADIENT = Exercise(
    id="ml-gradient",
    lesson=LESSON,
    title="The gradient through a step",
    takes=("meta_gradient",),
    properties=(
        Property("it is the slope of the loss after the step", lambda v: _right(v, TRIED[:1])),
        Property("also for other numbers", lambda v: _right(v, TRIED)),
        Property(
            "with a rate of 0 it is the plain gradient", lambda v: abs(_gradient(v, 2.0, 1.0, -1.0, 0.0) - 6) < 1e-6
        ),
    ),
    hints=(
        "Move the start by a little: how far does the end move? Not by as much, since the step pulls it back.",
        "The end is start - rate * 2 * (start - support). Its slope over the start is the factor that is missing.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def meta_gradient(start, support, query, rate):\n"
                "    end = start - rate * 2 * (start - support)\n"
                "    return 2 * (end - query)"
            ),
            recognise=lambda v: all(abs(_gradient(v, *each) - _first_order(*each)) < 1e-6 for each in TRIED),
            hint="This is still FOMAML: as if the end moved exactly as far as the start.",
        ),
        WrongAnswer(
            code="def meta_gradient(start, support, query, rate):\n    return 2 * (start - query)",
            recognise=lambda v: all(abs(_gradient(v, *each) - 2 * (each[0] - each[2])) < 1e-6 for each in TRIED),
            hint="This judges the start itself. What counts is where it leads: the loss *after* the inner step.",
        ),
    ),
    stub="def meta_gradient(start, support, query, rate):\n    ...",
    solution=(
        "def meta_gradient(start, support, query, rate):\n"
        "    end = start - rate * 2 * (start - support)\n"
        "    return 2 * (end - query) * (1 - 2 * rate)"
    ),
)


def _right(values: Values, tried: Any) -> bool:
    return all(abs(_gradient(values, *each) - _slope(*each)) < 1e-4 for each in tried)


def _moved(values: Values, share: float) -> tuple[Any, list[Any]]:
    """The answer for three tasks, and what was asked of each."""
    import numpy as np

    seen: list[Any] = []

    def learn(start: Any, task: float) -> Any:
        seen.append(np.array(start, dtype=float))
        return np.array([task, 2 * task])

    made = finished(values["reptile_step"](np.array([1.0, 1.0]), [3.0, 5.0, 10.0], learn, share))
    if made is ...:
        raise UnfinishedError
    return np.asarray(made, dtype=float), seen


def _is(values: Values, share: float, *wanted: float) -> bool:
    found, _ = _moved(values, share)
    return found.shape == (2,) and bool(abs(found - wanted).max() < 1e-9)


REPTILE = Exercise(
    id="ml-reptile",
    lesson=LESSON,
    title="One step of Reptile",
    takes=("reptile_step",),
    properties=(
        Property("every task is learned from the same start", lambda v: all((x == 1).all() for x in _moved(v, 0.5)[1])),
        Property("each task is learned once", lambda v: len(_moved(v, 0.5)[1]) == 3),
        Property("the start goes its share of the way to the mean end", lambda v: _is(v, 0.25, 2.25, 3.75)),
        Property("a share of 1 goes all the way", lambda v: _is(v, 1.0, 6.0, 12.0)),
    ),
    hints=(
        "First learn every task, each from the start as it was. Only then move the start, once.",
        "Half of the way from here to there is here plus half of the difference.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def reptile_step(start, tasks, learn, share):\n"
                "    for task in tasks:\n"
                "        start = start + share * (learn(start, task) - start)\n"
                "    return start"
            ),
            recognise=lambda v: not all((x == 1).all() for x in _moved(v, 0.5)[1]),
            hint="The second task does not begin where the first one began: the start has moved in between.",
        ),
        WrongAnswer(
            code=(
                "def reptile_step(start, tasks, learn, share):\n"
                "    ends = [learn(start, task) for task in tasks]\n"
                "    return share * np.mean(ends, axis=0)"
            ),
            recognise=lambda v: _is(v, 0.25, 1.5, 3.0) and _is(v, 1.0, 6.0, 12.0),
            hint="That is a share of the mean end, counted from zero. The way begins at the start.",
        ),
    ),
    stub="def reptile_step(start, tasks, learn, share):\n    ...",
    solution=(
        "def reptile_step(start, tasks, learn, share):\n"
        "    ends = [learn(start, task) for task in tasks]\n"
        "    return start + share * (np.mean(ends, axis=0) - start)"
    ),
    setup="import numpy as np",
)

EXERCISES = (GRADIENT, REPTILE)

QUESTIONS = (
    Question(
        id="ml-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "One network learned the points of very many waves, all in one heap. Another learned a *start*: where to"
            " begin so that a few steps reach any wave. Both get ten points of a new wave and take the same steps."
            " Which is nearer?"
        ),
        choices={
            "a": "The one that learned all waves: it saw the same points.",
            "b": "The one that learned a start.",
            "c": "They are equal.",
        },
        right="b",
        feedback={
            "a": "It saw the same points, but learned their mean, and that is nobody's wave.",
            "b": "Yes. It was trained for exactly what is asked now: to be near to every wave in *steps*.",
            "c": "They saw the same points, and were asked different things about them.",
        },
    ),
    Question(
        id="ml-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Now signs, as in lesson 13: a small network meta-learned on ten signs, and five new signs with one example"
            " each. Against it the nearest mean on features of a network that never saw a sign. Which reads more?"
        ),
        choices={
            "a": "The meta-learned one: it practised this kind of task.",
            "b": "The nearest mean on good features.",
            "c": "They are equal.",
        },
        right="b",
        feedback={
            "a": "It practised with ten signs only, and had to learn to see as well.",
            "b": "Yes. Practice is worth something, good eyes are worth more.",
            "c": "The difference is clear in each of five seeds.",
        },
    ),
    Question(
        id="ml-q1",
        lesson=LESSON,
        kind="quiz",
        text="What does MAML differentiate?",
        choices={
            "a": "The loss on the support set, before any step.",
            "b": "The loss on the query set, after the inner steps, by the start.",
            "c": "The mean loss of all tasks without inner steps.",
        },
        right="b",
        feedback={
            "a": "That is the inner step itself.",
            "b": "Right: the question is how the start should have been for the end to be better.",
            "c": "That is joint training, the baseline of this lesson.",
        },
    ),
    Question(
        id="ml-q2",
        lesson=LESSON,
        kind="quiz",
        text="ANIL adapts the last layer alone in the inner loop. What are the other layers for?",
        choices={
            "a": "They stay random.",
            "b": "They learn in the outer loop: features that suit all tasks.",
            "c": "They are pre-trained elsewhere and frozen.",
        },
        right="b",
        feedback={
            "a": "They get a gradient from every query set.",
            "b": "Right, and that is near to a good feature extractor with a head for each task.",
            "c": "One could do that, and this lesson says it is often better. But it is not ANIL.",
        },
    ),
    Question(
        id="ml-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: error('untrained', by='reptile') is an untrained start after the same inner steps. How does it"
            " compare with error('joint', by='reptile')?"
        ),
        choices={
            "a": "It is larger: training on all waves was worth something.",
            "b": "It is smaller.",
            "c": "It is the same.",
        },
        right="a",
        feedback={
            "a": "Right: the joint start is a fair baseline, not a straw man.",
            "b": "Run it.",
            "c": "Run it and compare.",
        },
    ),
)
