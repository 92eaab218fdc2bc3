"""What several lessons stand on: networks, images described by them once, and a linear model on top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.data import ImageData


def network(name: str = "tlw_resnet", *, pretrained: bool = True, seed: int = 0) -> Backbone:
    """Load a network; the caller's random numbers are not touched.

    Args:
        name: what ``load_backbone`` takes.
        pretrained: False fills it with random weights.
        seed: of the random weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return load_backbone(name, pretrained=pretrained)


def linear_model() -> Pipeline:
    """The head of these lessons: every number brought to the same scale, then logistic regression."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


@dataclass(frozen=True)
class Described:
    """Labelled images as rows of numbers.

    Attributes:
        train: (N, D) descriptions of the training images.
        train_labels: int64 (N,) their classes.
        test: (M, D) descriptions of test images.
        test_labels: int64 (M,) their classes.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray

    def read(self) -> float:
        """Fit the linear model to the training rows; the share of test rows that it names correctly."""
        model = linear_model().fit(self.train, self.train_labels)
        return float(model.score(self.test, self.test_labels))


def some_tests(data: ImageData, most: int = 400) -> np.ndarray:
    """Choose test images, always the same ones for the same data.

    Args:
        data: labelled images.
        most: how many, at most: a few hundred tell what there is to tell.

    Returns:
        int64 (M,) image numbers.
    """
    rows = data.indices("test")
    chosen: np.ndarray = np.sort(np.random.default_rng(0).permutation(rows)[:most])
    return chosen


def described(data: ImageData, backbone: Backbone | None, most: int = 400) -> Described:
    """Describe the training images and some test images, each once.

    Args:
        data: labelled images, all of one size.
        backbone: what describes them; None takes the pixels themselves, from 0 to 1.
        most: test images, at most.
    """
    parts = []
    for rows in (data.indices("train"), some_tests(data, most)):
        images = data.images(rows)
        parts += [pixels(images) if backbone is None else backbone.features(images), data.labels[rows]]
    return Described(*parts)


def pixels(images: list[np.ndarray]) -> np.ndarray:
    """Write images of one size (H, W, 3) as rows of their pixels: float64 (N, H * W * 3) from 0 to 1."""
    return np.stack(images).reshape(len(images), -1) / 255
