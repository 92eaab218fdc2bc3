"""Lesson 11: a few labels and many pictures without: spreading, sure answers, and answers that confirm themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.svm import SVC

from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.data.bundled import scanned_digits
from tlwidgets.exercises.experiments.describing import linear_model
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore_shares
from tlwidgets.methods.label_spreading import UNKNOWN, spread
from tlwidgets.recipe import Recipe
from tlwidgets.training import fit

LESSON = "11_semi_supervised"
FEW = 3
"""Labelled scans of each digit."""
THRESHOLD = 0.9
"""Probability from which FixMatch takes an answer for a label."""


@remembered
def scans(seed: int = 0, labels_per_class: int = FEW) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load the scanned digits as rows of pixels, a few of each digit labelled.

    With the same seed, the scans that are labelled where there are few stay labelled where there are more.

    Returns:
        Rows (N, 64) from 0 to 1, all labels (N,), and the numbers of the labelled rows.
    """
    images, labels = scanned_digits()
    first, more = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    given = []
    for digit in range(10):
        those = np.flatnonzero(labels == digit)
        few = first.choice(those, FEW, replace=False)
        given.append(np.concatenate([few, more.permutation(np.setdiff1d(those, few))])[:labels_per_class])
    return images.reshape(len(images), -1) / 255, labels, np.concatenate(given)


