"""Characters of invented alphabets: one to three joined Bézier strokes of a pen.

Like Omniglot (Lake, Salakhutdinov and Tenenbaum 2015) in spirit, drawn by a program: a class is a set of control
points, an instance moves them a little, as another hand would.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from tlwidgets.backbones.sources.bank import MASK_SIZE, Bank, draw_bank, generator_for

CLASSES = 200
INSTANCES = 20
HELD_OUT = 4
HAND_JITTER = 0.055
"""Standard deviation of a control point between two hands, as a share of the picture."""
SUPERSAMPLING = 3
EXTENT = 0.66
"""Longer side of a character, as a share of the picture."""


def invent_character(seed: int, label: int) -> list[np.ndarray]:
    """Control points of one character: 1-3 strokes, each (4, 2) in [0, 1], most starting where another ended."""
    rng = generator_for(seed, "alphabet", label)
    strokes: list[np.ndarray] = []
    for _ in range(int(rng.choice([1, 2, 3], p=[0.25, 0.45, 0.3]))):
        points = rng.uniform(0.12, 0.88, (4, 2))
        if strokes and rng.random() < 0.75:
            points[0] = strokes[-1][int(rng.choice([0, 3]))]
        if rng.random() < 0.3:  # a straight stroke
            points[1:3] = on_a_line(points)
        strokes.append(points)
    drawn = np.concatenate([bezier(points) for points in strokes])
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    return [(points - (low + high) / 2) / max(high - low) * EXTENT + 0.5 for points in strokes]


def on_a_line(points: np.ndarray) -> np.ndarray:
    """Inner control points (2, 2) that make the stroke straight."""
    return np.asarray(points[0] + (points[3] - points[0]) * np.array([[1 / 3], [2 / 3]]))


def bezier(points: np.ndarray, steps: int = 28) -> np.ndarray:
    """Points along a cubic Bézier curve: (4, 2) control points -> (steps, 2)."""
    t = np.linspace(0, 1, steps)[:, None]
    weights = np.hstack([(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3])
    return np.asarray(weights @ points)


def draw_strokes(strokes: list[np.ndarray], width: float) -> np.ndarray:
    """Ink of a pen with a round tip, uint8 (64, 64); `width` in pixels."""
    size = MASK_SIZE * SUPERSAMPLING
    canvas = Image.new("L", (size, size))
    pen = ImageDraw.Draw(canvas)
    radius = width * SUPERSAMPLING / 2
    for stroke in strokes:
        path = bezier(stroke) * size
        pen.line([(float(x), float(y)) for x, y in path], fill=255, width=max(1, round(2 * radius)), joint="curve")
        for x, y in (path[0], path[-1]):
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=255)
    return np.asarray(canvas.resize((MASK_SIZE, MASK_SIZE), Image.Resampling.BOX))


def build(seed: int) -> Bank:
    """Draw every character by 24 hands, four of which are held out."""
    alphabet = [invent_character(seed, label) for label in range(CLASSES)]

    def draw(label: int, rng: np.random.Generator) -> np.ndarray:
        hand = [points + rng.normal(0, HAND_JITTER, points.shape) for points in alphabet[label]]
        for before, after in zip(alphabet[label], hand, strict=True):
            if np.allclose(before[1:3], on_a_line(before)):  # a straight stroke stays nearly straight in every hand
                after[1:3] = on_a_line(after) + rng.normal(0, 0.02, (2, 2))
        return draw_strokes(hand, width=float(rng.uniform(2.0, 7.5)))

    names = tuple(f"stroke character {label}" for label in range(CLASSES))
    return draw_bank("strokes", names, draw, seed=seed, instances=INSTANCES, held_out=HELD_OUT)
