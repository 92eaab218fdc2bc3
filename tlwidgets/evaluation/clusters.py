"""Groups in unlabelled images or texts: what a backbone puts together, drawn and judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.data import ImageData, TextData
from tlwidgets.data.texts import TextReader, are_texts
from tlwidgets.errors import DataError
from tlwidgets.evaluation.showing import as_html
from tlwidgets.methods.clustering import agreement, choose_number, cluster_features, silhouette, unit_rows
from tlwidgets.methods.embedding import embed
from tlwidgets.training.second_data import UNKNOWN, UnlabelledImages, any_data

CANDIDATES = range(2, 13)
# Okabe and Ito's colours, which people with colour-blindness tell apart; markers tell the groups apart without colour.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*", "p", "h")


@dataclass(frozen=True)
class Clustering:
    """Samples in groups that nobody labelled.

    Attributes:
        data: The images or texts.
        rows: (N,) positions in the data of those that were looked at.
        clusters: (N,) number of each one's group; group 0 is the largest.
        features: (N, D), each row of length 1.
        backbone: What looked at them.
        method: "kmeans" or "agglomerative".
        silhouettes: By number of groups, where that was chosen here.
        seed: Of the grouping and of t-SNE.
    """

    data: ImageData
    rows: np.ndarray
    clusters: np.ndarray
    features: np.ndarray = field(repr=False)
    backbone: str
    method: str
    silhouettes: dict[int, float]
    seed: int

    def __repr__(self) -> str:
        return f"Clustering: {self.sentence}"

    def _repr_html_(self) -> str:
        return as_html(self.sentence, self.table)

    @property
    def scores(self) -> dict[str, float]:
        """``silhouette`` needs no labels; ``nmi`` and ``ari``, where there are some, how groups agree with them."""
        found = {"silhouette": silhouette(self.features, self.clusters)}
        return found | (agreement(self.clusters, self.data.labels[self.rows]) if self.labelled else {})

    @property
    def labelled(self) -> bool:
        """Whether the data have labels, which judge the groups."""
        return bool(self.data.classes)

    @property
    def table(self) -> pd.DataFrame:
        """Counts: one row a group, one column a class of the data; one column "unlabelled" where it has none."""
        classes = list(self.data.classes) or ["unlabelled"]
        # The label of what nobody labelled is -1, which finds the only name.
        names = pd.Categorical([classes[label] for label in self.data.labels[self.rows]], categories=classes)
        counts: pd.DataFrame = pd.crosstab(self.clusters, names, dropna=False)
        return counts.rename_axis(index="group", columns=None)

    @property
    def sentence(self) -> str:
        """The result in words."""
        kind = "texts" if isinstance(self.data, TextData) else "images"
        found = ", ".join(f"{name} {value:.2f}" for name, value in self.scores.items())
        groups = int(self.clusters.max()) + 1
        return f"{groups} groups among {len(self.rows)} {kind} of {self.data.name!r} by {self.method}: {found}."

    def examples(self, group: int, n: int = 5) -> list[int]:
        """Positions in the data of the n samples nearest to the middle of a group, the nearest first.

        Raises:
            DataError: There is no such group.
        """
        members = np.flatnonzero(self.clusters == group)
        if not len(members):
            raise DataError(f"There is no group {group!r}.", f"Groups: 0 to {int(self.clusters.max())}.")
        distances = np.linalg.norm(self.features[members] - self.features[members].mean(0), axis=1)
        return [int(row) for row in self.rows[members[np.argsort(distances, kind="stable")[:n]]]]

    def show(self, n: int = 6) -> Figure:
        """Draws the n samples nearest to the middle of each group, a row a group; made without pyplot.

        Args:
            n: How many of each group, at most.
        """
        chosen = [self.examples(group, n) for group in range(int(self.clusters.max()) + 1)]
        columns = max(map(len, chosen))
        figure = Figure(figsize=(0.5 + 0.9 * columns, 0.9 * len(chosen)), layout="constrained")
        for group, row in enumerate(figure.subplots(len(chosen), columns, squeeze=False)):
            for axes in row:
                axes.set_axis_off()
            for axes, index in zip(row, chosen[group], strict=False):
                axes.imshow(self.data.image(index), interpolation="nearest")
            row[0].set_title(f"group {group}", fontsize=8, loc="left")
        return figure

    def plot(self, embedding: str = "tsne") -> Figure:
        """Draws the samples in the plane, a colour and marker a group; made without pyplot. Alt text: ``alt``.

        Args:
            embedding: "tsne" or "pca"; see ``tlwidgets.methods.embedding``.
        """
        places = embed(self.features, embedding, self.seed)
        figure = Figure(figsize=(6.0, 5.0), layout="constrained")
        axes = figure.subplots()
        for group in range(int(self.clusters.max()) + 1):
            x, y = places[self.clusters == group].T
            marker, colour = MARKERS[group % len(MARKERS)], COLOURS[group % len(COLOURS)]
            axes.scatter(x, y, s=14, marker=marker, color=colour, alpha=0.7, label=f"{group} ({len(x)})")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_title(f"{self.data.name}: {embedding} of {self.backbone}'s features", fontsize="medium")
        figure.legend(loc="outside right upper", title="group", fontsize="small")
        return figure

    @property
    def alt(self) -> str:
        """What the plot shows, in words: the groups, their sizes and, with labels, what most of each is labelled."""
        parts = []
        for group, counts in self.table.iterrows():
            most = f", of them {counts.max()} labelled {counts.idxmax()!r}" if self.labelled else ""
            parts.append(f"group {group}: {counts.sum()}{most}")
        return f"{self.sentence} {'; '.join(parts).capitalize()}."


def cluster(
    data: Any,
    backbone: str | Backbone | None = None,
    *,
    n_clusters: int | None = None,
    method: str = "kmeans",
    samples: int = 600,
    candidates: Sequence[int] = CANDIDATES,
    seed: int = 0,
) -> Clustering:
    """Groups images or texts by the features of a pre-trained network; labels are not looked at.

    Args:
        data: What ``load_data`` takes; all its splits are used. Or images that nobody has labelled, (N, H, W[, C])
            uint8 or 0..1 floats, or a list of unlabelled texts.
        backbone: What ``load_backbone`` takes, or a network; by default "tlw_resnet", of texts "minilm".
        n_clusters: How many groups; None takes the number of ``candidates`` with the highest silhouette.
        method: "kmeans" or "agglomerative".
        samples: How many to look at, at most; drawn by seed.
        candidates: Numbers of groups to try, where none is given.
        seed: Of the choice of samples and of k-means.

    Raises:
        DataError: Unknown method, a number of groups that the samples do not allow, data that cannot be used, or
            features that are nan.
    """
    loaded = _loaded(data)
    if backbone is None:
        backbone = "minilm" if isinstance(loaded, TextData) else "tlw_resnet"
    network = load_backbone(backbone) if isinstance(backbone, str) else backbone
    rows = np.sort(np.random.default_rng(seed).permutation(len(loaded))[:samples])
    features = unit_rows(network.features(loaded.inputs(rows)))
    silhouettes: dict[int, float] = {}
    if n_clusters is None:
        tried = [n for n in candidates if n < len(rows)]
        if not tried:
            raise DataError(f"{len(rows)} samples are too few for any of the candidates.", "Give more samples.")
        silhouettes = choose_number(features, tried, method, seed)
        n_clusters = max(silhouettes, key=lambda n: silhouettes[n])
    clusters = cluster_features(features, n_clusters, method, seed)
    return Clustering(loaded, rows, clusters, features, network.name, method, silhouettes, seed)


def _loaded(data: Any) -> ImageData:
    """Data with labels or without."""
    if are_texts(data):
        return _unlabelled_texts([str(text) for text in data])
    return UnlabelledImages(data, "images") if isinstance(data, np.ndarray) else any_data(data)


def _unlabelled_texts(texts: list[str]) -> TextData:
    n = len(texts)
    labels, split = np.full(n, UNKNOWN), np.full(n, "train", dtype="<U10")
    return TextData("texts", (), labels, split, np.arange(n), TextReader(texts, "texts"), {"memory": "texts"})
