"""Sine waves: each task is one wave, to be learned from a few of its points (Finn et al. 2017, arXiv 1703.03400)."""

from __future__ import annotations

import numpy as np

REACH = 5.0  # inputs lie between -5 and 5


def draw_waves(seed: int, n_tasks: int, n_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw points of waves of any height from 0.1 to 5 and phase from 0 to pi.

    Args:
        seed: Another seed, other waves.
        n_tasks: How many waves.
        n_points: Points of each.

    Returns:
        Inputs and outputs, both float32 (n_tasks, n_points, 1).
    """
    rng = np.random.default_rng(seed)
    height, phase = rng.uniform(0.1, 5.0, (n_tasks, 1, 1)), rng.uniform(0.0, np.pi, (n_tasks, 1, 1))
    inputs = rng.uniform(-REACH, REACH, (n_tasks, n_points, 1))
    return inputs.astype(np.float32), (height * np.sin(inputs - phase)).astype(np.float32)
