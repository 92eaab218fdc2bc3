"""Letters and symbols of the fonts that Matplotlib ships (DejaVu, STIX): no digit, no number of any script.

The fonts come with Matplotlib (DejaVu: Bitstream Vera licence, changes in the public domain; STIX: SIL Open Font
Licence 1.1) and are read where they are installed; nothing of them is stored in this package.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont

from tlwidgets.backbones.sources.bank import MASK_SIZE, Bank

BLOCKS = (
    (0x0041, 0x007A),  # Latin
    (0x00C6, 0x00FE),  # Latin-1 letters
    (0x0250, 0x02A0),  # phonetic
    (0x0391, 0x03C9),  # Greek
    (0x0402, 0x044F),  # Cyrillic
    (0x0531, 0x0586),  # Armenian
    (0x05D0, 0x05EA),  # Hebrew
    (0x0627, 0x064A),  # Arabic, isolated forms
    (0x10D0, 0x10F0),  # Georgian
    (0x1401, 0x1460),  # Canadian syllabics
    (0x2190, 0x21D5),  # arrows
    (0x2200, 0x22A5),  # mathematical operators
    (0x2600, 0x2668),  # miscellaneous symbols
    (0x2701, 0x2740),  # dingbats
    (0x2D30, 0x2D65),  # Tifinagh
)
FONTS = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-Oblique",
    "DejaVuSans-BoldOblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralItalic",
)
HELD_OUT_FONTS = ("DejaVuSansMono-Oblique", "DejaVuSerif-BoldItalic", "STIXGeneralBolIta")
REFERENCE_FONT = "DejaVuSans"
SAME_SHAPE = 0.8
"""Characters whose normalised masks correlate above this are one class (A of Latin and Greek; o and O)."""


def font_path(name: str) -> Path:
    """Where Matplotlib keeps a font, for example "DejaVuSans"."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"


def is_drawable(character: str) -> bool:
    """Whether a character may become a class: a plain letter or symbol, no accent, no number or digit of any script."""
    plain = unicodedata.decomposition(character) == "" and unicodedata.numeric(character, None) is None
    return plain and unicodedata.category(character)[0] in "LS"


def draw_character(character: str, font: ImageFont.FreeTypeFont) -> np.ndarray | None:
    """The character's ink, cropped and centred in a uint8 (64, 64) mask; None if it has no ink."""
    canvas = Image.new("L", (224, 224))
    ImageDraw.Draw(canvas).text((64, 40), character, font=font, fill=255)
    box = canvas.getbbox()
    if box is None:
        return None
    ink = canvas.crop(box)
    scale = 46 / max(ink.size)
    ink = ink.resize((max(1, round(ink.width * scale)), max(1, round(ink.height * scale))), Image.Resampling.BOX)
    mask = Image.new("L", (MASK_SIZE, MASK_SIZE))
    mask.paste(ink, ((MASK_SIZE - ink.width) // 2, (MASK_SIZE - ink.height) // 2))
    return np.asarray(mask)


def _fingerprint(mask: np.ndarray) -> np.ndarray:
    small = np.asarray(Image.fromarray(mask).resize((16, 16), Image.Resampling.BOX), dtype=np.float64).ravel()
    small -= small.mean()
    return np.asarray(small / (np.linalg.norm(small) + 1e-9))


def distinct_characters() -> tuple[str, ...]:
    """Characters of the reference font whose shapes differ, in the order of `BLOCKS`."""
    charmap = FT2Font(str(font_path(REFERENCE_FONT))).get_charmap()
    font = ImageFont.truetype(str(font_path(REFERENCE_FONT)), 96)
    kept: list[str] = []
    prints = np.zeros((0, 256))
    for start, end in BLOCKS:
        for code in range(start, end + 1):
            character = chr(code)
            if code not in charmap or not is_drawable(character):
                continue
            mask = draw_character(character, font)
            if mask is None:
                continue
            fingerprint = _fingerprint(mask)
            if len(kept) and (prints @ fingerprint).max() > SAME_SHAPE:
                continue
            kept.append(character)
            prints = np.vstack([prints, fingerprint])
    return tuple(kept)


def build(_seed: int) -> Bank:
    """Every distinct character in every font that has it, three fonts held out; no seed changes how a font draws."""
    characters = distinct_characters()
    pictures, labels, held_out = [], [], []
    for name in FONTS + HELD_OUT_FONTS:
        charmap = FT2Font(str(font_path(name))).get_charmap()
        font = ImageFont.truetype(str(font_path(name)), 96)
        for label, character in enumerate(characters):
            mask = draw_character(character, font) if ord(character) in charmap else None
            if mask is not None:
                pictures.append(mask)
                labels.append(label)
                held_out.append(name in HELD_OUT_FONTS)
    names = tuple(f"glyph {unicodedata.name(c, hex(ord(c))).lower()}" for c in characters)
    return Bank("glyphs", np.stack(pictures), np.array(labels), np.array(held_out), names)
