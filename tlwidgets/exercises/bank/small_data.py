"""Exercises and questions of lesson 06: judging with few images."""

from __future__ import annotations

import warnings
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "06_small_data"
TRIED = ((10, 5), (23, 4), (100, 7))
"""Numbers of images and of folds that an answer is tried with."""


def _folds(values: Values, images: int, k: int) -> list[list[int]]:
    return [[int(index) for index in fold] for fold in finished(values["k_folds"](images, k))]


def _in_all(values: Values, holds: Any) -> bool:
    return all(holds(_folds(values, images, k), images, k) for images, k in TRIED)


def _once_each(folds: list[list[int]], images: int, _: int) -> bool:
    return sorted(index for fold in folds for index in fold) == list(range(images))


def _even(folds: list[list[int]], *_: int) -> bool:
    sizes = [len(fold) for fold in folds]
    return max(sizes) - min(sizes) <= 1


FOLDS = Exercise(
    id="sd-folds",
    lesson=LESSON,
    title="Make the folds yourself",
    takes=("k_folds",),
    properties=(
        Property("there are k folds", lambda v: _in_all(v, lambda folds, _, k: len(folds) == k)),
        Property("every image is in exactly one fold", lambda v: _in_all(v, _once_each)),
        Property("the sizes of two folds differ by one at most", lambda v: _in_all(v, _even)),
    ),
    hints=(
        ("Every image must be tested once: not twice, and not never. Try your function with 23 images and 4 folds."),
        "Deal the numbers like cards: one to each fold in turn until none is left. A range may have a step.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def k_folds(n_images, k):\n"
                "    size = n_images // k\n"
                "    return [list(range(i * size, (i + 1) * size)) for i in range(k)]"
            ),
            recognise=lambda v: sum(len(fold) for fold in _folds(v, 23, 4)) < 23,
            hint=(
                "Some images are in no fold: they are never tested. Look at the last ones when k does not"
                " divide the number."
            ),
        ),
        WrongAnswer(
            code=(
                "import random\n"
                "def k_folds(n_images, k):\n"
                "    return [random.sample(range(n_images), n_images // k + 1) for _ in range(k)]"
            ),
            recognise=lambda v: sum(len(fold) for fold in _folds(v, 23, 4)) > 23,
            hint=(
                "Some images are in two folds. Drawing each fold anew from all images makes k single splits,"
                " not k folds."
            ),
        ),
    ),
    stub="def k_folds(n_images, k):\n    ...",
    solution="def k_folds(n_images, k):\n    return [list(range(i, n_images, k)) for i in range(k)]",
)


def _split(values: Values) -> list[tuple[set[int], set[int]]]:
    """Originals on the training and on the testing side of each fold, for 30 originals of 4 copies each."""
    import numpy as np

    groups = np.random.default_rng(0).permutation(np.arange(120) // 4)
    X, y = np.zeros((120, 1)), np.tile([0, 1], 60)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns where a splitter ignores groups; our hint says it better
        splits = list(values["splitter"].split(X, y, groups))
    return [(set(groups[train].tolist()), set(groups[test].tolist())) for train, test in splits]


GROUPS = Exercise(
    id="sd-groups",
    lesson=LESSON,
    title="Keep copies together",
    takes=("splitter",),
    properties=(
        Property("it makes five folds", lambda v: len(_split(v)) == 5),
        Property("no original is on both sides of a split", lambda v: all(not a & b for a, b in _split(v))),
        Property("every original is tested", lambda v: len(set().union(*(b for _, b in _split(v)))) == 30),
    ),
    hints=(
        "What must not be torn apart here? Not the single pictures, and not the two labels.",
        "scikit-learn has splitters that look at `groups`; the name of the simplest one says so.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "from sklearn.model_selection import StratifiedKFold\nsplitter = StratifiedKFold(5,"
                " shuffle=True, random_state=0)"
            ),
            recognise=lambda v: type(v["splitter"]).__name__ == "StratifiedKFold",
            hint=(
                "Stratified keeps the shares of the labels equal in all folds. It does not know which"
                " pictures are copies."
            ),
        ),
        WrongAnswer(
            code="from sklearn.model_selection import KFold\nsplitter = KFold(5)",
            recognise=lambda v: type(v["splitter"]).__name__ == "KFold" and not v["splitter"].shuffle,
            hint=(
                "Without shuffling, copies stay together only where they happen to stand side by side, and only if"
                " no fold begins between them."
            ),
        ),
        WrongAnswer(
            code=("from sklearn.model_selection import KFold\nsplitter = KFold(5, shuffle=True, random_state=0)"),
            recognise=lambda v: any(a & b for a, b in _split(v)),
            hint=(
                "Copies of one original lie on both sides. Shuffling does not part them from each other, it mixes them."
            ),
        ),
        WrongAnswer(
            code="from sklearn.model_selection import GroupKFold\nsplitter = GroupKFold",
            recognise=lambda v: isinstance(v["splitter"], type),
            hint="This is the class itself. Call it, and say how many folds you want.",
        ),
    ),
    stub="splitter = ...",
    solution="splitter = GroupKFold(5)",
    setup="from sklearn.model_selection import GroupKFold",
)

