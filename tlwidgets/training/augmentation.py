"""Random views of training images. The functions are also printed into ``recipe.to_script()``: torch only."""

from __future__ import annotations

import torch

from tlwidgets.augmentations import PRESETS, TEXT_AUGMENTATIONS

NUMBERS = 12  # random numbers that each image takes in ``vary``; in ``augment`` the first five


def numbers_for(kind: str) -> int:
    """How many random numbers an image, or text, of this augmentation takes."""
    return 5 if kind in PRESETS or kind in TEXT_AUGMENTATIONS else NUMBERS


def augment(images: torch.Tensor, kind: str, draw: torch.Tensor) -> torch.Tensor:
    """Shifts, turns and scales every image a little, each its own way; "flip" also mirrors half of them.

    Args:
        images: (N, C, H, W) float.
        kind: "none", "light" (up to 10 degrees, 10 % of the width, 10 % of the size) or "flip".
        draw: (N, 5) random numbers from 0 to 1 on the CPU: turn, scale, two shifts, mirror.

    Returns:
        (N, C, H, W); pixels from outside repeat the border.
    """
    if kind == "none":
        return images
    draw = draw * 2 - 1
    angle = draw[:, 0] * 0.1745  # 10 degrees in radians
    scale = 1 + draw[:, 1] * 0.1
    mirror = torch.where(draw[:, 4] > 0, 1.0, -1.0) if kind == "flip" else torch.ones(len(images))
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    # affine_grid works in coordinates of -1..1, so a shift of 0.2 is 10 % of the width.
    rows = [
        torch.stack([cos * mirror, -sin, draw[:, 2] * 0.2], 1),
        torch.stack([sin * mirror, cos, draw[:, 3] * 0.2], 1),
    ]
    grid = torch.nn.functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(
        images, grid.to(images.device, images.dtype), padding_mode="border", align_corners=False
    )


def vary(images: torch.Tensor, kind: str, draw: torch.Tensor) -> torch.Tensor:
    """Makes the changes that a recipe joins, each image its own way: colour, crop, movement, mixture, in this order.

    Args:
        images: (N, C, H, W) float, 0..1.
        kind: Changes joined by "+", such as "rotation+crop".
        draw: (N, 12) random numbers from 0 to 1 on the CPU: five as ``augment`` takes them, three each for the crop and
            the colour, one for the mixture.

    Returns:
        (N, C, H, W), 0..1.
    """
    parts = kind.split("+")
    if "colour" in parts:
        images = recolour(images, draw[:, 8:11])
    if "crop" in parts:
        images = crop(images, draw[:, 5:8])
    columns = {"rotation": [0], "scale": [1], "shift": [2, 3], "mirror": [4]}
    moving = [column for part in parts for column in columns.get(part, [])]
    if moving:
        still = torch.full((len(images), 5), 0.5)
        still[:, moving] = draw[:, moving]
        images = augment(images, "flip" if "mirror" in parts else "light", still)
    return mix(images, kept_share(draw)) if "mixup" in parts else images


def crop(images: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Enlarges a part of each image to the whole.

    Args:
        images: (N, C, H, W) float.
        draw: (N, 3) random numbers from 0 to 1: side (half of the image's to all of it), place along width and height.

    Returns:
        (N, C, H, W).
    """
    side = 0.5 + 0.5 * draw[:, 0]
    room = 1 - side  # in coordinates of -1..1, how far the middle of the crop may lie from that of the image
    none = torch.zeros_like(side)
    rows = [
        torch.stack([side, none, room * (2 * draw[:, 1] - 1)], 1),
        torch.stack([none, side, room * (2 * draw[:, 2] - 1)], 1),
    ]
    grid = torch.nn.functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid.to(images), padding_mode="border", align_corners=False)


def recolour(images: torch.Tensor, draw: torch.Tensor) -> torch.Tensor:
    """Changes brightness, contrast and saturation by at most 40 %.

    Args:
        images: (N, C, H, W) float, 0..1.
        draw: (N, 3) random numbers from 0 to 1: one for each.

    Returns:
        (N, C, H, W), 0..1.
    """
    brightness, contrast, saturation = ((1 + 0.4 * (2 * draw - 1)).T[..., None, None, None]).to(images)
    images = images * brightness
    mean = images.mean((1, 2, 3), keepdim=True)
    images = (images - mean) * contrast + mean
    grey = images.mean(1, keepdim=True)
    return torch.clamp((images - grey) * saturation + grey, 0, 1)


def kept_share(draw: torch.Tensor) -> torch.Tensor:
    """How much mixup keeps of each image, float (N,) from 0.5 to 1, of the draw that ``vary`` takes.

    Zhang, Cisse, Dauphin, Lopez-Paz (2018), "mixup: beyond empirical risk minimization", ICLR, arXiv 1710.09412, with
    alpha 1, where the share is uniform, and drawn for each image. Below a half it would be the share of the other one.
    """
    return 0.5 + 0.5 * draw[:, 11]


def mix(values: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """Lays the next of a batch, which is in random order, over each: of images, and alike of the shares of classes.

    Args:
        values: (N, ...) float.
        share: (N,) what stays of each.

    Returns:
        (N, ...).
    """
    kept = share.view(-1, *[1] * (values.ndim - 1)).to(values)
    return kept * values + (1 - kept) * values.roll(-1, 0)
