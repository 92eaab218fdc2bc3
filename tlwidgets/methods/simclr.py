"""SimCLR: two views of one image shall be more alike than views of different images.

Chen, Kornblith, Norouzi, Hinton (2020), "A simple framework for contrastive learning of visual representations", ICML,
arXiv 2002.05709. Every image is changed twice at random; a small projector behind the features, thrown away later, and
the NT-Xent loss tell each view's partner from all others of the batch. What the changes leave the same is what the
features learn, so the changes are the supervision. No label takes part: the run's head only learns beside the features,
without touching them, to show how good they are. Measured on digits that wander over canvases, weak views, five seeds,
from random weights: with twenty labels a class a linear model names 51.0 % (on random features 34.6, worst gain 11.8
points), and fine-tuning gains 8.2 ± 4.1 points over training from scratch, worst +1.5
(``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.probing import check_view, known_labels, pretraining_stream, probe_loss, projector
from tlwidgets.training.stream import Stream
from tlwidgets.training.tapping import classifier_of, feature_size, logits_and_features

DATA_OPTIONS = ("unlabelled",)


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float = 0.5) -> torch.Tensor:
    """The normalised, temperature-scaled cross-entropy over 2N views.

    Args:
        first: (N, D), a view of each image; the length of a row does not matter.
        second: (N, D), another view of each.
        temperature: Above 0; lower ones look at the hardest strangers only.

    Returns:
        A scalar: log(2N - 1) where all views are the same.
    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    similar = views @ views.T / temperature
    similar = similar.masked_fill(torch.eye(len(views), dtype=torch.bool, device=views.device), -torch.inf)
    partner = torch.arange(len(views), device=views.device).roll(len(first))
    return functional.cross_entropy(similar, partner)


@dataclass
class SimCLR:
    """Contrastive pretraining.

    Attributes:
        setting: The run.
        stream: Deals the images, two views of each.
        modules: The projector.
        temperature: Of the loss.
        view: How much each view is changed.
    """

    setting: Setting
    stream: Stream
    modules: nn.Sequential
    temperature: float
    view: str
    cacheable: ClassVar[bool] = False

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss of one batch of the stream; the run's own batch only tells the step."""
        seen = self.stream.beside(batch, self.view, self.view)
        n, classifier = len(seen.labels), classifier_of(self.setting.backbone)
        _, features = logits_and_features(model, classifier, seen.images)
        first, second = self.modules(features).split(n)
        contrast = nt_xent(first, second, self.temperature)
        known = known_labels(self.setting, self.stream, seen.indices).to(features.device)
        probe, correct = probe_loss(classifier, features[:n], seen.labels, known)
        return StepResult(contrast + probe, n, correct, {"contrast": contrast.item()})

    def select(self, row: dict[str, float]) -> float:  # noqa: ARG002  no label may choose
        """The latest epoch counts as the best."""
        return float("nan")


def make(
    setting: Setting,
    unlabelled: ImageData | None = None,
    temperature: float = 0.5,
    width: int = 64,
    view: str = "strong",
) -> SimCLR:
    """Makes the method from a recipe's options.

    Args:
        setting: The run; its labels train nothing but the head beside.
        unlabelled: Images to learn from; by default the run's own, with and without labels.
        temperature: Above 0; the paper's is 0.5 for short trainings.
        width: Numbers of the projection, at least 2.
        view: "strong" or "weak": how much the two views are changed. Take "weak" where a hole of half the side may hide
            what the image shows.

    Raises:
        RecipeError: An option means nothing.
        DataError: There are fewer than two images.
    """
    if not temperature > 0 or width < 2:
        raise RecipeError(f"temperature is {temperature!r}, width is {width!r}.", "Give above 0, and at least 2.")
    check_view(view)
    size = feature_size(setting.backbone)
    return SimCLR(setting, pretraining_stream(setting, unlabelled), projector([size, size, width]), temperature, view)
