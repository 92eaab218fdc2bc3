"""Embedding in the plane: a picture of what a network takes to be alike.

Pearson (1901), principal components ("pca"): the two directions in which features vary most; distances mean something,
much is hidden. Van der Maaten, Hinton (2008), "Visualizing data using t-SNE", JMLR 9 ("tsne"): neighbours stay
neighbours; sizes of groups and distances between them mean nothing. Look at both before believing either.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError

EMBEDDINGS = ("pca", "tsne")
FEWEST = 4


def embed(features: Any, method: str = "pca", seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Places samples in the plane.

    Args:
        features: (N, D) numbers, N at least 4, D at least 2.
        method: "pca" or "tsne".
        seed: Of t-SNE; principal components have no randomness.
        perplexity: About how many neighbours t-SNE keeps near; at most a third of the samples is used.

    Returns:
        float64 (N, 2), each column with mean 0.

    Raises:
        DataError: Unknown method, too few samples or numbers, or nan features.
    """
    rows = check_features(features)
    if method not in EMBEDDINGS:
        raise DataError(f"There is no embedding named {method!r}.", f"Choices: {', '.join(EMBEDDINGS)}.")
    if len(rows) < FEWEST or rows.shape[1] < 2:
        raise DataError(f"Features of shape {rows.shape} need no map.", f"Give at least {FEWEST} samples of 2 numbers.")
    if method == "pca":
        places: np.ndarray = PCA(2, svd_solver="full").fit_transform(rows)
    else:
        near = min(perplexity, (len(rows) - 1) / 3)
        # Starting from principal components makes the picture the same on every machine but for the last digits.
        places = TSNE(2, perplexity=near, init="pca", random_state=seed).fit_transform(rows).astype(np.float64)
    centred: np.ndarray = places - places.mean(0)
    return centred
