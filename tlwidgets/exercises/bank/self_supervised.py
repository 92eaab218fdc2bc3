"""Exercises and questions of lesson 16: learning from pictures that nobody has labelled."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "16_self_supervised"


def _crowd() -> tuple[Any, Any]:
    """Seven rows of which the nearest other ones are plain to see; three of seven are of another class."""
    import numpy as np

    rows = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.1, 5.0], [9.0, 0.0], [9.1, 0.0], [5.4, 5.0]])
    return rows, np.array([1, 1, 2, 3, 4, 4, 2])


def _share(values: Values, rows: Any = None, labels: Any = None) -> float:
    rows, labels = _crowd() if rows is None else (rows, labels)
    return float(finished(values["same_share"](rows, labels)))


def _near(found: float, wanted: float) -> bool:
    return abs(found - wanted) < 1e-6


NEAR = Exercise(
    id="sv-near",
    lesson=LESSON,
    title="Who stands nearest?",
    takes=("same_share",),
    properties=(
        Property("four of these seven stand next to one of their own class", lambda v: _near(_share(v), 4 / 7)),
        Property("with labels that all differ it is 0", lambda v: _near(_share(v, _crowd()[0], _arange(7)), 0.0)),
        Property("with one label for all it is 1", lambda v: _near(_share(v, _crowd()[0], 0 * _arange(7)), 1.0)),
        Property(
            "the order of the rows does not matter", lambda v: _near(_share(v, *(x[::-1] for x in _crowd())), 4 / 7)
        ),
    ),
    hints=(
        "Who is nearest to a row, at distance 0? That one must not count.",
        "In the table of all distances each row is compared with itself, too. Where do those entries stand?",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def same_share(rows, labels):\n"
                "    distances = ((rows[:, None] - rows) ** 2).sum(axis=2)\n"
                "    return (labels == labels[distances.argmin(axis=1)]).mean()"
            ),
            recognise=lambda v: _near(_share(v, _crowd()[0], _arange(7)), 1.0),
            hint="Every row is its own nearest neighbour here, so the share is always 1.",
        ),
        WrongAnswer(
            code=(
                "def same_share(rows, labels):\n"
                "    distances = ((rows[:, None] - rows) ** 2).sum(axis=2)\n"
                "    np.fill_diagonal(distances, -np.inf)\n"
                "    return (labels == labels[distances.argmax(axis=1)]).mean()"
            ),
            recognise=lambda v: _near(_share(v), 0.0),
            hint="That asks who stands farthest away.",
        ),
    ),
    stub="def same_share(rows, labels):\n    ...",
    solution=(
        "def same_share(rows, labels):\n"
        "    distances = ((rows[:, None] - rows) ** 2).sum(axis=2)\n"
        "    np.fill_diagonal(distances, np.inf)\n"
        "    return (labels == labels[distances.argmin(axis=1)]).mean()"
    ),
    setup="import numpy as np",
)


def _arange(count: int) -> Any:
    import numpy as np

    return np.arange(count)


def _table() -> Any:
    import numpy as np

    return np.array([[2.0, 1.0, 0.0], [0.5, 0.5, 3.0], [-1.0, 0.0, 4.0]])


def _cost(values: Values, table: Any) -> float:
    return float(finished(values["contrast"](table)))


def _wanted(table: Any) -> float:
    import numpy as np

    return float((np.log(np.exp(table).sum(axis=1)) - np.diag(table)).mean())


def _of_shares(kind: str) -> float:
    """What a misconception makes of the table's probabilities."""
    import numpy as np

    shares = np.exp(_table()) / np.exp(_table()).sum(axis=1, keepdims=True)
    partners = np.diag(shares)
    found = {
        "praised": -np.log(shares.max(axis=1)).mean(),
        "base ten": -np.log10(partners).mean(),
        "log of the mean": -np.log(partners.mean()),
    }
    return float(found[kind])


def _same(count: int) -> Any:
    import numpy as np

    return np.ones((count, count))


def _sharp(count: int) -> Any:
    import numpy as np

    return 40 * np.eye(count)


