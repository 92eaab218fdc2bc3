"""Where pixels come from: files, arrays or somebody's dataset, each read one image at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from tlwidgets.data.decode import decode_image
from tlwidgets.errors import DataError


class Reader(Protocol):
    """A numbered collection of images."""

    def __len__(self) -> int: ...

    def read(self, index: int, max_side: int = 2048) -> np.ndarray:
        """Return image ``index`` as uint8 (H, W, 3); raise what the decoder raises when it cannot be read."""
        ...

    def sample_id(self, index: int) -> str:
        """Return a name for image ``index`` that stays the same from load to load."""
        ...

    def take(self, indices: np.ndarray) -> Reader:
        """Return the collection of these images only."""
        ...


class FileReader:
    """Picture files, decoded when asked for; only their paths are held in memory.

    Args:
        paths: Absolute paths.
        names: What to call each, for instance its path relative to the data folder.
    """

    def __init__(self, paths: Sequence[str], names: Sequence[str]) -> None:
        self.paths = list(paths)
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, index: int, max_side: int = 2048) -> np.ndarray:
        """Decode file ``index``, its longest side at most ``max_side`` pixels."""
        if not Path(self.paths[index]).is_file():  # opening a pipe would wait for ever
            raise FileNotFoundError(self.paths[index])
        return decode_image(self.paths[index], max_side)

    def sample_id(self, index: int) -> str:
        """Return the file's name in this collection."""
        return self.names[index]

    def take(self, indices: np.ndarray) -> FileReader:
        """Return the collection of these files only."""
        return FileReader([self.paths[i] for i in indices], [self.names[i] for i in indices])


class ArrayReader:
    """Images in one array.

    Args:
        images: uint8 (N, H, W, 3) or (N, H, W) grey.
        name: Prefix of the sample ids: "digits" gives "digits/17".
        numbers: (N,) the number in each sample id. Counts from 0 by default.
    """

    def __init__(self, images: np.ndarray, name: str, numbers: np.ndarray | None = None) -> None:
        self.images = images
        self.name = name
        self.numbers = np.arange(len(images)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.images)

    def read(self, index: int, max_side: int = 2048) -> np.ndarray:  # noqa: ARG002
        """Return image ``index`` as RGB; ``max_side`` does not matter to an image that is in memory anyway."""
        return to_rgb(self.images[index])

    def sample_id(self, index: int) -> str:
        """Return the collection's name and the image's number in it."""
        return f"{self.name}/{self.numbers[index]}"

    def take(self, indices: np.ndarray) -> ArrayReader:
        """Return the collection of these images only."""
        return ArrayReader(self.images[indices], self.name, self.numbers[indices])


class DatasetReader:
    """Anything with ``__len__`` and ``__getitem__`` giving (image, label), such as a torchvision dataset.

    Args:
        dataset: Its images are PIL images, uint8 or 0..1 float arrays (H, W[, C]), or tensors (C, H, W).
        numbers: (N,) which of its items are meant. All of them by default.
    """

    def __init__(self, dataset: Any, numbers: np.ndarray | None = None) -> None:
        self.dataset = dataset
        self.numbers = np.arange(len(dataset)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, index: int, max_side: int = 2048) -> np.ndarray:  # noqa: ARG002
        """Ask the dataset for its item and return the image as RGB."""
        return to_rgb(_as_array(self.dataset[int(self.numbers[index])][0]))

    def sample_id(self, index: int) -> str:
        """Return the dataset's class and the item's number."""
        return f"{type(self.dataset).__name__}/{self.numbers[index]}"

    def take(self, indices: np.ndarray) -> DatasetReader:
        """Return the collection of these items only."""
        return DatasetReader(self.dataset, self.numbers[indices])


def to_rgb(image: np.ndarray) -> np.ndarray:
    """Turn a uint8 image (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) into a new (H, W, 3) one; alpha is laid on white."""
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if image.ndim == 2:
        return np.stack([image, image, image], axis=2)
    if image.shape[2] == 4:
        colour, alpha = image[:, :, :3].astype(np.float64), image[:, :, 3:] / 255.0
        return np.asarray(np.round(colour * alpha + 255.0 * (1.0 - alpha)), dtype=np.uint8)
    return np.array(image, dtype=np.uint8)


def to_uint8(values: np.ndarray, what: str) -> np.ndarray:
    """Bring pixel values to 0..255.

    Args:
        values: uint8, other whole numbers in 0..255, booleans, or floats in 0..1; any shape.
        what: How to call them in an error message.

    Raises:
        DataError: Not a number, infinite, or outside those ranges.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "buif":
        raise DataError(f"{what} have type {values.dtype}, which is no number.", "Give uint8, or floats from 0 to 1.")
    if not np.isfinite(values).all():
        bad = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        raise DataError(f"{what} hold nan or infinity (first at index {bad[0]}).", "Remove or fill those values.")
    top = 255 if values.dtype.kind in "ui" else 1
    low, high = values.min(), values.max()
    if low < 0 or high > top:
        raise DataError(
            f"{what} of type {values.dtype} run from {low:g} to {high:g}, but 0 to {top} is expected.",
            "Give uint8 from 0 to 255, or floats from 0 to 1 without normalisation.",
        )
    return np.asarray(np.round(values * (255 / top)), dtype=np.uint8)


def _as_array(image: Any) -> np.ndarray:
    """Turn a PIL image, array or (C, H, W) tensor into a uint8 array with channels last."""
    if isinstance(image, Image.Image):
        return np.asarray(image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB"))
    array = np.asarray(image)
    if hasattr(image, "detach") and array.ndim == 3:  # a torch tensor has its channels first
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)) or 0 in array.shape:
        raise DataError(
            f"An image of the dataset has shape {array.shape}.", "Give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)."
        )
    return to_uint8(array, "The dataset's images")


def why_unreadable(path: str | None, error: Exception) -> str:
    """Say in a few words why an image could not be read.

    Args:
        path: The file, or None when it is no file.
        error: What the decoder raised.
    """
    if path is not None and not Path(path).exists():
        return "there is no such file"
    if path is not None and not Path(path).is_file():
        return "not a regular file"
    if path is not None and Path(path).stat().st_size == 0:
        return "the file is empty (0 bytes)"
    if isinstance(error, UnidentifiedImageError):
        return "the file is not a picture"
    if isinstance(error, PermissionError):
        return "no permission to read the file"
    return f"cannot be decoded: {error or type(error).__name__}"
