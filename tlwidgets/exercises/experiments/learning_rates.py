"""Lesson 05: how far a step should go, where, and what large steps make a network forget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from tlwidgets.data import ImageData, load_data
from tlwidgets.exercises.experiments.describing import described, network
from tlwidgets.exercises.experiments.feature_extraction import scraps
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore_shares
from tlwidgets.recipe import Recipe
from tlwidgets.training import fit
from tlwidgets.training.rate_finder import RateSearch, find_learning_rate

LESSON = "05_learning_rates"
RATES = (3e-3, 1e-2, 3e-2, 1e-1)
LARGE = 3e-2
"""More than either kind of network likes; a tenth of it suits a trained one."""


@dataclass(frozen=True)
class Outcome:
    """What a run is worth.

    Attributes:
        digits: accuracy on new digits, what it was trained for.
        scraps: accuracy of a simple model on its features of torn photographs, which it was not trained for; nan for a
            network from random weights, which has nothing to remember.
    """

    digits: float
    scraps: float


def digits(seed: int = 0) -> ImageData:
    """Load digits with five labels of each; the quarter for testing differs by seed."""
    return load_data("digits", seed=seed, val=0.0, test=0.25, labels_per_class=5)


def recipe(
    rate: float, *, pretrained: bool = True, scale: float = 1.0, seed: int = 0, again: bool = False, **changes: Any
) -> Recipe:
    """Write the run of this lesson: everything learns, for forty steps.

    Args:
        rate: of the head.
        pretrained: False starts from random weights.
        scale: rate of the stages below the head, as a share of ``rate``.
        seed: of images, head, order and random weights.
        again: the same images in another order, and with other random weights.
        **changes: other fields of the recipe.
    """
    return Recipe(
        data=digits(seed),
        epochs=20,
        learning_rate=rate,
        pretrained=pretrained,
        backbone_scale=scale,
        seed=seed + 1000 * again,
        **changes,
    )


@remembered
def outcome(rate: float, *, seed: int = 0, **options: Any) -> Outcome:
    """Run ``recipe`` with these arguments in a folder that is thrown away."""
    with TemporaryDirectory() as folder:
        run = fit(recipe(rate, seed=seed, **options), Path(folder) / "run", progress=False)
        known = described(scraps(5, seed), run.backbone, most=300).read() if run.recipe.pretrained else nan
        return Outcome(float(run.metrics["test"]["accuracy"]), known)


def sweep(rates: Sequence[float] = RATES, seed: int = 0) -> pd.DataFrame:
    """Train from random and from pre-trained weights at every rate.

    Returns:
        One row a rate: ``scratch`` and ``transfer``, accuracies on digits, and ``remembered``, accuracy of a simple
        model on the fine-tuned network's features of scraps.
    """
    rows = {}
    for rate in rates:
        tuned = outcome(rate, seed=seed)
        rows[rate] = (outcome(rate, pretrained=False, seed=seed).digits, tuned.digits, tuned.scraps)
    table: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index", columns=["scratch", "transfer", "remembered"])
    table.index.name = "learning rate"
    return table


def before_training(seed: int = 0, *, pretrained: bool = True) -> float:
    """Scraps (a share, 0 to 1) that a simple model tells apart by the features of a network as it came, or random."""
    return described(scraps(5, seed), network(pretrained=pretrained, seed=seed), most=300).read()


def search(seed: int = 0, *, pretrained: bool = True) -> RateSearch:
    """Try all rates in one short climb: the range test, on the run of this lesson."""
    return find_learning_rate(recipe(1e-3, pretrained=pretrained, seed=seed), per_stage=False, progress=False)


def explore_rates(table: pd.DataFrame) -> Any:
    """Show a table of ``sweep`` one rate at a time; see ``explorer.explore_shares``."""
    return explore_shares(
        "learning rate",
        table,
        "Rate {option:g}: of 100 new digits scratch reads {scratch}, transfer {transfer}; of 100 scraps the fine-tuned "
        "features still tell {remembered}.",
    )


def forgetting(seed: int, sabotaged: bool) -> float:
    """Scraps told apart by features fine-tuned at a tenth of the large rate, minus at the large; sabotaged, twice."""
    return _tenth(seed, sabotaged).scraps - outcome(LARGE, seed=seed).scraps


def _tenth(seed: int, sabotaged: bool) -> Outcome:
    return outcome(LARGE, seed=seed, again=True) if sabotaged else outcome(LARGE / 10, seed=seed)


def protection(seed: int, sabotaged: bool) -> float:
    """Scraps told apart where only the head takes large steps, minus where every stage does; sabotaged, all twice."""
    kept = outcome(LARGE, seed=seed, again=True) if sabotaged else outcome(LARGE, scale=0.1, seed=seed)
    return kept.scraps - outcome(LARGE, seed=seed).scraps


def worth_of_the_finder(seed: int, sabotaged: bool) -> float:
    """Digits read at the rate that the range test suggests minus at ten times that; sabotaged, ten times twice."""
    rate = search(seed).suggestion
    suggested = outcome(10 * rate, seed=seed, again=True) if sabotaged else outcome(rate, seed=seed)
    return suggested.digits - outcome(10 * rate, seed=seed).digits


def nothing_to_protect(seed: int, sabotaged: bool) -> float:
    """Digits read from random weights with one rate, minus with small steps below the head; sabotaged, from trained."""
    one, small = (outcome(1e-2, scale=scale, pretrained=sabotaged, seed=seed) for scale in (1.0, 0.1))
    return one.digits - small.digits


CLAIMS = (
    MeasuredClaim(
        LESSON, "C1", "the suggested rate reads more digits than ten times that rate", 0.1, worth_of_the_finder
    ),
    MeasuredClaim(LESSON, "C2", "large steps make the network forget what scraps look like", 0.08, forgetting),
    MeasuredClaim(LESSON, "C3", "small steps below the head protect what the stages knew", 0.1, protection),
    MeasuredClaim(
        LESSON, "C4", "from random weights, small steps below the head cost digits", 0.08, nothing_to_protect
    ),
)