CONTRAST = Exercise(
    id="sv-contrast",
    lesson=LESSON,
    title="The contrastive loss",
    takes=("contrast",),
    properties=(
        Property("where all views look the same it is log(N)", lambda v: _near(_cost(v, _same(8)), 2.0794415416798357)),
        Property("where each view is like its own partner alone it is 0", lambda v: _near(_cost(v, _sharp(8)), 0.0)),
        Property("in between it is what the formula says", lambda v: _near(_cost(v, _table()), _wanted(_table()))),
        Property(
            "a row that is higher by 5 throughout costs the same",
            lambda v: _near(_cost(v, _raised()), _wanted(_table())),
        ),
    ),
    hints=(
        "Each row is a question with N answers: which of these is my other view? The right answer is on the diagonal.",
        "Which axis must add up to 1? Which entry of row i is its partner?",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def contrast(similar):\n"
                "    powers = np.exp(similar)\n"
                "    return -np.log(np.diag(powers / powers.sum(axis=0))).mean()"
            ),
            recognise=lambda v: _near(_cost(v, _table()), _wanted(_table().T)),
            hint="Columns are made to add up to 1 here. The question is asked of each row.",
        ),
        WrongAnswer(
            code="def contrast(similar):\n    return -np.diag(similar).mean()",
            recognise=lambda v: _near(_cost(v, _same(8)), -1.0),
            hint="Partners are drawn together, no strangers pushed apart: one answer for all would be best.",
        ),
        WrongAnswer(
            code=(
                "def contrast(similar):\n"
                "    powers = np.exp(similar)\n"
                "    return -np.log((powers / powers.sum(axis=1, keepdims=True)).max(axis=1)).mean()"
            ),
            recognise=lambda v: _near(_cost(v, _table()), _of_shares("praised")),
            hint="The most similar one is praised, whoever it is. It should be the partner.",
        ),
        WrongAnswer(
            code=(
                "def contrast(similar):\n"
                "    powers = np.exp(similar)\n"
                "    shares = powers / powers.sum(axis=1, keepdims=True)\n"
                "    return np.log(np.diag(shares)).mean()"
            ),
            recognise=lambda v: _near(_cost(v, _table()), -_wanted(_table())),
            hint="This rises as the partners are found. Training makes a loss small, so it would unlearn them.",
        ),
        WrongAnswer(
            code=(
                "def contrast(similar):\n"
                "    powers = np.exp(similar)\n"
                "    shares = powers / powers.sum(axis=1, keepdims=True)\n"
                "    return -np.log10(np.diag(shares)).mean()"
            ),
            recognise=lambda v: _near(_cost(v, _table()), _of_shares("base ten")),
            hint="The logarithm to the base 10 was taken. exp has a logarithm of its own, which undoes it.",
        ),
        WrongAnswer(
            code=(
                "def contrast(similar):\n"
                "    powers = np.exp(similar)\n"
                "    shares = powers / powers.sum(axis=1, keepdims=True)\n"
                "    return -np.log(np.diag(shares).mean())"
            ),
            recognise=lambda v: _near(_cost(v, _table()), _of_shares("log of the mean")),
            hint="The mean comes before the logarithm here, and one partner that is never found hardly shows in it.",
        ),
    ),
    stub="def contrast(similar):\n    ...",
    solution=(
        "def contrast(similar):\n"
        "    powers = np.exp(similar)\n"
        "    shares = powers / powers.sum(axis=1, keepdims=True)\n"
        "    return -np.log(np.diag(shares)).mean()"
    ),
    setup="import numpy as np",
)


def _raised() -> Any:
    table = _table()
    table[1] += 5
    return table


EXERCISES = (NEAR, CONTRAST)

QUESTIONS = (
    Question(
        id="sv-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Digits lie anywhere on a large, noisy canvas; twenty of each have a label. Which description lets a simple"
            " model name the most new ones?"
        ),
        choices={
            "a": "The pixels: nothing is lost in them.",
            "b": "The features of a network with random weights.",
            "c": "The features of a network that practised on canvases without labels.",
        },
        right="c",
        feedback={
            "a": "Nothing is lost, but no pixel means anything when the digit may lie anywhere.",
            "b": "It is better than pixels, because it looks everywhere. But it was never told what to look past.",
            "c": "Yes: it practised on the very thing that makes these pictures hard.",
        },
    ),
    Question(
        id="sv-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "The same digits, centred and without noise. How much more will the practised network's features name than"
            " pixels do, compared with the gain on canvases?"
        ),
        choices={
            "a": "As much more as on canvases: practice is practice.",
            "b": "Far less, perhaps nothing.",
            "c": "Even more: centred scans are easier.",
        },
        right="b",
        feedback={
            "a": "The practice teaches to look past place and turn. Here there is hardly any of it to look past.",
            "b": "Yes. Each pixel has its place here, so pixels are a good description already.",
            "c": "They are easier, for the pixels as well: little is left to be gained.",
        },
    ),
    Question(
        id="sv-q1",
        lesson=LESSON,
        kind="quiz",
        text="The task will be to tell a 6 from a 9. Which views must not be used in pretraining?",
        choices={
            "a": "Small shifts.",
            "b": "Other brightness.",
            "c": "Turns by any angle.",
        },
        right="c",
        feedback={
            "a": "A 6 that is shifted stays a 6.",
            "b": "A bright 6 is a 6.",
            "c": "Right: a 6 turned by half is a 9. What views change, the features forget.",
        },
    ),
    Question(
        id="sv-q2",
        lesson=LESSON,
        kind="quiz",
        text="The contrastive loss fell nicely, and a linear model on the features is no better than on pixels. So:",
        choices={
            "a": "It cannot be: a lower loss means better features.",
            "b": "The practice was solved, but it was not the practice that this task needs.",
            "c": "The linear model must be broken.",
        },
        right="b",
        feedback={
            "a": "It means better answers to the question 'which is my other view', nothing else.",
            "b": "Right. So it went with the centred scans. Only labels of the task can tell.",
            "c": "Try pixels and a random network with it: it works on those.",
        },
    ),
    Question(
        id="sv-q3",
        lesson=LESSON,
        kind="quiz",
        text="Needs code: read_by(labels=5) gives each description five labels of each digit. Who is ahead then?",
        choices={
            "a": "Still the pretrained network.",
            "b": "The pixels.",
            "c": "Nobody: all guess.",
        },
        right="a",
        feedback={
            "a": "Right, though from so few labels even its features are read wrongly more often than not.",
            "b": "Run it.",
            "c": "Run it, and compare with one in ten.",
        },
    ),
)
