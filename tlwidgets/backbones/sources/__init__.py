"""Seeded generators of the drawn images that the bundled backbones are pretrained on, one family a file.

Nothing here comes from a photograph or a download: letters are drawn with the fonts that Matplotlib installs,
everything else is computed. `build_bank("glyphs", seed=0)` draws one family.
"""

from __future__ import annotations

from collections.abc import Callable

from tlwidgets.backbones.sources import fractals, glyphs, scenes, shapes, strokes, textures
from tlwidgets.backbones.sources.bank import Bank
from tlwidgets.errors import BackboneError

FAMILIES: dict[str, Callable[[int], Bank]] = {
    "glyphs": glyphs.build,
    "strokes": strokes.build,
    "shapes": shapes.build,
    "textures": textures.build,
    "fractals": fractals.build,
    "scenes": scenes.build,
}
"""Name of a family -> function of a seed that draws it."""


def build_bank(family: str, *, seed: int = 0) -> Bank:
    """Draw one family of images.

    Args:
        family: one of `FAMILIES`.
        seed: the same seed draws the same images.

    Raises:
        BackboneError: there is no such family.
    """
    if family not in FAMILIES:
        raise BackboneError(f"No family of drawn images is called {family!r}.", f"Use one of {', '.join(FAMILIES)}.")
    return FAMILIES[family](seed)


__all__ = ["FAMILIES", "Bank", "build_bank"]
