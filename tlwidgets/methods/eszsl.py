"""ESZSL: zero-shot classification by one matrix in closed form.

Romera-Paredes, Torr (2015), "An embarrassingly simple approach to zero-shot learning", ICML. A matrix V takes the
features x of an image to attributes, and the score of a class with description s is x V s. Trained on seen classes with
targets +1 and -1 and penalties on V in features and in attributes, it has the solution
V = (X^T X + gamma I)^-1 X^T Y S (S^T S + lambda I)^-1. A class that was never seen needs its description alone, which
may be of any real numbers: attributes, or the vector of a text. A recipe needs one epoch; the head of the run's network
then scores all classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.preprocessing import normalize

from tlwidgets.data.features import check_features, check_like, check_support
from tlwidgets.errors import DataError
from tlwidgets.training.class_descriptions import FromDescriptions, from_descriptions
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Values


def closed_form(
    features: np.ndarray, targets: np.ndarray, descriptions: np.ndarray, gamma: float, lamda: float
) -> np.ndarray:
    """The matrix V (D, A).

    Args:
        features: X (N, D).
        targets: Y (N, C), +1 for the class of an image and -1 for the others.
        descriptions: S (C, A).
        gamma: Penalty in the space of features, above 0.
        lamda: Penalty in the space of attributes, above 0.
    """
    left = features.T @ features + gamma * np.eye(features.shape[1])
    right = descriptions.T @ descriptions + lamda * np.eye(descriptions.shape[1])
    found: np.ndarray = np.linalg.solve(left, features.T @ targets @ descriptions) @ np.linalg.inv(right)
    return found


@dataclass
class ESZSL:
    """Scores classes by their descriptions.

    Attributes:
        gamma: Penalty in the space of features, above 0. Raise it where images are few.
        lamda: Penalty in the space of attributes, above 0. Raise it where descriptions are alike.
    """

    gamma: float = 1.0
    lamda: float = 1.0
    _widths: tuple[int, int] | tuple[None, None] = field(default=(None, None), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not (self.gamma > 0 and self.lamda > 0):
            raise DataError(f"gamma is {self.gamma!r}, lamda is {self.lamda!r}.", "Give numbers above 0.")

    def fit(self, features: Any, labels: Any, descriptions: Any) -> ESZSL:
        """Learns from classes that are seen.

        Args:
            features: (N, D) numbers.
            labels: (N,) class numbers, rows of ``descriptions``.
            descriptions: (C, A) numbers.

        Raises:
            DataError: A description is missing, or numbers cannot be used.
        """
        rows, numbers = check_support(features, labels)
        table = check_features(descriptions, "descriptions")
        if len(table) != numbers.max() + 1:
            raise DataError(f"{len(table)} descriptions for {numbers.max() + 1} classes.", "Describe each class once.")
        self._mean = rows.mean(0)
        targets = 2 * np.eye(len(table))[numbers] - 1
        self._matrix = closed_form(self._seen(rows), targets, normalize(table), self.gamma, self.lamda)
        self._widths = rows.shape[1], table.shape[1]
        return self

    def scores(self, features: Any, descriptions: Any) -> np.ndarray:
        """Scores (N, K) of K classes, seen or not, by their descriptions (K, A).

        Raises:
            DataError: Nothing has been learned yet, or features or descriptions are no numbers or of another width.
        """
        rows = check_like(features, self._widths[0])
        table = check_like(descriptions, self._widths[1], "descriptions")
        found: np.ndarray = self._seen(rows) @ self._matrix @ normalize(table).T
        return found

    def head(self, descriptions: Any) -> Values:
        """Weights and centre of the layer on centred unit features with the same scores; its biases are 0."""
        table = check_like(descriptions, self._widths[1], "descriptions")
        return {"weight": normalize(table) @ self._matrix.T, "centre": self._mean}

    def _seen(self, rows: np.ndarray) -> np.ndarray:
        unit: np.ndarray = normalize(rows - self._mean)
        return unit


def make(
    setting: Setting,
    descriptions: Sequence[Any],
    unseen: Sequence[str],
    gamma: float = 1.0,
    lamda: float = 1.0,
    text_encoder: str = "minilm",
) -> FromDescriptions:
    """Makes the method from a recipe's options; see ``from_descriptions`` and ``ESZSL`` for them.

    Raises:
        TlwError: As these raise.
    """
    scorer = ESZSL(gamma, lamda)

    def learn(rows: np.ndarray, numbers: np.ndarray, seen: np.ndarray, table: np.ndarray) -> Values:
        return scorer.fit(rows, numbers, seen).head(table)

    return from_descriptions(setting, learn, descriptions, unseen, text_encoder, unit=True)
