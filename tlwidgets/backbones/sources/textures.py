"""Grey textures: twelve recipes with several settings each; an instance is a fresh sample of the same setting."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlwidgets.backbones.sources.bank import MASK_SIZE, Bank, draw_bank, generator_for
from tlwidgets.backbones.sources.fields import cells, cloud, coordinates, spectral_noise, standardise, to_uint8, warp

INSTANCES = 14
HELD_OUT = 3
SETTINGS_PER_KIND = 8
Settings = np.random.Generator
Draw = Callable[[np.ndarray, np.random.Generator], np.ndarray]
TAU = 2 * np.pi


def spectrum(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise whose power falls with frequency: clouds at one end, sand at the other."""
    return cloud(rng, MASK_SIZE, slope=0.1 + 1.9 * s[0], shortest=1 + 5 * s[1])


def band(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise of one frequency and, more or less, one orientation: ripples, brushed metal, fur."""
    centre, angle, focus = 3 + 13 * s[0], np.pi * s[1], 0.4 + 8 * s[2]

    def weight(fx: np.ndarray, fy: np.ndarray) -> np.ndarray:
        radius, direction = np.hypot(fx, fy), np.arctan2(fy, fx)
        ring = np.exp(-(((radius - centre) / (0.25 * centre + 1)) ** 2))
        return np.asarray(ring * np.exp(focus * (np.cos(2 * (direction - angle)) - 1)))

    return spectral_noise(rng, MASK_SIZE, weight)


def stripes(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Parallel stripes, straight to wavy, thin to broad."""
    x, _ = coordinates(MASK_SIZE)
    bend = 0.12 * s[2] * cloud(rng, MASK_SIZE, 2.0, 2)
    phase = (3 + 8 * s[0]) * (x + bend) + rng.random()
    return np.asarray(np.tanh(6 * (np.cos(TAU * phase) - 1.2 * (s[1] - 0.5))))


def checks(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Checks and plaids."""
    x, y = coordinates(MASK_SIZE)
    across, down = np.cos(TAU * ((2 + 6 * s[0]) * x + rng.random())), np.cos(TAU * ((2 + 6 * s[1]) * y + rng.random()))
    return np.asarray(np.tanh(8 * across * down) if s[2] > 0.5 else np.tanh(4 * across) + np.tanh(4 * down))


def dots(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spots of one size, in a lattice or scattered."""
    count = int(6 + 60 * s[0] ** 2)
    near, _, _ = cells(rng, MASK_SIZE, count)
    radius = (0.25 + 0.35 * s[1]) / np.sqrt(count)
    return np.asarray(np.tanh((radius - near) * MASK_SIZE))


def stones(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cells of different greys with dark joints."""
    count = int(8 + 80 * s[0] ** 2)
    near, second, owner = cells(rng, MASK_SIZE, count)
    joint = np.tanh((second - near) * MASK_SIZE / (1 + 3 * s[1]))
    return np.asarray(2 * joint + (0.2 + s[2]) * rng.normal(size=count)[owner])


def cracks(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Thin dark lines between cells on a faintly cloudy ground."""
    near, second, _ = cells(rng, MASK_SIZE, int(6 + 40 * s[0] ** 2))
    line = np.exp(-(((second - near) * MASK_SIZE / (0.8 + 1.5 * s[1])) ** 2))
    return np.asarray(-3 * line + (0.2 + s[2]) * cloud(rng, MASK_SIZE, 1.5))


def bricks(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Courses of bricks with mortar, each brick its own grey."""
    rows, columns = int(3 + 6 * s[0]), int(2 + 4 * s[1])
    x, y = coordinates(MASK_SIZE)
    row = np.floor(rows * y).astype(int)
    along = columns * (x + rng.random()) + 0.5 * (row % 2)
    beside, above = 0.5 - np.abs(along % 1 - 0.5), 0.5 - np.abs(rows * y % 1 - 0.5)
    mortar = np.minimum(beside / columns, above / rows)
    tone = rng.normal(size=(rows, 4 * columns + 4))[row, np.floor(along).astype(int)]
    return np.asarray(2.5 * np.tanh(mortar * MASK_SIZE / (0.8 + s[2])) + 0.6 * tone + 0.3 * cloud(rng, MASK_SIZE, 0.6))


def blades(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Many short strokes about one direction: grass, straw, hair."""
    field = np.zeros((MASK_SIZE, MASK_SIZE))
    count, length = int(60 + 200 * s[0]), 6 + 18 * s[1]
    angle = np.pi * s[2] + rng.normal(0, 0.1 + 0.5 * s[3], count)
    start, tone = rng.uniform(0, MASK_SIZE, (count, 2)), rng.normal(size=count)
    for along in np.linspace(0, length, int(length * 1.5)):
        rows = (start[:, 1] + along * np.sin(angle)).astype(int) % MASK_SIZE
        columns = (start[:, 0] + along * np.cos(angle)).astype(int) % MASK_SIZE
        field[rows, columns] = tone
    return field


def weave(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Threads over and under."""
    x, y = coordinates(MASK_SIZE)
    n = 4 + 8 * s[0]
    over = np.sign(np.sin(np.pi * n * x) * np.sin(np.pi * n * y))
    thread = np.where(over > 0, np.abs(np.sin(np.pi * n * x)), np.abs(np.sin(np.pi * n * y)) * (0.3 + s[1]))
    return np.asarray(thread + (0.1 + 0.4 * s[2]) * cloud(rng, MASK_SIZE, 0.4))


def marble(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Veins: a wave bent by strong noise (wood at one end, marble at the other)."""
    x, y = coordinates(MASK_SIZE)
    bend = (0.2 + 1.6 * s[1]) * cloud(rng, MASK_SIZE, 2.0, 1)
    return np.asarray(np.sin(TAU * ((1 + 5 * s[0]) * x + (3 * s[2]) * y) + 3 * bend))


def spots(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Thresholded band noise, as reaction and diffusion leave it: labyrinths and leopard spots."""
    ring = 4 + 9 * s[0]
    field = spectral_noise(rng, MASK_SIZE, lambda fx, fy: np.exp(-(((np.hypot(fx, fy) - ring) / 1.2) ** 2)))
    return np.asarray(np.tanh(4 * (field - 1.6 * (s[1] - 0.5))))


def writing(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lines of small marks with gaps, like a page seen from afar."""
    rows = int(4 + 6 * s[0])
    x, y = coordinates(MASK_SIZE)
    row = np.floor(rows * y).astype(int)
    marks = cloud(rng, MASK_SIZE, 0.3) + 0.8 * cloud(rng, MASK_SIZE, 1.0, 6)
    gaps = rng.random((rows, 12))[row, np.floor(12 * x).astype(int)] > 0.15 + 0.2 * s[1]
    inside = (np.abs(rows * y % 1 - 0.5) < 0.2 + 0.12 * s[2]) & gaps
    return np.where(inside, -np.abs(marks) - 0.6, 0.8)


def ridges(s: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise folded at zero and displaced by itself: mountains, bark, crumpled paper."""
    base = cloud(rng, MASK_SIZE, 0.8 + 0.9 * s[0], 1 + 3 * s[1])
    moved = warp(base, 6 * s[2] * cloud(rng, MASK_SIZE, 2), 6 * s[2] * cloud(rng, MASK_SIZE, 2))
    return np.asarray(-np.abs(moved))


KINDS: dict[str, Draw] = {
    draw.__name__: draw
    for draw in (
        spectrum, band, stripes, checks, dots, stones, cracks, bricks, blades, weave, marble, spots, writing, ridges,
    )
}  # fmt: skip


def settings(seed: int, kind: str) -> np.ndarray:
    """Eight settings of a kind, (8, 4) in [0, 1], spread so that no two are alike (best of 40 random sets)."""
    rng = generator_for(seed, "texture settings", kind)
    candidates = rng.uniform(0, 1, (40, SETTINGS_PER_KIND, 4))
    gaps = np.linalg.norm(candidates[:, :, None] - candidates[:, None], axis=3) + 9 * np.eye(SETTINGS_PER_KIND)
    return np.asarray(candidates[gaps.min(axis=(1, 2)).argmax()])


def draw_texture(kind: str, setting: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One sample of a kind, uint8 (64, 64), with a little light falling off across it."""
    x, y = coordinates(MASK_SIZE)
    light = rng.normal(0, 0.35) * (x - 0.5) + rng.normal(0, 0.35) * (y - 0.5)
    return to_uint8(standardise(KINDS[kind](setting, rng)) + light)


def build(seed: int) -> Bank:
    """Draw 14 kinds with 8 settings, 17 instances each, three of which are held out."""
    classes = [(kind, i) for kind in KINDS for i in range(SETTINGS_PER_KIND)]
    table = {kind: settings(seed, kind) for kind in KINDS}

    def draw(label: int, rng: np.random.Generator) -> np.ndarray:
        kind, index = classes[label]
        return draw_texture(kind, table[kind][index], rng)

    names = tuple(f"texture {kind} {i}" for kind, i in classes)
    return draw_bank("textures", names, draw, seed=seed, instances=INSTANCES, held_out=HELD_OUT)
