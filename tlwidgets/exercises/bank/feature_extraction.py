"""Exercises and questions of lesson 03: a frozen network as a describer."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "03_feature_extraction"


def _trial() -> tuple[Any, Any, Any]:
    """Rows, labels and new rows of three classes with gaps in their numbers; the third is spread wide.

    The last new row belongs to one class by squared distances and to another by distances along the axes.
    """
    import numpy as np

    draw = np.random.default_rng(3)
    centres, spread = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 6.0]]), np.array([0.5, 0.5, 2.5])
    which = np.repeat([0, 1, 2], [4, 9, 30])
    rows, tests = (centres[which] + draw.normal(size=(len(which), 2)) * spread[which, None] for _ in range(2))
    return rows, np.array([3, 7, 9])[which], np.vstack([tests, _between(rows, which)])


def _between(rows: Any, which: Any) -> Any:
    """One row that the squared and the absolute distance give to two different classes."""
    import numpy as np

    means = np.stack([rows[which == each].mean(axis=0) for each in range(3)])
    grid = np.stack(np.meshgrid(np.linspace(-2, 8, 60), np.linspace(-2, 8, 60)), axis=-1).reshape(-1, 2)
    apart = grid[:, None] - means
    squared, plain = np.sort((apart**2).sum(axis=2)), np.sort(abs(apart).sum(axis=2))
    differ = (apart**2).sum(axis=2).argmin(axis=1) != abs(apart).sum(axis=2).argmin(axis=1)
    clear = differ * np.minimum(squared[:, 1] - squared[:, 0], plain[:, 1] - plain[:, 0])
    return grid[clear.argmax()][None]


def _distances(rows: Any, others: Any) -> Any:
    return ((rows[:, None] - others[None]) ** 2).sum(axis=2)


def _answers(values: Values) -> Any:
    import numpy as np

    return np.asarray(finished(values["nearest_mean"](*_trial()))).ravel()


def _right() -> Any:
    import numpy as np

    rows, labels, tests = _trial()
    classes = np.unique(labels)
    return classes[_distances(tests, np.stack([rows[labels == each].mean(axis=0) for each in classes])).argmin(axis=1)]


def _neighbours() -> Any:
    rows, labels, tests = _trial()
    return labels[_distances(tests, rows).argmin(axis=1)]


MEANS = Exercise(
    id="fe-means",
    lesson=LESSON,
    title="The nearest mean",
    takes=("nearest_mean",),
    properties=(
        Property("there is one answer for each new row", lambda v: len(_answers(v)) == len(_trial()[2])),
        Property("every answer is one of the labels", lambda v: set(_answers(v).tolist()) <= {3, 7, 9}),
        Property("it is the label whose mean row is nearest", lambda v: bool((_answers(v) == _right()).all())),
    ),
    hints=(
        "A class is summed up by one row: the mean of its labelled rows. How many such rows are there in all?",
        "labels == one_class picks the rows of that class; argmin over distances gives a place, not yet a label.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def nearest_mean(train, labels, test):\n"
                "    means = np.stack([train[labels == each].mean(axis=0) for each in np.unique(labels)])\n"
                "    return ((test[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)"
            ),
            recognise=lambda v: set(_answers(v).tolist()) <= {0, 1, 2},
            hint="These are places in the list of means (0, 1, 2). A label need not be a number that counts from 0.",
        ),
        WrongAnswer(
            code=(
                "def nearest_mean(train, labels, test):\n"
                "    classes = np.unique(labels)\n"
                "    means = np.stack([train[labels == each].mean(axis=0) for each in classes])\n"
                "    return classes[abs(test[:, None] - means).sum(axis=2).argmin(axis=1)]"
            ),
            recognise=lambda v: bool((_answers(v) == _right())[:-1].mean() > 0.9 and _answers(v)[-1] != _right()[-1]),
            hint="Nearly. But the distances along the axes are added as they are: which ones did the task ask for?",
        ),
        WrongAnswer(
            code=(
                "def nearest_mean(train, labels, test):\n"
                "    return labels[((test[:, None] - train) ** 2).sum(axis=2).argmin(axis=1)]"
            ),
            recognise=lambda v: bool((_answers(v) == _neighbours()).all()),
            hint="This asks for the nearest single row. One odd labelled image then speaks for its whole class.",
        ),
        WrongAnswer(
            code=(
                "def nearest_mean(train, labels, test):\n"
                "    classes = np.unique(labels)\n"
                "    means = np.stack([train[labels == each].mean(axis=0) for each in classes])\n"
                "    return classes[(test @ means.T).argmin(axis=1)]"
            ),
            recognise=lambda v: float((_answers(v) == _right()).mean()) < 0.5,
            hint="Most answers are wrong: does the number that you make small really say how far two rows are apart?",
        ),
    ),
    stub="def nearest_mean(train, labels, test):\n    ...",
    solution=(
        "def nearest_mean(train, labels, test):\n"
        "    classes = np.unique(labels)\n"
        "    means = np.stack([train[labels == each].mean(axis=0) for each in classes])\n"
        "    distances = ((test[:, None] - means) ** 2).sum(axis=2)\n"
        "    return classes[distances.argmin(axis=1)]"
    ),
    setup="import numpy as np",
)

TASKS = ("scrap", "digit", "ink")


def _best(values: Values, task: str) -> str:
    found = dict(values["measured"][task])
    return str(max(found, key=lambda name: float(found[name])))


def _chosen(values: Values, task: str) -> str:
    return str(dict(values["choice"])[task])


CHOOSE = Exercise(
    id="fe-choose",
    lesson=LESSON,
    title="A description for each question",
    takes=("choice", "measured"),
    properties=(
        Property("there is a choice for scrap, digit and ink", lambda v: set(v["choice"]) == set(TASKS)),
        Property(
            "every choice is one of the three descriptions",
            lambda v: all(_chosen(v, task) in dict(v["measured"][task]) for task in TASKS),
        ),
        Property(
            "every choice is the one that read most correctly",
            lambda v: all(_chosen(v, task) == _best(v, task) for task in TASKS),
        ),
    ),
    hints=(
        "Look at each question on its own: the same description need not suit all three.",
        "measured[task] holds three accuracies by name. Which name has the largest? max takes a key=.",
    ),
    wrong=(
        WrongAnswer(
            code='choice = dict.fromkeys(["scrap", "digit", "ink"], "pretrained")',
            recognise=lambda v: {_chosen(v, task) for task in TASKS} == {"pretrained"},
            hint="One description for all: compare it with the others on the question of the ink.",
        ),
        WrongAnswer(
            code=("choice = {task: max(found.values()) for task, found in measured.items()}"),
            recognise=lambda v: any(isinstance(each, float) for each in dict(v["choice"]).values()),
            hint="These are accuracies. Answer with the names that stand beside them.",
        ),
        WrongAnswer(
            code="choice = {task: min(found, key=found.get) for task, found in measured.items()}",
            recognise=lambda v: any(
                _chosen(v, task) == min(v["measured"][task], key=v["measured"][task].get) for task in TASKS
            ),
            hint="At least one of your choices is the one that read the fewest correctly.",
        ),
    ),
    stub="choice = ...",
    solution="choice = {task: max(found, key=found.get) for task, found in measured.items()}",
    setup=(
        'measured = {"scrap": {"pixels": 0.1, "random": 0.3, "pretrained": 0.6},'
        ' "digit": {"pixels": 0.8, "random": 0.4, "pretrained": 0.9},'
        ' "ink": {"pixels": 0.7, "random": 0.9, "pretrained": 0.5}}'
    ),
)

EXERCISES = (MEANS, CHOOSE)

QUESTIONS = (
    Question(
        id="fe-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Five scraps of each photograph have a label. A simple model may look at the bare pixels, at what a random"
            " network makes of them, or at what the pre-trained one makes of them. None of the networks is trained any"
            " further. How do the three come out?"
        ),
        choices={
            "a": "All about the same: the information is all in the pixels.",
            "b": "Pixels worst, random network better, pre-trained network best.",
            "c": "Random network worst, since it scrambles the pixels; then pixels; then the pre-trained one.",
        },
        right="b",
        feedback={
            "a": "All of it is in the pixels, but not where a simple model can reach it: grass has no fixed places.",
            "b": "Yes. Even random filters, averaged over all places, say something of a texture; learned ones more.",
            "c": "It does scramble them, but it also averages over places, and that is what bare pixels lack.",
        },
    ),
    Question(
        id="fe-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Now the slips in four inks. The label is no longer the digit but the ink. Whose frozen description lets a"
            " simple model name the ink more often?"
        ),
        choices={
            "a": "That of the pre-trained network: it is better at everything.",
            "b": "Both the same: colour is easy.",
            "c": "That of the random network.",
        },
        right="c",
        feedback={
            "a": "Better at what it was taught. In its lessons a letter stayed the same letter in any colour.",
            "b": "Colour is easy for whoever looks at it. One of the two was taught to look away.",
            "c": "Yes. Learning what does not matter is learning too: the pre-trained one learned to look past colour.",
        },
    ),
    Question(
        id="fe-q1",
        lesson=LESSON,
        kind="quiz",
        text="In feature extraction, what is learned from your own images?",
        choices={
            "a": "Every stage of the network, a little.",
            "b": "Only the simple model on top; the network describes each image once and stays as it is.",
            "c": "Nothing: the network knew the answers before.",
        },
        right="b",
        feedback={
            "a": "That would be fine-tuning. Here the network is frozen.",
            "b": "Right, and because descriptions do not change they are computed once and used as often as you like.",
            "c": "It cannot: it never saw your classes. The model on top learns them.",
        },
    ),
    Question(
        id="fe-q2",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Before fitting the model you subtract from every column its mean. Which rows may the mean be taken from?"
        ),
        choices={
            "a": "From the training rows; the test rows then get the same number subtracted.",
            "b": "From all rows: more rows make a better mean.",
            "c": "From each part on its own: the test rows have their own mean.",
        },
        right="a",
        feedback={
            "a": "Right: what is done to a test row must not depend on the other test rows.",
            "b": "Then the test rows have a say in what the model learns from: a small leak is a leak.",
            "c": "Then one and the same image would be described in two ways, depending on the company it keeps.",
        },
    ),
    Question(
        id="fe-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: how many numbers describe one scrap (backbone.features), how many pixels does it have, and how"
            " many old answers does the network still give (backbone.num_classes)?"
        ),
        choices={
            "a": "192 numbers, 24 by 24 pixels, more than a thousand old answers.",
            "b": "10 numbers, one for each photograph.",
            "c": "As many numbers as pixels.",
        },
        right="a",
        feedback={
            "a": "Right. The 192 stand in front of the old head, whose answers (letters, shapes) nobody asks for here.",
            "b": "Ten numbers come out of the new model. The description stands before it.",
            "c": "Look at the shape of what features() returns: it is shorter than the scrap has pixels.",
        },
    ),
)
