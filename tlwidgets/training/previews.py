"""What augmentation does to images, one change at a time: for looking at. The functions are those of training."""

from __future__ import annotations

import torch

from tlwidgets.augmentations import PRESETS, checked
from tlwidgets.errors import RecipeError
from tlwidgets.training.augmentation import NUMBERS, augment, kept_share, vary


def preview(images: torch.Tensor, change: str, seed: int = 0) -> torch.Tensor:
    """Changes images as a training batch would be changed.

    Args:
        images: float (N, C, H, W), 0..1.
        change: An augmentation of images, as in a recipe: one change, several, or a preset.
        seed: Of the random draws.

    Returns:
        (N, C, H, W), 0..1.

    Raises:
        RecipeError: There is no such augmentation of images.
    """
    kind = checked(change)
    if kind == "eda":
        raise RecipeError("'eda' changes texts.", "Name an augmentation of images, such as 'light'.")
    draw = _draw(len(images), seed)
    return augment(images, kind, draw[:, :5]) if kind in PRESETS else vary(images, kind, draw)


def mixture(n: int, seed: int = 0) -> torch.Tensor:
    """How much of each image ``preview`` keeps in a mixture, float (N,) from 0.5 to 1; the rest is the next image."""
    return kept_share(_draw(n, seed))


def _draw(n: int, seed: int) -> torch.Tensor:
    return torch.rand((n, NUMBERS), generator=torch.Generator().manual_seed(seed))
