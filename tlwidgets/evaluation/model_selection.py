"""Which of several adapted runs to keep, where the target has no labels to ask.

Musgrave, Belongie, Lim (2022), "Three new validators and a large-scale benchmark ranking for unsupervised domain
adaptation", arXiv 2208.07360, for entropy and information; Sugiyama, Krauledat, Müller (2007), "Covariate shift
adaptation by importance weighted cross validation", JMLR 8. None of them is safe: entropy and information reward a
network that is sure and wrong, validation on the source knows nothing of the target. So the table shows them side by
side, and beside the oracle where labels are at hand to learn how far to trust them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import entropy

from tlwidgets.data import ImageData
from tlwidgets.data.features import check_probabilities
from tlwidgets.errors import DataError
from tlwidgets.methods.importance_weighting import density_ratio
from tlwidgets.training import Run, recipe_data
from tlwidgets.training.second_data import UNKNOWN, second_data
from tlwidgets.training.target import check_same_classes

CRITERIA = ("source_accuracy", "weighted_accuracy", "entropy", "information")


def mean_entropy(probabilities: Any) -> float:
    """How unsure a network is of the target: mean entropy of predictions (N, C), nats; lower is better."""
    return float(entropy(check_probabilities(probabilities), axis=1).mean())


def information(probabilities: Any) -> float:
    """How much the predictions (N, C) tell: entropy of their mean less the mean of their entropies, 0 to log C.

    High where each image gets a clear answer and the answers differ; a network that says the same of all gets 0.
    """
    table = check_probabilities(probabilities)
    return float(entropy(table.mean(0)) - entropy(table, axis=1).mean())


def weighted_accuracy(hits: Any, weights: Any) -> float:
    """Accuracy on source images that count as often as the target has their like.

    Args:
        hits: (N,) whether each held-out source image was classified rightly.
        weights: (N,) p_target(x) / p_source(x), from ``importance_weighting.density_ratio``.

    Raises:
        DataError: They do not fit, or no weight is above 0.
    """
    right, counts = np.asarray(hits, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if right.shape != counts.shape or right.ndim != 1 or not len(right) or counts.min() < 0 or not counts.sum() > 0:
        raise DataError(f"{right.shape} hits and {counts.shape} weights do not fit.", "Give one weight above 0 a hit.")
    return float((right * counts).sum() / counts.sum())


def compare_without_labels(
    runs: Mapping[str, Run | str | Path], target: Any, source: ImageData | None = None
) -> pd.DataFrame:
    """Judges runs by what can be known without target labels, and by the oracle where there are some.

    Args:
        runs: Runs, or their folders, by the name they shall have. All of the same source and classes.
        target: The other domain: anything that ``load_data`` takes, or bare images. The criteria look at its training
            and unlabelled images, never at their labels.
        source: The runs' own data, where the caller has them already.

    Returns:
        One row a run: ``source_accuracy`` on the source's validation images; ``weighted_accuracy``, the same with each
        image counted as often as the target has its like (by each run's own features); ``entropy`` and ``information``
        on the target; and ``oracle``, the accuracy on the target's test images, nan without labels.

    Raises:
        DataError: There are no runs, the domains differ in their classes, or one of them has no images to look at.
    """
    if not runs:
        raise DataError("There are no runs to choose from.", "Give at least one, better several.")
    opened = {name: run if isinstance(run, Run) else Run(run) for name, run in runs.items()}
    first = next(iter(opened.values()))
    ours = source if source is not None else recipe_data(first.recipe, first.path)
    theirs = second_data(target)
    check_same_classes(ours, theirs)
    held_out, looked_at = ours.indices("val"), np.flatnonzero(np.isin(theirs.split, ("train", "unlabelled")))
    if not len(held_out) or not len(looked_at):
        raise DataError(
            "One domain has no images to judge by.", "Give the source a val split, the target a train split."
        )
    rows = {name: _judged(run, ours, held_out, theirs, looked_at) for name, run in opened.items()}
    table: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index", columns=[*CRITERIA, "oracle"])
    return table


def choices(table: pd.DataFrame) -> pd.DataFrame:
    """Which run each criterion of ``compare_without_labels`` would keep.

    Returns:
        One row a criterion: ``run``; ``oracle``, what that run is worth on the target; ``regret``, how much better the
        best run would have been.
    """
    best = {name: table[name].idxmin() if name == "entropy" else table[name].idxmax() for name in CRITERIA}
    oracle = dict(zip(table.index, table["oracle"], strict=True))
    worth = {name: float(oracle[run]) for name, run in best.items()}
    top = float(table["oracle"].max())
    rows = {name: {"run": best[name], "oracle": worth[name], "regret": top - worth[name]} for name in CRITERIA}
    chosen: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index")
    return chosen


def _judged(run: Run, source: ImageData, held_out: np.ndarray, target: ImageData, looked_at: np.ndarray) -> list[float]:
    backbone, ours, theirs = run.backbone, source.inputs(held_out), target.inputs(looked_at)
    hits = backbone.logits(ours).argmax(1) == source.labels[held_out]
    weights = density_ratio(backbone.features(ours), backbone.features(theirs))
    probabilities = run.predict_proba(theirs)
    test = target.indices("test")
    known = len(test) > 0 and bool((target.labels[test] != UNKNOWN).all())
    right = run.predict_proba(target.inputs(test)).argmax(1) == target.labels[test] if known else None
    oracle = math.nan if right is None else float(right.mean())
    return [
        float(hits.mean()),
        weighted_accuracy(hits, weights),
        mean_entropy(probabilities),
        information(probabilities),
        oracle,
    ]