@remembered
def two_readers(seed: int = 0, labels_per_class: int = FEW, *, at_a_time: int | None = None) -> dict[str, float]:
    """Read the scans without a label, by a model of the labelled ones alone and by spreading.

    Args:
        seed: of the choice of labelled scans.
        labels_per_class: how many there are of each digit.
        at_a_time: let spreading see only so many unlabelled scans at once; None shows it all of them.

    Returns:
        Accuracy, 0 to 1: ``labels alone`` (a support vector machine) and ``spreading``.
    """
    rows, labels, given = scans(seed, labels_per_class)
    rest = np.setdiff1d(np.arange(len(rows)), given)
    alone = SVC().fit(rows[given], labels[given]).score(rows[rest], labels[rest])
    parts = np.array_split(rest, 1 if at_a_time is None else len(rest) // at_a_time)
    hits = sum(_spread_hits(rows, labels, given, part) for part in parts)
    return {"labels alone": float(alone), "spreading": hits / len(rest)}


def _spread_hits(rows: np.ndarray, labels: np.ndarray, given: np.ndarray, part: np.ndarray) -> int:
    known = np.concatenate([labels[given], np.full(len(part), UNKNOWN)])
    beliefs = spread(rows[np.concatenate([given, part])], known)
    return int((beliefs[len(given) :].argmax(axis=1) == labels[part]).sum())


@remembered
def self_taught(seed: int = 0, rounds: int = 6, *, by_truth: bool = False) -> pd.DataFrame:
    """Let a model label all other scans, learn from its own labels, and so on.

    Args:
        seed: of the choice of labelled scans.
        rounds: how often it learns from itself.
        by_truth: give it the true labels in place of its own.

    Returns:
        One row a round, 0 is the model of the labelled scans alone: ``right`` (share of the other scans) and ``sure``
        (mean probability of the class that it names).
    """
    rows, labels, given = scans(seed)
    rest = np.setdiff1d(np.arange(len(rows)), given)
    model = linear_model().fit(rows[given], labels[given])
    found = []
    for _ in range(rounds + 1):
        beliefs = model.predict_proba(rows[rest])
        named = beliefs.argmax(axis=1)
        found.append({"right": float((named == labels[rest]).mean()), "sure": float(beliefs.max(axis=1).mean())})
        taught = labels[rest] if by_truth else named
        model = linear_model().fit(rows[np.concatenate([given, rest])], np.concatenate([labels[given], taught]))
    return pd.DataFrame(found)


def label_curve(counts: Sequence[int], draws: int = 3) -> pd.DataFrame:
    """Measure ``two_readers`` for several numbers of labelled scans, in the mean of a few draws of these.

    Returns:
        A row a number; a column for each reader.
    """
    tables = [pd.DataFrame([two_readers(seed, count) for count in counts], index=list(counts)) for seed in range(draws)]
    table = sum(tables[1:], tables[0]) / draws
    table.index.name = "labels per class"
    return table


def gains(labels_per_class: int, draws: int = 3) -> list[float]:
    """How many more of the others spreading names than the labels alone do, for each of a few draws of the labels."""
    found = [two_readers(seed, labels_per_class) for seed in range(draws)]
    return [each["spreading"] - each["labels alone"] for each in found]


def explore_labels(curve: pd.DataFrame) -> Any:
    """Show a table of ``label_curve`` one number of labels at a time; see ``explorer.explore_shares``."""
    return explore_shares(
        "labelled scans of each digit",
        curve,
        "{option} labelled scans of each digit: of 100 others, {labels alone} are named by the labels alone, "
        "{spreading} by spreading.",
    )


def pictures(seed: int = 0) -> ImageData:
    """Load the digits for a network, a few of each labelled; three in ten are for testing."""
    return load_data("digits", seed=seed, val=0.0, test=0.3, labels_per_class=FEW)


def recipe(method: str = "fixmatch", seed: int = 0) -> Recipe:
    """Write the short run of this lesson: fifteen labelled pictures a step, and three times as many without.

    Args:
        method: ``"fixmatch"``, or ``"fine_tuning"`` for the labelled pictures alone.
        seed: of pictures, head and order.
    """
    options = {"ratio": 3, "threshold": THRESHOLD} if method == "fixmatch" else {}
    return Recipe(
        data=pictures(seed),
        method=method,
        method_options=options,
        epochs=24,
        batch_size=15,
        augmentation="light",
        seed=seed,
        cache="off",
    )


def sure_and_all(backbone: Backbone, data: ImageData, threshold: float = THRESHOLD) -> dict[str, float]:
    """Let a trained network answer unlabelled pictures.

    Args:
        backbone: what answers.
        data: its pictures; 400 of those without a label are asked.
        threshold: from which probability an answer counts as sure.

    Returns:
        Share of right answers among the ``sure`` ones and among ``all``, and the ``share`` of sure ones.
    """
    asked = data.indices("unlabelled")[:400]
    logits = backbone.logits(data.images(asked)).astype(float)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    beliefs = powers / powers.sum(axis=1, keepdims=True)
    right, sure = beliefs.argmax(axis=1) == data.labels[asked], beliefs.max(axis=1) >= threshold
    return {"sure": float(right[sure].mean()), "all": float(right.mean()), "share": float(sure.mean())}


@remembered
def trained(seed: int = 0) -> Backbone:
    """Run FixMatch in a folder that is thrown away."""
    with TemporaryDirectory() as folder:
        return fit(recipe(seed=seed), Path(folder) / "run", progress=False).backbone


def gain_of_spreading(seed: int, sabotaged: bool) -> float:
    """Scans named by spreading minus by the labels alone; sabotaged, it sees only thirty unlabelled ones at a time."""
    found = two_readers(seed, at_a_time=30 if sabotaged else None)
    return found["spreading"] - found["labels alone"]


def sure_are_righter(seed: int, sabotaged: bool) -> float:
    """Right answers among the sure ones minus among all; sabotaged, every answer passes for sure."""
    found = sure_and_all(trained(seed), pictures(seed), 0.0 if sabotaged else THRESHOLD)
    return found["sure"] - found["all"]


def self_confidence(seed: int, sabotaged: bool) -> float:
    """How much surer than right a model is that learned from its own labels; sabotaged, it was given the true ones."""
    last = self_taught(seed, by_truth=sabotaged).iloc[-1]
    return float(last["sure"] - last["right"])


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "scans without a label help to name each other", 0.03, gain_of_spreading),
    MeasuredClaim(LESSON, "C2", "sure answers are right more often", 0.05, sure_are_righter),
    MeasuredClaim(LESSON, "C3", "a model that teaches itself is surer than it is right", 0.1, self_confidence),
)
