"""Exercises and questions of lesson 10: groups without labels, and what they are groups of."""

from __future__ import annotations

import warnings
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "10_clustering"

ASKED = dict(enumerate(map(list, ("49994", "77177", "23833", "00589"))))
"""Five answers for each of four groups; in the last one the commonest is not in the middle when they are sorted."""
COMMONEST = {0: "9", 1: "7", 2: "3", 3: "0"}


def _names(values: Values) -> dict[int, str]:
    made = finished(values["name_groups"]({group: list(labels) for group, labels in ASKED.items()}))
    return {int(group): str(name) for group, name in dict(made).items()}


NAMES = Exercise(
    id="cl-names",
    lesson=LESSON,
    title="Five are asked, one name is given",
    takes=("name_groups",),
    properties=(
        Property("every group gets a name", lambda v: set(_names(v)) == set(ASKED)),
        Property(
            "the name is one of the five answers of that group",
            lambda v: all(_names(v)[group] in answers for group, answers in ASKED.items()),
        ),
        Property("it is the answer that came most often", lambda v: _names(v) == COMMONEST),
    ),
    hints=(
        "The five will not always agree. Who should decide: the first of them, or more than one?",
        "max takes key=; a list can count how often something stands in it.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def name_groups(answers):\n"
                "    return {group: Counter(labels).most_common(1)[0] for group, labels in answers.items()}"
            ),
            recognise=lambda v: all(name.startswith(("(", "[")) for name in _names(v).values()),
            hint="Each group gets a pair here, an answer and how often it came. Only one of the two is a name.",
        ),
        WrongAnswer(
            code="def name_groups(answers):\n    return {group: labels[0] for group, labels in answers.items()}",
            recognise=lambda v: _names(v) == {group: labels[0] for group, labels in ASKED.items()},
            hint="One image speaks for its whole group here, as before. It may be an odd one; four others were asked.",
        ),
        WrongAnswer(
            code=(
                "def name_groups(answers):\n"
                "    return {group: str(round(sum(map(int, labels)) / 5)) for group, labels in answers.items()}"
            ),
            recognise=lambda v: _names(v)[0] == "7",
            hint="Half-way between a 4 and a 9 there is no digit that is a bit of both: names are not quantities.",
        ),
        WrongAnswer(
            code="def name_groups(answers):\n    return {group: max(labels) for group, labels in answers.items()}",
            recognise=lambda v: _names(v) == {group: max(labels) for group, labels in ASKED.items()},
            hint="This takes the largest of the five answers. Nobody asked which digit is largest.",
        ),
        WrongAnswer(
            code=(
                "def name_groups(answers):\n    return {group: sorted(labels)[2] for group, labels in answers.items()}"
            ),
            recognise=lambda v: _names(v) == {group: sorted(labels)[2] for group, labels in ASKED.items()},
            hint="The middle one of the sorted answers wins only where most agree. Names have no middle: count them.",
        ),
    ),
    stub="def name_groups(answers):\n    ...",
    solution=(
        "def name_groups(answers):\n"
        "    return {group: max(labels, key=labels.count) for group, labels in answers.items()}"
    ),
    setup="from collections import Counter",
)


def _trial() -> tuple[Any, Any]:
    """Three heaps of points of different size far from the origin, and four centres; nothing is near the last."""
    import numpy as np

    draw = np.random.default_rng(10)
    heaps = np.repeat(np.array([[2.0, 2.0], [9.0, 3.0], [5.0, 12.0]]), [4, 9, 17], axis=0)
    rows = heaps + draw.normal(scale=0.5, size=heaps.shape)
    return rows, np.array([[2.5, 3.5], [8.0, 5.0], [6.0, 10.0], [-40.0, -40.0]])


def _moved(values: Values) -> Any:
    import numpy as np

    return np.asarray(_stepped(values, *_trial()), dtype=float)


def _stepped(values: Values, rows: Any, centres: Any) -> Any:
    import numpy as np

    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a mean over nothing, which is answered below
        made = finished(values["step"](rows, centres))
    if made is ...:
        raise UnfinishedError
    return made


