"""Endless batches of drawn images: which class, which drawing, which view."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from tlwidgets.backbones.pretraining import augment
from tlwidgets.backbones.sources import Bank, build_bank

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""Normalisation that the networks are trained with, recorded in their config."""
SMALLEST_SURFACE, SMALLEST_OBJECT = 20, 7
"""Least resolution, in pixels, down to which textures and objects can still be told."""


def view(bank: Bank, rows: np.ndarray, size: int, generator: torch.Generator) -> Tensor:
    """One random view of each chosen drawing: float (len(rows), 3, size, size) in [0, 1]."""
    images = torch.from_numpy(bank.pictures[rows]).float() / 255
    motion = augment.MOTIONS[bank.family]
    if bank.in_colour:
        images = augment.vary_light(augment.move(images.permute(0, 3, 1, 2), motion, size, generator), generator)
    else:
        masks = images[:, None]
        if bank.family in ("glyphs", "strokes"):
            masks = augment.vary_thickness(masks, generator)
        images = augment.tint(augment.move(masks, motion, size, generator), generator)
    if motion.padding == "reflection":
        return augment.lose_resolution(images, SMALLEST_SURFACE, size, 0.3, generator)
    return augment.lose_resolution(images, SMALLEST_OBJECT, size // 2, 0.5, generator)


class DrawnImages:
    """Several families of drawn images as one labelled source.

    Args:
        families: family -> share of each batch.
        size: height and width of the images in a batch, in pixels.
        seed: seed of the drawings.
        excluded_classes: classes left out, by name.
        progress: show a progress bar while drawing, which takes about half a minute for all families.
    """

    def __init__(
        self,
        families: Mapping[str, float],
        size: int,
        *,
        seed: int,
        excluded_classes: tuple[str, ...] = (),
        progress: bool = False,
    ) -> None:
        self.size = size
        self.shares = dict(families)
        drawing = tqdm(families, desc="drawing", unit="family", disable=not progress)
        self.banks = {family: build_bank(family, seed=seed).without(excluded_classes) for family in drawing}
        self.class_names = tuple(name for bank in self.banks.values() for name in bank.class_names)
        counts = [len(bank.class_names) for bank in self.banks.values()]
        self.first_label = dict(zip(self.banks, np.cumsum([0, *counts[:-1]]).tolist(), strict=True))
        self._rows = {
            (family, held_out): _rows_by_class(bank, held_out)
            for family, bank in self.banks.items()
            for held_out in (False, True)
        }

    def with_shares(self, families: Mapping[str, float]) -> DrawnImages:
        """The same drawings in another mixture; `families` are those of this source, in the same order."""
        other = copy(self)
        other.shares = {family: families[family] for family in self.banks}
        return other

    def batch(self, n: int, seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """A training batch, a function of its seed.

        Returns:
            Images (n, 3, size, size), float32 in [0, 1], and labels (n,) int64, in random order.
        """
        rng = np.random.default_rng(seed)
        counts = rng.multinomial(n, list(self.shares.values()))
        parts = [self.family_batch(f, int(c), rng) for f, c in zip(self.banks, counts, strict=True) if c]
        order = torch.from_numpy(rng.permutation(n))
        return torch.cat([images for images, _ in parts])[order], torch.cat([labels for _, labels in parts])[order]

    def family_batch(
        self, family: str, n: int, rng: np.random.Generator, *, held_out: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Fresh views of one family, classes drawn uniformly; `held_out`: only of drawings that training never sees."""
        choices = self._rows[family, held_out]
        classes = rng.choice(np.array(list(choices)), n)
        rows = np.array([rng.choice(choices[label]) for label in classes.tolist()])
        generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
        images = augment.degrade(view(self.banks[family], rows, self.size, generator), generator)
        return images, torch.from_numpy(classes + self.first_label[family])


def _rows_by_class(bank: Bank, held_out: bool) -> dict[int, np.ndarray]:
    rows = np.flatnonzero(bank.held_out == held_out)
    rows = rows[np.argsort(bank.labels[rows], kind="stable")]
    labels, starts = np.unique(bank.labels[rows], return_index=True)
    return dict(zip(labels.tolist(), np.split(rows, starts[1:]), strict=True))


def normalise(images: Tensor) -> Tensor:
    """[0, 1] -> what the networks are trained on."""
    return (images - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
