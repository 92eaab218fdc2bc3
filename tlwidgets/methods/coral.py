"""Deep CORAL: features whose covariance is the same in both domains.

Sun, Saenko (2016), "Deep CORAL: correlation alignment for deep domain adaptation", ECCV workshops, arXiv 1607.01719.
Beside the cross-entropy on the labelled source, the distance between the covariances of source and target features is
made small. It knows of scale and correlation only: a mere shift of the mean costs nothing. (The Transfer Learning
Library multiplies this loss by four and adds the distance of the means; here it is the paper's.)

Measured over five seeds on ``sensor_digits`` (all defaults): accuracy on the target .23, .14 from the source alone,
worst gain +.02 (``benchmarks/results/methods.md``). On pixels ``align`` gains less than ``adabn.standardise``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from tlwidgets.data import ImageData
from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import at_least
from tlwidgets.training.target import OnTarget, Target, source_result

DATA_OPTIONS = ("target",)


def coral_loss(source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """||Cs - Ct||^2 / (4 D^2), with the unbiased covariances of features (N, D) and (M, D); a scalar.

    Raises:
        DataError: A domain has fewer than two rows.
    """
    if min(len(source), len(target)) < 2:
        raise DataError("One row has no covariance.", "Give at least two of each domain.")
    with torch.autocast(source.device.type, enabled=False):
        gap = torch.cov(source.float().T) - torch.cov(target.float().T)
    return gap.square().sum() / (4 * source.shape[1] ** 2)


def align(source: Any, target: Any, regularisation: float = 1.0) -> np.ndarray:
    """CORAL without a network: recolours source features so that their covariance becomes the target's.

    Sun, Feng, Saenko (2016), "Return of frustratingly easy domain adaptation", AAAI, arXiv 1511.05547. Train any
    classifier on the result and use it on the target's features.

    Args:
        source: (N, D).
        target: (M, D).
        regularisation: What is added to the diagonal of both covariances, above 0; the paper's is 1.

    Returns:
        float64 (N, D).

    Raises:
        DataError: The features are no numbers, do not fit, or are of fewer than two samples.
    """
    ours, theirs = check_features(source), check_features(target)
    if ours.shape[1] != theirs.shape[1] or min(len(ours), len(theirs)) < 2 or regularisation <= 0:
        raise DataError(
            f"Features {ours.shape} and {theirs.shape} cannot be aligned with regularisation {regularisation}.",
            "Give two tables of the same width, at least two rows each, and a regularisation above 0.",
        )
    eye = regularisation * np.eye(ours.shape[1])
    whiten, colour = (
        _power(np.cov(rows.T) + eye, exponent, regularisation) for rows, exponent in ((ours, -0.5), (theirs, 0.5))
    )
    aligned: np.ndarray = ours @ whiten @ colour
    return aligned


def _power(matrix: np.ndarray, exponent: float, smallest: float) -> np.ndarray:
    """A power of a symmetric matrix none of whose eigenvalues is below ``smallest``, but for rounding."""
    values, vectors = np.linalg.eigh(np.atleast_2d(matrix))
    # Where samples are fewer than columns, rounding makes some eigenvalues negative, whose root would be nan.
    floor = max(smallest, float(values[-1]) * len(values) * np.finfo(float).eps)
    power: np.ndarray = (vectors * np.maximum(values, floor) ** exponent) @ vectors.T
    return power


@dataclass
class DeepCoral(OnTarget):
    """Cross-entropy on the source, and the distance of both domains' covariances.

    Attributes:
        weight: Of the distance.
    """

    weight: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each domain."""
        seen = self.target.both(model, batch)
        gap = coral_loss(seen.features, seen.target_features)
        return source_result(seen, batch, self.weight * gap, {"domain_gap": gap.item()})


def make(setting: Setting, target: ImageData, weight: float = 1.0, select: str = "last") -> DeepCoral:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source.
        target: The other domain's images; see ``Target``.
        weight: Of the distance, 0 or more. Raise it until ``domain_gap`` falls; too much empties the features.
        select: Which epoch is kept; see ``Target``.

    Raises:
        RecipeError: The weight is negative.
    """
    at_least(0, weight=weight)
    return DeepCoral(Target(setting, target, select), weight)
