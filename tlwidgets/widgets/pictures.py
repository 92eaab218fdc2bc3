"""Small PNG pictures of images from the data, for a page that must not see the files themselves."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image


def thumbnail(image: np.ndarray, side: int = 72) -> bytes:
    """Encodes an image as a small PNG.

    Args:
        image: uint8 (H, W, 3).
        side: Largest side of the picture, pixels. Images smaller than half of it are enlarged without smoothing, so
            that a digit of 8 x 8 pixels shows its pixels.

    Returns:
        The bytes of a PNG file.
    """
    picture = Image.fromarray(image)
    factor = side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    picture = picture.resize(size, Image.Resampling.NEAREST if factor > 2 else Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
