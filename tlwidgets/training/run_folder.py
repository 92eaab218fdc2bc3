"""Writes a run's folder while it grows. Every file is written whole or not at all."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from tlwidgets.data import ImageData
from tlwidgets.errors import RunError
from tlwidgets.recipe import Recipe
from tlwidgets.training.run import FILES
from tlwidgets.training.second_data import saved_options

PACKAGES = ("tlwidgets", "torch", "torchvision", "timm", "numpy", "pillow", "scikit-learn", "accelerate")


class RunFolder:
    """The writing side of a run.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, path: Path, recipe: Recipe, data: ImageData) -> RunFolder:
        """Makes a new run's folder with its recipe and environment.

        Data that live in memory are copied into the folder, so that the run can be taken up and repeated.

        Raises:
            RunError: The folder already holds a run or something else, or cannot be written.
        """
        check_free(path)
        folder = cls(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            source, options = data.save(path), saved_options(recipe.method_options, path)
        except OSError as error:
            raise RunError(f"The run cannot be written to {str(path)!r}: {error}.", "Choose another path.") from error
        folder.write_json("environment", environment())
        folder.write_status("running", data.classes)
        folder._write("recipe", recipe.replace(data=source, method_options=options).to_yaml())
        return folder

    def write_status(
        self, status: str, classes: Sequence[str], error: str = "", kept_epoch: int = 0, *, head_trained: bool = True
    ) -> None:
        """Says how the run stands.

        Args:
            status: "running", "finished", "stopped" or "failed".
            classes: In the order of the network's outputs.
            error: Why it failed.
            kept_epoch: Of one that failed, whose weights it keeps; 0 for none.
            head_trained: False where the method trains none, so that whoever reads the folder shows no accuracy.
        """
        kept = {"kept_epoch": kept_epoch} if kept_epoch else {}
        untrained = {} if head_trained else {"head_trained": False}
        self.write_json("status", {"status": status, "classes": list(classes), "error": error, **kept, **untrained})

    def write_history(self, rows: Sequence[Mapping[str, float]], rates: Sequence[Mapping[str, float]]) -> None:
        """Writes all epochs so far, and the rate of every stage in them."""
        self._write("history", pd.DataFrame(list(rows)).to_csv(index=False))
        self._write("rates", pd.DataFrame(list(rates)).to_csv(index=False))

    def write_json(self, name: str, values: Mapping[str, Any]) -> None:
        """Writes one of the folder's JSON files."""
        self._write(name, json.dumps(values, indent=2, ensure_ascii=False))

    def write_predictions(self, data: ImageData, indices: np.ndarray, probabilities: np.ndarray) -> None:
        """Writes what the best weights say of every test image; ``probabilities`` is (N, C)."""
        labels = data.labels[indices]
        predicted = probabilities.argmax(1)
        table = pd.DataFrame(
            {
                "sample_id": [data.sample_id(int(i)) for i in indices],
                "index": indices,
                "label": [data.classes[i] for i in labels],
                "predicted": [data.classes[i] for i in predicted],
                "confidence": probabilities.max(1),
                "loss": -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-12)),
            }
        )
        self._write("predictions", table.to_csv(index=False))

    def _write(self, name: str, text: str) -> None:
        path = self.path / FILES[name]
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(text, "utf-8")
        partial.replace(path)


def check_free(path: Path) -> None:
    """Refuses a run's folder that already holds something.

    Raises:
        RunError: It is taken.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunError(f"{str(path)!r} is already taken.", "Choose another path, or take it up with resume(path).")


def environment() -> dict[str, Any]:
    """Versions and the machine, as far as a repetition depends on them."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = ""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "threads": torch.get_num_threads(),
        "cuda": torch.version.cuda if torch.cuda.is_available() else "",
        "packages": versions,
    }
