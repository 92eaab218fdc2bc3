"""Zero-shot by attributes: recognise the parts, then the class that is known to have them.

Lampert, Nickisch, Harmeling (2014), "Attribute-based classification for zero-shot visual object categorization", PAMI
36 (direct attribute prediction). One classifier an attribute learns from classes that are seen; a class that never was
is described by its attributes, and gets the probability that an image shows just these: the product over attributes of
p(a | image) / p(a), so that what most classes have says little. It fails where an attribute looks different in the
unseen class, or where all seen classes agree on it. Since log p - log (1 - p) is linear in the
features, the whole is a linear layer: the head that a recipe of one epoch finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tlwidgets.data.features import check_features, check_like, check_support
from tlwidgets.errors import DataError
from tlwidgets.training.class_descriptions import FromDescriptions, from_descriptions
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Values


def binary_table(attributes: Any) -> np.ndarray:
    """Attributes (C, A) as float64.

    Raises:
        DataError: They are not all 0 or 1.
    """
    table = check_features(attributes, "attributes")
    if not np.isin(table, (0, 1)).all():
        raise DataError("Attributes are not all 0 or 1.", "Say of each class and attribute whether it has it.")
    return table


@dataclass
class AttributePrediction:
    """Recognises attributes, and classes by them.

    Attributes:
        C: Inverse strength of the L2 penalty of each attribute's logistic regression, above 0.
    """

    C: float = 1.0
    _widths: tuple[int, int] | tuple[None, None] = field(default=(None, None), init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.C > 0:
            raise DataError(f"C is {self.C!r}.", "Give a number above 0.")

    def fit(self, features: Any, labels: Any, attributes: Any) -> AttributePrediction:
        """Learns attributes from classes that are seen.

        Args:
            features: (N, D) numbers.
            labels: (N,) class numbers, rows of ``attributes``.
            attributes: (C, A), 0 or 1: the seen classes' descriptions.

        Raises:
            DataError: No attribute tells the seen classes apart, a description is missing, or the features cannot be
                used.
        """
        rows, numbers = check_support(features, labels)
        table = binary_table(attributes)
        if len(table) != numbers.max() + 1:
            raise DataError(f"{len(table)} descriptions for {numbers.max() + 1} classes.", "Describe each class once.")
        self._varies = np.flatnonzero(table.min(0) < table.max(0))
        if not len(self._varies):
            raise DataError("All seen classes have the same attributes.", "Give attributes in which they differ.")
        self._scaler = StandardScaler().fit(rows)
        self._prior = table[:, self._varies].mean(0)
        scaled = self._scaler.transform(rows)
        self._widths = rows.shape[1], table.shape[1]
        model = LogisticRegression(C=self.C, max_iter=2000)
        self._models = [LogisticRegression(**model.get_params()).fit(scaled, table[numbers, at]) for at in self._varies]
        return self

    def attribute_probabilities(self, features: Any) -> np.ndarray:
        """Probability (N, V) of each attribute in which the seen classes differ.

        Raises:
            DataError: Nothing has been learned yet, or the features are no numbers or of another width.
        """
        rows = check_like(features, self._widths[0])
        scaled = self._scaler.transform(rows)
        return np.stack([model.predict_proba(scaled)[:, 1] for model in self._models], axis=1)

    def predict_proba(self, features: Any, attributes: Any) -> np.ndarray:
        """Probability (N, K) of K classes, seen or not, described by ``attributes`` (K, A).

        Raises:
            DataError: As ``attribute_probabilities``, or for attributes that are not 0 or 1 or of another number.
        """
        p = np.clip(self.attribute_probabilities(features), 1e-12, 1 - 1e-12)
        described = binary_table(check_like(attributes, self._widths[1], "attributes"))[:, self._varies]
        has = np.log(p / self._prior) @ described.T
        lacks = np.log((1 - p) / (1 - self._prior)) @ (1 - described.T)
        probabilities: np.ndarray = softmax(has + lacks, axis=1)
        return probabilities

    def head(self, attributes: Any) -> Values:
        """Weights and biases of the linear layer with the same probabilities, but for those that nothing rules out."""
        described = binary_table(check_like(attributes, self._widths[1], "attributes"))[:, self._varies]
        weights = np.concatenate([model.coef_ for model in self._models]) / self._scaler.scale_
        biases = np.concatenate([model.intercept_ for model in self._models]) - weights @ self._scaler.mean_
        return {"weight": described @ weights, "bias": described @ (biases - np.log(self._prior / (1 - self._prior)))}


def make(setting: Setting, descriptions: Sequence[Any], unseen: Sequence[str], C: float = 1.0) -> FromDescriptions:
    """Makes the method from a recipe's options; see ``from_descriptions`` and ``AttributePrediction`` for them.

    Raises:
        TlwError: As these raise.
    """
    predictor, table = AttributePrediction(C), binary_table(descriptions)

    def learn(rows: np.ndarray, numbers: np.ndarray, seen: np.ndarray, described: np.ndarray) -> Values:
        return predictor.fit(rows, numbers, seen).head(described)

    return from_descriptions(setting, learn, table.tolist(), unseen, "", unit=False)