def _right() -> Any:
    import numpy as np

    rows, centres = _trial()
    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    return np.stack([rows[nearest == i].mean(axis=0) if (nearest == i).any() else c for i, c in enumerate(centres)])


def _same(one: Any, other: Any) -> bool:
    return one.shape == other.shape and bool((abs(one - other) < 1e-9).all())


def _lonely(values: Values) -> str:
    """What became of the centre that nobody chose, where the others moved as they should."""
    import numpy as np

    moved = _moved(values)
    if len(moved) == 3 and _same(moved, _right()[:3]):
        return "dropped"
    if not _same(moved[:3], _right()[:3]) or _same(moved, _right()):
        return "unclear"
    return "nan" if np.isnan(moved[3]).any() else "elsewhere"


def _own_centres_kept(values: Values) -> bool:
    rows, centres = _trial()
    _stepped(values, rows, centres)
    return _same(centres, _trial()[1]) and _same(rows, _trial()[0])


STEP = Exercise(
    id="cl-step",
    lesson=LESSON,
    title="One step of k-means",
    takes=("step",),
    properties=(
        Property("as many centres come back as went in", lambda v: _moved(v).shape == (4, 2)),
        Property(
            "a centre moves to the mean of the rows that it is the nearest to",
            lambda v: _same(_moved(v)[:3], _right()[:3]),
        ),
        Property(
            "a centre that is the nearest to no row stays where it is", lambda v: _same(_moved(v)[3:], _right()[3:])
        ),
        Property("what the caller gave is not changed", _own_centres_kept),
    ),
    hints=(
        "Two halves: first every row chooses the nearest centre, then each centre moves to the mean of its choosers.",
        "((rows[:, None] - centres) ** 2).sum(axis=2) is a table (N, K) of squared distances. And if none chose one?",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def step(rows, centres):\n"
                "    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)\n"
                "    return np.stack([rows[nearest == number].mean(axis=0) for number in range(len(centres))])"
            ),
            recognise=lambda v: _lonely(v) == "nan",
            hint="A centre that nobody chose became nan: the mean of nothing. From then on nothing is near it, ever.",
        ),
        WrongAnswer(
            code=(
                "def step(rows, centres):\n"
                "    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)\n"
                "    return np.stack([rows[nearest == number].mean(axis=0) for number in sorted(set(nearest))])"
            ),
            recognise=lambda v: _lonely(v) == "dropped",
            hint="A centre that nobody chose has vanished: fewer come back than went in. Where should it be instead?",
        ),
        WrongAnswer(
            code=(
                "def step(rows, centres):\n"
                "    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)\n"
                "    moved = rows[np.random.default_rng().integers(len(rows), size=len(centres))]\n"
                "    for number in set(nearest):\n"
                "        moved[number] = rows[nearest == number].mean(axis=0)\n"
                "    return moved"
            ),
            recognise=lambda v: _lonely(v) == "elsewhere",
            hint="A centre that nobody chose was given another place here. Nobody has called it away.",
        ),
        WrongAnswer(
            code=(
                "def step(rows, centres):\n"
                "    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)\n"
                "    for number in set(nearest):\n"
                "        centres[number] = rows[nearest == number].mean(axis=0)\n"
                "    return centres"
            ),
            recognise=lambda v: _same(_moved(v), _right()) and not _own_centres_kept(v),
            hint="The caller's own table was written over: how far the centres moved, nobody can tell any more.",
        ),
        WrongAnswer(
            code=(
                "def step(rows, centres):\n"
                "    nearest = (rows @ centres.T).argmax(axis=1)\n"
                "    moved = centres.copy()\n"
                "    for number in set(nearest):\n"
                "        moved[number] = rows[nearest == number].mean(axis=0)\n"
                "    return moved"
            ),
            recognise=lambda v: _same(_moved(v)[0], _trial()[1][0]),
            hint="A centre that stands beside four rows got none of them: a large product is not a small distance.",
        ),
        WrongAnswer(
            code=(
                "def step(rows, centres):\n"
                "    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=0)\n"
                "    return rows[nearest]"
            ),
            recognise=lambda v: all(any(_same(one, row) for row in _trial()[0]) for one in _moved(v)),
            hint="Here each centre jumps onto one single row. It should stand in the middle of all that chose it.",
        ),
    ),
    stub="def step(rows, centres):\n    ...",
    solution=(
        "def step(rows, centres):\n"
        "    nearest = ((rows[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)\n"
        "    moved = centres.copy()\n"
        "    for number in set(nearest):\n"
        "        moved[number] = rows[nearest == number].mean(axis=0)\n"
        "    return moved"
    ),
    setup="import numpy as np",
)

