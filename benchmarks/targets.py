"""Real images that scikit-learn and scikit-image install, to measure transfer on; each with a fixed test part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skimage.data
from sklearn.datasets import load_digits, load_sample_image
from sklearn.model_selection import train_test_split

PATCH, PATCHES_PER_PHOTO = 32, 110
PHOTOS = (
    "astronaut",
    "chelsea",
    "coffee",
    "hubble_deep_field",
    "immunohistochemistry",
    "retina",
    "rocket",
    "stereo_motorcycle",
    "china.jpg",
    "flower.jpg",
)
GREY_PHOTOS = ("brick", "camera", "cell", "clock", "coins", "grass", "gravel", "moon", "page", "text")


@dataclass(frozen=True)
class Target:
    """Real images with a fixed test part.

    Attributes:
        images: uint8 (N, H, W, 3).
        labels: int64 (N,).
        train, test: indices; labels are drawn from `train`.
    """

    images: np.ndarray
    labels: np.ndarray
    train: np.ndarray
    test: np.ndarray

    @property
    def pixels(self) -> np.ndarray:
        """The images as feature vectors in [0, 1]; one channel where all three are equal."""
        grey = (self.images == self.images[..., :1]).all()
        return (self.images[..., :1] if grey else self.images).reshape(len(self.images), -1) / 255


def as_rgb(grey: np.ndarray) -> np.ndarray:
    """Float (N, H, W) in [0, 1] -> uint8 (N, H, W, 3)."""
    return np.repeat(np.rint(255 * np.clip(grey, 0, 1)).astype(np.uint8)[..., None], 3, axis=3)


def split(images: np.ndarray, labels: np.ndarray, test: int) -> Target:
    """Hold `test` images out, stratified, always the same."""
    train, held_out = train_test_split(np.arange(len(labels)), test_size=test, stratify=labels, random_state=0)
    return Target(images, labels, train, held_out)


def digits() -> Target:
    """scikit-learn's 8x8 digits; 900 for the test."""
    images, labels = load_digits(return_X_y=True)
    return split(as_rgb(images.reshape(-1, 8, 8) / 16), labels, 900)


def faces() -> Target:
    """scikit-image's faces and non-faces, 25x25; 120 for the test."""
    return split(as_rgb(skimage.data.lfw_subset()), np.repeat([1, 0], 100), 120)


def photograph(name: str) -> np.ndarray:
    """A photograph that scikit-image or scikit-learn installs, uint8 (H, W, 3)."""
    if name.endswith(".jpg"):
        return np.asarray(load_sample_image(name))
    found = getattr(skimage.data, name)()
    photo = np.asarray(found[0] if isinstance(found, tuple) else found)
    return photo[..., :3] if photo.ndim == 3 else np.repeat(photo[..., None], 3, axis=2)


def patches(names: tuple[str, ...]) -> Target:
    """Which photograph is a 32x32 patch from? Labelled patches lie in the left halves, test patches in the right."""
    rng = np.random.default_rng(0)
    images, labels, is_test = [], [], []
    for label, photo in enumerate(map(photograph, names)):
        half = photo.shape[1] // 2
        for right in (False, True):
            for _ in range(PATCHES_PER_PHOTO):
                row = rng.integers(photo.shape[0] - PATCH + 1)
                column = right * half + rng.integers(half - PATCH + 1)
                images.append(photo[row : row + PATCH, column : column + PATCH])
                labels.append(label)
                is_test.append(right)
    held_out = np.array(is_test)
    return Target(np.stack(images), np.array(labels), np.flatnonzero(~held_out), np.flatnonzero(held_out))


def patches_rgb() -> Target:
    """Patches of ten colour photographs."""
    return patches(PHOTOS)


def patches_grey() -> Target:
    """Patches of ten grey photographs, each patch with mean 1/2 and standard deviation 1/4: only structure is left."""
    raw = patches(GREY_PHOTOS)
    grey = raw.images[..., 0].astype(float)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    scores = grey / (grey.std(axis=(1, 2), keepdims=True) + 1e-6)
    return Target(as_rgb(0.5 + scores / 4), raw.labels, raw.train, raw.test)


TARGETS: dict[str, Callable[[], Target]] = {
    "digits": digits,
    "faces": faces,
    "grey photo patches": patches_grey,
    "colour photo patches": patches_rgb,
}


def few_labels(target: Target, shots: int, draw: int) -> np.ndarray:
    """Indices of `shots` labelled images a class; more shots of one draw contain the fewer."""
    order = np.random.default_rng((2026, draw)).permutation(target.train)
    return np.concatenate([order[target.labels[order] == label][:shots] for label in np.unique(target.labels)])
