"""Random views of drawn images, a whole batch at a time.

All functions take and return float tensors in [0, 1], (N, C, H, W), and draw every random number from the generator
they are given, so a batch is a function of its seed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class Motion:
    """How far a view may move.

    Attributes:
        angle: largest rotation in degrees, either way.
        zoom: largest factor of magnification, either way.
        stretch: standard deviation of shear and of the difference between horizontal and vertical zoom.
        shift: largest translation, as a share of half the picture.
        elastic: largest amplitude of a smooth warp, as a share of half the picture.
        padding: what lies outside: "zeros" (ground) or "reflection" (more of the same).
    """

    angle: float
    zoom: float
    stretch: float
    shift: float
    elastic: float
    padding: str = "zeros"


PEN = Motion(angle=15, zoom=1.5, stretch=0.1, shift=0.15, elastic=0.09)
OBJECT = Motion(angle=25, zoom=1.35, stretch=0.08, shift=0.2, elastic=0.06)
FRACTAL = Motion(angle=180, zoom=1.25, stretch=0.05, shift=0.12, elastic=0.03)
SURFACE = Motion(angle=12, zoom=1.2, stretch=0.04, shift=0.3, elastic=0.04, padding="reflection")
MOTIONS = {
    "glyphs": PEN,
    "strokes": PEN,
    "shapes": OBJECT,
    "fractals": FRACTAL,
    "textures": SURFACE,
    "scenes": SURFACE,
}


def uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    """Uniform numbers in [low, high)."""
    return torch.rand(*shape, generator=generator) * (high - low) + low


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=generator)


@cache
def _stretch(source: int, target: int, mode: str) -> Tensor:
    """Matrix (source, target) that resamples a row of pixels.

    Resampling is separable, so two small matrix products do what `interpolate` does, several times as fast here.
    """
    pulses = torch.eye(source)[:, None, None]
    if mode == "bicubic":  # exists in two dimensions only; along a height of one it changes nothing
        return F.interpolate(pulses, size=(1, target), mode="bicubic", align_corners=False)[:, 0, 0]
    if mode == "area":
        return F.interpolate(pulses, size=(1, target), mode="area")[:, 0, 0]
    return F.interpolate(pulses[:, 0], size=target, mode="linear", align_corners=False)[:, 0]


def smooth(knots: Tensor, size: int) -> Tensor:
    """A field that runs smoothly between a few knots: (N, C, k, k) -> (N, C, size, size)."""
    filters = _stretch(knots.shape[-1], size, "linear")
    return filters.T @ knots @ filters


def move(images: Tensor, motion: Motion, size: int, generator: torch.Generator) -> Tensor:
    """Affine motion and elastic warp in one resampling: (N, C, H, W) -> (N, C, size, size)."""
    n = len(images)
    angle = uniform(generator, -motion.angle, motion.angle, n) * math.pi / 180
    log_zoom = uniform(generator, -1, 1, n) * math.log(motion.zoom)
    stretch = normal(generator, n, 2, 2) * motion.stretch + torch.eye(2)
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], dim=1).view(n, 2, 2)
    linear = rotation @ stretch * (-log_zoom).exp()[:, None, None]
    shift = uniform(generator, -motion.shift, motion.shift, n, 2, 1)
    grid = F.affine_grid(torch.cat([linear, shift], dim=2), [n, 1, size, size], align_corners=False)
    amplitude = uniform(generator, 0, motion.elastic, n, 1, 1, 1)
    bend = smooth(normal(generator, n, 2, 5, 5) * amplitude, size)
    return F.grid_sample(images, grid + bend.permute(0, 2, 3, 1), padding_mode=motion.padding, align_corners=False)


def vary_thickness(masks: Tensor, generator: torch.Generator) -> Tensor:
    """Make the ink of some masks thicker by two pixels on each side (15 %) or one (25 %), or thinner by one (12 %)."""
    choice = torch.rand(len(masks), generator=generator)
    result = masks.clone()
    thickest, thicker, thinner = choice < 0.15, (choice > 0.15) & (choice < 0.4), choice > 0.88
    result[thickest] = F.max_pool2d(masks[thickest], 5, stride=1, padding=2)
    result[thicker] = F.max_pool2d(masks[thicker], 3, stride=1, padding=1)
    result[thinner] = -F.max_pool2d(-masks[thinner], 3, stride=1, padding=1)
    return result


def random_colours(n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Ink and ground, each (n, 3, 1, 1): 45 % greys, 25 % black and white, else any colours that can be told apart."""
    ink, ground = torch.rand(n, 3, generator=generator), torch.rand(n, 3, generator=generator)
    kind = torch.rand(n, generator=generator)
    grey, pure = (kind < 0.45)[:, None], (kind > 0.75)[:, None]
    ink = torch.where(grey, ink[:, :1].expand(-1, 3), ink)
    ground = torch.where(grey, ground[:, :1].expand(-1, 3), ground)
    white = (ink[:, :1] > 0.5).float().expand(-1, 3)
    ink, ground = torch.where(pure, white, ink), torch.where(pure, 1 - white, ground)
    alike = (ink.mean(1, keepdim=True) - ground.mean(1, keepdim=True)).abs() < 0.15
    ink = torch.where(alike, (ground + 0.5) % 1.0, ink)
    return ink[:, :, None, None], ground[:, :, None, None]


