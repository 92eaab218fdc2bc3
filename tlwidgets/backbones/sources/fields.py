"""Scalar fields that textures and scenes are made of: noise with a spectrum, cells, warps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree


def coordinates(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres (x, y), each (size, size), in [0, 1)."""
    axis = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(axis, axis)
    return x, y


def standardise(field: np.ndarray) -> np.ndarray:
    """Zero mean, unit standard deviation."""
    return np.asarray((field - field.mean()) / (field.std() + 1e-9))


def to_uint8(field: np.ndarray, contrast: float = 1.0) -> np.ndarray:
    """A field to uint8, two standard deviations to each side of mid-grey at contrast 1."""
    return np.asarray(np.clip(128 + 64 * contrast * standardise(field), 0, 255), dtype=np.uint8)


def spectral_noise(
    rng: np.random.Generator, size: int, weight: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Gaussian noise shaped by a weight of frequency.

    Args:
        rng: source of the noise.
        size: height and width.
        weight: (fx, fy) in cycles per picture -> amplitude, both (size, size // 2 + 1).

    Returns:
        Standardised field (size, size); it tiles.
    """
    fy, fx = np.meshgrid(np.fft.fftfreq(size) * size, np.fft.rfftfreq(size) * size, indexing="ij")
    spectrum = np.fft.rfft2(rng.normal(size=(size, size))) * weight(fx, fy)
    spectrum[0, 0] = 0
    return standardise(np.fft.irfft2(spectrum, s=(size, size)))


def cloud(rng: np.random.Generator, size: int, slope: float = 2.0, shortest: float = 1.0) -> np.ndarray:
    """Noise whose amplitude falls as frequency ** -slope above `shortest` cycles per picture."""
    return spectral_noise(rng, size, lambda fx, fy: np.maximum(np.hypot(fx, fy), shortest) ** -slope)


def cells(rng: np.random.Generator, size: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Voronoi cells that tile the picture.

    Returns:
        Distance to the nearest seed, distance to the second nearest (both in pictures), and the index of the nearest
        seed (int64); each (size, size).
    """
    seeds = rng.uniform(0, 1, (count, 2))
    x, y = coordinates(size)
    distance, owner = cKDTree(seeds, boxsize=1.0).query(np.stack([x, y], axis=-1), k=2)
    return distance[..., 0], distance[..., 1], owner[..., 0]


def warp(field: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Look a tiling field up at displaced places (nearest pixel); displacements in pixels."""
    size = field.shape[0]
    rows, columns = np.indices((size, size))
    return np.asarray(field[np.rint(rows + dy).astype(int) % size, np.rint(columns + dx).astype(int) % size])
