"""Exercises and questions of lesson 26: a folder of one's own, judged as others would judge it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "26_capstone"


def _states(values: Values) -> dict[str, str]:
    """State of every stage, from input to output: the plan's patterns are resolved, and no plan lets all of them learn.

    Raises:
        PlanError: The plan names no stage of this network, or a state that there is not.
    """
    from tlwidgets.freezing import FreezePlan  # here: it imports torch, which other checks need not

    return FreezePlan(list(values["first"].plan), values["recipe"].plan).states


def _a_borrowed_stage_learns(values: Values) -> bool:
    *borrowed, _ = _states(values).values()
    return any(state != "frozen" for state in borrowed)


def _head_learns(values: Values) -> bool:
    *_, head = _states(values).values()
    return head not in ("frozen", "norm")  # a head has no normalisation layer that could learn


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
        Property("at least one borrowed stage learns", _a_borrowed_stage_learns),
        Property("the new head learns", _head_learns),
        Property(
            "borrowed stages take smaller steps than the head",
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
            recognise=lambda v: _states(v) == dict(v["first"].plan) and v["recipe"].epochs != v["first"].epochs,
            hint="The same stages rest as before: only how long the head learns is another. What else could learn?",
        ),
        WrongAnswer(
            code='recipe = first.replace(plan={"*": "frozen", "head": "trainable"}, backbone_scale=0.1)',
            recognise=lambda v: _head_learns(v) and not _a_borrowed_stage_learns(v),
            hint="The head is the only stage that learns, as in the first recipe. What shall take the smaller steps?",
        ),
        WrongAnswer(
            code='recipe = first.replace(plan={"*": "frozen", "stage4": "learning", "head": "trainable"})',
            recognise=lambda v: not {"frozen", "norm", "lora", "trainable"}.issuperset(v["recipe"].plan.values()),
            hint="The plan holds a word that is no state of a stage: the run would stop before it began.",
        ),
        WrongAnswer(
            code='recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("stage3"), pretrained=False)',
            recognise=lambda v: v["recipe"].pretrained is False,
            hint="Nothing is borrowed here: the stages begin at random. That is a rival, not a recipe for transfer.",
        ),
        WrongAnswer(
            code='recipe = first.replace(plan=tlw.FreezePlan(stages).freeze_until("head"))',
            recognise=lambda v: not _head_learns(v),
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


def _folder(train: int = 10, few: int = 10, test: int = 10, copies: int = 0) -> Any:
    """What the exercise looks at of a data set, without pictures, in the types of a real one.

    Args:
        train: cats to learn from.
        few: dogs to learn from.
        test: pictures to judge by, all of them dogs.
        copies: near copies that stand in two splits.
    """
    import numpy as np
    import pandas as pd

    labels = np.repeat([0, 1, 1], [train, few, test])
    split = np.repeat(["train", "train", "test"], [train, few, test])
    return SimpleNamespace(
        classes=("cat", "dog"),
        splits={"train": train + few, "val": 0, "test": test},
        split=split,
        labels=labels,
        indices=lambda name: np.flatnonzero(split == name),
        leaks=lambda: pd.DataFrame({"group": range(copies), "split": ["test"] * copies}),
    )


def _troubles(values: Values, **folder: int) -> list[str]:
    return [str(word) for word in finished(values["troubles"](_folder(**folder)))]


def _counting(condition: str) -> str:
    """A wrong answer that differs from the solution in when it says "few"."""
    return (
        "def troubles(data):\n"
        '    found = ["leak"] * bool(len(data.leaks())) + ["no test"] * (data.splits["test"] == 0)\n'
        f'    return found + ["few"] * bool({condition})'
    )


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
        Property("5 are enough", lambda v: _troubles(v, few=5) == []),
        Property('a class with none at all has "few" as well', lambda v: _troubles(v, few=0) == ["few"]),
        Property('two such classes say "few" once', lambda v: _troubles(v, train=3, few=2) == ["few"]),
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
            recognise=lambda v: (
                _troubles(v, few=4, train=30, test=0) == ["no test"] != _troubles(v, train=4, few=4, test=0)
            ),
            hint="On average each class has enough; one may still have next to nothing. Count each by itself.",
        ),
        WrongAnswer(
            code=_counting("np.bincount(data.labels, minlength=2).min() < 5"),
            recognise=lambda v: _troubles(v, few=4) == [] and "few" in _troubles(v, few=4, test=0),
            hint="Test pictures are counted here as well. Nobody learns from those.",
        ),
        WrongAnswer(
            code=_counting("np.bincount(data.labels[data.indices('train')], minlength=2).min() <= 5"),
            recognise=lambda v: _troubles(v, few=5) == ["few"] and _troubles(v, few=6) == [],
            hint="A class with exactly 5 is turned away. The rule says fewer than 5.",
        ),
        WrongAnswer(
            code=_counting("min(Counter(data.labels[data.indices('train')].tolist()).values()) < 5"),
            recognise=lambda v: _troubles(v, few=4) == ["few"] and _troubles(v, few=0) == [],
            hint="A class with no picture to learn from is overlooked: it does not occur, so nobody counts it.",
        ),
        WrongAnswer(
            code=(
                "def troubles(data):\n"
                '    found = ["leak"] * bool(len(data.leaks())) + ["no test"] * (data.splits["test"] == 0)\n'
                "    counts = np.bincount(data.labels[data.indices('train')], minlength=len(data.classes))\n"
                '    return found + ["few" for count in counts if count < 5]'
            ),
            recognise=lambda v: _troubles(v, train=3, few=2) == ["few", "few"],
            hint="Every class that is short of pictures adds the same word again. Each kind of trouble is told once.",
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
    setup="from collections import Counter\nimport numpy as np",
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
            'Needs code: in the folder that was split by hand, what is data.splits["test"]? Ten of these pictures were'
            " copied in from the training pictures. How many of the ten does data.leaks() find?"
        ),
        choices={
            "a": "100 pictures, and none of the ten.",
            "b": "110 pictures, and nearly all of the ten.",
            "c": "110 pictures, and half of the ten.",
        },
        right="b",
        feedback={
            "a": "Look at by_hand.splits: there are more than were dealt. And look at found.",
            "b": "Right: about one in eleven of the pictures that judge is one that the network has learned from.",
            "c": "Look at found.",
        },
    ),
)
