"""Which backbone suits the data: many networks and scores, each beside chance and an interval, before any training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from tlwidgets.backbones import Backbone, list_backbones, load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.errors import DataError
from tlwidgets.evaluation.looks import FROM_SOURCE_HEAD, SCORES, Look, half_interval, representative
from tlwidgets.evaluation.showing import as_html

FIRST_ROUND = 100  # images; every round has twice as many as the one before
FEWEST = 12  # images: half of them must hold an image and its five neighbours
Networks = Sequence[str | Backbone] | Mapping[str, Backbone] | None


@dataclass(frozen=True)
class Ranking:
    """What is known by now; each round replaces the figures of the one before by better ones.

    Attributes:
        details: One row a backbone and score. Columns: ``backbone``, ``score``, ``value``; ``low`` and ``high``, a 95 %
            interval; ``null`` and ``null_high``, mean and 95 % quantile of the score with shuffled labels; ``halves``,
            the scores of random halves of the images, the same halves for all backbones that looked at as many;
            ``seconds`` of this score with its null and interval; ``extraction_seconds`` of looking at the images, once
            for all scores of a backbone; ``images``. Values are nan where the backbone has no source head for them.
        by: The score that orders the backbones.
        share: Share of the work that is done, above 0; 1 where no better figures will follow.
    """

    details: pd.DataFrame
    by: str = "logme"
    share: float = 1.0

    def __repr__(self) -> str:
        return f"Ranking: {self.sentence}"

    def _repr_html_(self) -> str:
        return as_html(self.sentence, self.table)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a backbone, the best first: a column a score, then ``seconds`` and ``images``."""
        rows = self.details.set_index(["backbone", "score"])
        values = rows["value"].unstack()[list(self.details["score"].unique())]
        grouped = self.details.groupby("backbone")
        values["seconds"] = grouped["seconds"].sum() + grouped["extraction_seconds"].first()
        values["images"] = grouped["images"].first()
        ordered: pd.DataFrame = values.sort_values(self.by, ascending=False).rename_axis(columns=None)
        return ordered

    @property
    def names(self) -> list[str]:
        """The backbones, the best first."""
        return [str(name) for name in self.table.index]

    @property
    def sentence(self) -> str:
        """What the order is worth, in words.

        Backbones are compared half by half of the images, which all of them saw: a half that is hard for one is mostly
        hard for the other too, so that a difference may be clear where the two intervals overlap.
        """
        rows = self._rows(self.by)
        best, name = rows.iloc[0], self.names[0]
        if not best["value"] > best["null_high"]:
            return f"No backbone scores above shuffled labels by {self.by}: none of them sees these classes."
        close = [str(other) for other in rows.index[1:] if not _clear(best, rows.loc[other])]
        if close:
            return (
                f"{name} comes first by {self.by}, but cannot be told from {', '.join(close)}: "
                "the 95 % interval of the difference holds 0."
            )
        return f"{name} comes first by {self.by}, clear of the others."

    def plot(self) -> Figure:
        """Draws every score with its interval beside what shuffled labels give; made without pyplot."""
        scores = list(self.details["score"].unique())
        figure = Figure(figsize=(1.9 * len(scores) + 1.5, 1.3 + 0.4 * len(self.names)), layout="constrained")
        places = np.arange(len(self.names))[::-1]
        for axes, score in zip(figure.subplots(1, len(scores), sharey=True, squeeze=False)[0], scores, strict=True):
            rows = self._rows(score)
            spread = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
            axes.errorbar(rows["value"], places, xerr=spread, fmt="o", color="#0072B2", capsize=3, label="score")
            axes.plot(rows["null_high"], places, "|", color="#D55E00", markersize=12, label="95 % of shuffled labels")
            axes.set_title(score, fontsize="medium")
            axes.set_yticks(places, self.names)
            axes.margins(y=0.15)
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize="small")
        return figure

    def _rows(self, score: str) -> pd.DataFrame:
        """The details of one score by backbone, in the order of the table."""
        rows: pd.DataFrame = self.details[self.details["score"] == score].set_index("backbone").loc[self.names]
        return rows


def _clear(best: pd.Series, other: pd.Series) -> bool:
    """Whether the 95 % interval of the difference of two backbones' scores lies above 0, or the other has no score."""
    if np.isnan(other["value"]):
        return True
    one, two = np.array(best["halves"]), np.array(other["halves"])
    # While a round is under way, one backbone has seen more images than another: their halves are not the same.
    same = best["images"] == other["images"]
    variance = (one - two).var(ddof=1) if same else one.var(ddof=1) + two.var(ddof=1)
    return bool(best["value"] - other["value"] > half_interval(variance, len(one)))


