"""Run: the folder that a training leaves, and what can be asked of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.feature_heads import suit_head
from tlwidgets.errors import RunError
from tlwidgets.recipe import Recipe
from tlwidgets.training.checkpoint import load_model, saved_shapes
from tlwidgets.training.method import trains_head
from tlwidgets.training.task_heads import TaskHeads, read_heads

FILES = {
    "recipe": "recipe.yaml",
    "history": "history.csv",
    "rates": "rates.csv",
    "metrics": "metrics.json",
    "status": "status.json",
    "environment": "environment.json",
    "audit": "audit.json",
    "predictions": "predictions.csv",
    "last": "last.safetensors",
    "best": "best.safetensors",
}


class Run:
    """A finished, stopped or still growing run, read from its folder.

    Args:
        path: The run's folder.

    Raises:
        RunError: There is no run in this folder.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / FILES["recipe"]).is_file():
            raise RunError(
                f"There is no run in {str(self.path)!r}.", "Give the folder that fit(recipe, path=...) wrote."
            )

    @classmethod
    def load(cls, path: str | Path) -> Run:
        """Reads the run in a folder."""
        return cls(path)

    def __repr__(self) -> str:
        accuracy = self.metrics.get("test", {}).get("accuracy") if self.head_trained else None
        score = "" if accuracy is None else f", test accuracy {accuracy:.2f}"
        return f"Run({self.path.name}: {self.status}, {len(self.history)} epochs{score})"

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that made it."""
        return Recipe.from_yaml((self.path / FILES["recipe"]).read_text("utf-8"))

    @property
    def head_trained(self) -> bool:
        """Whether the method trained the head: where it did not, no accuracy of the run says anything.

        A method such as masked_images says ``TRAINS_HEAD = False``; use its features, ``run.backbone.features``, or its
        folder as the backbone of another run.
        """
        return trains_head(self.recipe.method)

    @property
    def status(self) -> str:
        """How it ended: "finished", "stopped" or "failed"; "running" before that."""
        return str(self._json("status").get("status", "running"))

    @property
    def error(self) -> str:
        """Why it failed; "" where it did not."""
        return str(self._json("status").get("error", ""))

    @property
    def kept_epoch(self) -> int | None:
        """Of a run that failed: the epoch, its best until then, whose weights it keeps and is judged by.

        None where it kept nothing, and of a run that did not fail.
        """
        kept = self._json("status").get("kept_epoch")
        return int(kept) if kept and self.status == "failed" else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the network's outputs."""
        return tuple(self._json("status").get("classes", ()))

    @property
    def history(self) -> pd.DataFrame:
        """One row an epoch.

        Columns: ``epoch``, ``train_loss``, ``train_accuracy``, ``val_loss``, ``val_accuracy``, ``seconds``,
        ``images_per_second`` and ``learning_rate`` (of the head, at the epoch's last step).
        """
        return self._rows("history")

    @property
    def stage_rates(self) -> pd.DataFrame:
        """One row an epoch: the learning rate that the optimiser used for each stage at the epoch's last step.

        A column a stage, 0 where nothing in it learned; where a stage has several rates, the highest.
        """
        return self._rows("rates")

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """``{"test": {"accuracy", "loss", "n"}, "val": {...}}`` of the kept weights; empty while it runs.

        A method that adapts the network when training is over adds what it found, such as ``"target"``.
        """
        return self._json("metrics")

    @property
    def predictions(self) -> pd.DataFrame:
        """One row a test image: ``sample_id``, ``index``, ``label``, ``predicted``, ``confidence``, ``loss``."""
        path = self.path / FILES["predictions"]
        columns = {"sample_id": str, "label": str, "predicted": str}
        # A class may be called "NA" or "1": names are text and nothing else.
        return _table(path, dtype=columns, keep_default_na=False) if path.is_file() else pd.DataFrame()

    @property
    def confusion(self) -> np.ndarray:
        """Counts (C, C): row = true class, column = predicted class, of the test images."""
        position = {name: i for i, name in enumerate(self.classes)}
        matrix = np.zeros((len(position), len(position)), dtype=np.int64)
        table = self.predictions
        if len(table):
            np.add.at(matrix, (table["label"].map(position), table["predicted"].map(position)), 1)
        return matrix

    def wrongest(self, n: int = 8) -> pd.DataFrame:
        """The n test images that were classified wrongly with the highest loss, the worst first."""
        table = self.predictions
        if not len(table):
            return table
        wrong = table[table["label"] != table["predicted"]]
        worst: pd.DataFrame = wrong.sort_values("loss", ascending=False).head(n).reset_index(drop=True)
        return worst

    @cached_property
    def backbone(self) -> Backbone:
        """The trained network with its preprocessing: the weights of the best epoch, in evaluation mode."""
        backbone = load_backbone(self.recipe.backbone, pretrained=False, num_classes=len(self.classes))
        suit_head(backbone, saved_shapes(self.path / FILES["best"]))
        load_model(self.path / FILES["best"], backbone.model)
        backbone.classes = self.classes
        backbone.model.eval()
        return backbone

    @property
    def tasks(self) -> dict[str, tuple[str, ...]]:
        """Classes of every further task that the network learned (``method="multi_task"``), by name."""
        return {} if self._heads is None else self._heads.classes

    def predict_proba(self, images: np.ndarray | Sequence[np.ndarray], task: str | None = None) -> np.ndarray:
        """Class probabilities (N, C).

        Args:
            images: uint8 (N, H, W, 3).
            task: One of ``tasks``, in the order of whose classes the columns are; None is the run's own.

        Raises:
            RunError: The run has no such task.
        """
        logits = self._logits(images, task).astype(np.float64)
        shifted = np.exp(logits - logits.max(1, keepdims=True))
        probabilities: np.ndarray = shifted / shifted.sum(1, keepdims=True)
        return probabilities

    def predict(self, images: np.ndarray | Sequence[np.ndarray], task: str | None = None) -> list[str]:
        """The most probable class of each image, by name; of one of ``tasks`` where one is given."""
        best = self.predict_proba(images, task).argmax(1)
        names = self.classes if task is None else self.tasks[task]
        return [names[i] for i in best]

    @cached_property
    def _heads(self) -> TaskHeads | None:
        path = self.path / FILES["last"]
        return read_heads(path) if path.is_file() else None

    def _logits(self, images: np.ndarray | Sequence[np.ndarray], task: str | None) -> np.ndarray:
        if task is None:
            return self.backbone.logits(images)
        if self._heads is None or task not in self.tasks:
            known = f"Further tasks: {', '.join(self.tasks) or 'none'}."
            raise RunError(f"The run has no task {task!r}.", f"{known} Leave task out for the run's own.")
        return self._heads.scores(self.backbone.features(images), task)

    def _rows(self, name: str) -> pd.DataFrame:
        path = self.path / FILES[name]
        # An empty table is written as one empty line, which no parser takes for a table.
        return _table(path) if path.is_file() and path.stat().st_size > 1 else pd.DataFrame(columns=["epoch"])

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / FILES[name]
        if not path.is_file():
            return {}
        values: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return values


def as_run(run: Run | str | Path) -> Run:
    """A run as it is, or the one that lies in a folder.

    Raises:
        RunError: There is no run in the folder, or it is neither of them.
    """
    if isinstance(run, str | Path):
        return Run(run)
    if not isinstance(run, Run):
        raise RunError(f"A {type(run).__name__} is no run.", "Give what fit(...) returns, or the folder of a run.")
    return run


def _table(path: Path, **options: Any) -> pd.DataFrame:
    table: pd.DataFrame = pd.read_csv(path, **options)
    return table
