"""The container that every family of drawn images fills, and the seeds it draws with."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MASK_SIZE = 64
"""Height and width in pixels of a drawn mask (glyphs, strokes, shapes, textures, fractals)."""


@dataclass(frozen=True)
class Bank:
    """Drawn pictures of one family, kept in memory and augmented later.

    Attributes:
        family: short name, for example "glyphs".
        pictures: uint8, (N, H, W) for grey masks or (N, H, W, 3) for colour pictures.
        labels: int64 (N,), the class of each picture, 0 to len(class_names) - 1.
        held_out: bool (N,); True for instances (fonts, drawings, halves of a picture) that training never sees.
        class_names: one name a class.
    """

    family: str
    pictures: np.ndarray
    labels: np.ndarray
    held_out: np.ndarray
    class_names: tuple[str, ...]

    @property
    def in_colour(self) -> bool:
        """Whether the pictures carry their own colours."""
        return self.pictures.ndim == 4

    def without(self, class_names: tuple[str, ...]) -> Bank:
        """A copy that lacks some classes; names that this family does not draw are ignored."""
        kept = [i for i, name in enumerate(self.class_names) if name not in class_names]
        new_label = np.full(len(self.class_names), -1)
        new_label[kept] = np.arange(len(kept))
        rows = np.flatnonzero(new_label[self.labels] >= 0)
        return Bank(
            self.family,
            self.pictures[rows],
            new_label[self.labels[rows]],
            self.held_out[rows],
            tuple(self.class_names[i] for i in kept),
        )


def generator_for(seed: int, *names: str | int) -> np.random.Generator:
    """A NumPy generator for one drawing.

    Deriving it from names, not from a shared stream, keeps a drawing the same when another class is added or removed.

    Args:
        seed: the seed of the whole bank.
        names: what is drawn, for example ("fractals", class index, instance index).
    """
    words = [zlib.crc32(str(name).encode()) for name in names]
    return np.random.default_rng([seed, *words])


def draw_bank(
    family: str,
    class_names: tuple[str, ...],
    draw: Callable[[int, np.random.Generator], np.ndarray],
    *,
    seed: int,
    instances: int,
    held_out: int,
) -> Bank:
    """Draw `instances` + `held_out` pictures of each class.

    Args:
        family: name of the family; also part of each drawing's seed.
        class_names: one name a class.
        draw: (class index, generator) -> uint8 picture.
        seed: seed of the bank.
        instances: pictures a class for training.
        held_out: further pictures a class that training never sees.
    """
    pictures, labels, kept_back = [], [], []
    for label in range(len(class_names)):
        for instance in range(instances + held_out):
            pictures.append(draw(label, generator_for(seed, family, class_names[label], instance)))
            labels.append(label)
            kept_back.append(instance >= instances)
    return Bank(family, np.stack(pictures), np.array(labels), np.array(kept_back), class_names)
