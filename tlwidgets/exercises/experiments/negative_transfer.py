"""Lesson 08: knowledge that does harm, where the harm sits, and one skill as a step of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.pipeline import Pipeline

from tlwidgets.data import ImageData, load_data
from tlwidgets.data.bundled import scanned_digits
from tlwidgets.exercises.experiments.describing import described, linear_model, network, pixels, some_tests
from tlwidgets.exercises.experiments.learning_rates import digits
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore_shares

LESSON = "08_negative_transfer"
STEPS = 20


class Head:
    """A linear layer with softmax, trained by plain gradient descent: small enough to see what a start is worth.

    Attributes:
        weights: (D + 1, C); the last row is the bias. Zeros to begin with.
    """

    def __init__(self, inputs: int, classes: int) -> None:
        self.weights = np.zeros((inputs + 1, classes))

    def probabilities(self, rows: np.ndarray) -> np.ndarray:
        """Describe rows (N, D) by the probability of each class: (N, C)."""
        logits = _with_one(rows) @ self.weights
        powers: np.ndarray = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def train(self, rows: np.ndarray, labels: np.ndarray, steps: int = STEPS, rate: float = 0.05) -> Head:
        """Take some steps down the mean loss of these rows (N, D) with class numbers (N,)."""
        wanted = np.eye(self.weights.shape[1])[labels]
        for _ in range(steps):
            self.weights -= rate * _with_one(rows).T @ (self.probabilities(rows) - wanted) / len(rows)
        return self

    def score(self, rows: np.ndarray, labels: np.ndarray) -> float:
        """Say which share of rows gets its own class as the most probable one."""
        return float((self.probabilities(rows).argmax(axis=1) == labels).mean())


def _with_one(rows: np.ndarray) -> np.ndarray:
    return np.hstack([rows, np.ones((len(rows), 1))])


def _scaled(train: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    mean, spread = train.mean(axis=0), train.std(axis=0) + 1e-6
    return [(rows - mean) / spread for rows in (train, *others)]


@remembered
def beginnings(
    seed: int = 0, *, pretrained: bool = True, wrong: bool = True
) -> tuple[dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], np.ndarray, np.ndarray]:
    """What each start begins with: weights of its head, training rows and test rows; then both labels.

    Args:
        seed: of the images.
        pretrained: False fills the network with random weights.
        wrong: whether the old head was taught to call every digit by the next one's name.
    """
    data = digits(seed)
    backbone = network(pretrained=pretrained, seed=seed)
    found, seen = described(data, backbone), described(data, None)
    source = data.indices("unlabelled")[:400]
    train, test, old = _scaled(found.train, found.test, backbone.features(data.images(source)))
    taught = Head(train.shape[1], 10).train(old, (data.labels[source] + wrong) % 10, steps=1000)
    plain_train, plain_test = _scaled(seen.train, seen.test)
    starts = {
        "target only": (Head(plain_train.shape[1], 10).weights, plain_train, plain_test),
        "old head": (taught.weights, train, test),
        "new head": (Head(train.shape[1], 10).weights, train, test),
    }
    return starts, found.train_labels, found.test_labels


@remembered
def three_starts(seed: int = 0, *, pretrained: bool = True, wrong: bool = True, steps: int = STEPS) -> dict[str, float]:
    """Read digits after the same few steps on five labels of each, from three starts.

    Args:
        seed: of the images.
        pretrained: False fills the network with random weights.
        wrong: whether the old head was taught to call every digit by the next one's name.
        steps: of every head on the five labels.

    Returns:
        Accuracy, 0 to 1: ``target only`` (a new head on pixels), ``old head`` (network and head of the source) and
        ``new head`` (the same network with a new head).
    """
    starts, labels, wanted = beginnings(seed, pretrained=pretrained, wrong=wrong)
    found = {}
    for name, (weights, rows, tests) in starts.items():
        head = Head(rows.shape[1], 10)
        head.weights = weights.copy()
        found[name] = head.train(rows, labels, steps).score(tests, wanted)
    return found


def explore_starts(steps: Sequence[int]) -> Any:
    """Show what the three starts read after several numbers of steps, one at a time."""
    table = pd.DataFrame([three_starts(steps=count) for count in steps], index=list(steps))
    return explore_shares(
        "steps",
        table.rename(columns=lambda name: name.replace(" ", "_")),
        "After {option} steps: of 100 new digits, target only reads {target_only}, the old head {old_head}, the "
        "new head {new_head}.",
    )


def draw_pairs(data: ImageData) -> Figure:
    """Draw ten pictures of two digits each, with their sums as titles."""
    figure = Figure(figsize=(7.5, 2.6), layout="constrained")
    rows = np.arange(10)
    for axes, row, image in zip(figure.subplots(2, 5).flat, rows, data.images(rows), strict=True):
        axes.imshow(image)
        axes.set_title(data.classes[data.labels[row]], fontsize="medium")
        axes.set_axis_off()
    return figure


@remembered
def sums(seed: int = 0, *, shuffled: bool = False) -> dict[str, float]:
    """Name the sum of two digits in one picture, directly and by way of the single digits.

    The reader of single digits learns from scans that are in no test pair.

    Args:
        seed: of pairs, deal and reader.
        shuffled: give the reader's scans wrong labels, drawn at random.

    Returns:
        Accuracy, 0 to 1: ``pixels`` and ``features`` of the whole picture with about 200 labelled sums, and
        ``by digits`` with labelled digits and no labelled sum.
    """
    data = load_data("pairs", seed=seed, val=0.0, test=0.5)
    train, test = data.indices("train")[:200], some_tests(data)
    backbone = network()
    pictures, asked = data.images(train), data.images(test)
    halves = [[picture[:, side : side + 8] for picture in asked] for side in (0, 8)]
    reader = digit_reader({half.tobytes() for side in halves for half in side}, seed, shuffled=shuffled)
    both = [reader.predict_proba(backbone.features(side)) for side in halves]
    descriptions = {"pixels": (pixels(pictures), pixels(asked))}
    descriptions["features"] = (backbone.features(pictures), backbone.features(asked))
    found = {
        name: float(linear_model().fit(rows, data.labels[train]).score(tests, data.labels[test]))
        for name, (rows, tests) in descriptions.items()
    }
    return {**found, "by digits": float((add_up(*both).argmax(axis=1) == data.labels[test]).mean())}


def digit_reader(unseen: set[bytes], seed: int, *, shuffled: bool = False) -> Pipeline:
    """Fit a simple model to features of 300 labelled single digits.

    Args:
        unseen: scans that it must not learn from, as bytes of uint8 (8, 8, 3).
        seed: of the choice.
        shuffled: shuffle the labels.
    """
    scans, labels = scanned_digits()
    images = np.repeat(scans[..., None], 3, axis=3)
    draw = np.random.default_rng(seed)
    free = [row for row in draw.permutation(len(scans)) if images[row].tobytes() not in unseen][:300]
    taught = draw.permutation(labels[free]) if shuffled else labels[free]
    model: Pipeline = linear_model().fit(network().features(list(images[free])), taught)
    return model


def add_up(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Turn the probabilities of two digits (N, 10) each into those of their sum, 0 to 18: (N, 19)."""
    total = np.zeros((len(left), 19))
    for one in range(10):
        for other in range(10):
            total[:, one + other] += left[:, one] * right[:, other]
    return total


def harm(seed: int, sabotaged: bool) -> float:
    """Digits read by the target-only learner minus by the old head; sabotaged, the old head was taught rightly."""
    found = three_starts(seed, wrong=not sabotaged)
    return found["target only"] - found["old head"]


def rescue(seed: int, sabotaged: bool) -> float:
    """Digits read with a new head on the network minus by the target-only learner; sabotaged, the network is random."""
    found = three_starts(seed, pretrained=not sabotaged)
    return found["new head"] - found["target only"]


def by_way_of_digits(seed: int, sabotaged: bool) -> float:
    """Sums named by way of the digits minus sums named directly; sabotaged, the digits' labels were shuffled."""
    found = sums(seed, shuffled=sabotaged)
    return found["by digits"] - max(found["pixels"], found["features"])


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "the old head is worse than not transferring at all", 0.2, harm),
    MeasuredClaim(LESSON, "C2", "the same network with a new head is better than not transferring", 0.04, rescue),
    MeasuredClaim(LESSON, "C3", "reading the digits first names more sums", 0.4, by_way_of_digits),
)
