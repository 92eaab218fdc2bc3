"""What augmentation does to images, one change at a time: for looking at, not for training.

Turning, scaling, shifting and mirroring are those of ``augment``, the function that training calls, with all other
draws held still. Crops, colours and mixtures are what other recipes use; no recipe of ours does.
"""

from __future__ import annotations

import torch

from tlwidgets.errors import RecipeError
from tlwidgets.recipe import IMAGE_AUGMENTATIONS
from tlwidgets.training.augmentation import augment

# Columns of the draw that ``augment`` takes, by what they change.
_OURS = {"rotation": (0,), "scale": (1,), "shift": (2, 3), "mirror": (4,)}
OTHERS = ("crop", "colour", "mixup")
CHANGES = (*_OURS, *OTHERS)
PARTS = {"none": (), "light": ("rotation", "scale", "shift"), "flip": ("rotation", "scale", "shift", "mirror")}
"""The changes that each augmentation of a recipe makes together."""

SMALLEST_CROP = 0.5  # share of a side
COLOUR = 0.4  # brightness, contrast and saturation change by at most this share


def preview(images: torch.Tensor, change: str, seed: int = 0) -> torch.Tensor:
    """Changes images as a training batch would be changed.

    Args:
        images: float (N, C, H, W), 0..1.
        change: One of ``CHANGES``, or an augmentation of a recipe: "none", "light", "flip".
        seed: Of the random draws.

    Returns:
        (N, C, H, W), 0..1.

    Raises:
        RecipeError: There is no such change.
    """
    draw = torch.rand((len(images), 8), generator=torch.Generator().manual_seed(seed))
    if change in IMAGE_AUGMENTATIONS:
        return augment(images, change, draw[:, :5])
    if change in _OURS:
        still = torch.full((len(images), 5), 0.5)
        still[:, _OURS[change]] = draw[:, _OURS[change]]
        return augment(images, "flip" if change == "mirror" else "light", still)
    if change == "crop":
        return _crop(images, draw)
    if change == "colour":
        return _colour(images, draw)
    if change == "mixup":
        return mixed(images, mixture(len(images), seed))
    raise RecipeError(f"There is no change named {change!r}.", f"Changes: {', '.join(CHANGES)}.")


def mixture(n: int, seed: int = 0) -> torch.Tensor:
    """How much of each image mixup keeps, float (N,) from 0.5 to 1; the rest is the next image of the batch.

    Zhang, Cisse, Dauphin, Lopez-Paz (2018), "mixup: beyond empirical risk minimization", ICLR, arXiv 1710.09412, with
    alpha 1, where the share is uniform. Shares below a half swap the two images, so they are left out here.
    """
    return 0.5 + 0.5 * torch.rand(n, generator=torch.Generator().manual_seed(seed))


def mixed(images: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Lays over each image (N, C, H, W) the next one; ``share`` (N,) is what stays of it."""
    kept = share.view(-1, 1, 1, 1).to(images)
    return kept * images + (1 - kept) * images.roll(-1, 0)


def _crop(images: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """A square part of each image, enlarged to the whole."""
    side = SMALLEST_CROP + (1 - SMALLEST_CROP) * draw[:, 0]
    room = 1 - side  # in coordinates of -1..1, how far the middle of the crop may lie from that of the image
    none = torch.zeros_like(side)
    rows = [
        torch.stack([side, none, room * (2 * draw[:, 1] - 1)], 1),
        torch.stack([none, side, room * (2 * draw[:, 2] - 1)], 1),
    ]
    grid = torch.nn.functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid.to(images), padding_mode="border", align_corners=False)


def _colour(images: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Another brightness, contrast and saturation for each image."""
    brightness, contrast, saturation = ((1 + COLOUR * (2 * draw[:, :3] - 1)).T[..., None, None, None]).to(images)
    changed = images * brightness
    changed = (changed - changed.mean((1, 2, 3), keepdim=True)) * contrast + changed.mean((1, 2, 3), keepdim=True)
    grey = changed.mean(1, keepdim=True)
    coloured: torch.Tensor = ((changed - grey) * saturation + grey).clamp(0, 1)
    return coloured
