"""Patches of photographs that come with scikit-image and scikit-learn, the photograph's halves as domains.

Patches lie on a grid and do not overlap, so no pixel is in two splits. Neighbours still resemble each other: for an
honest test train on one half and test on the other.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tlwidgets.data.world import World

COLOURED = ("astronaut", "cat", "china", "coffee", "flower", "hubble", "motorcycle", "retina", "rocket", "tissue")
GREY = ("brick", "camera", "cell", "china", "clock", "coins", "grass", "gravel", "moon", "motorcycle")


def photograph(name: str) -> np.ndarray:
    """Return one of the photographs named in ``COLOURED`` and ``GREY``: uint8 (H, W, 3) or (H, W)."""
    if name in ("china", "flower"):
        from sklearn.datasets import load_sample_image

        return np.asarray(load_sample_image(f"{name}.jpg"))
    from skimage import data

    if name == "motorcycle":
        return np.asarray(data.stereo_motorcycle()[0])
    loaders = {"hubble": "hubble_deep_field", "tissue": "immunohistochemistry"}
    return np.asarray(getattr(data, loaders.get(name, name))())


def tiles(photo: np.ndarray, side: int, domain: str | None) -> np.ndarray:
    """Cut a photograph into square patches on a grid.

    Args:
        photo: (H, W) or (H, W, C).
        side: Pixels of a patch in both directions.
        domain: "left" or "right" half, or None for both.

    Returns:
        (N, side, side[, C]) patches row by row, the left half's before the right half's.
    """
    middle = photo.shape[1] // 2
    halves = {"left": photo[:, :middle], "right": photo[:, middle:]}
    found = []
    for half in halves.values() if domain is None else [halves[domain]]:
        rows, columns = half.shape[0] // side, half.shape[1] // side
        cut = half[: rows * side, : columns * side].reshape(rows, side, columns, side, *half.shape[2:])
        found.append(cut.swapaxes(1, 2).reshape(rows * columns, side, side, *half.shape[2:]))
    return np.concatenate(found)


def structure(patches: np.ndarray) -> np.ndarray:
    """Take colour, brightness and contrast away: uint8 (N, H, W[, 3]) -> uint8 (N, H, W), of mean 128 and sd 45."""
    grey = patches if patches.ndim == 3 else patches @ [0.299, 0.587, 0.114]
    spread = grey.std(axis=(1, 2), keepdims=True)
    centred = (grey - grey.mean(axis=(1, 2), keepdims=True)) / np.maximum(spread, 1.0)
    return np.asarray(np.clip(np.round(128 + 45 * centred), 0, 255), dtype=np.uint8)


def draw_histology(domain: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cut a stained section of tissue into gland (brown) and stroma (pale with blue nuclei), and take the colour away.

    A patch's class is read from its stain: mean red minus mean blue above 40 is gland, below 8 stroma; patches between
    and empty ones (mean green above 225) are left out. The pictures do not show the stain, or colour alone would tell.

    Args:
        domain: "left" or "right" half of the section; both by default.

    Returns:
        uint8 (N, 24, 24) images, standardised as by ``structure``, and int64 (N,) labels.
    """
    patches = tiles(photograph("tissue"), 24, domain)
    red, green, blue = patches.mean(axis=(1, 2)).T
    gland, stroma = red - blue > 40, (red - blue < 8) & (green < 225)
    return structure(patches[gland | stroma]), stroma[gland | stroma].astype(np.int64)


