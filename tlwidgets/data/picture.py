"""One picture, however somebody gives it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tlwidgets.data.decode import decode_image
from tlwidgets.data.readers import to_rgb, why_unreadable
from tlwidgets.errors import DataError

WANTED = "Give uint8 of shape (H, W, 3) or (H, W), the path of a picture file, or data.image(0)."


def as_picture(picture: Any, max_side: int = 2048) -> np.ndarray:
    """Turn what somebody gives for a picture into uint8 (H, W, 3).

    Args:
        picture: uint8 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); a PIL image; or the path of a picture file.
        max_side: Longest side in pixels of a picture that is read from a file.

    Raises:
        DataError: It is none of them, it has no pixels, or the file cannot be read.
    """
    if isinstance(picture, str | Path):
        return _read(str(picture), max_side)
    if isinstance(picture, Image.Image):
        picture = picture if picture.mode in ("L", "RGB", "RGBA") else picture.convert("RGB")
    try:
        pixels = np.asarray(picture)
    except (TypeError, ValueError) as error:
        raise DataError(f"A {type(picture).__name__} is no picture: {error}.", WANTED) from error
    if pixels.ndim == 0:
        raise DataError(f"{picture!r:.60} is no picture.", WANTED)
    flat = pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (1, 3, 4))
    if flat or pixels.dtype != np.uint8 or not pixels.size:
        raise DataError(f"The image has shape {pixels.shape} and type {pixels.dtype}.", WANTED)
    return to_rgb(pixels)


def _read(path: str, max_side: int) -> np.ndarray:
    try:
        if not Path(path).is_file():  # opening a pipe would wait for ever
            raise FileNotFoundError(path)
        return decode_image(path, max_side)
    except (OSError, ValueError) as error:
        raise DataError(f"The picture {path!r} cannot be used: {why_unreadable(path, error)}.", WANTED) from error
