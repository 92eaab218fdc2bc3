"""Shapes in colours: every class is a pair of words, so that pairs never seen can be told from their parts."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tlwidgets.data.world import World

SIDE = 32
SHAPES = ("circle", "square", "triangle", "cross")
HUES = {"red": (205, 45, 45), "green": (40, 150, 60), "blue": (45, 75, 205), "yellow": (225, 200, 40)}
CLASSES = tuple(f"{colour} {shape}" for colour in HUES for shape in SHAPES)
PARTS = (*HUES, *SHAPES)


def draw(seed: int = 0, per_class: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Draw shapes of any size and turn, anywhere on grey ground, in colours that vary a little.

    Args:
        seed: Another seed, other pictures.
        per_class: Pictures of each of the 16 classes.

    Returns:
        uint8 (16 * per_class, 32, 32, 3) images and int64 labels, classes in turn.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(16 * per_class) % 16
    colours = list(HUES.values())
    pictures = np.stack([_picture(rng, SHAPES[label % 4], colours[label // 4]) for label in labels])
    noisy = pictures + rng.normal(scale=8, size=pictures.shape)
    return np.clip(np.round(noisy), 0, 255).astype(np.uint8), labels.astype(np.int64)


def shape_attributes() -> np.ndarray:
    """Return int64 (16, 8): which of ``PARTS``, four colours and four shapes, each class has."""
    pairs = [name.split() for name in CLASSES]
    return np.array([[int(part in pair) for part in PARTS] for pair in pairs], dtype=np.int64)


def _picture(rng: np.random.Generator, shape: str, colour: tuple[int, int, int]) -> np.ndarray:
    ground = int(rng.integers(60, 200))
    picture = Image.new("RGB", (4 * SIDE, 4 * SIDE), (ground,) * 3)
    paint = np.clip(np.array(colour) + rng.integers(-25, 26, 3), 0, 255)
    points = _outline(shape) @ _turn(rng.uniform(0, 2 * np.pi)) * rng.uniform(0.45, 0.8) + rng.uniform(-0.2, 0.2, 2)
    ImageDraw.Draw(picture).polygon([tuple(2 * SIDE * (point + 1)) for point in points], tuple(paint.tolist()))
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BOX), dtype=float)


def _turn(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def _outline(shape: str) -> np.ndarray:
    """Corners (n, 2) of a shape that fills the circle of radius 1."""
    if shape == "cross":
        arm = np.array([[-0.3, -0.95], [0.3, -0.95], [0.3, -0.3]])
        return np.concatenate([arm @ _turn(np.pi / 2 * quarter) for quarter in range(4)])
    corners = {"circle": 48, "square": 4, "triangle": 3}[shape]
    angles = 2 * np.pi * np.arange(corners) / corners
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


COLOURED_SHAPES = World(
    name="coloured_shapes",
    summary="Four shapes in four colours: classes that are made of two parts",
    classes=CLASSES,
    shape=(SIDE, SIDE),
    licence="BSD-3-Clause, drawn by this package",
    draw=draw,
    sha256="ecfbda4d8bc50763a090bbbb1467e7d77012590aea7d08f8fabe50b072278821",
)
