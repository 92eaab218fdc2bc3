"""Data that comes with scikit-learn and scikit-image: real, small and at hand with no network."""

from __future__ import annotations

import numpy as np

from tlwidgets.data.world import World


def scanned_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's 1,797 scanned digits: uint8 (N, 8, 8) and int64 (N,) labels."""
    from sklearn.datasets import load_digits

    scans = load_digits()
    # 17 grey levels, 0..16, spread over 0..255
    return np.round(scans.images * (255 / 16)).astype(np.uint8), scans.target.astype(np.int64)


def _faces() -> tuple[np.ndarray, np.ndarray]:
    from skimage.data import lfw_subset

    images: np.ndarray = lfw_subset()  # float 0..1 (200, 25, 25)
    return np.round(images * 255).astype(np.uint8), np.repeat([1, 0], 100)  # the first hundred are the faces


DIGITS = World(
    name="digits",
    summary="1,797 scanned handwritten digits",
    classes=tuple("0123456789"),
    shape=(8, 8),
    licence="CC BY 4.0, UCI Optical Recognition of Handwritten Digits, from scikit-learn",
    draw=scanned_digits,
    sha256="0b7e9c3202d7bcd255d6a19a238d3743bf5e320ba74812a6679958a017c55382",
)

FACES = World(
    name="faces",
    summary="100 grey faces and 100 pieces of background",
    classes=("background", "face"),
    shape=(25, 25),
    licence="Labeled Faces in the Wild, public research set, subset from scikit-image",
    draw=_faces,
    sha256="c6c155a65219fd37d5b7aefed2c9d58139de0bbf98c47d8f69bdbcb613859bad",
)
