"""A data set beside the one that a run is about: the target domain, unlabelled images, a second task."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tlwidgets.data import ImageData, data_from_source, load_data
from tlwidgets.data.collections import image_array
from tlwidgets.data.readers import ArrayReader
from tlwidgets.errors import DataError

UNKNOWN = -1  # the label of an image that has none
VAL = 0.15  # share of images without labels that no step sees


class UnlabelledImages(ImageData):
    """Images that nobody has labelled: every label is -1, and there are no classes.

    Args:
        images: (N, H, W[, C]), uint8 or 0..1 floats.
        name: Short name.
    """

    def __init__(self, images: np.ndarray, name: str = "unlabelled") -> None:
        if not len(images):
            raise DataError("There are no images among the unlabelled ones.", "Give at least two.")
        pixels = image_array(images)
        n = len(pixels)
        split = np.full(n, "train", dtype=object)
        split[np.random.default_rng(0).permutation(n)[: int(VAL * n)]] = "val"
        labels = np.full(n, UNKNOWN, dtype=np.int64)
        super().__init__(name, (), labels, split, np.arange(n), ArrayReader(pixels, name), {"memory": name})
        self._pixels = pixels

    def save(self, folder: str | Path) -> dict[str, Any]:
        """Write the images to ``images.npy``; returns what ``second_data`` loads them from."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        np.save(Path(folder) / "images.npy", self._pixels, allow_pickle=False)
        return {"images": "images.npy"}


def any_data(source: Any, base: Path | None = None) -> ImageData:
    """Loads what a recipe calls data: anything that ``load_data`` takes, or a mapping of its arguments.

    Args:
        source: The data; a mapping as ``data_from_source`` takes, ``{"name": "digits", "labels_per_class": 5}``.
        base: Folder that relative paths of a mapping start from.

    Raises:
        DataError: The data cannot be used.
    """
    return data_from_source(dict(source), base) if isinstance(source, Mapping) else load_data(source)


def second_data(source: Any, base: Path | None = None) -> ImageData:
    """Loads a data set that may have no labels: as ``any_data``, and bare image arrays (N, H, W[, C]) too.

    Raises:
        DataError: The data cannot be used.
    """
    if isinstance(source, np.ndarray):
        return UnlabelledImages(source)
    if isinstance(source, Mapping) and set(source) == {"images"}:
        path = (base or Path()) / str(source["images"])
        try:
            return UnlabelledImages(np.load(path, allow_pickle=False))
        except (OSError, ValueError) as error:
            raise DataError(f"The unlabelled images are not at {path}: {error}.", "Bring them back.") from error
    return any_data(source, base)


def saved_options(options: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The options of a method as plain values: data sets as what they can be loaded from.

    Args:
        options: The options, data sets among them loaded.
        folder: A run's; what only memory holds is written to a folder of the option's name in it.
    """
    return {
        name: _saved(name, value, folder) if isinstance(value, ImageData) else value for name, value in options.items()
    }


def _saved(name: str, data: ImageData, folder: Path) -> dict[str, Any]:
    source = data.save(folder / name)
    places: dict[str, Any] = {
        kind: f"{name}/{source[kind]}" for kind in ("arrays", "table", "images") if kind in source
    }
    return {**source, **places}