def tint(masks: Tensor, generator: torch.Generator) -> Tensor:
    """Paint masks with random ink on random ground under uneven light: (N, 1, H, W) -> (N, 3, H, W)."""
    n, size = len(masks), masks.shape[-1]
    ink, ground = random_colours(n, generator)
    amount = uniform(generator, -0.2, 0.3, n, 1, 1, 1).clamp(min=0)
    return (torch.lerp(ground, ink, masks) + smooth(normal(generator, n, 1, 4, 4) * amount, size)).clamp(0, 1)


def vary_light(images: Tensor, generator: torch.Generator) -> Tensor:
    """Small changes of exposure, contrast and white balance; 25 % become grey with a random contrast."""
    n = len(images)
    gain = 1 + 0.1 * normal(generator, n, 1, 1, 1) + 0.03 * normal(generator, n, 3, 1, 1)
    images = images * gain
    grey = (torch.rand(n, generator=generator) < 0.25).view(n, 1, 1, 1)
    mono = images.mean(dim=1, keepdim=True)
    centre, spread = mono.mean(dim=(2, 3), keepdim=True), mono.std(dim=(2, 3), keepdim=True) + 0.02
    target = uniform(generator, 0.12, 0.3, n, 1, 1, 1)
    mono = 0.5 + (mono - centre) / spread * target
    return torch.where(grey, mono.expand(-1, 3, -1, -1), images).clamp(0, 1)


def lose_resolution(images: Tensor, low: int, high: int, share: float, generator: torch.Generator) -> Tensor:
    """Shrink a share of the images to `low`..`high` pixels and enlarge them again (three sizes a batch)."""
    size = images.shape[-1]
    n = len(images)
    order = torch.randperm(n, generator=generator)[: int(n * share)]
    result = images.clone()
    for rows in order.chunk(3):
        small = int(torch.randint(low, high + 1, (1,), generator=generator))
        mode = "bicubic" if torch.rand(1, generator=generator) < 0.6 else "linear"
        filters = _stretch(size, small, "area") @ _stretch(small, size, mode)
        result[rows] = (filters.T @ images[rows] @ filters).clamp(0, 1)
    return result


def degrade(images: Tensor, generator: torch.Generator) -> Tensor:
    """Fog or dimness on 30 %, then sensor noise on half of the images."""
    n = len(images)
    foggy = (torch.rand(n, generator=generator) < 0.3).view(n, 1, 1, 1)
    scale = uniform(generator, 0.3, 1.0, n, 1, 1, 1)
    offset = uniform(generator, 0, 1, n, 1, 1, 1) * (1 - scale)
    images = torch.where(foggy, images * scale + offset, images)
    noise = uniform(generator, -0.08, 0.08, n, 1, 1, 1).clamp(min=0)
    return (images + noise * normal(generator, *images.shape)).clamp(0, 1)