def rank_backbones(
    data: Any,
    names: Networks = None,
    *,
    scores: Sequence[str] = SCORES,
    by: str = "logme",
    images: int = 400,
    repeats: int = 20,
    seed: int = 0,
    progress: bool = True,
) -> Ranking:
    """Orders backbones by how well their features suit the data, without training any.

    Args:
        data: What ``load_data`` takes. Only training images are looked at.
        names: What ``load_backbone`` takes, or networks; as a mapping, networks by the name to show. All bundled ones
            by default.
        scores: Which of ``SCORES``. LEEP and NCE need the source's own head.
        by: The score to order by, one of ``scores``.
        images: How many images to look at, at most, in the proportions of their classes; at least 12.
        repeats: Shufflings of the labels, and halves for the interval, at least 2.
        seed: Of the choice of images, of shufflings and halves.
        progress: Show a progress bar.

    Returns:
        The ranking.

    Raises:
        DataError: The data cannot be used, or an argument has a value that no ranking could use.
        BackboneError: A backbone is unknown or not at hand, or its features are no finite numbers.
    """
    rounds = ranking_rounds(data, names, scores=scores, by=by, images=images, repeats=repeats, seed=seed)
    with tqdm(total=100, desc="Ranking backbones", unit="%", disable=not progress) as bar:
        for ranking in rounds:
            bar.update(round(100 * ranking.share) - bar.n)
    return ranking


def ranking_rounds(
    data: Any,
    names: Networks = None,
    *,
    scores: Sequence[str] = SCORES,
    by: str = "logme",
    images: int = 400,
    repeats: int = 20,
    seed: int = 0,
) -> Iterator[Ranking]:
    """Ranks step by step: with few images first, then with twice as many, and so on.

    Arguments and errors are those of ``rank_backbones``; they are checked at the call. No backbone looks at an image
    twice. Leave the loop to cancel.

    Yields:
        The ranking so far: in the first round after each backbone, then again after each look.
    """
    _check_arguments(scores, by, images, repeats)
    loaded = load_data(data)
    looks = [Look(name, backbone) for name, backbone in _networks(names).items()]
    rows = _chosen(loaded, images, seed)
    counts = [len(rows)]
    while counts[0] >= 2 * FIRST_ROUND:
        counts.insert(0, counts[0] // 2)
    return _rounds(loaded, rows, counts, looks, (tuple(scores), by, repeats, seed))


def _rounds(
    data: ImageData,
    rows: np.ndarray,
    counts: Sequence[int],
    looks: Sequence[Look],
    settings: tuple[tuple[str, ...], str, int, int],
) -> Iterator[Ranking]:
    scores, by, repeats, seed = settings
    details: dict[str, pd.DataFrame] = {}
    with_head = bool(set(scores) & set(FROM_SOURCE_HEAD))
    seen = 0
    for before, count in zip([0, *counts], counts, strict=False):
        for look in looks:
            look.extend(data, rows[:count], source_head=with_head)
            details[look.name] = look.judge(data.labels[rows[:count]], scores, repeats, seed)
            seen += count - before
            yield Ranking(pd.concat(details.values(), ignore_index=True), by, seen / (len(rows) * len(looks)))


def _chosen(data: ImageData, images: int, seed: int) -> np.ndarray:
    train = data.indices("train")
    if len(train) < FEWEST:
        raise DataError(
            f"{len(train)} training images are too few to rank backbones by.", f"Give at least {FEWEST}, better 100."
        )
    rows: np.ndarray = train[representative(data.labels[train], seed)][:images]
    if len(np.unique(data.labels[rows])) < 2:
        raise DataError("The images that were drawn are all of one class.", "Raise images.")
    return rows


def _networks(names: Networks) -> dict[str, Backbone]:
    if isinstance(names, Mapping):
        found = dict(names)
    else:
        listed = _bundled() if names is None else [names] if isinstance(names, str | Backbone) else list(names)
        found = {}
        for entry in listed:
            network = load_backbone(entry) if isinstance(entry, str) else entry
            if network.name in found:
                raise DataError(f"Two backbones are called {network.name!r}.", "Give a mapping from names to networks.")
            found[network.name] = network
    if not found:
        raise DataError("There is no backbone to rank.", "Name at least one, or leave names out.")
    return found


def _bundled() -> list[str]:
    """Names of the bundled backbones."""
    table = list_backbones(offline=True)
    return [str(name) for name in table.loc[table["source"] == "bundled", "name"]]


def _check_arguments(scores: Sequence[str], by: str, images: int, repeats: int) -> None:
    for score in scores:
        if score not in SCORES:
            raise DataError(f"There is no score named {score!r}.", f"Scores: {', '.join(SCORES)}.")
    if by not in scores:
        raise DataError(f"The order is by {by!r}, which is not computed.", f"Choices: {', '.join(scores)}.")
    if images < FEWEST or repeats < 2:
        raise DataError(f"images is {images!r} and repeats {repeats!r}.", f"Give at least {FEWEST} and 2.")
