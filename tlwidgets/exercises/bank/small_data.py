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

    groups = np.arange(120) // 4
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

EXERCISES = (GROUPS, FOLDS)

QUESTIONS = (
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