LOSSES: tuple[tuple[list[float], int, int], ...] = (
    ([2.0, 1.5, 1.2, 1.3, 1.4, 1.5, 1.6], 2, 2),
    ([2.0, 1.0, 1.1, 1.2, 1.3, 0.5], 3, 1),
    ([2.0, 1.0, 1.1, 1.2, 0.9, 1.0, 1.1, 1.2], 3, 4),
    ([3.0, 2.0, 1.0, 0.5], 2, 3),
    ([1.0, 1.0, 1.0, 0.2], 2, 0),
    ([1.0, 1.2, 0.8, 0.9], 1, 0),
)
"""Losses, patience, and the place of the epoch to keep."""


def _kept(values: Values, trial: int) -> int:
    losses, patience, _ = LOSSES[trial]
    return int(finished(values["kept_epoch"](list(losses), patience)))


def _keeps(values: Values, *trials: int) -> bool:
    return all(_kept(values, trial) == LOSSES[trial][2] for trial in trials)


STOP = Exercise(
    id="sd-stop",
    lesson=LESSON,
    title="When to stop",
    takes=("kept_epoch",),
    properties=(
        Property("where the loss falls and then rises, it keeps the lowest", lambda v: _keeps(v, 0)),
        Property("where it only falls, it keeps the last", lambda v: _keeps(v, 3)),
        Property("what would come after the stop is never seen", lambda v: _keeps(v, 1, 5)),
        Property("a short rise within the patience does not stop it", lambda v: _keeps(v, 2)),
        Property("an equal loss is no new lowest", lambda v: _keeps(v, 4)),
    ),
    hints=(
        "Keep one number while you walk through the losses: the place of the lowest so far. How long ago was that?",
        "enumerate(losses) gives places and losses. The distance from here to the best place is how long you waited.",
    ),
    wrong=(
        WrongAnswer(
            code="def kept_epoch(losses, patience):\n    return losses.index(min(losses))",
            recognise=lambda v: _kept(v, 1) == 5,
            hint="This looks at all the losses. Who has stopped does not know what would have come.",
        ),
        WrongAnswer(
            code=(
                "def kept_epoch(losses, patience):\n"
                "    best = 0\n"
                "    for epoch, loss in enumerate(losses):\n"
                "        if loss < losses[best]:\n"
                "            best = epoch\n"
                "        if epoch - best >= patience:\n"
                "            return epoch\n"
                "    return best"
            ),
            recognise=lambda v: _kept(v, 0) == 4,
            hint="That is the epoch at which you stop. By then it has been getting worse for a while: go back.",
        ),
        WrongAnswer(
            code=(
                "def kept_epoch(losses, patience):\n"
                "    for epoch in range(1, len(losses)):\n"
                "        if losses[epoch] >= losses[epoch - 1]:\n"
                "            return epoch - 1\n"
                "    return len(losses) - 1"
            ),
            recognise=lambda v: _kept(v, 2) == 1,
            hint="One epoch that is worse than the one before ends it: where is the patience?",
        ),
    ),
    stub="def kept_epoch(losses, patience):\n    ...",
    solution=(
        "def kept_epoch(losses, patience):\n"
        "    best = 0\n"
        "    for epoch, loss in enumerate(losses):\n"
        "        if loss < losses[best]:\n"
        "            best = epoch\n"
        "        if epoch - best >= patience:\n"
        "            break\n"
        "    return best"
    ),
)

EXERCISES = (GROUPS, FOLDS, STOP)

