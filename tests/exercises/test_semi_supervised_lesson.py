"""What lesson 11 shows besides its claims: more labels of the same draw, and the gain of spreading."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tlwidgets.exercises.experiments import semi_supervised
from tlwidgets.exercises.experiments.semi_supervised import gains, label_curve, scans


def test_scans_that_are_labelled_where_there_are_few_stay_so_where_there_are_more():
    _, labels, one = scans(4, 1)
    chosen = [set(scans(4, count)[2]) for count in (1, 2, 3, 5, 20)]
    assert all(fewer < more for fewer, more in pairwise(chosen))
    assert sorted(labels[one]) == list(range(10))
    assert np.array_equal(np.bincount(labels[scans(4, 20)[2]]), [20] * 10)


def test_the_curve_is_the_mean_of_its_draws(monkeypatch):
    def found(seed: int = 0, labels_per_class: int = 3) -> dict[str, float]:
        return {"labels alone": 0.1 * labels_per_class, "spreading": 0.1 * labels_per_class + 0.3 * seed}

    monkeypatch.setattr(semi_supervised, "two_readers", found)
    wanted = pd.DataFrame({"labels alone": [0.1, 0.2], "spreading": [0.4, 0.5]}, index=[1, 2])
    pd.testing.assert_frame_equal(label_curve([1, 2]), wanted, check_names=False)
    assert gains(1) == pytest.approx([0, 0.3, 0.6])
