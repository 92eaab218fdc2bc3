"""Corrections to the data as a list of their own: other labels, images left out; the files themselves stay as they are.

For a folder the list is a CSV file beside the classes, read whenever the folder is loaded, so a corrected folder stays
corrected in every notebook and script, and is as it was once the file is gone. Images keep their splits, so runs before
and after stay comparable.
"""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tlwidgets.data.images import ImageData, SetAside
from tlwidgets.errors import DataError

FILE = "tlwidgets-changes.csv"
COLUMNS = ("sample_id", "action", "label", "was")
ACTIONS = ("relabel", "exclude")


@dataclass(frozen=True)
class Change:
    """What becomes of one image.

    Attributes:
        sample_id: Its name, see ``ImageData.sample_id``.
        action: "relabel" or "exclude".
        label: The class that it gets; "" where it is excluded.
        was: The class that it had.
    """

    sample_id: str
    action: str
    label: str
    was: str


class Changes:
    """An ordered list of changes, at most one an image, in which every step can be undone and done again.

    Args:
        classes: Names that a label may have.
        changes: What the list begins with.
    """

    def __init__(self, classes: tuple[str, ...], changes: dict[str, Change] | None = None) -> None:
        self.classes = classes
        self._now: dict[str, Change] = dict(changes or {})
        self._past: list[dict[str, Change]] = []
        self._future: list[dict[str, Change]] = []

    def __len__(self) -> int:
        return len(self._now)

    def __contains__(self, sample_id: str) -> bool:
        return sample_id in self._now

    def get(self, sample_id: str) -> Change | None:
        """The change of an image; None where there is none."""
        return self._now.get(sample_id)

    def relabel(self, sample_id: str, label: str, was: str) -> None:
        """Gives an image another class; its own class again takes the change back.

        Raises:
            DataError: There is no such class.
        """
        if label not in self.classes:
            raise DataError(f"There is no class {label!r}.", f"Classes: {', '.join(self.classes[:20])}.")
        self._set(sample_id, None if label == was else Change(sample_id, "relabel", label, was))

    def exclude(self, sample_id: str, was: str) -> None:
        """Leaves an image out."""
        self._set(sample_id, Change(sample_id, "exclude", "", was))

    def keep(self, sample_id: str) -> None:
        """Takes the change of an image back."""
        self._set(sample_id, None)

    def clear(self) -> None:
        """Takes every change back, in one step."""
        if self._now:
            self._step({})

    def undo(self) -> None:
        """Takes the latest step back; does nothing where there is none."""
        if self._past:
            self._future.append(self._now)
            self._now = self._past.pop()

    def redo(self) -> None:
        """Does the step again that was taken back last; does nothing where there is none."""
        if self._future:
            self._past.append(self._now)
            self._now = self._future.pop()

    def _set(self, sample_id: str, change: Change | None) -> None:
        if self._now.get(sample_id) != change:
            rest = {name: other for name, other in self._now.items() if name != sample_id}
            self._step(rest if change is None else {**rest, sample_id: change})

    def _step(self, changes: dict[str, Change]) -> None:
        self._past.append(self._now)
        self._future.clear()
        self._now = changes

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._future)

    @property
    def table(self) -> pd.DataFrame:
        """One row a change: ``sample_id``, ``action``, ``label``, ``was``."""
        rows: pd.DataFrame = pd.DataFrame([vars(change) for change in self._now.values()], columns=list(COLUMNS))
        return rows

    def apply_to(self, data: ImageData) -> ImageData:
        """The data as changed, in the same splits; ``data`` stays as it is.

        Raises:
            DataError: A class would have no training image left.
        """
        if not self._now:
            return data
        numbers = {name: number for number, name in enumerate(data.classes)}
        labels, kept, found = data.labels.copy(), np.ones(len(data), bool), set()
        for index in range(len(data)):
            change = self._now.get(data.sample_id(index))
            if change is not None:
                found.add(change.sample_id)
                kept[index] = change.action != "exclude"
                labels[index] = numbers.get(change.label, labels[index])
        _check_left(data, labels[kept & (data.split == "train")])
        lost = [SetAside(name, "changed in an earlier session, and gone since") for name in self._now.keys() - found]
        at = np.flatnonzero(kept)
        _, groups = np.unique(data.groups[at], return_inverse=True)
        parts = data.parts() | {"labels": labels[at], "split": data.split[at], "groups": groups.astype(np.int64)}
        parts |= {"reader": parts["reader"].take(at), "set_aside": [*data.set_aside, *lost]}
        # Its source does not know of the changes: what a run shall repeat must be saved, or applied to the folder.
        return type(data)(**parts | {"source": {"memory": data.name}})

    def write(self, folder: str | Path) -> Path:
        """Writes the list into a data folder, at once or not at all.

        Returns:
            The file.

        Raises:
            DataError: The folder cannot be written to.
        """
        place = Path(folder) / FILE
        try:
            with tempfile.NamedTemporaryFile(
                "w", dir=folder, prefix=".", suffix=".csv", delete=False, newline="", encoding="utf-8"
            ) as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(vars(change) for change in self._now.values())
            Path(file.name).replace(place)
        except OSError as error:
            raise DataError(
                f"The changes cannot be written to {str(place)!r}: {error}.", "Check the folder."
            ) from error
        return place


def read_changes(folder: str | Path, classes: tuple[str, ...]) -> Changes:
    """Reads the list of a data folder; an empty one where there is no file.

    Raises:
        DataError: The file is damaged; the message names the line.
    """
    place = Path(folder) / FILE
    if not place.is_file():
        return Changes(classes)
    changes: dict[str, Change] = {}
    try:
        with place.open(newline="", encoding="utf-8") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                change = _change(row, classes, f"{place}, line {line}")
                changes[change.sample_id] = change
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"{place} cannot be read: {error}.", "Repair it, or move it away to undo its changes."
        ) from error
    return Changes(classes, changes)


def remove_changes(folder: str | Path) -> None:
    """Makes a folder as it was: the list is kept beside, under a name that nobody reads."""
    place = Path(folder) / FILE
    if place.is_file():
        place.replace(place.with_suffix(".csv.removed"))


def _change(row: dict[str, str | None], classes: tuple[str, ...], where: str) -> Change:
    values = [row.get(name) for name in COLUMNS]
    if any(value is None for value in values) or row["action"] not in ACTIONS:
        raise DataError(f"{where}: this is no change.", "Repair it, or move the file away to undo its changes.")
    change = Change(*map(str, values))
    if change.action == "relabel" and change.label not in classes:
        raise DataError(f"{where}: there is no class {change.label!r}.", "Repair the line, or delete it.")
    return change


def _check_left(data: ImageData, labels: np.ndarray) -> None:
    counts = np.bincount(labels, minlength=len(data.classes))
    if counts.min() == 0:
        name = data.classes[int(counts.argmin())]
        raise DataError(f"With these changes no training image of {name!r} is left.", "Keep at least one of them.")
