"""Labels of further tasks on the same samples: from a table's columns, from a list, or made of the classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from tlwidgets.errors import RecipeError
from tlwidgets.training.method import Setting

MISSING = -1
NOT_TASKS = ("path", "sample_id", "text", "label", "split")


@dataclass(frozen=True)
class TaskLabels:
    """One further task.

    Attributes:
        name: Of the task.
        classes: Names of its classes.
        numbers: int64 (N,) class number of every sample of the data, -1 where it has no label.
    """

    name: str
    classes: tuple[str, ...]
    numbers: torch.Tensor


def read_tasks(setting: Setting, tasks: Any, table: str | None) -> list[TaskLabels]:
    """Reads the further tasks of a run.

    Args:
        setting: The run.
        tasks: By name a mapping from classes to labels, or (N,) labels; or names of columns of the table.
        table: CSV file.

    Raises:
        RecipeError: There are none, labels do not fit the samples, or a task has fewer than two classes in training.
    """
    if tasks is not None and (not isinstance(tasks, Iterable) or isinstance(tasks, str)):
        raise RecipeError(f"tasks is {tasks!r}.", 'Give {"name": labels}, or names of columns of a table.')
    if table is not None:
        columns = _columns(setting, Path(table), None if tasks is None else list(tasks))
    elif tasks is not None and not isinstance(tasks, Mapping):
        raise RecipeError(f"tasks is {tasks!r}, and there is no table.", 'Give {"name": labels}, or the table too.')
    else:
        columns = {str(name): _labels(setting, name, given) for name, given in dict(tasks or {}).items()}
    if not columns:
        raise RecipeError("There is no further task.", 'Give tasks={"name": labels}, or a table with more columns.')
    return [_task(setting, name, labels) for name, labels in columns.items()]


def fixed_weights(names: list[str], given: Mapping[str, Any]) -> torch.Tensor:
    """Weights of the tasks' losses (T,), 1 where none is given.

    Raises:
        RecipeError: A name is no task's, or a weight is negative.
    """
    numbers = all(isinstance(value, Real) and float(value) >= 0 for value in given.values())
    if set(given) - set(names) or not numbers:
        raise RecipeError(f"The weights {given!r} cannot be used.", f"Tasks: {', '.join(names)}; give 0 or more.")
    return torch.tensor([float(given.get(name, 1)) for name in names])


def _labels(setting: Setting, name: str, given: Any) -> list[Any]:
    data = setting.data
    if isinstance(given, Mapping):
        known = {str(key): value for key, value in given.items()}
        if lacking := [each for each in data.classes if each not in known]:
            raise RecipeError(f"The task {name!r} says nothing of class {lacking[0]!r}.", "Name a label, or null.")
        return [known[data.classes[number]] for number in data.labels]
    if not isinstance(given, Iterable) or isinstance(given, str) or len(labels := list(given)) != len(data):
        raise RecipeError(f"The task {name!r} is no label a sample.", f"Give {len(data)} labels, or one a class.")
    return labels


def _columns(setting: Setting, path: Path, wanted: list[str] | None) -> dict[str, list[Any]]:
    try:
        table = pd.read_csv(path, dtype=str)
    except (OSError, ValueError) as error:
        raise RecipeError(f"The table {str(path)!r} cannot be read: {error}.", "Give a CSV file.") from error
    there = [str(name) for name in table.columns]
    keys = [name for name in ("sample_id", "path") if name in there]
    names = [name for name in there if name not in NOT_TASKS] if wanted is None else wanted
    if not keys or set(names) - set(there):
        raise RecipeError(
            f"{str(path)!r} has columns {', '.join(there)}.", "It needs path or sample_id, and the tasks."
        )
    rows = table.drop_duplicates(keys[0]).set_index(keys[0])
    found = rows[names].reindex([setting.data.sample_id(number) for number in range(len(setting.data))])
    return {str(name): found[name].tolist() for name in names}


def _task(setting: Setting, name: str, labels: list[Any]) -> TaskLabels:
    texts = [None if pd.isna(label) else str(label) for label in labels]
    classes = sorted({text for text in texts if text is not None})
    place = {text: number for number, text in enumerate(classes)}
    numbers = torch.tensor([MISSING if text is None else place[text] for text in texts])
    trained = set(numbers[setting.data.indices("train")].tolist()) - {MISSING}
    if len(trained) < 2:
        raise RecipeError(f"The task {name!r} has fewer than two classes in training.", "Look at its labels.")
    return TaskLabels(name, tuple(classes), numbers)