QUESTIONS = (
    Question(
        id="sd-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "A hundred images are shuffled twenty times. Each time a single split gives one result and five folds"
            " give another. How much do the twenty results of each kind differ among themselves?"
        ),
        choices={
            "a": "Both about equally: the images are the same.",
            "b": "The five-fold means differ much less.",
            "c": "The five-fold means differ more: five models are trained in place of one.",
        },
        right="b",
        feedback={
            "a": "The images are the same, but a single split is judged by twenty of them, the folds by all hundred.",
            "b": "Yes. In the folds every image is tested once, however one shuffles; only the company changes.",
            "c": "Five models are trained, and the mean of five results is steadier than one of them.",
        },
    ),
    Question(
        id="sd-p3",
        lesson=LESSON,
        kind="predict",
        text=(
            "The 20 columns of noise that go best with 50 tossed coins are picked, then five folds are run on them."
            " How often will the model be right?"
        ),
        choices={
            "a": "About half the time: five folds are honest.",
            "b": "About six times in ten.",
            "c": "More than eight times in ten.",
        },
        right="c",
        feedback={
            "a": "The folds are honest about the model. The picking had gone before, with all answers in view.",
            "b": "Of 5,000 columns the luckiest twenty go with the coins much better than that.",
            "c": "Yes. Among 5,000 columns some fit any fifty coins, and they fit those of the test rows too.",
        },
    ),
    Question(
        id="sd-p4",
        lesson=LESSON,
        kind="predict",
        text=(
            "One network learns from sixty digits as they are, another from the same digits moved by up to a pixel."
            " How do they compare on digits that lie straight, and on digits that lie askew?"
        ),
        choices={
            "a": "The second reads more of both: more variety is always better.",
            "b": "The second reads far more of those askew, but no more of those that lie straight.",
            "c": "One pixel makes no difference.",
        },
        right="b",
        feedback={
            "a": "Variety helps where it will turn up. Straight digits never are off by a pixel.",
            "b": "Yes. It was taught that the place does not matter, which is true of one test and idle in the other.",
            "c": "Of eight pixels it is a lot: each number of the picture then stands where another one stood.",
        },
    ),
    Question(
        id="sd-p5",
        lesson=LESSON,
        kind="predict",
        text=(
            "Three in ten of the sixty labels are wrong. The network passes over them 150 times. How does the share of"
            " new digits that it reads correctly develop?"
        ),
        choices={
            "a": "It rises and then stays.",
            "b": "It rises at first and falls later.",
            "c": "It never rises: the labels are too bad.",
        },
        right="b",
        feedback={
            "a": "It stays where the labels are right. Wrong ones go on being learned, one by one, by heart.",
            "b": "Yes. What most labels agree on is learned first; what contradicts it is learned by heart afterwards.",
            "c": "Seven in ten are right and pull the same way; the wrong ones pull in nine directions.",
        },
    ),
    Question(
        id="sd-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Sixty pictures, five noisy copies of each. A coin decides each picture's label, so there is"
            " nothing to learn. All 300 copies are shuffled and split into five folds. How often will the"
            " model be right?"
        ),
        choices={
            "a": "About half the time: a coin cannot be predicted.",
            "b": "About three quarters of the time.",
            "c": "Nearly always.",
        },
        right="c",
        feedback={
            "a": (
                "That is the honest answer about new pictures. But the test pictures are not new: their"
                " copies were learned."
            ),
            "b": "More than half is the right direction, but the copies give away nearly every answer.",
            "c": ("Yes. Nearly every test picture has a copy among those that were learned, with the same label."),
        },
    ),
    Question(
        id="sd-q1",
        lesson=LESSON,
        kind="quiz",
        text="A doctor has four X-ray pictures of each of 200 patients. How should they be split?",
        choices={
            "a": "At random, picture by picture.",
            "b": "So that healthy and ill are equally frequent on both sides; nothing else matters.",
            "c": "Patient by patient: all four pictures on the same side.",
        },
        right="c",
        feedback={
            "a": (
                "Then nearly every patient is on both sides, and recognising the patient passes for"
                " recognising the illness."
            ),
            "b": "That is good to have, but a patient on both sides still gives the answer away.",
            "c": ("Right: what will be new in practice is the patient, so the patient must be new in the test."),
        },
    ),
    Question(
        id="sd-q2",
        lesson=LESSON,
        kind="quiz",
        text="You tried forty settings and report the best five-fold accuracy among them. What is wrong?",
        choices={
            "a": "Nothing: five folds are honest.",
            "b": "The best of forty is partly luck; it needs images that took no part in the choice.",
            "c": "Ten folds should have been used.",
        },
        right="b",
        feedback={
            "a": ("Each of the forty numbers is honest. The largest of them is not: it was picked for being large."),
            "b": "Right: choosing is learning too. Keep a test set away from it, or choose inside each fold.",
            "c": "Ten folds change little: the best of forty is still picked for being the best.",
        },
    ),
    Question(
        id="sd-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: how does pick_then_test(inside=False) change when there are only 50 columns of noise"
            " to pick from (features=50), in place of 5000?"
        ),
        choices={
            "a": "It comes closer to guessing: there is less to be lucky with.",
            "b": "It stays near 1.",
            "c": "It falls far below guessing.",
        },
        right="a",
        feedback={
            "a": "Right: the more you choose from, the better the luckiest looks.",
            "b": "Run it: with 50 columns the luckiest twenty are not so very lucky.",
            "c": "Run it: noise that was picked for looking good does not look bad.",
        },
    ),
)
