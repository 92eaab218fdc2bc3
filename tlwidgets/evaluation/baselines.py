"""What any transfer must beat: the majority class, and logistic regression on pixels or on features as they are."""

from __future__ import annotations

import numpy as np
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlwidgets.backbones import load_backbone
from tlwidgets.data import ImageData, TextData
from tlwidgets.recipe import Recipe

PIXELS = 32  # height and width of an image as a row of pixels


def majority(_: Recipe, data: ImageData) -> np.ndarray:
    """Which test images belong to the most frequent class of the training images, bool (N,)."""
    counts = np.bincount(data.labels[data.indices("train")])
    right: np.ndarray = data.labels[data.indices("test")] == counts.argmax()
    return right


def probe(recipe: Recipe, data: ImageData) -> np.ndarray:
    """Which test images a logistic regression on the untouched backbone's features classifies rightly, bool (N,)."""
    backbone = load_backbone(recipe.backbone)
    return _regression(data, *(backbone.features(data.inputs(data.indices(split))) for split in ("train", "test")))


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
