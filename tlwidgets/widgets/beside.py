"""Beside the curves of a dashboard: what must be beaten, other runs, and how classes are mistaken."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlwidgets.errors import TrainingError
from tlwidgets.widgets.pictures import thumbnail

if TYPE_CHECKING:
    from tlwidgets.data import ImageData
    from tlwidgets.evaluation import TransferComparison
    from tlwidgets.training import Run
    from tlwidgets.training.events import Judged

MOST_BESIDE = 4  # runs: as many as dashes and colours still tell apart beside train and validation
ARMS = ("scratch", "linear_probe", "pixels", "majority")


def read_baselines(source: TransferComparison | Mapping[str, float]) -> list[dict[str, Any]]:
    """Names and test accuracies of what must be beaten.

    Raises:
        TrainingError: An accuracy is not between 0 and 1.
    """
    if not isinstance(source, Mapping):
        from tlwidgets.evaluation.comparison import NAMES

        source = {NAMES[arm]: float(source.hits[arm].mean()) for arm in ARMS if arm in source.hits}
    for name, value in source.items():
        if not isinstance(value, int | float) or not 0 <= value <= 1:
            raise TrainingError(f"The accuracy of {name!r} is {value!r}.", "Give a share between 0 and 1.")
    return [{"name": str(name), "accuracy": float(value)} for name, value in source.items()]


def read_others(runs: Sequence[Run | str | Path]) -> list[dict[str, Any]]:
    """The validation curves of runs.

    Raises:
        RunError: A folder holds no run.
        TrainingError: They are too many to tell apart.
    """
    from tlwidgets.training import Run

    if len(runs) > MOST_BESIDE:
        raise TrainingError(f"{len(runs)} runs are too many to tell apart.", f"Give at most {MOST_BESIDE}.")
    return [other_run(run if isinstance(run, Run) else Run.load(run)) for run in runs]


def other_run(run: Run) -> dict[str, Any]:
    """Name and validation curves of a run."""
    history = run.history
    curves = {name: history.get(name, ()) if run.head_trained else () for name in ("val_loss", "val_accuracy")}
    columns = {name: [_finite(value) for value in values] for name, values in curves.items()}
    return {"name": run.path.name, "epochs": [int(epoch) for epoch in history["epoch"]], **columns}


def ended_run(run: Run) -> list[dict[str, Any]]:
    """The curves of a run to draw beside the next one: none where no epoch ended, or no head was trained."""
    return [other_run(run)] if len(run.history) and run.head_trained else []


def majority_line(data: ImageData | None) -> list[dict[str, Any]]:
    """What always saying the commonest class would reach on the validation images; nothing where none has a class."""
    if data is None:
        return []
    train, val = (np.asarray(data.labels[data.indices(split)]) for split in ("train", "val"))
    if train.ndim != 1 or not len(val) or not len(train := train[train >= 0]):
        return []
    share = float((val == np.bincount(train).argmax()).mean())
    return [{"name": "majority class", "accuracy": share, "on": "validation"}]


def describe_judged(
    epoch: int, judged: Judged, classes: Sequence[str], data: ImageData | None
) -> tuple[dict[str, Any], list[bytes]]:
    """How the validation images fare, as values that JSON can hold, and the pictures of the worst mistakes."""
    known = judged.wrongest if data is not None else ()
    mistakes = [
        {
            "sample_id": data.sample_id(index),
            "label": classes[int(data.labels[index])],
            "predicted": classes[predicted],
            "confidence": sure,
        }
        for index, predicted, sure in known
        if data is not None
    ]
    pictures = [thumbnail(np.asarray(data.image(index))) for index, *_ in known if data is not None]
    counts = [list(row) for row in judged.confusion]
    return {"epoch": epoch, "classes": list(classes), "confusion": counts, "wrongest": mistakes}, pictures


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
