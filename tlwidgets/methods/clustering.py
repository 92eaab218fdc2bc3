"""Clustering: groups without labels, found among the features of a pre-trained network.

MacQueen (1967), "Some methods for classification and analysis of multivariate observations" (k-means); Ward (1963),
"Hierarchical grouping to optimize an objective function", JASA 58 (agglomerative). Pixels that are near each other
say little; features that were learned on another task put alike images together, so an old method suffices. How many
groups there are is not known: the silhouette (Rousseeuw 1987) needs no labels to choose. Where labels exist, they only
judge: NMI and ARI are 1 for the same grouping and (ARI) 0 on average for a random one. A recipe makes as many groups as
there are classes, in one epoch, and calls each after a class so that most training images are named rightly (Kuhn 1955,
the assignment problem); its accuracies are of these names, and no label has taken part in the grouping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from sklearn.preprocessing import normalize

from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.method import Setting
from tlwidgets.training.solving import PLAN as PLAN
from tlwidgets.training.solving import Solved, Values, solving

CLUSTERINGS: dict[str, Callable[[int, int], Any]] = {
    "kmeans": lambda n, seed: KMeans(n, n_init=10, random_state=seed),
    "agglomerative": lambda n, _: AgglomerativeClustering(n, linkage="ward"),
}


def unit_rows(features: Any) -> np.ndarray:
    """Features (N, D), each row scaled to length 1: their distance then is that of directions."""
    rows: np.ndarray = normalize(check_features(features))
    return rows


def cluster_features(features: Any, n_clusters: int, method: str = "kmeans", seed: int = 0) -> np.ndarray:
    """Groups features.

    Args:
        features: (N, D) numbers.
        n_clusters: How many groups, from 2 to N - 1.
        method: "kmeans" (round groups of like size) or "agglomerative" (Ward: merges the two groups whose union
            spreads least; no randomness).
        seed: Of k-means, the best of ten starts.

    Returns:
        int64 (N,) group numbers; group 0 is the largest.

    Raises:
        DataError: Unknown method, a number of groups that N samples do not allow, or nan features.
    """
    rows = check_features(features)
    if method not in CLUSTERINGS:
        raise DataError(f"There is no clustering named {method!r}.", f"Choices: {', '.join(CLUSTERINGS)}.")
    if not isinstance(n_clusters, int | np.integer) or not 2 <= n_clusters < len(rows):
        raise DataError(f"n_clusters is {n_clusters!r} for {len(rows)} samples.", f"Give 2 to {len(rows) - 1}.")
    found = CLUSTERINGS[method](int(n_clusters), seed).fit_predict(rows)
    rank = np.argsort(np.argsort(-np.bincount(found), kind="stable"), kind="stable")
    numbers: np.ndarray = rank[found].astype(np.int64)
    return numbers


def choose_number(features: Any, candidates: Sequence[int], method: str = "kmeans", seed: int = 0) -> dict[int, float]:
    """Silhouette of each number of groups: take the number with the highest.

    Raises:
        DataError: As ``cluster_features`` raises.
    """
    return {n: silhouette(features, cluster_features(features, n, method, seed)) for n in candidates}


def silhouette(features: Any, clusters: np.ndarray) -> float:
    """How much nearer samples are to their own group than to the next, -1 to 1; nan where there is one group only."""
    rows = check_features(features)
    groups = len(np.unique(clusters))
    return float(silhouette_score(rows, clusters)) if 1 < groups < len(rows) else float("nan")


def agreement(clusters: Any, labels: Any) -> dict[str, float]:
    """How well groups agree with labels, whatever their numbers: ``nmi`` (arithmetic mean) and ``ari``.

    Raises:
        DataError: There are not as many labels as groups' numbers.
    """
    one, other = np.asarray(clusters), np.asarray(labels)
    if one.shape != other.shape or one.ndim != 1 or not len(one):
        raise DataError(f"Groups have shape {one.shape} and labels {other.shape}.", "Give one of each a sample.")
    return {
        "nmi": float(normalized_mutual_info_score(other, one)),
        "ari": float(adjusted_rand_score(other, one)),
    }


def named(clusters: np.ndarray, labels: np.ndarray, n: int) -> np.ndarray:
    """The class (n,) that each of n groups is called after, every class once: most samples are named rightly then."""
    together = np.zeros((n, n), dtype=np.int64)
    np.add.at(together, (clusters, labels), 1)
    names: np.ndarray = linear_sum_assignment(-together)[1]
    return names


def make(setting: Setting, kind: str = "kmeans") -> Solved:
    """Makes the method from a recipe's options; the history's columns tell NMI, ARI and silhouette.

    Args:
        setting: Its plan freezes all but the head; a recipe with pre-trained weights that names none gets ``PLAN``.
        kind: "kmeans" or "agglomerative"; a new image joins the group whose mean is nearest.

    Raises:
        RecipeError: The plan is another, or there is no such clustering.
    """
    if kind not in CLUSTERINGS:
        raise RecipeError(f"There is no clustering named {kind!r}.", f"Choices: {', '.join(CLUSTERINGS)}.")
    n = len(setting.data.classes)

    def solve(features: np.ndarray, labels: np.ndarray) -> Values:
        rows = unit_rows(features)
        clusters = cluster_features(rows, n, kind, setting.recipe.seed)
        method.further |= {**agreement(clusters, labels), "silhouette": silhouette(rows, clusters)}
        means = np.stack([rows[clusters == number].mean(0) for number in np.argsort(named(clusters, labels, n))])
        return {"weight": 2 * means, "bias": -np.square(means).sum(1)}

    method = solving(setting, solve, unit=True)
    return method
