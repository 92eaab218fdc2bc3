"""Exercises and questions of lesson 13: one example of each sign, and which ones."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "13_few_shot"


def _table() -> tuple[Any, Any]:
    """Twelve rows of three groups that overlap, the members of a group scattered over the table."""
    import numpy as np

    groups = np.array([2, 0, 1, 0, 2, 2, 1, 0, 1, 2, 0, 1])
    features = 1.5 * groups[:, None] + np.random.default_rng(56).normal(size=(12, 2))
    return features, groups


def _asked(values: Values) -> list[int]:
    found = finished(values["ask"](*_table()))
    return [] if isinstance(found, dict) else [int(row) for row in found]


def _in_order(values: Values) -> bool:
    _, groups = _table()
    rows = _asked(values)
    return len(rows) == 3 and all(0 <= row < 12 for row in rows) and [int(groups[row]) for row in rows] == [0, 1, 2]


def _distances(middle_of_all: bool) -> Any:
    features, groups = _table()
    middles = [features[groups == group].mean(axis=0) for group in range(3)]
    wanted = features.mean(axis=0) if middle_of_all else [middles[group] for group in groups]
    return ((features - wanted) ** 2).sum(axis=1)


def _ends(*, nearest: bool, middle_of_all: bool = False) -> list[int]:
    _, groups = _table()
    by_distance = _distances(middle_of_all) * (1 if nearest else -1)
    return [
        min((row for row in range(12) if groups[row] == group), key=lambda row: by_distance[row]) for group in range(3)
    ]


def _nearest_of_all() -> list[int]:
    features, groups = _table()
    middles = [features[groups == group].mean(axis=0) for group in range(3)]
    return [int(((features - middle) ** 2).sum(axis=1).argmin()) for middle in middles]


ASK = Exercise(
    id="fs-ask",
    lesson=LESSON,
    title="Whom to ask",
    takes=("ask",),
    properties=(
        Property("there is one row for each group, group 0 first", _in_order),
        Property("it is the one nearest to the middle of its own group", lambda v: _asked(v) == _ends(nearest=True)),
    ),
    hints=(
        "The middle of a group is the mean of its members. The group's first member may stand anywhere.",
        "Keep the numbers of the members' rows: measure how far each is from their mean, and give back its own number.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def ask(features, groups):\n"
                "    return [int(np.flatnonzero(groups == group)[0]) for group in range(groups.max() + 1)]"
            ),
            recognise=lambda v: _asked(v) == [1, 2, 0],
            hint="This is still the first that comes: the features are never looked at.",
        ),
        WrongAnswer(
            code=(
                "def ask(features, groups):\n"
                "    rows = []\n"
                "    for group in range(groups.max() + 1):\n"
                "        members = features[groups == group]\n"
                "        rows.append(int(((members - members.mean(axis=0)) ** 2).sum(axis=1).argmin()))\n"
                "    return rows"
            ),
            recognise=lambda v: max(_asked(v)) < 4 and not _in_order(v),
            hint="These are places among the members of each group. Whoever is asked needs its row in the table.",
        ),
        WrongAnswer(
            code=(
                "def ask(features, groups):\n"
                "    rows = []\n"
                "    for group in range(groups.max() + 1):\n"
                "        members = np.flatnonzero(groups == group)\n"
                "        far = ((features[members] - features.mean(axis=0)) ** 2).sum(axis=1)\n"
                "        rows.append(int(members[far.argmin()]))\n"
                "    return rows"
            ),
            recognise=lambda v: _asked(v) == _ends(nearest=True, middle_of_all=True),
            hint="The mean is taken over all pictures here. Each group has a middle of its own.",
        ),
        WrongAnswer(
            code=(
                "def ask(features, groups):\n"
                "    rows = []\n"
                "    for group in range(groups.max() + 1):\n"
                "        middle = features[groups == group].mean(axis=0)\n"
                "        rows.append(int(((features - middle) ** 2).sum(axis=1).argmin()))\n"
                "    return rows"
            ),
            recognise=lambda v: _asked(v) == _nearest_of_all(),
            hint="Whoever stands nearest to the middle is asked, even where it belongs to another group.",
        ),
        WrongAnswer(
            code=(
                "def ask(features, groups):\n"
                "    rows = {}\n"
                "    for group in range(groups.max() + 1):\n"
                "        members = np.flatnonzero(groups == group)\n"
                "        far = ((features[members] - features[members].mean(axis=0)) ** 2).sum(axis=1)\n"
                "        rows[group] = int(members[far.argmin()])\n"
                "    return rows"
            ),
            recognise=lambda v: isinstance(v["ask"](*_table()), dict),
            hint="A dictionary goes round by its keys, and these are the groups. A list of rows is wanted.",
        ),
        WrongAnswer(
            code=(
                "def ask(features, groups):\n"
                "    rows = []\n"
                "    for group in range(groups.max() + 1):\n"
                "        members = np.flatnonzero(groups == group)\n"
                "        far = ((features[members] - features[members].mean(axis=0)) ** 2).sum(axis=1)\n"
                "        rows.append(int(members[far.argmax()]))\n"
                "    return rows"
            ),
            recognise=lambda v: _asked(v) == _ends(nearest=False),
            hint="These are the oddest members: asking about them teaches what a sign hardly ever looks like.",
        ),
    ),
    stub="def ask(features, groups):\n    ...",
    solution=(
        "def ask(features, groups):\n"
        "    rows = []\n"
        "    for group in range(groups.max() + 1):\n"
        "        members = np.flatnonzero(groups == group)\n"
        "        distances = ((features[members] - features[members].mean(axis=0)) ** 2).sum(axis=1)\n"
        "        rows.append(int(members[distances.argmin()]))\n"
        "    return rows"
    ),
    setup="import numpy as np",
)


def _tasks(spread: float = 0.02) -> tuple[Any, Any]:
    """Two methods on the same fifty tasks, some of which are far harder than others; ours is better by 0.03."""
    import numpy as np

    draw = np.random.default_rng(5)
    theirs = draw.uniform(0.3, 0.9, 50)
    return theirs + 0.03 + spread * draw.normal(size=50), theirs


def _interval(values: Values, spread: float = 0.02) -> tuple[float, float]:
    low, high = finished(values["gain"](*_tasks(spread)))
    return float(low), float(high)


def _middle(values: Values) -> bool:
    ours, theirs = _tasks()
    return abs(sum(_interval(values)) / 2 - float((ours - theirs).mean())) < 1e-9


def _reach(values: Values, spread: float = 0.02) -> float:
    """Half the width of the answer, as a multiple of the standard error of the mean difference."""
    ours, theirs = _tasks(spread)
    low, high = _interval(values, spread)
    return (high - low) / 2 / float((ours - theirs).std(ddof=1) / 50**0.5)


GAIN = Exercise(
    id="fs-gain",
    lesson=LESSON,
    title="Two methods on the same tasks",
    takes=("gain",),
    properties=(
        Property("it gives a low and a high end, in this order", lambda v: _interval(v)[0] < _interval(v)[1]),
        Property("the mean difference lies in the middle", _middle),
        Property("it reaches about two standard errors to either side", lambda v: 1.9 < _reach(v) < 2.1),
        Property("differences that scatter more make it wider", lambda v: 1.9 < _reach(v, 0.05) < 2.1),
    ),
    hints=(
        "Both methods met the same tasks. A hard task is hard for both, so subtract before you look at the scatter.",
        "First the differences. The standard error of a mean is the standard deviation over the root of the number.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def gain(ours, theirs):\n"
                "    middle = ours.mean() - theirs.mean()\n"
                "    reach = 2 * ((ours.var(ddof=1) + theirs.var(ddof=1)) / len(ours)) ** 0.5\n"
                "    return middle - reach, middle + reach"
            ),
            recognise=lambda v: _middle(v) and 16 < _reach(v) < 40,
            hint="This takes the two for strangers that met different tasks: the tasks' own scatter is counted, twice.",
        ),
        WrongAnswer(
            code=(
                "def gain(ours, theirs):\n"
                "    differences = ours - theirs\n"
                "    reach = 2 * differences.std(ddof=1)\n"
                "    return differences.mean() - reach, differences.mean() + reach"
            ),
            recognise=lambda v: _middle(v) and 13 < _reach(v) < 16 and 13 < _reach(v, 0.05) < 16,
            hint="So far apart are single tasks. The mean of fifty tasks is known much better than one of them.",
        ),
    ),
    stub="def gain(ours, theirs):\n    ...",
    solution=(
        "def gain(ours, theirs):\n"
        "    differences = ours - theirs\n"
        "    reach = 2 * differences.std(ddof=1) / len(differences) ** 0.5\n"
        "    return differences.mean() - reach, differences.mean() + reach"
    ),
    setup="import numpy as np",
)

EXERCISES = (ASK, GAIN)

QUESTIONS = (
    Question(
        id="fs-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Twenty signs, one example of each. A new picture gets the sign of the nearest example. By guessing, 5 of"
            " 100 would be right. How many are, with a network that never saw such signs?"
        ),
        choices={
            "a": "About 15: one example is hardly better than guessing.",
            "b": "About 40.",
            "c": "About 75.",
        },
        right="c",
        feedback={
            "a": "So it would be if the network had to learn to see as well. It only had to be told the names.",
            "b": "More: the network brings the seeing along, and the example has only to say which sign is meant.",
            "c": "Yes. Where seeing was learned elsewhere, one example is enough to be told a name.",
        },
    ),
    Question(
        id="fs-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Four rules could decide (nearest mean, votes weighted by likeness, centred mean, linear probe), and there"
            " are pixels or a network to see with. What makes the greater difference with one example a sign?"
        ),
        choices={
            "a": "The rule: some are much cleverer than others.",
            "b": "The eye: pixels or network.",
            "c": "Both about the same.",
        },
        right="b",
        feedback={
            "a": "On the same features the four are within a few hundredths of each other.",
            "b": "Right. With one example there is not much to be clever with; what counts is what is near to what.",
            "c": "The eye counts several times as much.",
        },
    ),
    Question(
        id="fs-p3",
        lesson=LESSON,
        kind="predict",
        text=(
            "Nothing is labelled yet, and an expert will name twenty pictures. Draw them at random, or sort all"
            " pictures into twenty groups by their features and ask for the one in the middle of each?"
        ),
        choices={
            "a": "At random is fairer, and just as good.",
            "b": "By groups: more is learned from the same twenty names.",
            "c": "Neither matters: twenty names are twenty names.",
        },
        right="b",
        feedback={
            "a": "Fair, but twenty draws name about thirteen different signs. The other seven can never be right.",
            "b": "Yes, by a lot: nearly every sign gets a name, and from a picture that is typical of it.",
            "c": "Two pictures of the same sign are one name, and an odd picture is a bad teacher.",
        },
    ),
    Question(
        id="fs-p4",
        lesson=LESSON,
        kind="predict",
        text=(
            "Now four classes only: pictures of leaves, healthy or with one of three diseases; one example of each."
            " Guessing gives 25 of 100. And the network's features?"
        ),
        choices={
            "a": "About 90, as with four signs.",
            "b": "About 60.",
            "c": "About 33.",
        },
        right="c",
        feedback={
            "a": "So it is for you. But no letter ever taught the network which marks on a leaf matter.",
            "b": "Not even that: which way a leaf points, its width and its green count more here than the disease.",
            "c": "Yes: two pictures of leaves are alike for many reasons, and the disease is a small one among them.",
        },
    ),
    Question(
        id="fs-q1",
        lesson=LESSON,
        kind="quiz",
        text=("Forty tasks gave 76 of 100, with an interval from 75 to 77. What does the interval tell?"),
        choices={
            "a": "With any other script, between 75 and 77 would be right.",
            "b": "With many more tasks from the same signs, the mean would probably lie there.",
            "c": "Every single task gives between 75 and 77.",
        },
        right="b",
        feedback={
            "a": "It knows nothing of other scripts, nor of other networks. It says how well this mean is known.",
            "b": "Right: more tasks make it narrower, but they say nothing about other scripts.",
            "c": "Single tasks scatter much more: it depends on which examples were drawn.",
        },
    ),
    Question(
        id="fs-q2",
        lesson=LESSON,
        kind="quiz",
        text="Someone reports 95 of 100 with one example a class. What must be asked first?",
        choices={
            "a": "How many classes there were to tell apart.",
            "b": "Which rule decided.",
            "c": "How long it took.",
        },
        right="a",
        feedback={
            "a": "Right: between two classes that is common, among twenty it would be remarkable.",
            "b": "The rule matters least of all.",
            "c": "Features and a mean take a moment. That is not the point.",
        },
    ),
    Question(
        id="fs-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: accuracies(n_shot=5, copies=True) gives each sign its one example five times. Is its mean near"
            " to that of five different examples?"
        ),
        choices={
            "a": "Yes: five examples are five examples.",
            "b": "No: it is about what one example gives.",
            "c": "It is worse than one example.",
        },
        right="b",
        feedback={
            "a": "Run it and compare with accuracies(n_shot=5).",
            "b": "Right. The mean of five copies is the picture itself. What helps is how a sign *varies*.",
            "c": "Run it and compare with accuracies(n_shot=1).",
        },
    ),
)
