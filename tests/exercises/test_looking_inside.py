"""What a stage hands on, and how much first filters look at colour."""

from __future__ import annotations

import numpy as np
import pytest

from tlwidgets.exercises.experiments.describing import network
from tlwidgets.exercises.experiments.looking_inside import by_stage, colour_share


@pytest.fixture(scope="module")
def backbone():
    return network()


def test_the_last_stage_hands_on_the_features(backbone):
    images = list(np.random.default_rng(0).integers(0, 255, (5, 16, 16, 3), dtype=np.uint8))
    found = by_stage(backbone, images, batch_size=2)
    assert list(found) == [stage.name for stage in backbone.stages[:-1]]
    assert all(len(rows) == 5 for rows in found.values())
    np.testing.assert_allclose(found["stage4"], backbone.features(images), rtol=1e-4, atol=1e-5)


def test_looking_leaves_no_hook_behind(backbone):
    by_stage(backbone, [np.zeros((8, 8, 3), np.uint8)] * 2)
    assert not any(module._forward_hooks for module in backbone.model.modules())


def test_grey_filters_look_at_no_colour_and_random_ones_at_two_thirds():
    grey = np.repeat(np.random.default_rng(0).normal(size=(6, 1, 3, 3)), 3, axis=1)
    assert colour_share(grey) == pytest.approx(0)
    assert colour_share(np.random.default_rng(1).normal(size=(4000, 3, 3, 3))) == pytest.approx(2 / 3, abs=0.01)
