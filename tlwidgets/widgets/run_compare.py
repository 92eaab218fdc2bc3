"""RunCompare: runs on disk side by side - their curves, what they are worth, and what differs between their recipes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd
import traitlets

from tlwidgets.errors import RunError, TlwError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.feed import OF_THE_HEAD
from tlwidgets.widgets.results import mark_of
from tlwidgets.widgets.untrained import learned, own_measures, told

if TYPE_CHECKING:
    from tlwidgets.training import Run

MOST = 6  # runs at a time: as many as the palette and the dashes tell apart
LISTED = 200  # newest runs of a folder
MEASURES = ("val_accuracy", "val_loss", "train_accuracy", "train_loss", "learning_rate")


class RunCompare(TlwWidget):
    """Choose runs, compare them.

    Args:
        folder: Where runs lie, each in a folder of its own.
        runs: Runs to begin with, by folder name; the two newest finished ones by default.

    Raises:
        RunError: The folder holds no run, or a run to begin with is not there.
    """

    commands: ClassVar[dict[str, str]] = {"choose": "choose", "measure": "measure_by", "refresh": "refresh"}

    folder = traitlets.Unicode("").tag(sync=True)
    """Where the runs lie."""

    found: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a run, the newest first: run, backbone, data, status, epochs, accuracy (0..1, or None), date.

    Also learned: what one whose method trains no head came to instead of an accuracy; else empty.
    """

    chosen: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the runs that are compared, in the order of their choice."""

    measure = traitlets.Unicode("val_accuracy").tag(sync=True)
    """What the curves show, one of ``measures``."""

    measures: traitlets.List[str] = traitlets.List(traitlets.Unicode(), list(MEASURES)).tag(sync=True)
    """What curves there are: those of every run, and what the methods of the chosen ones measure themselves."""

    curves: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a chosen run: run, epochs (list) and values (list, None where not measured)."""

    metrics: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a metric: metric, and values, one [value, low, high] or None a chosen run."""

    differences: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a field of the recipe in which the chosen runs differ: field, and values as text."""

    cautions: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Of each chosen run whose method trains no head: what it learned, and why it has no accuracy."""

    verdicts: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """The first chosen run against each other one, in words."""

    def __init__(self, folder: str | Path = "runs", runs: Iterable[str] | None = None) -> None:
        self._folder = Path(folder)
        super().__init__(folder=str(folder))
        self.refresh()
        if not self.found:
            raise RunError(f"There is no run in {str(folder)!r}.", "Give the folder that holds the runs' folders.")
        finished = [row["run"] for row in self.found if row["accuracy"] is not None]
        self._take(list(finished[:2] if runs is None else runs))

    def __repr__(self) -> str:
        compared = ", ".join(self.chosen) or "none"
        found = f"{len(self.found)} run{'' if len(self.found) == 1 else 's'} in {self.folder}"
        return " ".join([f"RunCompare: {found}; compared: {compared}.", *self.cautions, *self.verdicts])

    def refresh(self) -> None:
        """Looks for runs again; chosen ones that are gone are taken out."""
        newest = sorted(self._folder.glob("*/recipe.yaml"), key=_age)[:LISTED]
        self.found = [row for file in newest if (row := _row(file.parent)) is not None]
        if self.chosen:
            here = {row["run"] for row in self.found}
            self._take([name for name in self.chosen if name in here])

    def choose(self, run: str, chosen: bool = True) -> None:
        """Takes a run in, or out again.

        Raises:
            RunError: There is no such run, or more than ``MOST`` would be compared.
        """
        others = [name for name in self.chosen if name != run and (self._folder / name / "recipe.yaml").is_file()]
        self._take([*others, run] if chosen else others)

    def measure_by(self, measure: str) -> None:
        """Chooses what the curves show, one of ``measures``."""
        if measure not in self.measures:
            raise RunError(f"There is no curve of {measure!r}.", f"Choices: {', '.join(self.measures)}.")
        curves = [_curve(run, measure) for run in self.runs]
        self.measure, self.curves = measure, curves

    @property
    def runs(self) -> list[Run]:
        """The chosen runs themselves."""
        from tlwidgets.training import Run

        return [Run.load(self._folder / name) for name in self.chosen]

    @property
    def table(self) -> pd.DataFrame:
        """One row a metric, one column a chosen run: the values."""
        rows = {row["metric"]: [None if v is None else v[0] for v in row["values"]] for row in self.metrics}
        return pd.DataFrame.from_dict(rows, orient="index", columns=pd.Index(self.chosen))

    def _take(self, names: list[str]) -> None:
        """Compares these; a run that cannot be read leaves everything as it was."""
        from tlwidgets.training import Run

        known = {row["run"] for row in self.found}
        for name in names:
            if name not in known:
                raise RunError(f"There is no run {name!r} in {self.folder!r}.", "See ``found`` for those that are.")
        if len(names) > MOST:
            raise RunError(f"{len(names)} runs are too many to tell apart.", f"Take one out: {MOST} at most.")
        runs = [Run.load(self._folder / name) for name in names]
        own = dict.fromkeys(name for run in runs for name in own_measures(run.history))
        measures = [*MEASURES, *(name for name in own if name not in MEASURES)]
        measure = self.measure if self.measure in measures else MEASURES[0]
        curves, metrics = [_curve(run, measure) for run in runs], _metrics(runs)
        differences, verdicts = _differences(runs), [_verdict(runs[0], other) for other in runs[1:]]
        self.cautions = [f"{run.path.name}: {told(run)}" for run in runs if not run.head_trained]
        self.measures, self.measure = measures, measure
        self.chosen, self.curves, self.metrics = names, curves, metrics
        self.differences, self.verdicts = differences, verdicts


def _age(file: Path) -> float:
    """Sorts the newest first; a run that vanishes meanwhile last."""
    try:
        return -file.parent.stat().st_mtime
    except OSError:
        return 0.0


def _row(path: Path) -> dict[str, Any] | None:
    """What the list says of a run; None where its recipe cannot be read."""
    from tlwidgets.training import Run

    try:
        run = Run.load(path)
        recipe, history = run.recipe, run.history
        date = datetime.fromtimestamp((path / "recipe.yaml").stat().st_mtime).astimezone()
        status, accuracy = mark_of(run) or run.status, run.metrics.get("test", {}).get("accuracy")
        accuracy, own = (accuracy, "") if run.head_trained else (None, learned(run))
    except (TlwError, OSError, ValueError, AttributeError):  # JSON that holds no mapping has no `get`
        return None
    return {
        "run": path.name,
        "backbone": Path(recipe.backbone).name,
        "data": _short(recipe.data),
        "status": status,
        "epochs": len(history),
        "accuracy": accuracy,
        "learned": own,
        "date": date.strftime("%Y-%m-%d %H:%M"),
    }


def _short(value: Any) -> str:
    """A value of a recipe in a few words; long ones end in an ellipsis."""
    if isinstance(value, dict):
        kind = next((str(value[key]) for key in ("name", "folder", "table", "arrays") if key in value), None)
        words = Path(kind).name if kind else ", ".join(f"{key}: {entry}" for key, entry in value.items())
    else:
        words = "" if value is None else str(value)
    return words if len(words) <= 60 else f"{words[:59]}…"


def _curve(run: Run, measure: str) -> dict[str, Any]:
    history = run.history
    silent = measure not in history or (measure in OF_THE_HEAD and not run.head_trained)
    values = pd.Series([float("nan")] * len(history)) if silent else history[measure]
    known = [None if pd.isna(value) else float(value) for value in values]
    return {"run": run.path.name, "epochs": [int(epoch) for epoch in history["epoch"]], "values": known}


def _metrics(runs: list[Run]) -> list[dict[str, Any]]:
    from tlwidgets.evaluation import run_metrics

    tables: list[pd.DataFrame | None] = []
    for run in runs:
        try:
            tables.append(run_metrics(run) if run.head_trained else None)
        except RunError:  # not finished, or without test images
            tables.append(None)
    names = next((list(table.index) for table in tables if table is not None), [])
    return [
        {
            "metric": str(name),
            "values": [
                None if table is None else [float(table.loc[name, key]) for key in ("value", "low", "high")]
                for table in tables
            ],
        }
        for name in names
    ]


def _differences(runs: list[Run]) -> list[dict[str, Any]]:
    recipes = [{**run.recipe.settings(), "data": run.recipe.data} for run in runs]
    fields = [name for name in (recipes[0] if recipes else {}) if any(r[name] != recipes[0][name] for r in recipes)]
    return [{"field": name, "values": [_short(recipe[name]) for recipe in recipes]} for name in fields]


def _verdict(first: Run, other: Run) -> str:
    from tlwidgets.evaluation import compare_runs

    untrained = [run.path.name for run in (first, other) if not run.head_trained]
    if untrained:
        whose = " and ".join(untrained)
        return f"First {first.path.name}, second {other.path.name}. The head of {whose} learned nothing to compare."
    try:
        return f"First {first.path.name}, second {other.path.name}. {compare_runs(first, other).sentence}"
    except RunError as error:
        return str(error)
