"""SimpleShot: nearest class mean, after two steps that cost nothing: centring and unit length.

Wang, Chao, Weinberger, van der Maaten (2019), "SimpleShot: revisiting nearest-neighbor classification for few-shot
learning", arXiv 1911.04623 ("CL2N"). Features of a ReLU network all lie in one corner: seen from zero they look alike.
Subtracting the mean of other classes' features and scaling each row to length 1 lets the nearest class mean work as
well as methods that train on episodes. (easy-few-shot-learning 1.5 takes the cosine to the class mean instead of the
Euclidean distance: the same but for the length of the means, which is below 1 from two examples on.) A recipe needs one
epoch: the run's network gets a head that centres, scales and measures the distances.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import softmax

from tlwidgets.data import ImageData
from tlwidgets.data.features import check_features, check_like, check_support
from tlwidgets.errors import DataError
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN, Solved, Values, solving
from tlwidgets.training.stream import Stream

__all__ = ["DATA_OPTIONS", "PLAN", "SimpleShot", "centred_unit", "make"]
DATA_OPTIONS = ("background",)


def centred_unit(features: Any, centre: Any) -> np.ndarray:
    """Rows less the centre (D,), each scaled to length 1; a row that is the centre stays zero.

    Raises:
        DataError: The features cannot be used, or the centre has another length.
    """
    rows, middle = check_features(features), np.asarray(centre, dtype=np.float64)
    if middle.shape != rows.shape[1:] or not np.isfinite(middle).all():
        raise DataError(f"The centre has shape {middle.shape}.", f"Give the mean of features: ({rows.shape[1]},).")
    rows = rows - middle
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled: np.ndarray = rows / np.where(lengths > 0, lengths, 1)
    return scaled


@dataclass
class SimpleShot:
    """Classifies features by the nearest class mean, centred and of unit length.

    Attributes:
        centre: (D,) mean of features of other classes, as the paper has it; None takes the mean of the support set.
    """

    centre: Any = None
    _width: int | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, features: Any, labels: Any) -> SimpleShot:
        """Learns from features (N, D) and class numbers (N,), at least one of each class."""
        rows, numbers = check_support(features, labels)
        self._centre = rows.mean(0) if self.centre is None else self.centre
        unit = centred_unit(rows, self._centre)
        self._width = rows.shape[1]
        self._means = np.stack([unit[numbers == number].mean(0) for number in range(numbers.max() + 1)])
        return self

    def predict_proba(self, features: Any) -> np.ndarray:
        """Probability of each class (N, C): softmax over minus the squared distance.

        Raises:
            DataError: Nothing has been learned yet, or the features are no numbers or of another width.
        """
        unit = centred_unit(check_like(features, self._width), self._centre)
        probabilities: np.ndarray = softmax(-np.square(unit[:, None] - self._means).sum(2), axis=1)
        return probabilities

    def head(self) -> Values:
        """Weights, biases and centre of the layer on centred unit features with the same probabilities."""
        return {"weight": 2 * self._means, "bias": -np.square(self._means).sum(1), "centre": self._centre}


def make(setting: Setting, background: ImageData | None = None) -> Solved:
    """Makes the method from a recipe's options.

    Args:
        setting: Its plan freezes all but the head; a recipe with pre-trained weights that names none gets ``PLAN``.
        background: Images of other classes, whose mean features are the centre; by default the run's own training
            images.

    Raises:
        RecipeError: The plan is another.
        DataError: The background has fewer than two images.
    """
    stream = None if background is None else Stream(setting, background)

    def solve(rows: np.ndarray, labels: np.ndarray) -> Values:
        centre = None if stream is None else method.features(stream)[0].mean(0)
        return SimpleShot(centre).fit(rows, labels).head()

    method = solving(setting, solve, unit=True)
    return method
