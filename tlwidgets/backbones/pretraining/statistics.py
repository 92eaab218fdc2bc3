"""What a picture looks like, whatever it shows: colours, contrasts, fineness of grain.

A network that only learns to name drawings in random colours learns to ignore colour, and then does worse than a random
network on photographs. Predicting these numbers from the same features, from the first step, keeps them readable.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

BINS = 4
"""Levels a channel of the colour histogram."""
SCALES = 4
COLOURS = BINS**3
COUNT = 6 + COLOURS + 4 * SCALES


def describe(images: Tensor) -> Tensor:
    """Statistics of images: mean and spread of each channel, colour histogram, gradients at four scales.

    Args:
        images: (N, 3, H, W) in [0, 1]; H and W at least 16.

    Returns:
        (N, COUNT) float32: 3 means, 3 standard deviations, square roots of the shares of 64 colours, and at four
        scales the mean absolute difference across, down and along both diagonals.
    """
    return torch.cat([images.mean((2, 3)), images.std((2, 3)), palette(images).sqrt(), _gradients(images)], dim=1)


def palette(images: Tensor) -> Tensor:
    """Share of the picture that each of 64 colours covers: (N, 3, H, W) in [0, 1] -> (N, 64), rows sum to 1."""
    levels = (F.avg_pool2d(images, 2) * BINS).long().clamp(0, BINS - 1)
    codes = ((levels[:, 0] * BINS + levels[:, 1]) * BINS + levels[:, 2]).flatten(1)
    counts = torch.zeros(len(images), COLOURS).scatter_add_(1, codes, torch.ones_like(codes, dtype=torch.float32))
    return counts / codes.shape[1]


def _gradients(images: Tensor) -> Tensor:
    grey, found = images.mean(dim=1, keepdim=True), []
    for _ in range(SCALES):
        across, down = grey[..., 1:] - grey[..., :-1], grey[..., 1:, :] - grey[..., :-1, :]
        falling, rising = grey[..., 1:, 1:] - grey[..., :-1, :-1], grey[..., 1:, :-1] - grey[..., :-1, 1:]
        found += [step.abs().mean((1, 2, 3)) for step in (across, down, falling, rising)]
        grey = F.avg_pool2d(grey, 2)
    return torch.stack(found, dim=1).sqrt()
