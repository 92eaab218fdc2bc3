"""k-fold cross-validation of a recipe: every fold starts from the same pre-trained weights and learns by itself.

A hold-out figure of few images is mostly luck; k folds test on every image once (Stone 1974, JRSS B 36). Nothing but
pixels passes from fold to fold: each makes its network, head, BatchNorm statistics and optimiser anew. What the frozen
part of a network says of an image does not depend on the fold, and is computed once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from tqdm import tqdm

from tlwidgets.data import ImageData
from tlwidgets.data.splits import split_samples
from tlwidgets.errors import DataError
from tlwidgets.evaluation.metrics import run_metrics
from tlwidgets.evaluation.showing import as_html
from tlwidgets.recipe import Recipe
from tlwidgets.training import BatchEnded, Event, PrefixShelf, fit, recipe_data

METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "calibration_error")


@dataclass(frozen=True)
class CrossValidation:
    """What k folds say of a recipe.

    Attributes:
        folds: One row a fold: ``fold`` from 1, ``train``, ``val`` and ``test`` (numbers of images), the metrics of
            ``tlwidgets.evaluation.metrics`` on the fold's test images, and ``seconds``.
        predictions: One row an image, when it was tested: ``fold``, ``index`` (position in the data), ``sample_id``,
            ``label``, ``predicted``, ``confidence`` and ``loss``.
        asked: Number of folds that were asked for; more than ``folds`` has where the work was cancelled.
    """

    folds: pd.DataFrame
    predictions: pd.DataFrame
    asked: int

    def __repr__(self) -> str:
        return f"CrossValidation: {self.sentence}"

    def _repr_html_(self) -> str:
        return as_html(self.sentence, self.table)

    @property
    def table(self) -> pd.DataFrame:
        """One row a metric: ``mean`` and ``sd`` over the folds, ``lowest`` and ``highest`` fold."""
        metrics = self.folds[list(METRICS)]
        table: pd.DataFrame = pd.DataFrame(
            {"mean": metrics.mean(), "sd": metrics.std(), "lowest": metrics.min(), "highest": metrics.max()}
        )
        return table

    @property
    def sentence(self) -> str:
        """The accuracy in words."""
        accuracy = 100 * self.folds["accuracy"]
        part = "" if len(accuracy) == self.asked else f" of {self.asked}"
        return (
            f"Accuracy {accuracy.mean():.1f} % over {len(accuracy)}{part} folds "
            f"(sd {accuracy.std():.1f}, from {accuracy.min():.1f} to {accuracy.max():.1f})."
        )

    def plot(self) -> Figure:
        """Draws the accuracy of every fold and their mean; made without pyplot."""
        figure = Figure(figsize=(6, 1.2 + 0.35 * len(self.folds)), layout="constrained")
        axes = figure.subplots()
        names = [f"fold {fold}" for fold in self.folds["fold"]]
        axes.plot(self.folds["accuracy"], names, "o", color="#0072B2", label="a fold")
        axes.axvline(self.folds["accuracy"].mean(), color="#D55E00", linestyle="--", label="mean")
        axes.invert_yaxis()
        axes.set_xlabel("accuracy on the images left out")
        axes.legend(fontsize="small")
        return figure


def cross_validate(
    recipe: Recipe,
    folds: int = 5,
    groups: Any = None,
    *,
    val: float = 0.15,
    path: str | Path | None = None,
    progress: bool = True,
    update: Callable[[CrossValidation], bool | None] | None = None,
) -> CrossValidation:
    """Trains and tests a recipe on k folds of its data.

    Every image that is in a split is tested once, by a network that saw neither it nor any of its group. Folds hold the
    classes in about equal shares, and near-identical images are always one group.

    Args:
        recipe: The run as data; the splits of its data are dealt anew, by its seed.
        folds: How many, at least 2.
        groups: (N,) what must stay together beyond near-identical images: patients, places, days. One entry for each
            image of the data, numbers or names.
        val: Share of each fold's training images that choose the best epoch; 0 takes the last epoch.
        path: Where to keep the runs, a folder each; by default nothing is kept.
        progress: Show a progress bar.
        update: Called after every fold with what is known by then; returns True to end the work there.

    Returns:
        The figures of all folds.

    Raises:
        DataError: There are more folds than images or groups of a class, or the groups do not fit the data.
        TlwError: As ``fit`` raises.
    """
    data = recipe_data(recipe)
    splits = fold_splits(data, folds, groups, val=val, seed=recipe.seed)
    shelf, rows, predictions = PrefixShelf(runs=folds), [], []
    with ExitStack() as stack:
        place = Path(path) if path is not None else Path(stack.enter_context(TemporaryDirectory(prefix="tlwidgets-")))
        bar = stack.enter_context(tqdm(desc="Cross-validation", unit="step", disable=not progress))
        for fold, split in enumerate(splits, start=1):
            row, predicted = _fold(recipe, with_split(data, split), place / f"fold-{fold}", shelf, bar)
            rows.append({"fold": fold, **row})
            predicted.insert(0, "fold", fold)
            predictions.append(predicted)
            found = CrossValidation(pd.DataFrame(rows), pd.concat(predictions, ignore_index=True), folds)
            if update is not None and update(found):
                break
    return found


def fold_splits(
    data: ImageData, folds: int, groups: Any = None, *, val: float = 0.15, seed: int = 0
) -> list[np.ndarray]:
    """Deals images into folds; arguments and errors are those of ``cross_validate``.

    Returns:
        For each fold (N,) "train", "val" or "test"; images that were in no split stay "unlabelled".
    """
    used = np.flatnonzero(data.split != "unlabelled")
    labels, together = data.labels[used], _joined(data, groups)[used]
    _check_folds(data, labels, together, folds)
    alone = len(np.unique(together)) == len(together)
    dealer = (StratifiedKFold if alone else StratifiedGroupKFold)(folds, shuffle=True, random_state=seed)
    splits = []
    for rest, test in dealer.split(used, labels, None if alone else together):
        split = np.full(len(data), "unlabelled", dtype="<U10")
        split[used[test]] = "test"
        split[used[rest]] = split_samples(labels[rest], together[rest], val=val, test=0, seed=seed)
        if missing := set(labels) - set(data.labels[split == "train"]):
            raise DataError(
                f"A fold would have no training image of class {data.classes[min(missing)]!r}.",
                "Give fewer folds, or groups that do not hold a whole class.",
            )
        splits.append(split)
    return splits


def with_split(data: ImageData, split: np.ndarray) -> ImageData:
    """The same images, or texts, in other splits (N,)."""
    return data.with_split(split)


def _fold(
    recipe: Recipe, data: ImageData, path: Path, shelf: PrefixShelf, bar: tqdm[Any]
) -> tuple[dict[str, float], pd.DataFrame]:
    began = time.perf_counter()

    def count(event: Event) -> None:
        if isinstance(event, BatchEnded):
            bar.update()

    run = fit(recipe, path, progress=False, data=data, listeners=[count], shelf=shelf)
    metrics = {str(name): float(value) for name, value in run_metrics(run, resamples=1)["value"].items()}
    row: dict[str, float] = {**data.splits, **metrics, "seconds": time.perf_counter() - began}
    return row, run.predictions


def _joined(data: ImageData, groups: Any) -> np.ndarray:
    """Group numbers (N,): near-identical images and those of one given group are connected."""
    if groups is None:
        return data.groups
    given = np.asarray(groups)
    if given.shape != (len(data),):
        raise DataError(
            f"The groups have shape {given.shape}, but there are {len(data)} images.", "Give one group an image."
        )
    if pd.isna(given).any():
        raise DataError(f"{pd.isna(given).sum()} groups are missing.", "Give every image a group.")
    number = np.unique(given, return_inverse=True)[1]
    n = len(data)
    alike = np.unique(data.groups, return_inverse=True)[1]
    # A node for each image, each group that was given, and each of near-identical ones; an image is tied to its two.
    ends = np.concatenate([n + number, 2 * n + alike])
    edges = coo_array((np.ones(2 * n), (np.tile(np.arange(n), 2), ends)), shape=(3 * n, 3 * n))
    joined: np.ndarray = connected_components(edges, directed=False)[1][:n]
    return joined


def _check_folds(data: ImageData, labels: np.ndarray, groups: np.ndarray, folds: int) -> None:
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise DataError(f"folds is {folds!r}.", "Give a whole number, 2 or more.")
    for label in np.unique(labels):
        n_images, n_groups = (labels == label).sum(), len(np.unique(groups[labels == label]))
        what = f"{n_images} images" if n_groups == n_images else f"{n_groups} groups of images"
        if n_groups < folds:
            raise DataError(
                f"Class {data.classes[label]!r} has {what}, too few for {folds} folds.",
                f"Give at most {n_groups} folds, or more images." if n_groups > 1 else "Give more images of it.",
            )
