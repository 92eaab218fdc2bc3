"""Images are decoded once, wherever they are kept, and a full disk costs time but no image."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.training import decoded
from tlwidgets.training.batches import PreparedImages
from tlwidgets.training.decoded import InFile, InMemory, room_for

SHAPE = (3, 4, 5)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (10, *SHAPE)).astype(np.uint8))


@pytest.mark.parametrize("place", [InMemory, InFile])
def test_what_is_kept_comes_back(place: Any, images: torch.Tensor) -> None:
    kept, some = place(10, SHAPE), np.array([7, 2, 9])
    assert kept.missing(some).tolist() == [True, True, True]
    kept.keep(some, images[some])
    assert kept.missing(np.array([2, 3, 9])).tolist() == [False, True, False]
    assert torch.equal(kept.take(np.array([9, 7])), images[[9, 7]])


def test_the_nearest_place_with_room_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(room_for(10, SHAPE), InMemory)
    monkeypatch.setattr(decoded, "MEMORY_BUDGET", 100)
    assert isinstance(room_for(10, SHAPE), InFile)
    monkeypatch.setattr(decoded, "DISK_SHARE", 0.0)
    assert room_for(10, SHAPE) is None


class _Full:
    """A file on a disk with room for three images."""

    def __init__(self, file: Any) -> None:
        self.file, self.left = file, 3

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)

    def write(self, data: bytes) -> int:
        self.left -= 1
        if self.left < 0:
            raise OSError(28, "No space left on device")
        return int(self.file.write(data))


@pytest.mark.parametrize("place", ["memory", "file", "full", "nowhere"])
def test_every_image_is_right_and_decoded_once_where_there_is_room(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if place != "memory":
        monkeypatch.setattr(decoded, "MEMORY_BUDGET", 0)
    if place == "nowhere":
        monkeypatch.setattr(decoded, "DISK_SHARE", 0.0)
    data = tlw.load_data("digits", labels_per_class=1)
    prepared = PreparedImages(data, tlw.load_backbone("tlw_resnet").preprocessing)
    if place == "full":
        prepared._kept._file = _Full(prepared._kept._file)
    counts: Counter[int] = Counter()
    decode = prepared._prepare
    monkeypatch.setattr(prepared, "_prepare", lambda index: (counts.update([int(index)]), decode(index))[1])
    some = np.array([3, 11, 5, 8])
    with ThreadPoolExecutor(2) as pool:
        prepared.get(some[:2], pool)
        for _ in range(2):
            found = prepared.get(some, pool)
    assert torch.equal(found, torch.stack([decode(index) for index in some]))
    # A full disk has kept three of the four.
    assert counts[8] == {"memory": 1, "file": 1, "full": 2, "nowhere": 2}[place]
    assert counts[3] == {"memory": 1, "file": 1, "full": 1, "nowhere": 3}[place]
    assert ("No more decoded images" in caplog.text) == (place == "full")