EXERCISES = (NAMES, STEP)

QUESTIONS = (
    Question(
        id="cl-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Wooden circles, squares, triangles and crosses in four colours shall be put in four groups, with no word"
            " on how. Once by their pixels, once by the features of our pre-trained network. What will the groups be?"
        ),
        choices={
            "a": "Both times the four shapes.",
            "b": "By pixels the colours, by the network the shapes.",
            "c": "By pixels the shapes, by the network the colours.",
            "d": "Both times a mixture of the two.",
        },
        right="b",
        feedback={
            "a": "A shape has no fixed place, so few pixels tell of it. Its colour fills many of them at once.",
            "b": "Yes. Each description groups by what it holds most of.",
            "c": "Remember lesson 03: what had this network learned to look past?",
            "d": "Both orders are nearly pure, and they cut right across each other.",
        },
    ),
    Question(
        id="cl-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Scraps of ten torn photographs lie in a heap. The silhouette says how well groups are parted, without any"
            " label. How many groups will it choose?"
        ),
        choices={
            "a": "Ten, or nearly so.",
            "b": "Clearly fewer than ten.",
            "c": "As many as it may.",
        },
        right="b",
        feedback={
            "a": "For digits it comes near. Here lawn and gravel make one group, and one photograph lies in several.",
            "b": "Yes: it counts groups that stand apart, and some photographs do not.",
            "c": "Unlike the distance to the middle, the silhouette does not simply grow with the number of groups.",
        },
    ),
    Question(
        id="cl-q1",
        lesson=LESSON,
        kind="quiz",
        text="Network A's groups have a silhouette of 0.5, network B's of 0.2. Which network's groups should you take?",
        choices={
            "a": "A's: they are parted more clearly.",
            "b": "That cannot be said: the two were measured in different spaces.",
            "c": "B's: a low silhouette is better.",
        },
        right="b",
        feedback={
            "a": "So were the random network's. Groups can be very clear and about nothing that you care for.",
            "b": "Right. Inside one space the silhouette compares groupings; between spaces it compares nothing.",
            "c": "Higher is better, as long as the description stays the same.",
        },
    ),
    Question(
        id="cl-q2",
        lesson=LESSON,
        kind="quiz",
        text="You have groups and no labels at all. What should you do before you give them names?",
        choices={
            "a": "Raise the number of groups until the silhouette is above 0.5.",
            "b": "Compute NMI and ARI.",
            "c": "Look at images from the middle of each group, and at some from its edge.",
        },
        right="c",
        feedback={
            "a": "Whatever number you end with, it does not tell what the groups are of.",
            "b": "Both compare with labels, and there are none.",
            "c": "Right: only eyes can tell whether these are the groups that you wanted.",
        },
    ),
    Question(
        id="cl-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            'Needs code: tlw.cluster("leaves", n_clusters=4, samples=300).scores. The leaves are healthy, or have one'
            " of three diseases. Has the network found the four?"
        ),
        choices={
            "a": "Yes, the ARI is near 1.",
            "b": "No: the ARI is near 0, although the groups are as clear as those of the digits.",
            "c": "No, and the silhouette gives it away: it is near 0 as well.",
        },
        right="b",
        feedback={
            "a": "Run it and look at ari.",
            "b": "Right. It sorted leaves by something else. found.show() may tell you by what.",
            "c": "Run it and compare the silhouette with that of the digits.",
        },
    ),
)
