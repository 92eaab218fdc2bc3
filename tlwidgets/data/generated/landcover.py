"""Drawn satellite tiles: what covers the land, in summer, in winter and through another satellite's sensor."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.generated.clouds import clouds
from tlwidgets.data.generated.scans import to_pixels
from tlwidgets.data.world import World

SIDE = 32
CLASSES = ("crops", "forest", "meadow", "town", "water")
DOMAINS = ("summer", "winter", "sensor")


def draw(
    seed: int = 0, domain: str = "summer", shift: float = 1.0, per_class: int = 250
) -> tuple[np.ndarray, np.ndarray]:
    """Draw tiles of land.

    Args:
        seed: Another seed, other places.
        domain: "summer", "winter" (bare fields, brown woods, snow, long shadows) or "sensor" (another satellite: its
            own gain for each colour, haze, blur and grain).
        shift: How far the domain departs from summer.
        per_class: Tiles of each class.

    Returns:
        uint8 (5 * per_class, 32, 32, 3) images and int64 labels, classes in turn.
    """
    rng = np.random.default_rng([seed, DOMAINS.index(domain)])  # no place is seen in two domains
    labels = np.arange(5 * per_class) % 5
    batches = np.split(labels, range(50, len(labels), 50))  # in batches that fit the processor's cache
    return np.concatenate([_batch(rng, batch, domain, shift) for batch in batches]), labels


def _batch(rng: np.random.Generator, labels: np.ndarray, domain: str, shift: float) -> np.ndarray:
    """Draw tiles, each with a corner of some other land, under a sky that is never twice the same."""
    winter = shift if domain == "winter" else 0.0
    images = _land(rng, labels, winter)
    other = _land(rng, rng.integers(0, 5, len(labels)), winter)
    u, _ = _turned(rng, len(labels), wander=0.0)
    corner = u > rng.uniform(2.0, 12.0, (len(labels), 1, 1))
    images = np.where(corner[..., None], other, images)
    images = images * rng.uniform(0.7, 1.2, (len(labels), 1, 1, 1)) + 0.06 * rng.normal(size=(len(labels), 1, 1, 3))
    if domain == "sensor":
        images = _other_sensor(rng, images, shift)
    return to_pixels(images + 0.03 * rng.normal(size=images.shape))


def _land(rng: np.random.Generator, labels: np.ndarray, winter: float) -> np.ndarray:
    """Return tiles (N, 32, 32, 3) covered by what ``labels`` say."""
    images = np.empty((len(labels), SIDE, SIDE, 3))
    for number, cover in enumerate((_crops, _forest, _meadow, _town, _water)):
        images[labels == number] = cover(rng, int((labels == number).sum()), winter)
    return _snow(rng, images, labels, winter)


def _turned(rng: np.random.Generator, count: int, wander: float = 99.0) -> tuple[np.ndarray, np.ndarray]:
    """Return pixel coordinates in ``count`` frames, each turned and moved at random: two (N, 32, 32)."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    angle = rng.uniform(0, 2 * np.pi, (count, 1, 1))
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return u + rng.uniform(0, wander, angle.shape), v + rng.uniform(0, wander, angle.shape)


def _tinted(rng: np.random.Generator, summer: list[float], winter: list[float], share: float, shape: int) -> np.ndarray:
    """Return ``shape`` colours around a mixture of two: (N, 1, 1, 3)."""
    colour = np.array(summer) + share * (np.array(winter) - np.array(summer))
    return np.asarray(colour + 0.07 * rng.normal(size=(shape, 1, 1, 3)))