def draw_retina(domain: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cut a photograph of a retina into patches with and without a vessel.

    Vessels are thin and dark in the green channel. A pixel counts as vessel when it is more than 9 levels darker than
    the mean of the 41 x 41 pixels around it; a patch with over 14 % of them shows a vessel, one with under 3 % none,
    and those between, the dark rim and the bright disc of the nerve are left out.

    Args:
        domain: "left" or "right" half of the photograph; both by default.

    Returns:
        uint8 (N, 32, 32, 3) images and int64 (N,) labels.
    """
    photo = photograph("retina")
    green = photo[:, :, 1].astype(np.int64)
    sums = np.pad(np.pad(green, 20, mode="edge").cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    around = (sums[41:, 41:] - sums[:-41, 41:] - sums[41:, :-41] + sums[:-41, :-41]) / 41**2
    share = tiles((around - green > 9).astype(np.float64), 32, domain).mean(axis=(1, 2))
    patches = tiles(photo, 32, domain)
    inside = (patches[:, :, :, 0].min(axis=(1, 2)) > 80) & (patches[:, :, :, 1].max(axis=(1, 2)) < 180)
    clear = inside & ((share > 0.14) | (share < 0.03))
    return patches[clear], (share[clear] > 0.14).astype(np.int64)


def _cut(
    names: tuple[str, ...], domain: str | None, prepare: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Cut 24-pixel patches of each photograph, leaving out flat ones; at most 100 a half, evenly spaced."""
    images, labels = [], []
    for number, name in enumerate(names):
        for half in ("left", "right") if domain is None else (domain,):
            patches = tiles(photograph(name), 24, half)
            patches = patches[patches.reshape(len(patches), -1).std(axis=1) > 4]
            chosen = np.linspace(0, len(patches) - 1, min(100, len(patches))).astype(np.int64)
            images.append(prepare(patches[chosen]))
            labels.append(np.full(len(chosen), number))
    return np.concatenate(images), np.concatenate(labels)


def draw_colour_patches(domain: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cut ten colour photographs; the class is which photograph.

    Args:
        domain: "left" or "right" halves; both by default.

    Returns:
        uint8 (N, 24, 24, 3) images and int64 (N,) labels.
    """
    return _cut(COLOURED, domain, lambda patches: patches)


def draw_grey_patches(domain: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Cut ten photographs without colour, brightness or contrast, so that only texture tells them apart.

    Args:
        domain: "left" or "right" halves; both by default.

    Returns:
        uint8 (N, 24, 24) images, standardised as by ``structure``, and int64 (N,) labels.
    """
    return _cut(GREY, domain, structure)


HALVES = ("left", "right")
HISTOLOGY = World(
    name="histology",
    summary="Stained tissue without its colour: gland or stroma",
    classes=("gland", "stroma"),
    shape=(24, 24),
    licence="No known copyright restrictions, immunohistochemistry from scikit-image",
    draw=draw_histology,
    domains=HALVES,
    sha256="e1a46cdd4e068cde13b474aa13f0bb6a3796d01b6ac39dc5563fe77048dc8ef0",
)
RETINA = World(
    name="retina",
    summary="A photograph of a retina: with or without a vessel",
    classes=("no vessel", "vessel"),
    shape=(32, 32),
    licence="CC0, Häggström 2014, from scikit-image",
    draw=draw_retina,
    domains=HALVES,
    sha256="d131f16eb5739bfda10e1bcb4bd756bcaeec7ab8276bbfa6f6fda7b8eac08b32",
)
COLOUR_PATCHES = World(
    name="colour_patches",
    summary="Pieces of ten colour photographs; the class is which one",
    classes=COLOURED,
    shape=(24, 24),
    licence="CC0, public domain and CC BY photographs from scikit-image and scikit-learn",
    draw=draw_colour_patches,
    domains=HALVES,
    sha256="886c8ac9be47543a760363a41a4bf3ad3af52264bc873f0f5ab1aeb13eb67916",
)
GREY_PATCHES = World(
    name="grey_patches",
    summary="Pieces of ten photographs by texture alone; the class is which one",
    classes=GREY,
    shape=(24, 24),
    licence="CC0, public domain and CC BY photographs from scikit-image and scikit-learn",
    draw=draw_grey_patches,
    domains=HALVES,
    sha256="c3c3e34d1b142ffafc03a139b3ab9773b5a2ea3b180190744478842567b49c58",
)
