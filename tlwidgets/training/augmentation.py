"""Random views of training images. The function is also printed into ``recipe.to_script()``: torch only."""

from __future__ import annotations

import torch


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