def _crops(rng: np.random.Generator, count: int, winter: float) -> np.ndarray:
    """Parcels of different crops with furrows."""
    u, v = _turned(rng, count)
    wide, long = (rng.uniform(7, 14, (count, 1, 1)) for _ in range(2))
    parcel = (u // wide).astype(np.int64) * 7 + (v // long).astype(np.int64) * 13
    ripe = ((parcel * 2654435761) % 97 / 97.0)[..., None]
    green = _tinted(rng, [0.30, 0.52, 0.20], [0.42, 0.36, 0.26], winter, count)
    yellow = _tinted(rng, [0.72, 0.64, 0.32], [0.50, 0.42, 0.32], winter, count)
    furrows = 0.05 * np.sin(u * rng.uniform(1.6, 2.4, (count, 1, 1)))[..., None]
    return np.asarray(green + ripe * (yellow - green) + furrows)


def _forest(rng: np.random.Generator, count: int, winter: float) -> np.ndarray:
    """Crowns of trees, lit from one side."""
    crowns = clouds(rng, count, SIDE, 11)
    lit = crowns - np.roll(crowns, 1, axis=2)
    colour = _tinted(rng, [0.14, 0.34, 0.14], [0.34, 0.28, 0.22], winter, count)
    return np.asarray(colour * (0.6 + 0.8 * crowns[..., None]) + 0.25 * lit[..., None])


def _meadow(rng: np.random.Generator, count: int, winter: float) -> np.ndarray:
    """Grass, wetter here and drier there."""
    dry = clouds(rng, count, SIDE, 4)[..., None]
    wet_colour = _tinted(rng, [0.30, 0.50, 0.22], [0.46, 0.42, 0.28], winter, count)
    dry_colour = _tinted(rng, [0.50, 0.54, 0.28], [0.52, 0.46, 0.34], winter, count)
    return np.asarray(wet_colour + dry * (dry_colour - wet_colour))


def _town(rng: np.random.Generator, count: int, winter: float) -> np.ndarray:
    """Rows of roofs between streets, each roof with its shadow."""
    u, v = _turned(rng, count)
    step = rng.uniform(6, 10, (count, 1, 1))
    house = (u // step).astype(np.int64) * 7 + (v // step).astype(np.int64) * 13
    tone = ((house * 2654435761) % 89 / 89.0)[..., None]
    roof = ((u % step > 2) & (v % step > 2))[..., None]
    shadow = ((u % step > 1) & (u % step <= 2) & (v % step > 2))[..., None]
    street = _tinted(rng, [0.55, 0.55, 0.53], [0.48, 0.48, 0.48], winter, count)
    tiles = np.array([0.62, 0.36, 0.28]) + tone * (np.array([0.62, 0.62, 0.62]) - np.array([0.62, 0.36, 0.28]))
    return np.asarray(np.where(roof, tiles, street) * np.where(shadow, 0.45 - 0.15 * winter, 1.0))


def _water(rng: np.random.Generator, count: int, winter: float) -> np.ndarray:
    """Open water, deeper here and shallower there."""
    shallow = clouds(rng, count, SIDE, 3)[..., None]
    deep = _tinted(rng, [0.08, 0.20, 0.34], [0.16, 0.22, 0.28], winter, count)
    return np.asarray(deep + 0.12 * shallow * [0.6, 1.0, 0.8])


def _snow(rng: np.random.Generator, images: np.ndarray, labels: np.ndarray, winter: float) -> np.ndarray:
    """Let snow lie in patches, less on woods and roofs and none on water."""
    lies = np.array([1.0, 0.6, 1.0, 0.6, 0.0])[labels][:, None, None]
    patches = clouds(rng, len(images), SIDE, 4) + 0.25 * clouds(rng, len(images), SIDE, 14)
    cover = lies * np.clip(4 * (patches - 1.25 + 0.85 * winter), 0, 0.9) * (winter > 0)
    return np.asarray(images + cover[..., None] * (np.array([0.92, 0.94, 0.97]) - images))


def _other_sensor(rng: np.random.Generator, images: np.ndarray, shift: float) -> np.ndarray:
    """See the same land with other gains, through haze, blurred and grainy."""
    blurred = sum(np.roll(images, (dy, dx), (1, 2)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)) / 9.0
    images = images + shift * (blurred - images)
    seen = images * (1 + shift * np.array([-0.35, 0.0, 0.45]))
    hazy = seen + 0.35 * shift * (np.array([0.70, 0.74, 0.80]) - seen)
    return np.asarray(hazy + 0.04 * shift * rng.normal(size=images.shape))


LANDCOVER = World(
    name="landcover",
    summary="Drawn satellite tiles of five kinds of land, in two seasons and through two sensors",
    classes=CLASSES,
    shape=(SIDE, SIDE),
    licence="BSD-3-Clause, drawn by tlwidgets",
    draw=draw,
    domains=DOMAINS,
    sha256="85c12e7fadf181ae30d8b9e4d4bcbe102b1e5c4087dbdd9942361b9f6ea8930b",
)
