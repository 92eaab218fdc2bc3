"""Exercises and questions of lesson 12: many tasks on one trunk."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "12_multi_task"
DIGITS = [str(digit) for digit in range(10)]


def _labels(values: Values) -> dict[str, str]:
    """The answer's table from digit to label; {} where it is none."""
    tasks = finished(values["tasks"])
    table = tasks.get("even") if isinstance(tasks, dict) else None
    return {str(digit): str(label) for digit, label in table.items()} if isinstance(table, dict) else {}


def _told(values: Values) -> set[str]:
    """What even digits are called."""
    return {label for digit, label in _labels(values).items() if int(digit) % 2 == 0}


def _others(values: Values) -> set[str]:
    return {label for digit, label in _labels(values).items() if int(digit) % 2}


TASKS = Exercise(
    id="mt-tasks",
    lesson=LESSON,
    title="Another task",
    takes=("tasks",),
    properties=(
        Property('there is a table under the name "even"', lambda v: bool(_labels(v))),
        Property("every digit from 0 to 9 has a label", lambda v: set(_labels(v)) == set(DIGITS)),
        Property("all even digits have the same one", lambda v: len(_told(v)) == 1),
        Property("all others have another", lambda v: len(_others(v)) == 1 and not _others(v) & _told(v)),
    ),
    hints=(
        "A further task says for each class of the data which label it has in that task.",
        "Ten entries, two different labels. What is left over when a digit is divided by 2?",
    ),
    wrong=(
        WrongAnswer(
            code='tasks = {"even": {str(digit): "yes" for digit in range(0, 10, 2)}}',
            recognise=lambda v: len(_labels(v)) == 5,
            hint="Half of the digits have no label here: a task with one label only has nothing to tell apart.",
        ),
        WrongAnswer(
            code='tasks = {"even": {str(digit): str(digit) for digit in range(10)}}',
            recognise=lambda v: len(set(_labels(v).values())) == 10,
            hint="Ten labels for ten digits: that is the task that the network has already, a second time.",
        ),
        WrongAnswer(
            code='tasks = {"even": {str(digit): "yes" if digit in (0, 6, 8, 9) else "no" for digit in range(10)}}',
            recognise=lambda v: _labels(v).get("9") == _labels(v).get("8") != _labels(v).get("2"),
            hint="The name has changed, but these labels still say who has a loop.",
        ),
    ),
    stub="tasks = ...",
    solution='tasks = {"even": {str(digit): "yes" if digit % 2 == 0 else "no" for digit in range(10)}}',
)


def _layers() -> tuple[list[Any], list[Any]]:
    """Gradients of two tasks in three layers of different sizes; the largest layer agrees, the small ones do not."""
    import numpy as np

    draw = np.random.default_rng(12)
    first = [draw.normal(size=shape) for shape in ((4, 3), (2,), (6, 5))]
    return first, [-first[0] + 0.1, 0.5 * first[1][::-1], 3 * first[2] + 1.0]


def _found(values: Values, first: list[Any], second: list[Any]) -> float:
    made = finished(values["agreement"](first, second))
    if made is ...:
        raise UnfinishedError
    return float(made)


def _flat(layers: list[Any]) -> Any:
    import numpy as np

    return np.concatenate([layer.ravel() for layer in layers])


def _cosine() -> float:
    import numpy as np

    one, other = map(_flat, _layers())
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def _near(values: Values, wanted: float, *, change: float = 1.0) -> bool:
    first, second = _layers()
    return abs(_found(values, first, [change * layer for layer in second]) - wanted) < 1e-6


def _mean_of_layers() -> float:
    import numpy as np

    cosines = [(a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(*_layers(), strict=True)]
    return float(np.mean(cosines))


AGREEMENT = Exercise(
    id="mt-cosine",
    lesson=LESSON,
    title="Do two tasks pull the same way?",
    takes=("agreement",),
    properties=(
        Property("a gradient agrees with itself: 1", lambda v: abs(_found(v, _layers()[0], _layers()[0]) - 1) < 1e-6),
        Property("of two gradients it is the cosine over all layers at once", lambda v: _near(v, _cosine())),
        Property("a gradient ten times as long says the same", lambda v: _near(v, _cosine(), change=10.0)),
        Property("turned round, the opposite", lambda v: _near(v, -_cosine(), change=-1.0)),
    ),
    hints=(
        "All numbers of all layers together are one long arrow. How do you measure the angle between two arrows?",
        "Lay the layers' numbers end to end, then: product of the two, divided by both lengths.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def agreement(first, second):\n"
                "    cosines = [(a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(first, second)]\n"
                "    return np.mean(cosines)"
            ),
            recognise=lambda v: _near(v, _mean_of_layers()),
            hint="Here a layer of two numbers counts as much as one of thirty. All of them take the step together.",
        ),
        WrongAnswer(
            code=("def agreement(first, second):\n    return sum((a * b).sum() for a, b in zip(first, second))"),
            recognise=lambda v: _near(v, float(_flat(_layers()[0]) @ _flat(_layers()[1]))),
            hint="This grows with the length of the gradients: a loud task would seem to agree with everybody.",
        ),
    ),
    stub="def agreement(first, second):\n    ...",
    solution=(
        "def agreement(first, second):\n"
        "    one = np.concatenate([layer.ravel() for layer in first])\n"
        "    other = np.concatenate([layer.ravel() for layer in second])\n"
        "    return one @ other / (np.linalg.norm(one) * np.linalg.norm(other))"
    ),
    setup="import numpy as np",
)

