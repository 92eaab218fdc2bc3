"""Few-shot learning, judged as the field does: many small tasks, drawn by seed, and the mean with its interval.

The interval is that of the mean over tasks: it knows of other tasks from the same classes and images, not of other
classes or networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.stats import t as student

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.backbone import Inputs
from tlwidgets.data import load_data
from tlwidgets.data.features import check_features, check_labels
from tlwidgets.errors import DataError
from tlwidgets.evaluation.episodes import Episode, episodes
from tlwidgets.methods.linear_probe import LinearProbe
from tlwidgets.methods.matching import Matching
from tlwidgets.methods.prototypes import Prototypes
from tlwidgets.methods.simple_shot import SimpleShot


class Learner(Protocol):
    """Learns to classify features (N, D) from few: ``fit(features, labels)``, then ``predict_proba(features)``."""

    def fit(self, features: Any, labels: Any) -> Any:
        """Learns from features and class numbers 0..C-1."""

    def predict_proba(self, features: Any) -> np.ndarray:
        """Probability of each class, (N, C)."""


METHODS: dict[str, Callable[[np.ndarray | None], Learner]] = {
    "prototypes": lambda _: Prototypes(),
    "matching": lambda _: Matching(),
    "simple_shot": lambda centre: SimpleShot(centre),
    "linear_probe": lambda _: LinearProbe(),
}


@dataclass(frozen=True)
class FewShot:
    """How well a backbone's features serve tasks of few examples.

    Attributes:
        accuracies: (E,) accuracy of each episode.
        n_way: Classes of an episode.
        n_shot: Examples of each class.
        method: Name of the method.
        backbone: What saw the images.
    """

    accuracies: np.ndarray
    n_way: int
    n_shot: int
    method: str
    backbone: str
    _network: Backbone = field(repr=False)

    def __repr__(self) -> str:
        return f"FewShot: {self.sentence}"

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return float(self.accuracies.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the mean over episodes (Student's t)."""
        n = len(self.accuracies)
        reach = float(student.ppf(0.975, n - 1)) * float(self.accuracies.std(ddof=1)) / n**0.5
        return self.mean - reach, self.mean + reach

    @property
    def sentence(self) -> str:
        """The result in words."""
        low, high = self.interval
        examples = "example" if self.n_shot == 1 else "examples"
        return (
            f"{self.method} on {self.backbone}, {self.n_way} classes with {self.n_shot} {examples} each: "
            f"{100 * self.mean:.1f} % (95 % interval {100 * low:.1f} to {100 * high:.1f}, "
            f"{len(self.accuracies)} episodes, chance {100 / self.n_way:.0f} %)."
        )

    def learn(self, images: Inputs, labels: Any) -> FewShotClassifier:
        """Learns classes of your own from few images (or texts), with the same backbone and method.

        Args:
            images: As ``Backbone.features`` takes them.
            labels: (N,) names or numbers, at least two different ones.

        Raises:
            DataError: Images and labels do not fit, labels are missing, or there is only one class.
        """
        names, numbers = np.unique(check_labels(labels), return_inverse=True)
        if len(images) != len(numbers):
            raise DataError(f"There are {len(images)} images but {len(numbers)} labels.", "Give one label an image.")
        learner = METHODS[self.method](None)
        learner.fit(self._network.features(images), numbers)
        return FewShotClassifier(self._network, learner, names)


@dataclass(frozen=True)
class FewShotClassifier:
    """A few-shot method that has seen its examples.

    Attributes:
        backbone: What sees the images.
        learner: What classifies their features.
        classes: (C,) labels in the order of ``predict_proba``'s columns.
    """

    backbone: Backbone
    learner: Learner
    classes: np.ndarray

    def predict_proba(self, images: Inputs) -> np.ndarray:
        """Probability of each class for each image, (N, C)."""
        return self.learner.predict_proba(self.backbone.features(images))

    def predict(self, images: Inputs) -> np.ndarray:
        """The most probable label of each image, (N,)."""
        labels: np.ndarray = self.classes[self.predict_proba(images).argmax(1)]
        return labels


def episode_accuracies(
    features: Any, labels: Any, method: str, tasks: Iterable[Episode], background: Any = None
) -> np.ndarray:
    """Accuracy of a method on each task, (E,).

    Args:
        features: (N, D) of all samples.
        labels: (N,) class numbers of all samples.
        method: One of ``METHODS``.
        tasks: As ``episodes`` draws them.
        background: (M, D) features whose mean "simple_shot" takes as centre; by default those of the classes that
            are not in the task, and the task's own support set where there are none.

    Raises:
        DataError: Unknown method, features that are not finite.
    """
    if method not in METHODS:
        raise DataError(f"There is no few-shot method named {method!r}.", f"Methods: {', '.join(METHODS)}.")
    rows, numbers = check_features(features), np.asarray(labels)
    fixed = None if background is None else check_features(background).mean(0)
    found = []
    for task in tasks:
        others = rows[~np.isin(numbers, task.classes)]
        centre = fixed if fixed is not None else others.mean(0) if len(others) else None
        learner = METHODS[method](centre)
        learner.fit(rows[task.support], task.labels(task.support))
        predicted = learner.predict_proba(rows[task.query]).argmax(1)
        found.append(np.mean(predicted == task.labels(task.query)))
    return np.array(found)


def few_shot(
    data: Any,
    backbone: str | Backbone = "tlw_resnet",
    *,
    method: str = "prototypes",
    n_way: int | None = None,
    n_shot: int = 1,
    n_query: int = 15,
    n_episodes: int = 200,
    seed: int = 0,
) -> FewShot:
    """Judges few-shot learning on a pre-trained backbone's features: many small tasks, no training.

    Of near-identical samples only the first is used, so that none is learned from and judged by at once.

    Args:
        data: What ``load_data`` takes; its splits do not matter here, since nothing is trained.
        backbone: What ``load_backbone`` takes, or a network such as ``run.backbone``.
        method: "prototypes", "matching", "simple_shot" or "linear_probe".
        n_way: Classes of a task, at least 2; None takes five, or all where there are fewer.
        n_shot: Examples of each class to learn from.
        n_query: Further ones of each class to be judged by.
        n_episodes: Tasks, at least 2; the interval shrinks with their root.
        seed: Another seed, other tasks. Compare methods and backbones with the same one: the tasks are the same then.

    Returns:
        The result; its ``learn(images, labels)`` gives a classifier of your own images.

    Raises:
        DataError: A class has too few samples, there are too few classes, unknown method, or features that are nan.
    """
    if not isinstance(n_episodes, int) or n_episodes < 2:
        raise DataError(f"n_episodes is {n_episodes!r}.", "Give at least 2, better 200.")
    if method not in METHODS:
        raise DataError(f"There is no few-shot method named {method!r}.", f"Methods: {', '.join(METHODS)}.")
    loaded = load_data(data)
    network = load_backbone(backbone) if isinstance(backbone, str) else backbone
    rows = np.sort(np.unique(loaded.groups, return_index=True)[1])
    labels = loaded.labels[rows]
    if n_way is None:
        n_way = max(2, min(5, len(np.unique(labels))))
    tasks = episodes(labels, n_way, n_shot, n_query, n_episodes, seed)
    accuracies = episode_accuracies(network.features(loaded.inputs(rows)), labels, method, tasks)
    return FewShot(accuracies, n_way, n_shot, method, network.name, network)
