"""Exercises and questions of lesson 26: a folder of one's own, judged as others would judge it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "26_capstone"


def _states(values: Values) -> dict[str, str]:
    """State of each stage that the plan names; no plan at all lets every stage learn."""
    return dict(values["recipe"].plan or {"head": "trainable"})


_RECIPE_SETUP = (
    "import tlwidgets as tlw\n"
    'stages = ["stem", "stage1", "stage2", "stage3", "stage4", "head"]\n'
    'first = tlw.Recipe(data="digits", plan=tlw.FreezePlan(stages).freeze_until("stage4"), epochs=8,'
    " learning_rate=1e-2)"
)

RECIPE = Exercise(
    id="cap-recipe",
    lesson=LESSON,
    title="A recipe of your own",
    takes=("recipe", "first"),
    properties=(
        Property("it borrows: the network is pre-trained", lambda v: v["recipe"].pretrained is True),
        Property("its plan differs from the first one", lambda v: _states(v) != dict(v["first"].plan)),
        Property("the new head learns", lambda v: _states(v)["head"] != "frozen"),
        Property(
            "where borrowed stages learn, they take smaller steps than the head",
            lambda v: 0 < float(v["recipe"].backbone_scale) <= 0.5,
        ),
    ),
    hints=(
        "What might this folder need that the borrowed network has not seen? Late stages are the most special ones.",
        "freeze_until names the last stage that stays as it is; backbone_scale says by how much the others are slowed.",
    ),
    wrong=(
        WrongAnswer(
            code="recipe = first.replace(epochs=20)",
            recognise=lambda v: _states(v) == dict(v["first"].plan),
            hint="The same stages rest as before: only how long the head learns is another. What else could learn?",
        ),
        WrongAnswer(
            code='recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("stage3"), pretrained=False)',
            recognise=lambda v: v["recipe"].pretrained is False,
            hint="Nothing is borrowed here: the stages begin at random. That is a rival, not a recipe for transfer.",
        ),
        WrongAnswer(
            code='recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("head"))',
            recognise=lambda v: _states(v)["head"] == "frozen",
            hint="The head is frozen as well: your classes are named nowhere else, so they could not be learned.",
        ),
        WrongAnswer(
            code=('recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("stage3"), backbone_scale=1.0)'),
            recognise=lambda v: float(v["recipe"].backbone_scale) > 0.5,
            hint="A borrowed stage takes steps as large as the new head here, as if it had nothing to lose.",
        ),
    ),
    stub="recipe = ...",
    solution='recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("stage3"), backbone_scale=0.1)',
    setup=_RECIPE_SETUP,
)


def _folder(train: int = 10, test: int = 10, copies: int = 0, few: int = 10) -> Any:
    """What the exercise looks at of a data set, without pictures."""
    labels = [0] * train + [1] * few
    return SimpleNamespace(
        classes=("cat", "dog"),
        splits={"train": train + few, "val": 0, "test": test},
        labels=labels,
        indices=lambda split: range(len(labels) if split == "train" else test),
        leaks=lambda: [None] * copies,
    )


def _troubles(values: Values, **folder: int) -> list[str]:
    return [str(word) for word in finished(values["troubles"](_folder(**folder)))]


TROUBLES = Exercise(
    id="cap-troubles",
    lesson=LESSON,
    title="Before anything is trained",
    takes=("troubles",),
    properties=(
        Property("a folder in order has none: []", lambda v: _troubles(v) == []),
        Property('near copies in two splits are told as "leak"', lambda v: _troubles(v, copies=2) == ["leak"]),
        Property('no test picture at all is told as "no test"', lambda v: _troubles(v, test=0) == ["no test"]),
        Property('a class with fewer than 5 to learn from is told as "few"', lambda v: _troubles(v, few=4) == ["few"]),
        Property(
            "several troubles are all told",
            lambda v: sorted(_troubles(v, copies=1, test=0, few=1)) == ["few", "leak", "no test"],
        ),
    ),
    hints=(
        "Three questions, each answered by what you have used above: data.leaks(), data.splits and data.labels.",
        "Begin with an empty list and append. The labels of the training pictures: [data.labels[i] for i in ...].",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def troubles(data):\n"
                "    if len(data.leaks()):\n"
                '        return ["leak"]\n'
                '    if data.splits["test"] == 0:\n'
                '        return ["no test"]\n'
                "    learn = [data.labels[i] for i in data.indices('train')]\n"
                "    rare = min(learn.count(label) for label in range(len(data.classes))) < 5\n"
                '    return ["few"] if rare else []'
            ),
            recognise=lambda v: len(_troubles(v, copies=1, test=0, few=1)) == 1,
            hint="It stops at the first trouble. Who mends that one would be told of the next only then.",
        ),
        WrongAnswer(
            code=(
                "def troubles(data):\n"
                "    found = []\n"
                "    if len(data.leaks()):\n"
                '        found.append("leak")\n'
                '    if data.splits["test"] == 0:\n'
                '        found.append("no test")\n'
                '    if data.splits["train"] < 5 * len(data.classes):\n'
                '        found.append("few")\n'
                "    return found"
            ),
            recognise=lambda v: _troubles(v, few=4, train=30) == [],
            hint="On average each class has enough; one may still have next to nothing. Count each by itself.",
        ),
    ),
    stub="def troubles(data):\n    ...",
    solution=(
        "def troubles(data):\n"
        "    found = []\n"
        "    if len(data.leaks()):\n"
        '        found.append("leak")\n'
        '    if data.splits["test"] == 0:\n'
        '        found.append("no test")\n'
        '    learn = [data.labels[i] for i in data.indices("train")]\n'
        "    if min(learn.count(label) for label in range(len(data.classes))) < 5:\n"
        '        found.append("few")\n'
        "    return found"
    ),
)


def _accuracy(values: Values, arm: str) -> float:
    return float(values["comparison"].table["accuracy"][arm])


def _said(values: Values, name: str) -> Any:
    return values["card"][name]


CARD = Exercise(
    id="cap-card",
    lesson=LESSON,
    title="What the model card says",
    takes=("card", "comparison"),
    properties=(
        Property(
            "accuracy is that of the recipe on test pictures, as the mean over the seeds",
            lambda v: abs(float(_said(v, "accuracy")) - _accuracy(v, "transfer")) < 0.006,
        ),
        Property(
            "baselines name at least scratch and pixels, each with its accuracy",
            lambda v: all(
                abs(float(_said(v, "baselines")[arm]) - _accuracy(v, arm)) < 0.006 for arm in ("scratch", "pixels")
            ),
        ),
        Property(
            "the verdict is that of the comparison, whatever it is",
            lambda v: _said(v, "verdict") == v["comparison"].verdict,
        ),
        Property(
            "limits are said in a sentence of at least eight words", lambda v: len(str(_said(v, "limits")).split()) >= 8
        ),
    ),
    hints=(
        "Who reads the card was not there. Which number would they ask for first, and compared with what?",
        "comparison.table has a row for each model; its column accuracy is the mean over seeds. .verdict is a word.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "card = {\n"
                '    "accuracy": comparison.hits["transfer"].mean(axis=1).max(),\n'
                '    "baselines": {arm: comparison.table["accuracy"][arm] for arm in ("scratch", "pixels")},\n'
                '    "verdict": comparison.verdict,\n'
                '    "limits": "Forty small drawings of each kind, all of one place and one season.",\n'
                "}"
            ),
            recognise=lambda v: float(_said(v, "accuracy")) > _accuracy(v, "transfer") + 0.006,
            hint="That is better than the mean: the luckiest seed was taken. Nobody who trains again can count on it.",
        ),
        WrongAnswer(
            code=(
                "card = {\n"
                '    "accuracy": comparison.table["accuracy"]["transfer"],\n'
                '    "baselines": {"majority": comparison.table["accuracy"]["majority"]},\n'
                '    "verdict": comparison.verdict,\n'
                '    "limits": "Forty small drawings of each kind, all of one place and one season.",\n'
                "}"
            ),
            recognise=lambda v: "scratch" not in _said(v, "baselines"),
            hint="Better than guessing says nothing of transfer. What does the network reach that borrows nothing?",
        ),
        WrongAnswer(
            code=(
                "card = {\n"
                '    "accuracy": comparison.table["accuracy"]["transfer"],\n'
                '    "baselines": {arm: comparison.table["accuracy"][arm] for arm in ("scratch", "pixels")},\n'
                '    "verdict": "it works very well",\n'
                '    "limits": "Forty small drawings of each kind, all of one place and one season.",\n'
                "}"
            ),
            recognise=lambda v: _said(v, "verdict") not in ("positive", "negative", "none"),
            hint="Praise is no verdict. The comparison has one of three words, with an interval behind it.",
        ),
    ),
    stub='card = {"accuracy": ..., "baselines": {"scratch": ..., "pixels": ...}, "verdict": ..., "limits": ...}',
    solution=(
        "card = {\n"
        '    "accuracy": comparison.table["accuracy"]["transfer"],\n'
        '    "baselines": {arm: comparison.table["accuracy"][arm] for arm in ("scratch", "pixels")},\n'
        '    "verdict": comparison.verdict,\n'
        '    "limits": "Forty small drawings of each kind, all of one place and one season.",\n'
        "}"
    ),
    setup=(
        "from types import SimpleNamespace\n"
        "import numpy as np, pandas as pd\n"
        'rows = {"transfer": 0.85, "scratch": 0.55, "pixels": 0.5, "majority": 0.2}\n'
        'comparison = SimpleNamespace(table=pd.DataFrame({"accuracy": rows}), verdict="positive",\n'
        '    hits={"transfer": np.array([[True] * 9 + [False], [True] * 8 + [False] * 2])})'
    ),
)

EXERCISES = (TROUBLES, RECIPE, CARD)

QUESTIONS = (
    Question(
        id="cap-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Sixty small air photographs of five kinds are there to learn from. A new head"
            " on borrowed, frozen stages stands against the same network from random weights, which learns as a whole,"
            " and against a simple model on the pixels. Who names most test pictures?"
        ),
        choices={
            "a": "The whole network from random weights: all of it learns.",
            "b": "The new head on borrowed stages.",
            "c": "The simple model on the pixels: the colours say it all.",
        },
        right="b",
        feedback={
            "a": "All of it learns, but from few pictures and in few passes.",
            "b": "Yes, on this folder. On yours it may be otherwise: that is what the comparison is for.",
            "c": "Colours say much, and light changes them from picture to picture.",
        },
    ),
    Question(
        id="cap-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Somebody splits the folder by hand, and ten training pictures get among the test pictures as well: a"
            " little brighter, under other names. How many of the ten does data.leaks() find?"
        ),
        choices={
            "a": "None: no byte of the files is the same, and the names differ.",
            "b": "Some.",
            "c": "Nearly all or all of them.",
        },
        right="c",
        feedback={
            "a": "Bytes and names are not what it compares. It looks at the pictures.",
            "b": "A little more light changes every number, and hardly the pattern that it compares.",
            "c": "Yes: it compares what the pictures show, so a little more light hides nothing.",
        },
    ),
    Question(
        id="cap-q1",
        lesson=LESSON,
        kind="quiz",
        text="Your folder gives 91 of 100. What has to stand beside that number?",
        choices={
            "a": "What the same pictures give without borrowing, over several seeds.",
            "b": "The number of parameters.",
            "c": "Nothing: 91 is good.",
        },
        right="a",
        feedback={
            "a": "Right: without a rival nobody knows whether transfer did it, and without seeds, whether luck did.",
            "b": "Good to know, but it does not say whether borrowing helped.",
            "c": "It may be worse than a simple model on the pixels. Nobody has looked.",
        },
    ),
    Question(
        id="cap-q2",
        lesson=LESSON,
        kind="quiz",
        text='The comparison says "none". What goes into the card?',
        choices={
            "a": "The seed in which transfer won.",
            "b": '"none", with the interval, and that more pictures may tell.',
            "c": 'No verdict: "none" is not a result.',
        },
        right="b",
        feedback={
            "a": "Choosing the seed after the result is how luck becomes a finding.",
            "b": "Right. Not being able to tell is a result, and saves others the same way.",
            "c": "It is one. Leaving it out makes the next person pay for it again.",
        },
    ),
    Question(
        id="cap-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            'Needs code: in the folder that was split by hand, what is data.splits["test"], and how many of those'
            " pictures were seen in training?"
        ),
        choices={
            "a": "100 pictures, none of them seen.",
            "b": "110 pictures, ten of them seen.",
            "c": "200 pictures, half of them seen.",
        },
        right="b",
        feedback={
            "a": "Look at by_hand.splits: there are more than were dealt.",
            "b": "Right: one in eleven is a picture that it has learned by heart.",
            "c": "Look at by_hand.splits.",
        },
    ),
)
