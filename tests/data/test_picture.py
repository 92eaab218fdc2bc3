"""One picture, however it is given, and what is said of what is none."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlwidgets.data.picture import as_picture
from tlwidgets.errors import DataError

COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def test_files_arrays_and_pil_images_of_the_same_picture_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(COLOURS).save(path)
    for given in (COLOURS, path, str(path), Image.fromarray(COLOURS)):
        assert np.array_equal(as_picture(given), COLOURS)
    assert as_picture(path, max_side=4).shape == (3, 4, 3)


def test_grey_becomes_colour_and_nothing_transparent_is_left() -> None:
    grey = COLOURS[..., 0]
    assert np.array_equal(as_picture(grey), np.repeat(grey[..., None], 3, axis=2))
    assert np.array_equal(as_picture(grey[..., None]), as_picture(grey))
    clear = np.zeros((2, 2, 4), np.uint8)
    assert (as_picture(clear) == 255).all()


def test_what_is_given_is_not_handed_on() -> None:
    as_picture(COLOURS)[:] = 0
    assert COLOURS.any()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (3, r"3 is no picture. Give uint8 .* data.image\(0\)"),
        (None, "None is no picture"),
        (np.zeros((0, 4, 3), np.uint8), r"shape \(0, 4, 3\)"),
        (COLOURS / 255, "float64"),
        (COLOURS[None], r"shape \(1, 5, 7, 3\)"),
        (COLOURS[..., :2], r"shape \(5, 7, 2\)"),
        ([[1], [1, 2]], "list is no picture"),
        ("nowhere.png", "'nowhere.png' cannot be used: there is no such file"),
        (".", "not a regular file"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_refused(given: object, told: str) -> None:
    with pytest.raises(DataError, match=told):
        as_picture(given)


def test_files_that_are_none_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="the file is not a picture"):
        as_picture(tmp_path / "text.png")
    with pytest.raises(DataError, match="not a regular file"):
        as_picture(tmp_path / "pipe.png")
