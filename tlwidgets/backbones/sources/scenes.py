"""Colour pictures of invented places: palettes on dead leaves, clouds, cells, skies over ground.

A class is one picture: the network must recognise from which one a patch was cut. So, unlike for the tinted masks,
colour is part of the answer. Patches for the held-out test come from a part of the picture that training never sees.
Dead leaves: Lee, Mumford and Huang, "Occlusion models for natural images", IJCV 2001.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable

import numpy as np

from tlwidgets.backbones.sources.bank import MASK_SIZE, Bank, generator_for
from tlwidgets.backbones.sources.fields import cells, cloud, coordinates, standardise
from tlwidgets.backbones.sources.textures import KINDS

SCENES = 240
HEIGHT, WIDTH = 128, 192
PATCH = MASK_SIZE
PATCHES_PER_SCENE = 14
HELD_OUT_PER_SCENE = 4


def palette(rng: np.random.Generator, colours: int = 5) -> np.ndarray:
    """Colours that go together, float (colours, 3) in [0, 1]: one or two hues, varied lightness, often muted."""
    hues = rng.random(int(rng.integers(1, 3)))
    vividness = rng.beta(1.3, 2.2)
    table = [
        colorsys.hsv_to_rgb(
            (float(rng.choice(hues)) + rng.normal(0, 0.05)) % 1,
            float(np.clip(vividness + rng.normal(0, 0.12), 0, 1)),
            float(np.clip(rng.uniform(0.1, 1.0), 0, 1)),
        )
        for _ in range(colours)
    ]
    return np.array(table)


def paint(field: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Map a field (H, W) through a palette ordered by lightness: (H, W, 3) in [0, 1]."""
    ordered = colours[np.argsort(colours.sum(axis=1))]
    rank = np.clip((standardise(field) + 2) / 4, 0, 1) * (len(ordered) - 1)
    return np.stack([np.interp(rank, np.arange(len(ordered)), ordered[:, c]) for c in range(3)], axis=-1)


def _square(field: np.ndarray) -> np.ndarray:
    """The (HEIGHT, WIDTH) part of a (WIDTH, WIDTH) field."""
    return field[:HEIGHT, :WIDTH]


def dead_leaves(rng: np.random.Generator) -> np.ndarray:
    """Overlapping discs of power-law sizes, each with its own colour and grain."""
    colours = palette(rng, 7)
    picture = np.tile(colours[0], (HEIGHT, WIDTH, 1))
    smallest, squash, grain = rng.uniform(2, 7), rng.uniform(0.5, 1.0), rng.uniform(0, 0.2)
    for _ in range(int(rng.integers(150, 420))):
        radius = min(smallest / rng.uniform(0.02, 1) ** 0.6, 45)
        x, y, turn = rng.uniform(0, WIDTH), rng.uniform(0, HEIGHT), rng.uniform(0, np.pi)
        top, left = max(0, int(y - radius)), max(0, int(x - radius))
        window = picture[top : int(y + radius) + 2, left : int(x + radius) + 2]
        rows, columns = np.indices(window.shape[:2])
        dx, dy = columns + left - x, rows + top - y
        u, v = dx * np.cos(turn) + dy * np.sin(turn), dy * np.cos(turn) - dx * np.sin(turn)
        window[u**2 + (v / squash) ** 2 < radius**2] = colours[rng.integers(len(colours))] * rng.uniform(0.75, 1.2)
    return picture + grain * rng.normal(size=(HEIGHT, WIDTH, 1))


def haze(rng: np.random.Generator) -> np.ndarray:
    """A cloud painted with a palette."""
    return paint(_square(cloud(rng, WIDTH, rng.uniform(0.5, 1.9), rng.uniform(1, 8))), palette(rng))


def mosaic(rng: np.random.Generator) -> np.ndarray:
    """Cells with a colour each, with or without joints."""
    count = int(rng.integers(30, 260))
    near, second, owner = (_square(part) for part in cells(rng, WIDTH, count))
    colours = palette(rng, 6)[rng.integers(6, size=count)][owner]
    joint = np.tanh((second - near) * WIDTH / rng.uniform(0.5, 4))
    return np.asarray(colours * (joint if rng.random() < 0.6 else np.ones_like(joint))[..., None])


