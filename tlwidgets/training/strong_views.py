"""Views that change an image much, for methods that ask a network to answer them as it answers the image itself."""

from __future__ import annotations

import torch

from tlwidgets.training.augmentation import augment

TURN_AND_SHIFT = 2.5  # times as far as "light": 25 degrees, a quarter of the width, a quarter of the size
CONTRAST = 0.5  # at most so much more or less
BRIGHTNESS = 0.5  # at most so many standard deviations of the preprocessing
HOLE = 0.5  # share of a side that the hole takes at most
DRAWS = 10  # random numbers a view takes


def strong_view(images: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Turns, shifts and scales far, changes contrast and brightness, and cuts a square hole.

    DeVries & Taylor (2017), "Improved regularization of convolutional neural networks with cutout", arXiv 1708.04552,
    for the hole; FixMatch draws from a longer list of such changes.

    Args:
        images: float (N, C, H, W), normalised.
        draw: (N, 10) random numbers from 0 to 1 on the CPU.

    Returns:
        (N, C, H, W).
    """
    moved = augment(images, "light", 0.5 + TURN_AND_SHIFT * (draw[:, :5] - 0.5))
    centred = (draw[:, 5:] * 2 - 1).to(images.device, images.dtype)
    contrast, brightness = (
        (1 + CONTRAST * centred[:, 0]).view(-1, 1, 1, 1),
        BRIGHTNESS * centred[:, 1].view(-1, 1, 1, 1),
    )
    mean = moved.mean((1, 2, 3), keepdim=True)
    changed = (moved - mean) * contrast + mean + brightness
    return torch.where(_hole(images, draw[:, 7:].to(images.device, images.dtype)), mean, changed)


def _hole(images: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Which pixels a square around a drawn centre covers, bool (N, 1, H, W)."""
    height, width = images.shape[2:]
    rows = torch.arange(height, device=images.device) / height
    columns = torch.arange(width, device=images.device) / width
    half = HOLE * draw[:, 2:3] / 2
    inside_rows = (rows[None] - draw[:, 0:1]).abs() < half  # (N, H)
    inside_columns = (columns[None] - draw[:, 1:2]).abs() < half
    return (inside_rows[:, :, None] & inside_columns[:, None, :])[:, None]
