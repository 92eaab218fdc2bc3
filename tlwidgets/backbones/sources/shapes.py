"""Outlines that a child would draw: polygons, stars, rings, arrows, leaves, houses, faces..."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from tlwidgets.backbones.sources.bank import MASK_SIZE, Bank, draw_bank

INSTANCES = 30
HELD_OUT = 6
SUPERSAMPLING = 3
TAU = 2 * np.pi
CARTOON_FACE = "shape face"
"""The class that a fair test on faces leaves out."""

Outline = np.ndarray
"""Points (n, 2) in [-1, 1]."""


def polar(radius: Callable[[np.ndarray], np.ndarray], points: int = 120) -> Outline:
    """The outline r(theta), theta from 0 to 2 pi."""
    theta = np.linspace(0, TAU, points, endpoint=False)
    r = radius(theta)
    return np.stack([r * np.cos(theta), r * np.sin(theta)], axis=1)


def polygon(corners: int) -> Outline:
    """A regular polygon."""
    return polar(lambda theta: np.ones_like(theta), corners)


def star(points: int, inner: float) -> Outline:
    """A star with `points` tips; `inner` is the radius of its notches."""
    outline = polygon(2 * points)
    outline[1::2] *= inner
    return outline


def flower(petals: int, depth: float) -> Outline:
    """A round flower."""
    return polar(lambda theta: 1 - depth * (0.5 + 0.5 * np.cos(petals * theta)))


def gear(teeth: int) -> Outline:
    """A wheel with square teeth."""
    return polar(lambda theta: np.where(np.cos(teeth * theta) > 0, 1.0, 0.75), 240)


def heart() -> Outline:
    """A heart."""
    t = np.linspace(0, TAU, 120, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x / 17, -y / 17], axis=1)


def leaf(width: float) -> Outline:
    """A pointed leaf."""
    t = np.linspace(-1, 1, 60)
    half = width * (1 - t**2) * (1 + 0.3 * t)
    return np.vstack([np.stack([half, t], axis=1), np.stack([-half[::-1], t[::-1]], axis=1)])


def corners(*points: tuple[float, float]) -> Outline:
    """An outline given by its corners."""
    return np.array(points, dtype=float)


def plus(arm: float) -> Outline:
    """A plus sign with arms 2 * arm wide."""
    quarter = corners((-arm, -1), (arm, -1), (arm, -arm))
    turn = np.array([[0, 1], [-1, 0]])
    return np.vstack([quarter @ np.linalg.matrix_power(turn, n) for n in range(4)])


def crescent(bite: float) -> Outline:
    """A moon."""
    t = np.linspace(-TAU / 4, TAU / 4, 50)
    outer = np.stack([np.cos(t), np.sin(t)], axis=1)
    inner = np.stack([bite * np.cos(t), np.sin(t)], axis=1)[::-1]
    return np.vstack([outer, inner]) - [0.5, 0]


def spiral(turns: float) -> Outline:
    """A spiral band."""
    t = np.linspace(0.1, 1, 90)
    arm = np.stack([t * np.cos(TAU * turns * t), t * np.sin(TAU * turns * t)], axis=1)
    return np.vstack([arm, arm[::-1] * 0.8])


Parts = list[tuple[Outline, int]]
"""Outlines with their tone, painted in order: 255 is ink, 0 is ground."""


def _at(outline: Outline, x: float, y: float, sx: float, sy: float | None = None) -> Outline:
    return outline * [sx, sx if sy is None else sy] + [x, y]


def face(rng: np.random.Generator) -> Parts:
    """A head with two eyes and a mouth; shading as in a photograph is missing on purpose."""
    dark = int(rng.integers(0, 90))
    eye, spread, height = rng.uniform(0.09, 0.18), rng.uniform(0.28, 0.42), rng.uniform(-0.3, -0.1)
    mouth = _at(polygon(24), 0, rng.uniform(0.38, 0.55), rng.uniform(0.2, 0.42), rng.uniform(0.05, 0.16))
    nose = _at(polygon(3), 0, 0.12, rng.uniform(0.05, 0.12), rng.uniform(0.08, 0.2))
    eyes = [(_at(polygon(16), side * spread, height, eye * 1.3, eye), dark) for side in (-1, 1)]
    head = _at(polygon(40), 0, 0, rng.uniform(0.7, 0.9), 1.0)
    return [(head, 255), *eyes, (mouth, dark), (nose, 170)]


def house(rng: np.random.Generator) -> Parts:
    """Walls, roof, door."""
    walls = corners((-0.75, -0.1), (0.75, -0.1), (0.75, 1), (-0.75, 1))
    roof = corners((-1, -0.1), (1, -0.1), (rng.uniform(-0.3, 0.3), -1))
    door = _at(corners((-1, -1), (1, -1), (1, 1), (-1, 1)), rng.uniform(-0.4, 0.4), 0.65, 0.17, 0.35)
    return [(walls, 200), (roof, 255), (door, 0)]


def tree(rng: np.random.Generator) -> Parts:
    """A crown on a trunk."""
    trunk = corners((-0.12, 0.2), (0.12, 0.2), (0.15, 1), (-0.15, 1))
    return [(trunk, 160), (_at(flower(int(rng.integers(5, 10)), 0.25), 0, -0.3, 0.75, 0.65), 255)]


def ring(rng: np.random.Generator) -> Parts:
    """A disc with a hole."""
    return [(polygon(60), 255), (polygon(60) * rng.uniform(0.4, 0.75), 0)]


def frame(rng: np.random.Generator) -> Parts:
    """A square with a hole."""
    square = corners((-1, -1), (1, -1), (1, 1), (-1, 1)) * 0.85
    return [(square, 255), (square * rng.uniform(0.4, 0.75), 0)]


def pair(rng: np.random.Generator) -> Parts:
    """Two discs."""
    size = rng.uniform(0.25, 0.42)
    return [(_at(polygon(40), -0.5, 0, size), 255), (_at(polygon(40), 0.5, 0, size), 255)]


def _outline(make: Callable[[np.random.Generator], Outline]) -> Callable[[np.random.Generator], Parts]:
    return lambda rng: [(make(rng), 255)]


def _always(outline: Outline) -> Callable[[np.random.Generator], Parts]:
    return lambda _: [(outline, 255)]


DRAWINGS: dict[str, Callable[[np.random.Generator], Parts]] = {
    "disc": _always(polygon(60)),
    "triangle": _always(polygon(3)),
    "square": _always(polygon(4)),
    "pentagon": _always(polygon(5)),
    "hexagon": _always(polygon(6)),
    "bar": _outline(lambda rng: polygon(4) * [1, rng.uniform(0.15, 0.3)]),
    "ellipse": _outline(lambda rng: polygon(60) * [1, rng.uniform(0.35, 0.55)]),
    "half disc": _always(polygon(60)[:31]),
    "star4": _outline(lambda rng: star(4, rng.uniform(0.3, 0.5))),
    "star5": _outline(lambda rng: star(5, rng.uniform(0.35, 0.55))),
    "star8": _outline(lambda rng: star(8, rng.uniform(0.45, 0.65))),
    "flower": _outline(lambda rng: flower(int(rng.integers(5, 8)), rng.uniform(0.35, 0.55))),
    "clover": _outline(lambda rng: flower(3, rng.uniform(0.5, 0.75))),
    "gear": _outline(lambda rng: gear(int(rng.integers(8, 13)))),
    "heart": _always(heart()),
    "leaf": _outline(lambda rng: leaf(rng.uniform(0.35, 0.6))),
    "plus": _outline(lambda rng: plus(rng.uniform(0.2, 0.4))),
    "crescent": _outline(lambda rng: crescent(rng.uniform(0.2, 0.6))),
    "spiral": _outline(lambda rng: spiral(rng.uniform(1.5, 2.5))),
    "arrow": _always(corners((-1, -0.2), (0.1, -0.2), (0.1, -0.7), (1, 0), (0.1, 0.7), (0.1, 0.2), (-1, 0.2))),
    "bolt": _always(corners((0.2, -1), (-0.6, 0.15), (0, 0.15), (-0.2, 1), (0.6, -0.2), (0.05, -0.2))),
    "l-shape": _always(corners((-0.8, -1), (-0.3, -1), (-0.3, 0.5), (0.8, 0.5), (0.8, 1), (-0.8, 1))),
    "ring": ring,
    "frame": frame,
    "pair": pair,
    "house": house,
    "tree": tree,
    "face": face,
}


def draw_parts(parts: Parts, rng: np.random.Generator) -> np.ndarray:
    """Paint outlines, slightly bent by a random hand, uint8 (64, 64)."""
    size = MASK_SIZE * SUPERSAMPLING
    canvas = Image.new("L", (size, size))
    pen = ImageDraw.Draw(canvas)
    shear = np.eye(2) + rng.normal(0, 0.12, (2, 2))
    for outline, tone in parts:
        placed = (outline @ shear * 0.36 + 0.5) * size
        pen.polygon([(float(x), float(y)) for x, y in placed], fill=tone)
    return np.asarray(canvas.resize((MASK_SIZE, MASK_SIZE), Image.Resampling.BOX))


def build(seed: int) -> Bank:
    """Draw each shape 36 times, six of which are held out."""
    drawings = list(DRAWINGS.values())

    def draw(label: int, rng: np.random.Generator) -> np.ndarray:
        return draw_parts(drawings[label](rng), rng)

    names = tuple(f"shape {name}" for name in DRAWINGS)
    return draw_bank("shapes", names, draw, seed=seed, instances=INSTANCES, held_out=HELD_OUT)
