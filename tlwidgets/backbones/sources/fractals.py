"""Iterated function systems drawn by the chaos game: a class is a set of affine maps, an instance moves their entries.

A source for pretraining since Kataoka et al., "Pre-training without natural images", ACCV 2020 (arXiv 2101.08515).
"""

from __future__ import annotations

import numpy as np

from tlwidgets.backbones.sources.bank import MASK_SIZE, Bank, draw_bank, generator_for

CLASSES = 80
INSTANCES = 14
HELD_OUT = 3
PARTICLES = 1200
STEPS = 22
JITTER = 0.035


def invent_system(seed: int, label: int) -> np.ndarray:
    """Affine maps of one class, (n_maps, 2, 3), each a contraction; retried until the attractor fills enough pixels."""
    for attempt in range(50):
        rng = generator_for(seed, "fractal system", label, attempt)
        maps = []
        for _ in range(int(rng.integers(2, 5))):
            left, _, right = np.linalg.svd(rng.normal(size=(2, 2)))
            maps.append(np.hstack([left @ np.diag(rng.uniform(0.25, 0.85, 2)) @ right, rng.uniform(-1, 1, (2, 1))]))
        system = np.stack(maps)
        if 0.08 < (draw_system(system, rng) > 40).mean() < 0.45:
            return system
    return system


def draw_system(system: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Density of the chaos game, uint8 (64, 64), scaled to fill the picture."""
    points = rng.uniform(-1, 1, (PARTICLES, 2))
    # Maps are chosen by their area, as usual, so that thin maps do not draw too many points.
    area = np.abs(np.linalg.det(system[:, :, :2])) + 0.02
    visited = []
    for step in range(STEPS):
        chosen = system[rng.choice(len(system), PARTICLES, p=area / area.sum())]
        points = np.einsum("nij,nj->ni", chosen[:, :, :2], points) + chosen[:, :, 2]
        if step >= 6:
            visited.append(points)
    cloud = np.concatenate(visited)
    low, high = np.percentile(cloud, 1, axis=0), np.percentile(cloud, 99, axis=0)
    unit = (cloud - (low + high) / 2) / (max(high - low) + 1e-6) + 0.5
    cells = np.floor((unit * 0.86 + 0.07) * MASK_SIZE).astype(int)
    inside = ((cells >= 0) & (cells < MASK_SIZE)).all(axis=1)
    counts = np.zeros((MASK_SIZE, MASK_SIZE))
    np.add.at(counts, (cells[inside, 1], cells[inside, 0]), 1)
    return (255 * np.clip(np.sqrt(counts / 24), 0, 1)).astype(np.uint8)


def build(seed: int) -> Bank:
    """Draw 80 systems, 17 instances each, three of which are held out."""
    systems = [invent_system(seed, label) for label in range(CLASSES)]

    def draw(label: int, rng: np.random.Generator) -> np.ndarray:
        moved = systems[label] + rng.normal(0, JITTER, systems[label].shape)
        return draw_system(moved, rng)

    names = tuple(f"fractal {label}" for label in range(CLASSES))
    return draw_bank("fractals", names, draw, seed=seed, instances=INSTANCES, held_out=HELD_OUT)