def landscape(rng: np.random.Generator) -> np.ndarray:
    """A sky that fades down to the horizon over several ridges, each with a grain of its own."""
    _, y = coordinates(WIDTH)
    sky, *grounds = palette(rng, 5)
    picture = sky * (0.6 + 0.5 * y[:HEIGHT, :, None])
    for depth, ground in enumerate(grounds):
        line = (0.25 + 0.17 * depth) * HEIGHT + 7 * cloud(rng, WIDTH, 2.0)[0]
        below = np.arange(HEIGHT)[:, None] > line[None, :]
        grain = 1 + 0.2 * _square(cloud(rng, WIDTH, rng.uniform(0.1, 1.2)))
        picture = np.where(below[..., None], ground * grain[..., None], picture)
    return np.asarray(picture)


def cloth(rng: np.random.Generator) -> np.ndarray:
    """A grey texture (tiled) painted with a palette and lit unevenly."""
    kind = list(KINDS)[int(rng.integers(len(KINDS)))]
    setting = rng.uniform(0, 1, 4)
    tiles = [[KINDS[kind](setting, rng) for _ in range(3)] for _ in range(2)]
    light = 1 + 0.15 * _square(cloud(rng, WIDTH, 2.0))
    return paint(np.block(tiles), palette(rng)) * light[..., None]


def scatter(rng: np.random.Generator) -> np.ndarray:
    """Small bodies of one colour on a ground of another, as cells under a microscope or stars in the sky."""
    ground, body, rim = palette(rng, 3)
    count = int(rng.integers(40, 300))
    near, _, owner = (_square(part) for part in cells(rng, WIDTH, count))
    size = (rng.uniform(0.15, 0.45) / np.sqrt(count) * rng.uniform(0.5, 1.4, count))[owner]
    inside = np.clip((size - near) * WIDTH, 0, 1)[..., None]
    edge = np.exp(-(((size - near) * WIDTH / 2) ** 2))[..., None]
    base = ground * (1 + 0.15 * _square(cloud(rng, WIDTH, rng.uniform(0.2, 1.5))))[..., None]
    return np.asarray(base * (1 - inside) + body * inside + (rim - base) * edge * 0.5)


PLACES: tuple[Callable[[np.random.Generator], np.ndarray], ...] = (
    dead_leaves,
    haze,
    mosaic,
    landscape,
    cloth,
    scatter,
)


def draw_scene(seed: int, label: int) -> np.ndarray:
    """The whole picture of a class, uint8 (128, 192, 3)."""
    rng = generator_for(seed, "scenes", label)
    picture = PLACES[label % len(PLACES)](rng)
    return np.asarray(255 * np.clip(picture, 0, 1), dtype=np.uint8)


def cut_patches(scene: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Patches (n, 64, 64, 3) and whether each is held out; the right-hand third feeds only the held-out ones."""
    border = WIDTH - PATCH  # where the held-out part begins
    held_out = np.arange(PATCHES_PER_SCENE + HELD_OUT_PER_SCENE) >= PATCHES_PER_SCENE
    rows = rng.integers(0, HEIGHT - PATCH + 1, len(held_out))
    columns = np.where(held_out, border, rng.integers(0, border - PATCH + 1, len(held_out)))  # ends before `border`
    patches = [scene[r : r + PATCH, c : c + PATCH] for r, c in zip(rows, columns, strict=True)]
    return np.stack(patches), held_out


def build(seed: int) -> Bank:
    """Draw 240 pictures and cut 18 patches from each, four of which from the part held out."""
    pictures, labels, held_out = [], [], []
    for label in range(SCENES):
        patches, kept_back = cut_patches(draw_scene(seed, label), generator_for(seed, "patches", label))
        pictures.append(patches)
        held_out.append(kept_back)
        labels.append(np.full(len(patches), label))
    names = tuple(f"scene {PLACES[label % len(PLACES)].__name__} {label}" for label in range(SCENES))
    return Bank("scenes", np.concatenate(pictures), np.concatenate(labels), np.concatenate(held_out), names)
