"""Rotation prediction: to say which way an image was turned, a network must know what it shows.

Gidaris, Singh, Komodakis (2018), "Unsupervised representation learning by predicting image rotations", ICLR, arXiv
1803.07728. Every image is shown in four turns of 90 degrees and a new head of four outputs names the turn: labels that
cost nothing. It cannot help where upright means nothing (cells, fields from above, textures), and teaches little where
one corner gives the turn away. Measured on digits that wander over canvases, five seeds, from random weights: with
twenty labels a class a linear model gains 8.1 ± 2.3 points over random features, worst +0.7, and fine-tuning 11.3 ± 4.7
over training from scratch, worst 0.0 (``benchmarks/results/methods.md``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData, TextData
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.probing import known_labels, pretraining_stream, probe_loss
from tlwidgets.training.stream import Stream
from tlwidgets.training.tapping import classifier_of, feature_size, logits_and_features

DATA_OPTIONS = ("unlabelled",)


def four_turns(images: torch.Tensor) -> torch.Tensor:
    """Square images (N, C, S, S) in turns of 0, 90, 180 and 270 degrees to the left: (4 N, C, S, S), turn by turn."""
    return torch.cat([torch.rot90(images, turn, (2, 3)) for turn in range(4)])


@dataclass
class Rotation:
    """Pretraining by naming turns.

    Attributes:
        setting: The run.
        stream: Deals the images.
        modules: The head of four outputs.
    """

    setting: Setting
    stream: Stream
    modules: nn.Linear
    cacheable: ClassVar[bool] = False

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss of one batch of the stream; the run's own batch only tells the step."""
        seen = self.stream.beside(batch, "weak")
        n, classifier = len(seen.labels), classifier_of(self.setting.backbone)
        _, features = logits_and_features(model, classifier, four_turns(seen.images))
        turns = torch.arange(4, device=features.device).repeat_interleave(n)
        named = self.modules(features)
        loss = functional.cross_entropy(named, turns)
        known = known_labels(self.setting, self.stream, seen.indices).to(features.device)
        probe, correct = probe_loss(classifier, features[:n], seen.labels, known)
        right = (named.argmax(1) == turns).double().mean().item()
        return StepResult(loss + probe, n, correct, {"turns_named": right})

    def select(self, row: dict[str, float]) -> float:  # noqa: ARG002  no label may choose
        """The latest epoch counts as the best."""
        return float("nan")


def make(setting: Setting, unlabelled: ImageData | None = None) -> Rotation:
    """Makes the method from a recipe's options.

    Args:
        setting: The run; its labels train nothing but the head beside.
        unlabelled: Images to learn from; by default the run's own, with and without labels.

    Raises:
        RecipeError: The data are texts, or the network does not read square images.
        DataError: There are fewer than two images.
    """
    if isinstance(setting.data, TextData):
        raise RecipeError("Texts cannot be turned.", "Use simclr, which hides and replaces words.")
    height, width = setting.backbone.example().shape[2:]
    if height != width:
        raise RecipeError(f"The network reads images of {height} x {width}.", "Take one that reads square images.")
    return Rotation(setting, pretraining_stream(setting, unlabelled), nn.Linear(feature_size(setting.backbone), 4))
