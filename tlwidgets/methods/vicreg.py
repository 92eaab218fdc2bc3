"""VICReg: two views alike, every number varied, no two numbers the same; no strangers needed.

Bardes, Ponce, LeCun (2022), "VICReg: variance-invariance-covariance regularization for self-supervised learning", ICLR,
arXiv 2105.04906. Asking only that two views of an image give the same answer is solved by one constant answer. Three
terms forbid it one by one: invariance (squared distance), variance (each number's standard deviation stays above 1) and
covariance (numbers do not repeat each other). Paper and authors' code differ twice. Invariance is the code's: the mean
over images and numbers, where the paper's formula sums over the D numbers (its lamda would be 25 / D here), because the
code is what the weights 25, 25, 1 were found with. Variance is the paper's, the sum over both views, which the code and
lightly 1.6 halve: theirs is mu = 12.5 here. Measured on digits that wander over canvases, weak views, five seeds, from
random weights, twenty labels a class (``benchmarks/results/methods.md``): a linear model names 55.0 % (on random
features 34.6, worst gain 14.0 points); fine-tuning gains 11.9 ± 5.2 points over training from scratch, worst +2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.probing import check_view, known_labels, pretraining_stream, probe_loss, projector
from tlwidgets.training.stream import Stream
from tlwidgets.training.tapping import classifier_of, feature_size, logits_and_features

DATA_OPTIONS = ("unlabelled",)


def variance_hinge(views: torch.Tensor) -> torch.Tensor:
    """Mean over numbers of how far their standard deviation over (N, D) views is below 1."""
    return functional.relu(1 - (views.var(0) + 1e-4).sqrt()).mean()


def covariance_penalty(views: torch.Tensor) -> torch.Tensor:
    """Sum of squared covariances between different numbers of (N, D) views, over D."""
    centred = views - views.mean(0)
    covariance = centred.T @ centred / (len(views) - 1)
    off_diagonal = covariance - torch.diag(covariance.diagonal())
    return off_diagonal.square().sum() / views.shape[1]


def vicreg_loss(
    first: torch.Tensor, second: torch.Tensor, lamda: float = 25.0, mu: float = 25.0, nu: float = 1.0
) -> torch.Tensor:
    """The loss of two views (N, D) of each image, a scalar; N is 2 or more, else a DataError says so."""
    if len(first) < 2:
        raise DataError("One image has no deviation.", "Give two views of at least two images.")
    invariance = functional.mse_loss(first, second)
    variance = variance_hinge(first) + variance_hinge(second)
    covariance = covariance_penalty(first) + covariance_penalty(second)
    return lamda * invariance + mu * variance + nu * covariance


@dataclass
class VICReg:
    """Pretraining by invariance, variance and covariance.

    Attributes:
        setting: The run.
        stream: Deals the images, two views of each.
        modules: The expander behind the features.
        weights: lamda, mu and nu.
        view: How much each view is changed.
    """

    setting: Setting
    stream: Stream
    modules: nn.Sequential
    weights: tuple[float, float, float]
    view: str
    cacheable: ClassVar[bool] = False

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss of one batch of the stream; the run's own batch only tells the step."""
        seen = self.stream.beside(batch, self.view, self.view)
        n, classifier = len(seen.labels), classifier_of(self.setting.backbone)
        _, features = logits_and_features(model, classifier, seen.images)
        first, second = self.modules(features).split(n)
        loss = vicreg_loss(first, second, *self.weights)
        known = known_labels(self.setting, self.stream, seen.indices).to(features.device)
        probe, correct = probe_loss(classifier, features[:n], seen.labels, known)
        deviation = first.detach().std(0).mean().item()
        return StepResult(loss + probe, n, correct, {"vicreg": loss.item(), "deviation": deviation})

    def select(self, row: dict[str, float]) -> float:  # noqa: ARG002  no label may choose
        """The latest epoch counts as the best."""
        return float("nan")


def make(
    setting: Setting,
    unlabelled: ImageData | None = None,
    lamda: float = 25.0,
    mu: float = 25.0,
    nu: float = 1.0,
    width: int = 128,
    view: str = "strong",
) -> VICReg:
    """Makes the method from a recipe's options.

    Args:
        setting: The run; its labels train nothing but the head beside.
        unlabelled: Images to learn from; by default the run's own, with and without labels.
        lamda: Weight of invariance, 0 or more.
        mu: Weight of variance, 0 or more; with 0 the features collapse.
        nu: Weight of covariance, 0 or more.
        width: Numbers of the expansion, at least 2.
        view: "strong" or "weak": how much the two views are changed. Take "weak" where a hole of half the side may hide
            what the image shows.

    Raises:
        RecipeError: An option means nothing.
        DataError: There are fewer than two images.
    """
    if min(lamda, mu, nu) < 0 or width < 2:
        raise RecipeError(f"lamda, mu, nu are {lamda!r}, {mu!r}, {nu!r}, width {width!r}.", "Give 0 or more, width 2.")
    check_view(view)
    expander = projector([feature_size(setting.backbone)] * 2 + [width])
    return VICReg(setting, pretraining_stream(setting, unlabelled), expander, (lamda, mu, nu), view)
