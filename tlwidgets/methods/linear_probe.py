"""Linear probe: logistic regression on the features of a network that stays as it is.

Alain, Bengio (2017), "Understanding intermediate layers using linear classifier probes", ICLR workshop, arXiv
1610.01644; Tian, Wang, Krishnan, Tenenbaum, Isola (2020), "Rethinking few-shot image classification: a good embedding
is all you need?", ECCV, arXiv 2003.11539: on features of unit length it is a hard few-shot baseline. Features are
computed once, then the best head is found exactly; with an SGD head instead, see ``feature_extraction``. A recipe of it
needs one epoch: what is found is the head of the run's network.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from tlwidgets.data.features import check_like, check_support
from tlwidgets.errors import DataError
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Solved, Values, solving

SCALINGS = {"unit": Normalizer, "standard": StandardScaler}


@dataclass
class LinearProbe:
    """Classifies features by logistic regression.

    Attributes:
        C: Inverse strength of the L2 penalty, above 0. Lower it where a few examples are fitted too well.
        scaling: "unit" gives every row length 1, which suits few examples; "standard" gives every feature mean 0 and
            variance 1 on the examples, which suits many.
    """

    C: float = 1.0
    scaling: str = "unit"
    _width: int | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.C > 0 or self.scaling not in SCALINGS:
            raise DataError(
                f"C is {self.C!r}, scaling {self.scaling!r}.", f"Give C above 0; scalings: {', '.join(SCALINGS)}."
            )

    def fit(self, features: Any, labels: Any) -> LinearProbe:
        """Learns from features (N, D) and class numbers (N,), at least one of each class."""
        rows, numbers = check_support(features, labels)
        self._model = make_pipeline(SCALINGS[self.scaling](), LogisticRegression(C=self.C, max_iter=2000))
        self._model.fit(rows, numbers)
        self._width = rows.shape[1]
        return self

    def predict_proba(self, features: Any) -> np.ndarray:
        """Probability of each class, (N, C).

        Raises:
            DataError: Nothing has been learned yet, or the features are no numbers or of another width.
        """
        rows = check_like(features, self._width)
        scores = self._model.decision_function(rows)
        both = np.stack([np.zeros_like(scores), scores], axis=1) if scores.ndim == 1 else scores
        probabilities: np.ndarray = softmax(both, axis=1)
        return probabilities

    def head(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights (C, D) and biases (C,) of the linear layer with the same probabilities.

        With the scaling "unit" it takes rows of length 1, with "standard" the features as they are.
        """
        scaler, model = self._model[0], self._model[-1]
        weights, biases = model.coef_, model.intercept_
        if len(weights) == 1:  # of two classes scikit-learn keeps the second's score, the first's is 0
            weights, biases = np.concatenate([0 * weights, weights]), np.concatenate([0 * biases, biases])
        if self.scaling == "standard":
            weights = weights / scaler.scale_
            biases = biases - weights @ scaler.mean_
        return weights, biases


def make(setting: Setting, C: float = 1.0, scaling: str = "unit") -> Solved:
    """Makes the method from a recipe's options; see ``LinearProbe`` for them.

    Args:
        setting: Its plan freezes all but the head; a recipe with pre-trained weights that names none gets ``PLAN``.
        C: Inverse strength of the L2 penalty, above 0.
        scaling: "unit" or "standard".

    Raises:
        DataError: C is not above 0, or there is no such scaling.
        RecipeError: The plan is another.
    """
    probe = LinearProbe(C, scaling)

    def solve(rows: np.ndarray, labels: np.ndarray) -> Values:
        return dict(zip(("weight", "bias"), probe.fit(rows, labels).head(), strict=True))

    return solving(setting, solve, unit=scaling == "unit")
