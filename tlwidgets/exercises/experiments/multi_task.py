"""Lesson 12: many tasks at once, when they share their causes and when not, and gradients that agree or do not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LassoCV, MultiTaskLassoCV

from tlwidgets.data import ImageData, load_data
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.recipe import Recipe
from tlwidgets.training import fit

LESSON = "12_multi_task"
STANDS, CAUSES, DAYS, REAL = 20, 50, 30, 5
EPOCHS = 12


def stands(shared: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Make up the books of twenty ice-cream stands; five of fifty causes count at each, with a strength of its own.

    Args:
        shared: share of the stands at which the *same* five causes count; at the others any five do.
        seed: of everything.

    Returns:
        Causes (DAYS, CAUSES) on the days that all stands opened, sales (DAYS, STANDS), and the true strengths
        (STANDS, CAUSES).
    """
    draw = np.random.default_rng(seed)
    common = draw.choice(CAUSES, REAL, replace=False)
    strengths = np.zeros((STANDS, CAUSES))
    for stand in range(STANDS):
        own = common if stand < round(shared * STANDS) else draw.choice(CAUSES, REAL, replace=False)
        strengths[stand, own] = draw.normal(size=REAL)
    causes = draw.normal(size=(DAYS, CAUSES))
    return causes, causes @ strengths.T + draw.normal(size=(DAYS, STANDS)), strengths


@remembered
def alone_and_together(shared: float = 1.0, seed: int = 0) -> dict[str, float]:
    """Learn what counts, each stand alone and all together; both choose their strictness by five folds.

    Returns:
        ``alone`` and ``together``: mean squared error of a prediction for a new day, less the noise that nobody can
        predict.
    """
    causes, sales, strengths = stands(shared, seed)
    alone = [LassoCV(cv=5, max_iter=5000, alphas=30).fit(causes, sales[:, stand]).coef_ for stand in range(STANDS)]
    together = MultiTaskLassoCV(cv=5, max_iter=5000, alphas=30).fit(causes, sales).coef_
    # Causes are independent with variance 1: the expected error on a new day is the squared error of the strengths.
    return {
        name: float(np.square(np.asarray(found) - strengths).sum(axis=1).mean())
        for name, found in (("alone", alone), ("together", together))
    }


def sharing_curve(shares: Sequence[float], seed: int = 0) -> pd.DataFrame:
    """Measure ``alone_and_together`` for several shares of stands with the same causes: a row a share."""
    return pd.DataFrame([alone_and_together(share, seed) for share in shares], index=list(shares))


def explore_sharing(curve: pd.DataFrame) -> Any:
    """Show a table of ``sharing_curve`` one share at a time; see ``explorer.explore``."""
    rows = curve.round(2).to_dict("index")

    def describe(share: float) -> str:
        return (
            f"At {100 * share:.0f} of 100 stands the same causes count: error {rows[share]['alone']:.2f} alone, "
            f"{rows[share]['together']:.2f} together."
        )

    return explore("share of stands with the same causes", list(curve.index), describe)


@remembered
def scans(seed: int = 0) -> ImageData:
    """Load five scanned digits of each kind to learn from; the quarter for testing differs by seed."""
    return load_data("digits", seed=seed, val=0.0, test=0.25, labels_per_class=5)


def two_tasks(further: str, seed: int = 0) -> dict[str, dict[str, str] | list[str]]:
    """The further task of a run on ``scans``.

    Args:
        further: ``"loop"`` (does the digit have a closed loop?) or ``"noise"`` (a name that was drawn at random).
        seed: of the scans and the names.
    """
    if further == "loop":
        return {"loop": {str(digit): "yes" if digit in (0, 6, 8, 9) else "no" for digit in range(10)}}
    drawn = np.random.default_rng(seed).integers(0, 10, len(scans(seed)))
    return {"noise": [f"name {name}" for name in drawn]}


@remembered
def shared_trunk(further: str | None = "loop", seed: int = 0) -> dict[str, float]:
    """Fine-tune one network on digits, with or without a further task.

    Args:
        further: as in ``two_tasks``; None learns digits alone, with the same number of steps.
        seed: of images, deal and names.

    Returns:
        ``digits``: accuracy (0 to 1) on test images. ``cosine``: mean agreement of the two tasks' gradients in the
        trunk; nan where there is one task.
    """
    recipe = Recipe(data=scans(seed), seed=seed, epochs=EPOCHS, batch_size=25)
    if further is not None:
        options = {"tasks": two_tasks(further, seed), "conflict_every": 1}
        recipe = recipe.replace(method="multi_task", method_options=options)
    with TemporaryDirectory() as folder:
        run = fit(recipe, Path(folder) / "run", progress=False)
        cosines = run.history[f"cosine_{further}"] if further is not None else pd.Series([np.nan])
        return {"digits": float(run.metrics["test"]["accuracy"]), "cosine": float(cosines.mean())}


def gain_of_sharing(seed: int, sabotaged: bool) -> float:
    """Share of the error that learning together saves; sabotaged, no two stands have their causes in common."""
    found = alone_and_together(0.0 if sabotaged else 1.0, seed)
    return 1 - found["together"] / found["alone"]


def harm_of_sharing(seed: int, sabotaged: bool) -> float:
    """Share of error that learning together adds where nothing is shared; sabotaged, all is shared."""
    found = alone_and_together(1.0 if sabotaged else 0.0, seed)
    return found["together"] / found["alone"] - 1


def agreement(seed: int, sabotaged: bool) -> float:
    """Mean cosine of the gradients of digits and loops in the trunk, above that of noise, and above 0.

    Sabotaged, noise stands for the loops.
    """
    noise = shared_trunk("noise", seed)["cosine"]
    return (noise if sabotaged else shared_trunk("loop", seed)["cosine"]) - max(0.0, noise)


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "stands with the same causes are better learned together", 0.3, gain_of_sharing),
    MeasuredClaim(LESSON, "C2", "stands with nothing in common are better learned alone", 0.5, harm_of_sharing),
    MeasuredClaim(LESSON, "C3", "loops pull the way of the digits, noise does not", 0.04, agreement),
)
