"""Prototypes: a class is the mean of its few examples, and an image belongs to the nearest.

Snell, Swersky, Zemel (2017), "Prototypical networks for few-shot learning", NeurIPS, arXiv 1703.05175. The probability
of a class is the softmax over minus the squared Euclidean distance, which is a linear head without any training:
W = 2c, b = -||c||^2. (easy-few-shot-learning 1.5 does not square the distance: the nearest prototype is the same, the
probabilities are flatter.) Here the network is a pre-trained one; no episode trains it. A recipe needs one epoch: the
linear head is that of the run's network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import softmax

from tlwidgets.data.features import check_features, check_like, check_support
from tlwidgets.errors import DataError
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Solved, Values, solving


def class_means(features: Any, labels: Any) -> np.ndarray:
    """Prototypes (C, D) of features (N, D) with class numbers (N,).

    Raises:
        DataError: A class has no example, or the features cannot be used.
    """
    rows, numbers = check_support(features, labels)
    members = np.eye(numbers.max() + 1)[numbers]  # (N, C)
    means: np.ndarray = members.T @ rows / members.sum(0)[:, None]
    return means


def minus_squared_distances(features: Any, prototypes: np.ndarray) -> np.ndarray:
    """Logits (N, C): minus the squared Euclidean distance of each row from each prototype."""
    rows = check_features(features)
    logits: np.ndarray = -np.square(rows[:, None] - prototypes).sum(2)
    return logits


def linear_head(prototypes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The linear layer with the same probabilities: weights (C, D) and biases (C,)."""
    return 2 * prototypes, -np.square(prototypes).sum(1)


@dataclass
class Prototypes:
    """Classifies features by the nearest class mean.

    Attributes:
        prototypes: (C, D), once it is fitted.
    """

    prototypes: np.ndarray | None = None

    def fit(self, features: Any, labels: Any) -> Prototypes:
        """Learns from features (N, D) and class numbers (N,), at least one of each class."""
        self.prototypes = class_means(features, labels)
        return self

    def predict_proba(self, features: Any) -> np.ndarray:
        """Probability of each class, (N, C).

        Raises:
            DataError: Nothing has been learned yet, or the features are no numbers or of another width.
        """
        if self.prototypes is None:
            raise DataError("Nothing has been learned yet.", "Call fit first.")
        rows = check_like(features, self.prototypes.shape[1])
        probabilities: np.ndarray = softmax(minus_squared_distances(rows, self.prototypes), axis=1)
        return probabilities


def make(setting: Setting) -> Solved:
    """Makes the method for a recipe.

    Args:
        setting: Its plan freezes all but the head; a recipe with pre-trained weights that names none gets ``PLAN``.

    Raises:
        RecipeError: The plan is another.
    """

    def solve(rows: np.ndarray, labels: np.ndarray) -> Values:
        return dict(zip(("weight", "bias"), linear_head(class_means(rows, labels)), strict=True))

    return solving(setting, solve)
