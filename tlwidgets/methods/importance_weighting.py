"""Importance weighting: source images that could come from the target count more.

Shimodaira (2000), "Improving predictive inference under covariate shift by weighting the log-likelihood function",
JSPI 90; Bickel, Bruckner, Scheffer (2009), "Discriminative learning under covariate shift", JMLR 10. If only p(x) has
changed, the loss weighted by p_target(x) / p_source(x) is the target's. The ratio comes from a classifier of domains on
the pre-trained features, fitted once before training. It needs domains that overlap, and costs variance where they
hardly do: look at ``effective_images``.

Does not help through a bad sensor (``sensor_digits``, five seeds, ``benchmarks/results/methods.md``): accuracy on the
target .14 as without it, worst seed -.03. The weights leave less than a third of the images' worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import above, at_least
from tlwidgets.training.target import OnTarget, Target

DATA_OPTIONS = ("target",)


def density_ratio(source: Any, target: Any, regularisation: float = 1.0, ceiling: float = 20.0) -> np.ndarray:
    """p_target(x) / p_source(x) at the source's samples.

    Args:
        source: Features (N, D).
        target: Features (M, D).
        regularisation: Strength of the classifier's penalty, above 0; a higher one gives more even weights.
        ceiling: No weight is higher than this many times the mean, at least 1; see ``capped``.

    Returns:
        (N,), with the mean 1.

    Raises:
        DataError: The features are no numbers, do not fit, or a domain is empty; or an option makes no sense.
    """
    if not regularisation > 0 or not ceiling >= 1:
        raise DataError(f"regularisation is {regularisation!r}, ceiling {ceiling!r}.", "Give above 0, and 1 or more.")
    ours, theirs = check_features(source), check_features(target)
    if ours.shape[1] != theirs.shape[1]:
        raise DataError(f"Features have shapes {ours.shape} and {theirs.shape}.", "Give two tables of the same width.")
    rows = StandardScaler().fit_transform(np.concatenate([ours, theirs]))
    domain = np.repeat([0, 1], [len(ours), len(theirs)])
    classifier = LogisticRegression(C=1 / regularisation, max_iter=1000).fit(rows, domain)
    log_odds = classifier.decision_function(rows[: len(ours)])
    # e^-700 is about the smallest number there is: a weight of 0 could not be raised where others are held down.
    return capped(np.exp(np.maximum(log_odds - log_odds.max(), -700)), ceiling)


def capped(weights: np.ndarray, ceiling: float) -> np.ndarray:
    """Weights (N,) above 0, scaled to mean 1 and held at the ceiling: where clipping and scaling in turn would end."""
    n, ordered = len(weights), np.sort(weights)[::-1]
    ceiling = min(ceiling, n)  # the same, and no infinity
    # If the k highest are at the ceiling, the others share what is left of n; k is the fewest that leave none above it.
    scales = (n - ceiling * np.arange(n)) / np.cumsum(ordered[::-1])[::-1]
    scale = scales[np.argmax(scales * ordered <= ceiling * (1 + 1e-9))]
    ratio: np.ndarray = np.minimum(scale * weights, ceiling)
    return ratio


def effective_size(weights: Any) -> float:
    """How many samples of equal weight tell as much: (sum w)^2 / sum w^2 (Kish 1965)."""
    values = np.asarray(weights, dtype=np.float64)
    return float(values.sum() ** 2 / np.square(values).sum())


@dataclass
class ImportanceWeighting(OnTarget):
    """Cross-entropy in which each source image has a weight.

    Attributes:
        weights: (images of the data set,), 1 in the mean over the training images; 0 for all others.
    """

    weights: torch.Tensor
    cacheable: ClassVar[bool] = True

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch."""
        logits = model(batch.images)
        weights = self.weights[torch.from_numpy(batch.indices)].to(logits.device)
        loss = (weights * functional.cross_entropy(logits, batch.labels, reduction="none")).mean()
        return StepResult(loss, len(batch.labels), int((logits.argmax(1) == batch.labels).sum()))

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:
        """How the target fares, and how many images' worth the weights leave."""
        return {**super().end_epoch(model), "effective_images": effective_size(self.weights)}


def make(
    setting: Setting, target: ImageData, regularisation: float = 1.0, ceiling: float = 20.0, select: str = "last"
) -> ImportanceWeighting:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source, whose network still has its pre-trained weights.
        target: The other domain's images; see ``Target``.
        regularisation: See ``density_ratio``. Raise it where ``effective_images`` is small.
        ceiling: See ``density_ratio``.
        select: Which epoch is kept; see ``Target``.

    Raises:
        RecipeError: The regularisation is not above 0, or the ceiling below 1.
    """
    above(0, regularisation=regularisation)
    at_least(1, ceiling=ceiling)
    other = Target(setting, target, select)
    train = setting.data.indices("train")
    ours, theirs = setting.data.inputs(train), target.inputs(other.stream.indices)
    see, weights = setting.backbone.features, np.zeros(len(setting.data))
    weights[train] = density_ratio(see(ours), see(theirs), regularisation, ceiling)
    return ImportanceWeighting(other, torch.from_numpy(weights).float())
