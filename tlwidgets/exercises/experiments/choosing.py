"""Lesson 07: which network to borrow, guessed without training, and how sure the guess is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.evaluation.looks import half_interval
from tlwidgets.evaluation.ranking import Ranking, rank_backbones
from tlwidgets.exercises.experiments.describing import described, network
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore

LESSON = "07_choosing_a_backbone"
WORLDS = {"digits": "digits", "scraps": "grey_patches"}
SHELF = {
    "all-round": "tlw_resnet",
    "transformer": "tlw_vit",
    "pen": "tlw_resnet_pen",
    "texture": "tlw_resnet_texture",
}


def shelf(seed: int = 0, *, pretrained: bool = True) -> dict[str, Backbone]:
    """Load the four bundled networks and one of random weights.

    Args:
        seed: of the random weights.
        pretrained: False fills the four with random weights too.
    """
    bundled = {
        name: network(file, pretrained=pretrained, seed=seed + i) for i, (name, file) in enumerate(SHELF.items())
    }
    return {**bundled, "random": network(pretrained=False, seed=seed + 99)}


def ten_labels(job: str, seed: int = 0) -> ImageData:
    """Load ``"digits"`` or ``"scraps"`` with ten labels of each class; the quarter for testing differs by seed."""
    return load_data(WORLDS[job], seed=seed, val=0.0, test=0.25, labels_per_class=10)


@remembered
def ranked(job: str, *, images: int = 100, seed: int = 0, pretrained: bool = True) -> Ranking:
    """Rank the shelf by LogME and TransRate, beside shuffled labels and with intervals.

    Args:
        job: ``"digits"`` or ``"scraps"``.
        images: how many labelled images are looked at.
        seed: of images, shufflings and random weights.
        pretrained: False fills every network with random weights.
    """
    networks = shelf(seed, pretrained=pretrained)
    scores = ("logme", "transrate")
    return rank_backbones(ten_labels(job, seed), networks, scores=scores, images=images, seed=seed, progress=False)


def rows_of(ranking: Ranking, score: str) -> pd.DataFrame:
    """The figures of one score, a row a network: ``value``, ``low``, ``high``, ``null`` and ``null_high``."""
    rows = ranking.details[ranking.details["score"] == score].set_index("backbone")
    table: pd.DataFrame = rows[["value", "low", "high", "null", "null_high"]].sort_values("value", ascending=False)
    return table


def gaps_of(ranking: Ranking, score: str, first: str = "") -> pd.DataFrame:
    """How far the networks score below one of them, with 95 % intervals of these differences.

    All networks saw the same halves of the images, so the difference is taken half by half: what makes a half hard for
    one network mostly makes it hard for the other, and drops out.

    Args:
        ranking: of networks that looked at as many images.
        score: by which.
        first: the network that the others are compared with; the one with the highest score by default.

    Returns:
        A row for each other network, the nearest first: ``gap``, ``low`` and ``high``.
    """
    rows = ranking.details[ranking.details["score"] == score].set_index("backbone")
    rows = rows.sort_values("value", ascending=False)
    first = first or str(rows.index[0])
    found = {}
    for name in rows.index.drop(first):
        apart = np.array(rows["halves"][first]) - np.array(rows["halves"][name])
        gap, reach = rows["value"][first] - rows["value"][name], half_interval(float(apart.var(ddof=1)), len(apart))
        found[name] = {"gap": gap, "low": gap - reach, "high": gap + reach}
    return pd.DataFrame.from_dict(found, orient="index")


def probed(job: str, seed: int = 0) -> pd.Series[float]:
    """Put a simple model on each network of the shelf: accuracy (0 to 1) on test images, the best first."""
    data = ten_labels(job, seed)
    found = {name: described(data, backbone).read() for name, backbone in shelf(seed).items()}
    return pd.Series(found, name="probe").sort_values(ascending=False)


def explore_networks(table: pd.DataFrame) -> Any:
    """Show a table with a row a network and columns ``digits`` and ``scraps`` of LogME, one network at a time."""
    rows = table.to_dict("index")

    def describe(name: str) -> str:
        return f"{name}: LogME {rows[name]['digits']:.2f} on digits, {rows[name]['scraps']:.2f} on scraps."

    return explore("network", list(table.index), describe)


def pen_on_digits(seed: int, sabotaged: bool) -> float:
    """LogME of the pen specialist minus that of the texture specialist, on digits."""
    found = rows_of(ranked("digits", seed=seed, pretrained=not sabotaged), "logme")["value"]
    return float(found["pen"] - found["texture"])


def texture_on_scraps(seed: int, sabotaged: bool) -> float:
    """LogME of the texture specialist minus that of the pen specialist, on scraps."""
    found = rows_of(ranked("scraps", seed=seed, pretrained=not sabotaged), "logme")["value"]
    return float(found["texture"] - found["pen"])


def high_for_nothing(seed: int, sabotaged: bool) -> float:
    """TransRate of shuffled labels minus nine tenths of that of the true ones; sabotaged, LogME."""
    found = rows_of(ranked("digits", seed=seed), "logme" if sabotaged else "transrate")
    return float((found["null"] - 0.9 * found["value"])["all-round"])


def undecided(seed: int, sabotaged: bool) -> float:
    """How far the interval of the gap all-round to transformer reaches below 0, on scraps; sabotaged, to random."""
    gaps = gaps_of(ranked("scraps", seed=seed), "logme", "all-round")
    return -float(gaps["low"]["random" if sabotaged else "transformer"])


CLAIMS = (
    MeasuredClaim(
        LESSON, "C1", "for digits, LogME puts the pen specialist above the texture specialist", 0.1, pen_on_digits
    ),
    MeasuredClaim(LESSON, "C2", "for scraps, LogME puts the texture specialist above", 0.04, texture_on_scraps),
    MeasuredClaim(LESSON, "C3", "shuffled labels score nine tenths of TransRate", 0.0, high_for_nothing),
    MeasuredClaim(LESSON, "C4", "on scraps, all-round and transformer cannot be told apart", 0.0, undecided),
)
