"""A table among the pictures: each row is also drawn as a tile picture, so that whatever takes images takes it too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from tlwidgets.data.images import ImageData
from tlwidgets.data.world import World


class TableData(ImageData):
    """Labelled rows of numbers in three splits.

    Images show a row as grey tiles, one a column, black at the column's minimum and white at its maximum. Methods for
    tables use ``features``.

    Attributes:
        features: One row a sample, in the order of ``labels`` and ``split``; columns have names.
    """

    def __init__(self, features: pd.DataFrame, **parts: Any) -> None:
        super().__init__(**parts)
        self.features = features


def _cancer() -> Any:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True)


def cancer_features() -> pd.DataFrame:
    """Return 30 measurements of the cell nuclei of 569 tumours, columns named."""
    features: pd.DataFrame = _cancer().data
    return features


def draw_cancer() -> tuple[np.ndarray, np.ndarray]:
    """Draw the 569 rows: uint8 (569, 5, 6) images of 30 tiles and int64 labels, 0 malignant and 1 benign."""
    cancer = _cancer()
    values = cancer.data.to_numpy()
    tiles = (values - values.min(axis=0)) / (values.max(axis=0) - values.min(axis=0))
    return np.round(255 * tiles).astype(np.uint8).reshape(-1, 5, 6), cancer.target.to_numpy().astype(np.int64)


TABLES: dict[str, Callable[[], pd.DataFrame]] = {"breast_cancer": cancer_features}

BREAST_CANCER = World(
    name="breast_cancer",
    summary="A table: 30 measurements of 569 tumours, each row also drawn as 30 tiles",
    classes=("malignant", "benign"),
    shape=(5, 6),
    licence="CC BY 4.0, UCI Breast Cancer Wisconsin (Diagnostic), from scikit-learn",
    draw=draw_cancer,
    sha256="3938116d84820333c124fe5085fb93c7566fcceec4701ae29966463490934fac",
)