EXERCISES = (TASKS, AGREEMENT)

QUESTIONS = (
    Question(
        id="mt-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "At all twenty stands the same five of fifty causes count, but everywhere with other strengths. Is it"
            " better to learn each stand from its own books, or all stands together?"
        ),
        choices={
            "a": "Each alone: every stand has strengths of its own.",
            "b": "Together: much less error.",
            "c": "It comes to the same.",
        },
        right="b",
        feedback={
            "a": "The strengths are each stand's own in both ways. What is shared is *which* causes count.",
            "b": "Yes: thirty days are few to find five in fifty, but twenty stands point at the same five.",
            "c": "Alone, many a cause that only seems to count gets in.",
        },
    ),
    Question(
        id="mt-p2",
        lesson=LESSON,
        kind="predict",
        text="Now at every stand *other* causes count. What becomes of learning together?",
        choices={
            "a": "It is still better: more data are more data.",
            "b": "It does no harm and no good.",
            "c": "It is worse than alone.",
        },
        right="c",
        feedback={
            "a": "More data about something else. Each stand has to carry the causes of all the others.",
            "b": "It has to choose causes for all at once, and what suits one stand is noise for nineteen.",
            "c": "Yes: what should be shared is not there, and sharing it by force is an error.",
        },
    ),
    Question(
        id="mt-p3",
        lesson=LESSON,
        kind="predict",
        text=(
            "A network learns digits, and beside them either who has a loop, or a name drawn at random for every"
            " picture. Which of the two pulls the trunk more in the direction in which digits pull it?"
        ),
        choices={
            "a": "The loops.",
            "b": "The random names: they have ten labels, as the digits have.",
            "c": "Neither: each task has its own head.",
        },
        right="a",
        feedback={
            "a": "Yes: what shows a loop also shows which digit it is, so both ask the trunk for similar changes.",
            "b": "The number of labels does not matter, what one must look at does.",
            "c": "The heads are apart, the trunk is not: both tasks' gradients arrive there and are added up.",
        },
    ),
    Question(
        id="mt-q1",
        lesson=LESSON,
        kind="quiz",
        text="The cosine between two tasks' gradients in the trunk is around -0.1. What does that tell?",
        choices={
            "a": "A step that helps one task sets the other back a little.",
            "b": "The first task is 10 % worse.",
            "c": "The two tasks must not be trained together.",
        },
        right="a",
        feedback={
            "a": "Right. How much it matters in the end, only the comparison with separate networks tells.",
            "b": "It is an angle, not an accuracy.",
            "c": "It is a warning, not a verdict. Compare with separate networks.",
        },
    ),
    Question(
        id="mt-q2",
        lesson=LESSON,
        kind="quiz",
        text=(
            "With weighting='uncertainty' a loss L counts exp(-s) L + s / 2, and s is learned. One task's labels are"
            " half wrong, so its loss stays high. What happens to its s?"
        ),
        choices={
            "a": "It rises: the task counts less.",
            "b": "It falls: the task counts more, since it has most to learn.",
            "c": "It stays 0.",
        },
        right="a",
        feedback={
            "a": "Right: exp(-s) shrinks, and s / 2 is the price that keeps every task from being silenced.",
            "b": "That would make exp(-s) L, which is large already, larger still.",
            "c": "With a high loss a larger s makes the sum smaller, so it moves.",
        },
    ),
    Question(
        id="mt-q3",
        lesson=LESSON,
        kind="quiz",
        text="Needs code: in alone_and_together(0.5) half of the stands share their causes. Is together better?",
        choices={
            "a": "Yes, as soon as anything is shared.",
            "b": "No: half is not enough here.",
            "c": "The two are equal.",
        },
        right="b",
        feedback={
            "a": "Run it and compare the two numbers.",
            "b": "Right: the ten stands that share nothing lose more than the others gain.",
            "c": "Run it.",
        },
    ),
)
