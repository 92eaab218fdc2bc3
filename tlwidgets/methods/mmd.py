"""MMD: features whose whole distribution is the same in both domains, as far as a kernel can tell.

Long, Cao, Wang, Jordan (2015), "Learning transferable features with deep adaptation networks", ICML, arXiv 1502.02791;
Gretton et al. (2012), "A kernel two-sample test", JMLR 13. Estimator: the V-statistic of the squared MMD (every pair,
an image with itself too), so that equal sets are exactly 0 apart. Kernel: the mean of Gaussians
exp(-||x - y||^2 / (2 sigma^2)) over several sigma. Libraries differ by tenfold here: see ``squared_mmd``.

Measured over five seeds on ``sensor_digits`` (all defaults): accuracy on the target .45, .14 from the source alone,
worst gain +.20 (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from tlwidgets.data import ImageData
from tlwidgets.errors import DataError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.options import at_least
from tlwidgets.training.ramps import growing
from tlwidgets.training.target import OnTarget, Target, source_result

DATA_OPTIONS = ("target",)
WIDTHS = (0.25, 0.5, 1.0, 2.0)  # times the typical distance in a batch


def squared_mmd(source: torch.Tensor, target: torch.Tensor, sigmas: Sequence[float | torch.Tensor]) -> torch.Tensor:
    """The squared maximum mean discrepancy, V-statistic, Gaussian kernels.

    Two single points at distance d are 2 - 2 exp(-d^2 / 2) apart with sigma 1. (The Transfer Learning Library adds
    2 / (n - 1); pytorch-adapt leaves out the diagonal; skada's kernel does not square the distance, so is Laplacian.)

    Args:
        source: Features (N, D).
        target: Features (M, D).
        sigmas: Widths of the kernels, which count the same.

    Returns:
        A scalar of 0 or more; nan for features that are nan, which ends a run with the loop's own error.

    Raises:
        DataError: A domain is empty, or the features differ in length.
    """
    if not len(source) or not len(target) or source.shape[1] != target.shape[1]:
        raise DataError(
            f"Features of shapes {tuple(source.shape)} and {tuple(target.shape)} cannot be compared.",
            "Give (N, D) and (M, D), at least one row each.",
        )
    distances = squared_distances(torch.cat([source, target]).float())
    kernels = [torch.exp(-distances / (2 * sigma**2)) for sigma in sigmas]
    mean = torch.stack(kernels).mean(0)
    n = len(source)
    total: torch.Tensor = mean[:n, :n].mean() + mean[n:, n:].mean() - 2 * mean[:n, n:].mean()
    return total


def squared_distances(rows: torch.Tensor) -> torch.Tensor:
    """Squared Euclidean distance of every two rows (N, D), (N, N)."""
    with torch.autocast(rows.device.type, enabled=False):
        # Far from zero the squared norms would swallow the digits that differ; no distance depends on the mean.
        rows = rows - rows.mean(0)
        norms = rows.square().sum(1)
        return (norms[:, None] + norms[None] - 2 * rows @ rows.T).clamp(min=0)


def typical_distance(rows: torch.Tensor) -> torch.Tensor:
    """Root of the mean squared distance between two different rows; no gradient flows through it."""
    n = len(rows)
    return (squared_distances(rows.detach().float()).sum() / (n * (n - 1))).clamp(min=1e-12).sqrt()


@dataclass
class Mmd(OnTarget):
    """Cross-entropy on the source, and the squared MMD between both domains' features.

    Attributes:
        weight: Of the discrepancy at the end; it grows over the run as in DANN.
    """

    weight: float

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each domain."""
        seen = self.target.both(model, batch)
        typical = typical_distance(torch.cat([seen.features, seen.target_features]))
        gap = squared_mmd(seen.features, seen.target_features, [width * typical for width in WIDTHS])
        return source_result(seen, batch, self.weight * growing(batch.share) * gap, {"domain_gap": gap.item()})


def make(setting: Setting, target: ImageData, weight: float = 1.0, select: str = "last") -> Mmd:
    """Makes the method from a recipe's options.

    Args:
        setting: The run on the source.
        target: The other domain's images; see ``Target``.
        weight: Of the discrepancy, 0 or more. Raise it where ``domain_gap`` does not fall.
        select: Which epoch is kept; see ``Target``.

    Raises:
        RecipeError: The weight is negative.
    """
    at_least(0, weight=weight)
    return Mmd(Target(setting, target, select), weight)
