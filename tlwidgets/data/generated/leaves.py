"""Crop disease on drawn leaves: what the disease does stays, light and background change from place to place."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.clouds import clouds
from tlwidgets.data.generated.scans import to_pixels
from tlwidgets.data.world import World

SIDE = 48
CLASSES = ("blight", "healthy", "rust", "spots")
DOMAINS = ("greenhouse", "field", "dusk")


def draw(
    seed: int = 0, domain: str = "greenhouse", shift: float = 1.0, per_class: int = 250
) -> tuple[np.ndarray, np.ndarray]:
    """Draw leaves with round spots, rust dots, a blighted part, or none of these.

    Args:
        seed: Another seed, other leaves.
        domain: "greenhouse" (pale bench, even light), "field" (soil and foliage behind, patches of shade) or "dusk"
            (low warm light, strong shade, a noisy camera).
        shift: How far the domain departs from the greenhouse.
        per_class: Leaves of each class.

    Returns:
        uint8 (4 * per_class, 48, 48, 3) images and int64 labels, classes in turn.
    """
    rng = np.random.default_rng([seed, DOMAINS.index(domain)])  # no leaf grows in two places
    labels = np.arange(4 * per_class) % 4
    batches = np.split(labels, range(40, len(labels), 40))  # in batches that fit the processor's cache
    return np.concatenate([_batch(rng, batch, domain, shift) for batch in batches]), labels


def _batch(rng: np.random.Generator, labels: np.ndarray, domain: str, shift: float) -> np.ndarray:
    leaf, colour = _leaves(rng, len(labels))
    for number, harm in enumerate((_blight, None, _rust, _spots)):
        some = np.flatnonzero(labels == number)
        if harm is not None:
            colour[some] = harm(rng, leaf[some], colour[some])
    images = _scene(rng, leaf, colour, shift if domain == "field" else 0.0)
    return to_pixels(_light(rng, images, domain, shift))


def _leaves(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw healthy leaves: masks (N, 48, 48) from 0 to 1 and colours (N, 48, 48, 3)."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    angle, length, width, skew = (
        rng.uniform(low, high, (count, 1, 1)) for low, high in ((0, 2 * np.pi), (0.8, 1.0), (0.36, 0.6), (-0.4, 0.4))
    )
    x = x - rng.uniform(-0.12, 0.12, (count, 1, 1))
    y = y - rng.uniform(-0.12, 0.12, (count, 1, 1))
    along = (np.cos(angle) * x + np.sin(angle) * y) / length
    across = np.cos(angle) * y - np.sin(angle) * x
    half = width * np.clip(1 - along**2, 0, None) ** 0.7 * (1 + skew * along)
    mask = np.clip((half - np.abs(across)) * SIDE / 3, 0, 1)
    veins = np.cos((along * 9 - 2.5 * np.abs(across) / width) * np.pi) > 0.86
    ribs = 0.10 * veins + 0.22 * (np.abs(across) < 0.035)
    hue = rng.uniform([0.16, 0.42, 0.10], [0.34, 0.62, 0.20], (count, 3))
    mottle = 0.85 + 0.3 * clouds(rng, count, SIDE, 6)
    return mask, hue[:, None, None, :] * mottle[..., None] + ribs[..., None] * [0.6, 0.7, 0.3]


def _discs(rng: np.random.Generator, leaf: np.ndarray, number: int, low: float, high: float) -> np.ndarray:
    """Return for each pixel how deep it lies in the deepest of ``number`` discs on the leaf, in pixels: (N, 48, 48)."""
    y, x = np.mgrid[:SIDE, :SIDE]
    depth = np.full(leaf.shape, -99.0)
    weights = (leaf > 0.8).reshape(len(leaf), -1).cumsum(axis=1)
    for _ in range(number):
        target = rng.integers(1, weights[:, -1] + 1)[:, None]
        row, column = np.divmod((weights < target).sum(axis=1), SIDE)  # a random pixel of the leaf
        radius = rng.uniform(low, high, (len(leaf), 1, 1)) * (rng.random((len(leaf), 1, 1)) < 0.8)
        away = np.hypot(y - row[:, None, None], x - column[:, None, None])
        depth = np.maximum(depth, np.where(radius > 0, radius - away, -99.0))
    return depth


def _mix(colour: np.ndarray, share: np.ndarray, other: list[float]) -> np.ndarray:
    return np.asarray(colour + share[..., None] * (np.array(other) - colour))


def _spots(rng: np.random.Generator, leaf: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Round brown spots of 2 to 4 pixels with a yellow halo."""
    depth = _discs(rng, leaf, 6, 1.8, 3.6)
    colour = _mix(colour, 0.6 * np.clip(depth + 1.6, 0, 1), [0.72, 0.68, 0.20])
    return _mix(colour, 0.85 * np.clip(depth, 0, 1), [0.34, 0.22, 0.10])


