from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def noise(seed: int, side: int = 40) -> np.ndarray:
    """An image unlike that of any other seed: 8 x 8 random blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(blocks).resize((side, side), Image.Resampling.BICUBIC))


@pytest.fixture
def picture():
    return noise


@pytest.fixture
def make_folder(tmp_path):
    """make_folder({"cat": 5, "dog": 5}) writes that many distinct PNG files into each folder."""

    def make(counts: dict[str, int], root: Path | None = None) -> Path:
        root = root or tmp_path / "pictures"
        for number, (name, count) in enumerate(counts.items()):
            folder = root / name
            folder.mkdir(parents=True, exist_ok=True)
            for index in range(count):
                Image.fromarray(noise(1000 * number + index)).save(folder / f"{index:03d}.png")
        return root

    return make
