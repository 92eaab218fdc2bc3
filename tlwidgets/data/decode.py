"""Picture files to RGB arrays: Pillow and numpy only.

The source text of both functions is copied into the script a recipe prints, so neither refers to anything but these
imports.
"""

import numpy as np
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile


def decode_image(path: str, max_side: int = 2048) -> np.ndarray:
    """Read one picture as people see it: upright, opaque, eight bits a channel.

    EXIF rotation is applied, transparency is laid on white, of an animation the first frame is taken, CMYK becomes RGB,
    grey is repeated, and sixteen bits are scaled to eight by dividing by 257 (65535 / 255).

    Args:
        path: A PNG, JPEG, BMP, GIF, WebP, AVIF, TIFF, PPM or JPEG 2000 file.
        max_side: Longest side of the result in pixels. Larger pictures are shrunk, JPEG already while being decoded,
            so that a very large one never fills the memory. Lower it to decode faster.

    Returns:
        uint8 array of shape (height, width, 3).

    Raises:
        OSError: The file is missing, truncated or no picture (``PIL.UnidentifiedImageError``).
        ValueError: It has too many pixels to be decoded safely, or float values outside 0..255.
    """
    Image.init()
    # none of these runs a program, as EPS does
    wanted = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "AVIF", "TIFF", "PPM", "JPEG2000")
    try:
        opened: Image.Image = Image.open(path, formats=[name for name in wanted if name in Image.OPEN])
    except Image.DecompressionBombError as error:
        try:
            opened = JpegImageFile(path)  # only JPEG can be decoded at a fraction of its size
        except SyntaxError:
            raise ValueError(f"{error}") from None
    with opened as picture:
        scale = min(1.0, max_side / max(picture.size))
        picture.draft(None, (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
        picture.load()
        upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I") or upright.mode == "F":
        values = np.asarray(upright, dtype=np.float64)
        top = 65535.0 if upright.mode.startswith("I") else (1.0 if values.max() <= 1.0 else 255.0)
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > top:
            raise ValueError(f"pixel values from {values.min():g} to {values.max():g} where 0 to {top:g} was expected")
        upright = Image.fromarray(np.round(values * (255.0 / top)).astype(np.uint8))
    if upright.mode in ("RGBA", "RGBa", "LA", "La", "PA") or "transparency" in upright.info:
        upright = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    upright = upright.convert("RGB")
    upright.thumbnail((max_side, max_side))
    return np.array(upright, dtype=np.uint8)


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Shrink an RGB image to 16 x 16, the fingerprint by which near-identical images are found.

    Args:
        image: uint8 array of shape (height, width, 3).

    Returns:
        uint8 array of shape (16, 16, 3); each value is the mean of its box.
    """
    return np.asarray(Image.fromarray(image).resize((16, 16), Image.Resampling.BOX))
