"""The further heads of a network with several tasks: as a run trains them, and as its folder keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from tlwidgets.errors import RunError

SAVED = "method/"
"""What stands before the names of a method's own tensors in a checkpoint."""


class TaskHeads(nn.Module):
    """A linear head for every further task, and every task's learned log variance; the run's own task is the first.

    Args:
        size: Length D of the features.
        classes: Names of each further task's classes.
    """

    def __init__(self, size: int, classes: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        # Behind zeros a trunk learns nothing from a head in its first step; a small random one starts at once.
        self.layers = nn.ModuleList(nn.Linear(size, len(names)) for names in classes.values())
        self.log_variances = nn.Parameter(torch.zeros(1 + len(classes)))
        # A checkpoint holds tensors only, and a head without the names of its classes cannot answer: UTF-8, as bytes.
        text = json.dumps([[task, list(names)] for task, names in classes.items()])
        self.register_buffer("names", torch.tensor(list(text.encode()), dtype=torch.uint8))

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Names of each further task's classes."""
        return _decoded(self.names)

    def scores(self, features: np.ndarray, task: str) -> np.ndarray:
        """Logits (N, C) of a task for features (N, D)."""
        head = self.layers[list(self.classes).index(task)]
        with torch.inference_mode():
            logits: np.ndarray = head(torch.from_numpy(features)).numpy()
        return logits


def read_heads(path: Path) -> TaskHeads | None:
    """Reads the further heads from a run's last checkpoint; None where the run had one task only.

    Raises:
        RunError: The checkpoint cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            saved = {key.removeprefix(SAVED): file.get_tensor(key) for key in file.keys() if key.startswith(SAVED)}  # noqa: SIM118  not a mapping
    except (OSError, SafetensorError) as error:
        raise RunError(f"The checkpoint {str(path)!r} cannot be read: {error}.", "Run the recipe again.") from error
    if "names" not in saved:
        return None
    heads = TaskHeads(saved["layers.0.weight"].shape[1], _decoded(saved["names"]))
    heads.load_state_dict(saved)
    return heads.eval()


def _decoded(names: object) -> dict[str, tuple[str, ...]]:
    return {task: tuple(each) for task, each in json.loads(bytes(torch.as_tensor(names).tolist()))}