def _rust(rng: np.random.Generator, leaf: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """Many orange dots of about a pixel."""
    depth = _discs(rng, leaf, 34, 0.8, 1.4)
    return _mix(colour, 0.8 * np.clip(depth, 0, 1), [0.74, 0.40, 0.10])


def _blight(rng: np.random.Generator, leaf: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """One large brown part with a ragged yellow border, spreading from a point on the leaf."""
    ragged = 7 * (clouds(rng, len(leaf), SIDE, 8) - 0.5)
    depth = _discs(rng, leaf, 2, 6.0, 10.0) + ragged
    colour = _mix(colour, 0.55 * np.clip((depth + 2.5) / 2, 0, 1), [0.72, 0.68, 0.20])
    return _mix(colour, 0.8 * np.clip(depth / 2, 0, 1), [0.36, 0.25, 0.14])


def _scene(rng: np.random.Generator, leaf: np.ndarray, colour: np.ndarray, clutter: float) -> np.ndarray:
    """Lay the leaves on a pale bench that gives way to soil and foliage as ``clutter`` goes from 0 to 1."""
    count = len(leaf)
    bench = np.array([0.82, 0.82, 0.80]) + 0.05 * (clouds(rng, count, SIDE, 3)[..., None] - 0.5)
    green, speckle = clouds(rng, count, SIDE, 5)[..., None], clouds(rng, count, SIDE, 20)[..., None]
    soil, foliage = np.array([0.42, 0.30, 0.20]), np.array([0.22, 0.48, 0.14])
    ground = np.where(green > 0.5, foliage, soil) * (0.5 + speckle)
    behind = bench + clutter * (ground - bench)
    return np.asarray(behind + leaf[..., None] * (colour - behind))


def _light(rng: np.random.Generator, images: np.ndarray, domain: str, shift: float) -> np.ndarray:
    """Light the scene: shade in patches, a cast of colour, exposure and the camera's grain."""
    depart = {"greenhouse": 0.0, "field": shift, "dusk": shift}[domain]
    shade, cast, grain = {"dusk": (0.4, [0.85, 0.55, 0.42], 0.03)}.get(domain, (0.5, [1.0, 0.98, 0.85], 0.0))
    patches = clouds(rng, len(images), SIDE, 3)
    tint = 1 + depart * (np.array(cast) - 1)
    exposure = rng.uniform(0.92, 1.08, (len(images), 1, 1, 1))
    lit = images * exposure * tint * (1 - depart * shade * patches)[..., None]
    return np.asarray(lit + (0.015 + depart * grain) * rng.normal(size=images.shape))


LEAVES = World(
    name="leaves",
    summary="Drawn leaves with blight, rust, spots or none, in three places",
    classes=CLASSES,
    shape=(SIDE, SIDE),
    licence="BSD-3-Clause, drawn by tlwidgets",
    draw=draw,
    domains=DOMAINS,
    sha256="e355b4432417a4bf9f62986d6c91d586a371ad721553efaf0fc94b620819ed34",
)
