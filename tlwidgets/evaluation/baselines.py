"""What any transfer must beat: the majority class, and logistic regression on pixels or on features as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlwidgets.backbones import load_backbone
from tlwidgets.data import ImageData, TextData
from tlwidgets.recipe import Recipe

PIXELS = 32  # height and width of an image as a row of pixels
AT_ONCE = 256  # samples that a backbone looks at before it can be interrupted


def majority(_: Recipe, data: ImageData) -> np.ndarray:
    """Which test images belong to the most frequent class of the training images, bool (N,)."""
    counts = np.bincount(data.labels[data.indices("train")])
    right: np.ndarray = data.labels[data.indices("test")] == counts.argmax()
    return right


def probe(recipe: Recipe, data: ImageData, watch: Callable[[float], None] = lambda _: None) -> np.ndarray:
    """Which test images a logistic regression on the untouched backbone's features classifies rightly, bool (N,).

    Args:
        recipe: Names the backbone.
        data: The images, or texts.
        watch: Told which share of them the backbone has looked at; what it raises ends the work.
    """
    with torch.random.fork_rng(devices=[]):  # a network is born with random weights, also one that is then loaded
        backbone = load_backbone(recipe.backbone)
    train, test = data.indices("train"), data.indices("test")
    order, found = np.concatenate([train, test]), []
    for start in range(0, len(order), AT_ONCE):
        watch(start / len(order))
        found.append(backbone.features(data.inputs(order[start : start + AT_ONCE])))
    watch(1.0)
    features = np.concatenate(found)
    return _regression(data, features[: len(train)], features[len(train) :])


def pixel_regression(_: Recipe, data: ImageData) -> np.ndarray:
    """Which test images a logistic regression on pixels classifies rightly, bool (N,).

    Images larger than 32 x 32, or of different sizes, are made 32 x 32; smaller ones stay. Of texts: on tf-idf of words
    and pairs of words.
    """
    if isinstance(data, TextData):
        return _word_regression(data)
    images = [data.images(data.indices(split)) for split in ("train", "test")]
    shapes = {image.shape for part in images for image in part}
    side = PIXELS if len(shapes) > 1 or max(next(iter(shapes))[:2]) > PIXELS else None
    return _regression(data, *(np.stack([_row(image, side) for image in part]) for part in images))


def _word_regression(data: TextData) -> np.ndarray:
    train, test = data.indices("train"), data.indices("test")
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = make_pipeline(words, LogisticRegression(C=1.0, max_iter=2000))
    model.fit(data.texts(train), data.labels[train])
    right: np.ndarray = model.predict(data.texts(test)) == data.labels[test]
    return right


def _row(image: np.ndarray, side: int | None) -> np.ndarray:
    picture = image if side is None else np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BOX))
    return picture.reshape(-1) / 255


def _regression(data: ImageData, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    # Networks differ in the scale of their features by orders of magnitude; C = 1 means the same only on one scale.
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000))
    model.fit(train, data.labels[data.indices("train")])
    right: np.ndarray = model.predict(test) == data.labels[data.indices("test")]
    return right
