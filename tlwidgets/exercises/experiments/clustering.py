"""Lesson 10: groups that nobody labelled, what they agree with, and what the silhouette cannot know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tlwidgets.data import ImageData, load_data
from tlwidgets.evaluation.clusters import Clustering, cluster
from tlwidgets.exercises.experiments.describing import network, pixels
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.methods.clustering import agreement, cluster_features, unit_rows

LESSON = "10_clustering"
SAMPLES = 400
PHOTOGRAPHS = 10
DRAWS = 10  # of ten labels by chance


def world(name: str, seed: int = 0) -> ImageData:
    """Load ``"digits"``, ``"grey_patches"``, or as many ``"coloured_shapes"`` as are looked at.

    Args:
        name: the data.
        seed: of shapes drawn anew; the others are always the same.
    """
    return load_data(name, seed=seed, per_class=SAMPLES // 16) if name == "coloured_shapes" else load_data(name)


@remembered
def grouped(name: str, by: str = "pretrained", n_clusters: int | None = None, seed: int = 0) -> Clustering:
    """Put 400 images in groups by k-means.

    Args:
        name: what ``world`` takes.
        by: ``"pretrained"`` or ``"random"`` (features of that network), or ``"pixels"``.
        n_clusters: how many groups; None lets the silhouette choose from 2 to 12. Pixels need a number.
        seed: of the images, k-means and the random network.
    """
    data = world(name, seed)
    if by == "pixels":
        return _by_pixels(data, n_clusters or 2, seed)
    backbone = network(pretrained=by == "pretrained", seed=seed)
    return cluster(data, backbone, n_clusters=n_clusters, samples=SAMPLES, seed=seed)


def _by_pixels(data: ImageData, n_clusters: int, seed: int) -> Clustering:
    rows = np.sort(np.random.default_rng(seed).permutation(len(data))[:SAMPLES])  # as ``cluster`` draws them
    features = unit_rows(pixels(data.images(rows)))
    clusters = cluster_features(features, n_clusters, seed=seed)
    return Clustering(data, rows, clusters, features, "pixels", "kmeans", {}, seed)


def two_orders(found: Clustering) -> dict[str, float]:
    """How groups of coloured shapes agree (ARI) with their ``colour`` and with their ``shape``."""
    labels = found.data.labels[found.rows]
    return {
        name: agreement(found.clusters, kind)["ari"] for name, kind in (("colour", labels // 4), ("shape", labels % 4))
    }


def three_sortings(seed: int = 0) -> dict[str, dict[str, float]]:
    """Sort the pieces into four groups by pixels, by a random network and by the pre-trained one.

    Returns:
        For each: agreement with ``colour`` and with ``shape``, and the ``silhouette``.
    """
    found = {by: grouped("coloured_shapes", by, 4, seed) for by in ("pixels", "random", "pretrained")}
    return {by: {**two_orders(each), "silhouette": each.scores["silhouette"]} for by, each in found.items()}


def explore_sortings(sortings: Mapping[str, Mapping[str, float]]) -> Any:
    """Show ``three_sortings`` one description at a time; see ``explorer.explore``."""

    def describe(by: str) -> str:
        found = sortings[by]
        return (
            f"Four groups by {by}: agreement with the colours {found['colour']:.2f}, with the shapes "
            f"{found['shape']:.2f}; silhouette {found['silhouette']:.2f}."
        )

    return explore("sorted by", list(sortings), describe)


def ten_labels(found: Clustering, seed: int = 0) -> dict[str, float]:
    """Spend ten labels on digits that are in ten groups, in three ways.

    Args:
        found: ten groups of digits.
        seed: of the labels drawn by chance.

    Returns:
        Share of all images named correctly: ``middles`` (the image in the middle of each group is asked about, its
        group gets that name), ``likest`` (the same ten are asked about, every other image gets the name of the likest
        of them) and ``by chance`` (one image of each digit is asked about, every other one gets the name of the
        likest; the mean of ten draws).
    """
    labels, draw = found.data.labels[found.rows], np.random.default_rng(seed)
    middles = np.array([np.flatnonzero(found.rows == found.examples(group, 1)[0])[0] for group in range(10)])
    drawn = [[draw.choice(np.flatnonzero(labels == digit)) for digit in range(10)] for _ in range(DRAWS)]
    return {
        "middles": float(np.mean(labels[middles][found.clusters] == labels)),
        "likest": _named_by_the_likest(found.features, labels, middles),
        "by chance": float(np.mean([_named_by_the_likest(found.features, labels, np.array(ten)) for ten in drawn])),
    }


def _named_by_the_likest(features: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> float:
    likest = (features @ features[asked].T).argmax(axis=1)  # rows of length 1: the largest product is the likest
    return float(np.mean(labels[asked][likest] == labels))


def two_directions(found: Clustering) -> float:
    """Share of all differences between the described images that lies along their two main directions, 0 to 1."""
    strengths = np.linalg.svd(found.features - found.features.mean(axis=0), compute_uv=False) ** 2
    return float(strengths[:2].sum() / strengths.sum())


def agreement_gain(seed: int, sabotaged: bool) -> float:
    """ARI with the digits of groups by features minus that of groups by pixels; sabotaged, the network is random."""
    ours = grouped("digits", "random" if sabotaged else "pretrained", 10, seed)
    return ours.scores["ari"] - grouped("digits", "pixels", 10, seed).scores["ari"]


def well_spent(seed: int, sabotaged: bool) -> float:
    """Digits named by labels of the middles minus by labels drawn by chance; sabotaged, the network is random."""
    found = ten_labels(grouped("digits", "random" if sabotaged else "pretrained", 10, seed), seed)
    return found["middles"] - found["by chance"]


def shape_first(seed: int, sabotaged: bool) -> float:
    """Agreement of groups by features with shape minus with colour; sabotaged, the network is random."""
    found = two_orders(grouped("coloured_shapes", "random" if sabotaged else "pretrained", 4, seed))
    return found["shape"] - found["colour"]


def colour_first(seed: int, sabotaged: bool) -> float:
    """Agreement of groups by pixels with colour minus with shape; sabotaged, by features instead."""
    found = two_orders(grouped("coloured_shapes", "pretrained" if sabotaged else "pixels", 4, seed))
    return found["colour"] - found["shape"]


def clearer_and_worse(seed: int, sabotaged: bool) -> float:
    """Silhouette of a random network's groups minus that of the pre-trained one's; sabotaged, of groups by pixels."""
    other = grouped("coloured_shapes", "pixels" if sabotaged else "random", 4, seed)
    return other.scores["silhouette"] - grouped("coloured_shapes", "pretrained", 4, seed).scores["silhouette"]


def too_few(seed: int, sabotaged: bool) -> float:
    """Ten minus the number of groups that the silhouette chooses for ten photographs; sabotaged, for ten digits."""
    found = grouped("digits" if sabotaged else "grey_patches", seed=seed)
    return float(PHOTOGRAPHS - (found.clusters.max() + 1))


CLAIMS = (
    MeasuredClaim(
        LESSON, "C1", "groups by features agree with the digits more than groups by pixels", 0.12, agreement_gain
    ),
    MeasuredClaim(LESSON, "C2", "ten labels name more digits when spent on the middles of groups", 0.09, well_spent),
    MeasuredClaim(LESSON, "C3", "the network sorts the pieces by shape, not by colour", 0.4, shape_first),
    MeasuredClaim(LESSON, "C4", "pixels sort the same pieces by colour, not by shape", 0.4, colour_first),
    MeasuredClaim(LESSON, "C5", "the random network's groups have the higher silhouette", 0.08, clearer_and_worse),
    MeasuredClaim(LESSON, "C6", "the silhouette chooses too few groups for ten photographs", 2.0, too_few),
)
