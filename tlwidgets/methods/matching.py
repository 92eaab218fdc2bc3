"""Matching: an image takes its class from those examples that it resembles.

Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra (2016), "Matching networks for one shot learning", NeurIPS, arXiv
1606.04080. The probability of a class is the attention that its examples get: a softmax over the cosine similarity
to every example, summed by class. With one example a class it chooses as a nearest neighbour does. (The paper may also
refine features with LSTMs trained on episodes, "full context embeddings"; easy-few-shot-learning 1.5 always does.) A
recipe needs one epoch: the head of the run's network keeps the features of its training images.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy.special import softmax

from tlwidgets.backbones.feature_heads import AttentionHead
from tlwidgets.data.features import check_features, check_like, check_support
from tlwidgets.training.method import Setting
from tlwidgets.training.options import above
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Solved, Values, solving


def attention(queries: Any, support: Any, sharpness: float = 1.0) -> np.ndarray:
    """How much each query looks at each example: rows that add up to 1, (Q, N).

    Args:
        queries: (Q, D) numbers.
        support: (N, D) numbers.
        sharpness: Factor of the cosine; the paper's is 1. Higher ones let only the nearest examples count.

    Raises:
        DataError: They are no numbers, or of different widths.
    """
    check_like(queries, check_features(support).shape[1], "queries")
    return np.asarray(softmax(sharpness * _unit(queries) @ _unit(support).T, axis=1))


def _unit(features: Any) -> np.ndarray:
    rows = check_features(features)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: np.ndarray = rows / np.where(lengths > 0, lengths, 1)
    return scaled


@dataclass
class Matching:
    """Classifies features by the examples that they resemble.

    Attributes:
        sharpness: Factor of the cosine, see ``attention``. 1 gives hardly different probabilities for all classes;
            with several examples a class, 10 follows the nearest ones.
    """

    sharpness: float = 10.0
    _width: int | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, features: Any, labels: Any) -> Matching:
        """Remembers features (N, D) and class numbers (N,), at least one of each class."""
        self._features, numbers = check_support(features, labels)
        self._members = np.eye(numbers.max() + 1)[numbers]
        self._width = self._features.shape[1]
        return self

    def predict_proba(self, features: Any) -> np.ndarray:
        """Probability of each class, (N, C).

        An unbalanced support set counts as it is: a class of many examples gets more attention.

        Raises:
            DataError: Nothing has been learned yet, or the features are no numbers or of another width.
        """
        rows = check_like(features, self._width)
        probabilities: np.ndarray = attention(rows, self._features, self.sharpness) @ self._members
        return probabilities


def make(setting: Setting, sharpness: float = 10.0) -> Solved:
    """Makes the method from a recipe's options.

    Args:
        setting: Its plan freezes all but the head; a recipe with pre-trained weights that names none gets ``PLAN``.
        sharpness: See ``Matching``.

    Raises:
        RecipeError: The plan is another, or sharpness is not above 0.
    """
    above(0, sharpness=sharpness)

    def solve(rows: np.ndarray, labels: np.ndarray) -> Values:
        check_support(rows, labels)
        return {"memory": rows, "beliefs": np.eye(len(setting.data.classes))[labels]}

    head = partial(AttentionHead, setting=sharpness)
    return solving(setting, solve, memory=head, places=len(setting.data.indices("train")))
