from __future__ import annotations

import numpy as np
import pytest

from tlwidgets.widgets.stream import Stream, decimate


def test_rows_come_back_as_they_were_appended() -> None:
    stream = Stream(("step", "loss"))
    for step in range(1000):
        stream.append(step, step / 2)
    assert len(stream) == 1000
    assert stream.rows(998).tolist() == [[998, 499], [999, 499.5]]
    assert stream.column("loss").dtype == np.float32


def test_rows_are_a_copy() -> None:
    stream = Stream(("step",))
    stream.append(1)
    stream.rows()[0, 0] = 7
    assert stream.column("step").tolist() == [1]


@pytest.mark.parametrize("size", [10, 4000, 4001, 100_000])
def test_decimation_keeps_extremes_and_ends_within_the_limit(size: int) -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([np.arange(size), rng.normal(size=size)]).astype(np.float32)
    rows[size // 3, 1], rows[size // 2, 1] = 99, -99
    kept = decimate(rows, 4000, by=1)
    assert len(kept) <= 4000
    assert kept[:, 1].max() == 99
    assert kept[:, 1].min() == -99
    assert kept[[0, -1], 0].tolist() == [0, size - 1]
    assert (np.diff(kept[:, 0]) > 0).all()


def test_decimation_takes_rows_that_are_not_numbers() -> None:
    rows = np.full((100, 2), np.nan, np.float32)
    assert len(decimate(rows, 10, by=1)) <= 10
