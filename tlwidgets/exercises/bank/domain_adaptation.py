"""Exercises and questions of lesson 09: the images change, the classes stay, and nobody labels the new ones."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "09_domain_adaptation"


def _laboratories() -> tuple[Any, Any]:
    """Two tables (N, 3): the second has another gain and offset in each column; the last column never varies."""
    import numpy as np

    draw = np.random.default_rng(9)
    old, new = draw.normal(size=(40, 3)), draw.normal(size=(30, 3)) * [5.0, 0.2, 1.0] + [7.0, -3.0, 0.0]
    old[:, 2], new[:, 2] = 1.0, 4.0
    return old, new


def _scaled(values: Values) -> tuple[Any, Any]:
    import numpy as np

    with np.errstate(all="ignore"):  # of a division by 0, which is answered below
        made = finished(values["each_by_itself"](*_laboratories()))
    first, second = (np.asarray(rows, dtype=float) for rows in made)
    return first, second


def _centred(rows: Any) -> bool:
    return bool((abs(rows.mean(axis=0)) < 1e-6).all())


def _spread_is_one(rows: Any) -> bool:
    """Whether the pixels that vary at all have the spread 1, by either formula: over N or over N - 1."""
    return any(bool((abs(rows[:, :2].std(axis=0, ddof=ddof) - 1) < 1e-3).all()) for ddof in (0, 1))


def _stays(values: Values, power: int) -> bool:
    """Whether both are centred, and the spreads of the pixels that vary are the old ones divided ``power`` times."""
    tables = zip(_scaled(values), _laboratories(), strict=True)
    return all(
        _centred(rows) and bool((abs(_spreads(rows) / _spreads(given) ** (1 - power) - 1) < 0.01).all())
        for rows, given in tables
    )


def _spreads(rows: Any) -> Any:
    return rows[:, :2].std(axis=0)


BY_ITSELF = Exercise(
    id="da-own",
    lesson=LESSON,
    title="Each laboratory by its own numbers",
    takes=("each_by_itself",),
    properties=(
        Property("both tables keep their shapes", lambda v: [rows.shape for rows in _scaled(v)] == [(40, 3), (30, 3)]),
        Property("every pixel of the old laboratory has the mean 0", lambda v: _centred(_scaled(v)[0])),
        Property("every pixel of the new laboratory has the mean 0", lambda v: _centred(_scaled(v)[1])),
        Property("the spread of each is 1, in both", lambda v: all(map(_spread_is_one, _scaled(v)))),
    ),
    hints=(
        "Which images should say what is bright and what is dark in the new laboratory?",
        "Two means and two spreads, each along axis 0: one value for each pixel of each laboratory.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def each_by_itself(old, new):\n"
                "    return [(rows - rows.mean(axis=0)) / rows.std(axis=0) for rows in (old, new)]"
            ),
            recognise=lambda v: any(bool((rows[:, 2] != rows[:, 2]).all()) for rows in _scaled(v)),
            hint="One pixel never varies: its spread is 0, and 0/0 is no number.",
        ),
        WrongAnswer(
            code=(
                "def each_by_itself(old, new):\n"
                "    mean, spread = old.mean(axis=0), old.std(axis=0) + 1e-9\n"
                "    return (old - mean) / spread, (new - mean) / spread"
            ),
            recognise=lambda v: _centred(_scaled(v)[0]) and not _centred(_scaled(v)[1]),
            hint="The new images are still measured with the old sensor's ruler: that is how their shift stays in.",
        ),
        WrongAnswer(
            code=(
                "def each_by_itself(old, new):\n"
                "    both = np.concatenate([old, new])\n"
                "    mean, spread = both.mean(axis=0), both.std(axis=0) + 1e-9\n"
                "    return (old - mean) / spread, (new - mean) / spread"
            ),
            recognise=lambda v: (
                not _centred(_scaled(v)[0]) and abs(float(sum(rows[:, 0].sum() for rows in _scaled(v)))) < 1e-6
            ),
            hint="One common ruler for both moves them together, and leaves them as far apart as they were.",
        ),
        WrongAnswer(
            code=(
                "def each_by_itself(old, new):\n"
                "    return (old - old.mean()) / old.std(), (new - new.mean()) / new.std()"
            ),
            recognise=lambda v: (
                not _centred(_scaled(v)[0]) and all(abs(float(rows.mean())) < 1e-6 for rows in _scaled(v))
            ),
            hint="One number for the whole image undoes a change of all pixels alike. This sensor changed each apart.",
        ),
        WrongAnswer(
            code="def each_by_itself(old, new):\n    return [rows - rows.mean(axis=0) for rows in (old, new)]",
            recognise=lambda v: _stays(v, 0),
            hint="The offsets are gone, the gains are not: where the new sensor is too eager, it still is.",
        ),
        WrongAnswer(
            code=(
                "def each_by_itself(old, new):\n"
                "    return [(rows - rows.mean(axis=0)) / (rows.var(axis=0) + 1e-9) for rows in (old, new)]"
            ),
            recognise=lambda v: _stays(v, 2),
            hint="The variance is the spread times itself: a pixel that varied twice as much varies half as much now.",
        ),
    ),
    stub="def each_by_itself(old, new):\n    return ...",
    solution=(
        "def each_by_itself(old, new):\n"
        "    return [(rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-9) for rows in (old, new)]"
    ),
    setup="import numpy as np",
)


def _answers() -> tuple[Any, Any, Any]:
    """Probabilities of three classes for six images, the shares that the model learned with, and those of today."""
    import numpy as np

    table = np.random.default_rng(90).random((6, 3)) + 0.1
    return table / table.sum(axis=1, keepdims=True), np.array([0.6, 0.3, 0.1]), np.array([0.2, 0.0, 0.8])


def _corrected(values: Values, *arguments: Any) -> Any:
    import numpy as np

    made = finished(values["corrected"](*(arguments or _answers())))
    table = np.asarray(made, dtype=object)
    if table.ndim == 0:
        raise UnfinishedError
    return table.astype(float)


def _bayes() -> Any:
    answers, before, today = _answers()
    weighed = answers * today / before
    return weighed / weighed.sum(axis=1, keepdims=True)


def _unchanged(values: Values) -> bool:
    answers, before, _ = _answers()
    return bool((abs(_corrected(values, answers, before, before) - answers) < 1e-9).all())


def _without_division() -> Any:
    answers, _, today = _answers()
    weighed = answers * today
    return weighed / weighed.sum(axis=1, keepdims=True)


SHARES = Exercise(
    id="da-shares",
    lesson=LESSON,
    title="Answers for other shares",
    takes=("corrected",),
    properties=(
        Property(
            "the probabilities of an image add up to 1",
            lambda v: bool((abs(_corrected(v).sum(axis=1) - 1) < 1e-9).all()),
        ),
        Property("with the same shares as before nothing changes", _unchanged),
        Property("a class that never comes today gets 0", lambda v: bool((_corrected(v)[:, 1] == 0).all())),
        Property(
            "each class has the probability that it should",
            lambda v: bool((abs(_corrected(v) - _bayes()) < 1e-9).all()),
        ),
    ),
    hints=(
        "A class that comes twice as often as before is twice as likely behind the same picture.",
        "Multiply each column by how much more often its class comes today, then bring each row back to the sum 1.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def corrected(answers, before, today):\n"
                "    weighed = answers * today\n"
                "    return weighed / weighed.sum(axis=1, keepdims=True)"
            ),
            recognise=lambda v: bool((abs(_corrected(v) - _without_division()) < 1e-9).all()),
            hint="The model learned the old shares, and they are in its answers already. Here they count twice.",
        ),
        WrongAnswer(
            code="def corrected(answers, before, today):\n    return answers * today / before",
            recognise=lambda v: bool((abs(_corrected(v).sum(axis=1) - 1) > 1e-3).any()),
            hint="These rows are no probabilities any more: something is missing after the weighing.",
        ),
        WrongAnswer(
            code=(
                "def corrected(answers, before, today):\n"
                "    moved = answers + (today - before)\n"
                "    return moved / moved.sum(axis=1, keepdims=True)"
            ),
            recognise=lambda v: bool((_corrected(v)[:, 1] != 0).any()),
            hint="Adding a share can make a clear no into a maybe, or less than nothing. Frequencies multiply.",
        ),
    ),
    stub="def corrected(answers, before, today):\n    return ...",
    solution=(
        "def corrected(answers, before, today):\n"
        "    weighed = answers * today / before\n"
        "    return weighed / weighed.sum(axis=1, keepdims=True)"
    ),
    setup="import numpy as np",
)

EXERCISES = (BY_ITSELF, SHARES)

QUESTIONS = (
    Question(
        id="da-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Each pixel of the new sensor has a gain and an offset of its own. There are plenty of new images, and"
            " not one new label. What repairs most?"
        ),
        choices={
            "a": "Nothing: without a new label nobody knows what the new images show.",
            "b": "Each laboratory's pixels, each brought to mean 0 and spread 1 by its own images.",
            "c": "Making all covariances equal, of every pixel with every other: that uses the most of what is known.",
        },
        right="b",
        feedback={
            "a": "What changed can be seen without labels: how bright each pixel is, and how much it varies.",
            "b": "Yes. It undoes just what the sensor did, and has little to estimate: two numbers a pixel.",
            "c": "It estimates two thousand numbers from a few hundred images, and knows nothing of the means.",
        },
    ),
    Question(
        id="da-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "The sensor is the old one again, but today only 3s and 8s come. Again each pixel is standardised by the"
            " images that came, which helped so much before. What happens?"
        ),
        choices={
            "a": "It helps again, if only a little.",
            "b": "Nothing: the sensor has not changed, so the numbers are the same.",
            "c": "It does harm.",
        },
        right="c",
        feedback={
            "a": "Look at what is bright in every 3 and every 8 alike: standardised, it is gone.",
            "b": "The mean of a pixel depends on the sensor and on what is in front of it.",
            "c": "Yes. It takes the way 3s and 8s look for the way the sensor works, and removes it.",
        },
    ),
    Question(
        id="da-q1",
        lesson=LESSON,
        kind="quiz",
        text="What does AdaBN need from the new laboratory?",
        choices={
            "a": "A few labelled images of each class.",
            "b": "Images without labels, with the classes in about the old shares.",
            "c": "Nothing: it works on one image.",
        },
        right="b",
        feedback={
            "a": "No label is used, and no weight learns: only means and variances are counted anew.",
            "b": "Right. Images it must have, and their mix of classes must be like the old one.",
            "c": "One image has no mean and variance worth the name, and those of one class would mislead.",
        },
    ),
    Question(
        id="da-q2",
        lesson=LESSON,
        kind="quiz",
        text="A method has made the features of both domains indistinguishable. Are the new images read well now?",
        choices={
            "a": "Yes: what cannot be told apart is treated alike.",
            "b": "Not necessarily: the new 3s may lie where the old 8s lie.",
            "c": "No: features should differ between domains.",
        },
        right="b",
        feedback={
            "a": "Treated alike, yes. But who says that each class came to lie on itself?",
            "b": "Right. Two clouds can be laid on each other with classes crossed, and without labels nobody sees it.",
            "c": "That they differ is the problem. But that they agree is not yet the solution.",
        },
    ),
    Question(
        id="da-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: readings(shift=0.0) is a new laboratory with the old sensor. What does standardising each by"
            " its own numbers do there?"
        ),
        choices={
            "a": "It costs at least 10 of 100 digits: meddling with a sensor that works does harm.",
            "b": "It gains at least 10 of 100.",
            "c": "Next to nothing: less than 5 of 100 either way.",
        },
        right="c",
        feedback={
            "a": "Run it. With the same mix of classes its own numbers are nearly the old ones.",
            "b": "Run it. There was nothing to repair.",
            "c": "Right: where nothing changed and the classes come as before, the numbers are nearly the same.",
        },
    ),
)
