"""ImageData: labelled images in three splits, whatever they came from."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
from PIL import Image

from tlwidgets.data.readers import ArrayReader, FileReader, Reader, why_unreadable
from tlwidgets.errors import DataError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPLITS = ("train", "val", "test")
Kind = TypeVar("Kind", bound="ImageData")


@dataclass(frozen=True)
class SetAside:
    """A file that was left out.

    Attributes:
        path: Its path, relative to the data folder where there is one.
        reason: Why it could not be used, in a few words.
    """

    path: str
    reason: str


class ImageData:
    """Labelled images, read one at a time, each in one split.

    Made by ``load_data``; nothing in it changes afterwards.

    Attributes:
        name: Short name for titles, for instance the folder's.
        classes: Class names in the order of the class numbers. They are text from outside: show them as text.
        labels: int64 (N,) class number of each image.
        split: (N,) "train", "val", "test" or, where ``labels_per_class`` was given, "unlabelled".
        groups: int64 (N,) near-identical images share a number.
        set_aside: Files that could not be read, and why.
        source: Plain description from which ``data_from_source`` loads the same data again; data that only memory holds
            (key "memory") must be saved first.
    """

    def __init__(
        self,
        name: str,
        classes: tuple[str, ...],
        labels: np.ndarray,
        split: np.ndarray,
        groups: np.ndarray,
        reader: Reader,
        source: Mapping[str, Any],
        set_aside: Iterable[SetAside] = (),
    ) -> None:
        self.name = name
        self.classes = classes
        self.labels = labels
        self.split = split
        self.groups = groups
        self.set_aside = list(set_aside)
        self.source = dict(source)
        self._reader = reader

    def parts(self) -> dict[str, Any]:
        """Return the arguments that make an equal ImageData, for a subclass to start from."""
        names = ("name", "classes", "labels", "split", "groups", "source", "set_aside")
        return {name: getattr(self, name) for name in names} | {"reader": self._reader}

    def with_split(self: Kind, split: np.ndarray) -> Kind:
        """Return the same samples, of the same kind, in other splits (N,); see ``split``."""
        # A shallow copy keeps what a subclass has besides. Named data or a folder would be dealt anew when loaded
        # again: these splits must be kept with the pixels, paths or texts.
        dealt = copy.copy(self)
        dealt.split, dealt.source, dealt.set_aside = split, {"memory": "splits of its own"}, list(self.set_aside)
        return dealt

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        counts = ", ".join(f"{split} {count}" for split, count in self.splits.items())
        aside = f", {len(self.set_aside)} set aside" if self.set_aside else ""
        return f"ImageData({self.name!r}: {len(self)} images, {len(self.classes)} classes, {counts}{aside})"

    @property
    def splits(self) -> dict[str, int]:
        """Number of images in "train", "val" and "test"."""
        return {split: int((self.split == split).sum()) for split in SPLITS}

    def indices(self, split: str) -> np.ndarray:
        """Return the sorted int64 indices of the images in ``split``.

        Raises:
            DataError: ``split`` is none of train, val, test, unlabelled.
        """
        if split not in (*SPLITS, "unlabelled"):
            raise DataError(f"There is no split named {split!r}.", f"Choose one of {', '.join(SPLITS)}, unlabelled.")
        return np.flatnonzero(self.split == split)

    def image(self, index: int | np.integer[Any]) -> np.ndarray:
        """Return image ``index`` as uint8 (H, W, 3): upright RGB, transparency on white.

        Raises:
            DataError: The file changed or vanished since the data was loaded.
        """
        try:
            return self._reader.read(int(index))
        except (OSError, ValueError) as error:
            path = self._reader.paths[index] if isinstance(self._reader, FileReader) else None
            raise DataError(
                f"{self.sample_id(index)} cannot be read any more: {why_unreadable(path, error)}.",
                "Restore the file, or load the data again.",
            ) from error

    def images(self, indices: Iterable[int] | np.ndarray) -> list[np.ndarray]:
        """Return several images, each uint8 (H, W, 3); sizes may differ."""
        return [self.image(index) for index in indices]

    def inputs(self, indices: Iterable[int] | np.ndarray) -> list[Any]:
        """Return what a network reads of several samples: the images; of ``TextData`` the texts."""
        return list(self.images(indices))

    def sample_id(self, index: int | np.integer[Any]) -> str:
        """Return the name of image ``index``: its path relative to the data folder, or for instance "digits/17"."""
        return self._reader.sample_id(int(index))

    def leaks(self) -> pd.DataFrame:
        """List near-identical images that lie in different splits.

        Splits dealt by ``load_data`` have none; splits given by folders or a table are left as they are, and
        their leaks are reported here.

        Returns:
            One row an image: group, sample_id, index, split, label; a group's rows stand together.
        """
        used = np.isin(self.split, SPLITS)
        numbers = np.select([self.split == split for split in SPLITS], [0, 1, 2], default=-1)
        low = np.full(len(self), len(SPLITS))
        high = np.full(len(self), -1)
        np.minimum.at(low, self.groups[used], numbers[used])
        np.maximum.at(high, self.groups[used], numbers[used])
        rows = np.flatnonzero(used & (low < high)[self.groups])
        rows = rows[np.argsort(self.groups[rows], kind="stable")]
        table: pd.DataFrame = pd.DataFrame(
            {
                "group": self.groups[rows],
                "sample_id": [self.sample_id(row) for row in rows],
                "index": rows,
                "split": self.split[rows].astype(object),
                "label": [self.classes[self.labels[row]] for row in rows],
            }
        )
        return table

    def save(self, folder: str | Path) -> dict[str, Any]:
        """Write what is needed to load the same data again, with the same splits.

        Arrays go to ``data.npz``, tables to ``data.csv``, and images of a dataset object to PNG files beside a table.
        Named data and folders write nothing, since their description says it all.

        Args:
            folder: Made if missing.

        Returns:
            A source for ``data_from_source``; its path is relative to ``folder``.
        """
        if "name" in self.source or "folder" in self.source:
            return dict(self.source)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if isinstance(self._reader, ArrayReader):
            np.savez_compressed(
                folder / "data.npz",
                images=self._reader.images,
                labels=self.labels,
                classes=np.array(self.classes),
                split=self.split,
                name=np.array(self.name),
                numbers=self._reader.numbers,
            )
            return {"arrays": "data.npz", **self._final()}
        paths = self._reader.paths if isinstance(self._reader, FileReader) else self._write_images(folder)
        names = [self.classes[label] for label in self.labels]
        pd.DataFrame({"path": paths, "label": names, "split": self.split}).to_csv(folder / "data.csv", index=False)
        return {"table": "data.csv", **self._final()}

    def _final(self) -> dict[str, Any]:
        """Keep a split that is empty from being dealt when the data is loaded again."""
        empty = {split: 0.0 for split in ("val", "test") if self.splits[split] == 0}
        return {"options": empty} if empty else {}

    def _write_images(self, folder: Path) -> list[str]:
        (folder / "images").mkdir(exist_ok=True)
        paths = [f"images/{index:06d}.png" for index in range(len(self))]
        for index, path in enumerate(paths):
            Image.fromarray(self.image(index)).save(folder / path)
        return paths

    def show(self, n: int = 16, split: str = "train", seed: int = 0) -> Figure:
        """Draw ``n`` images of a split, class by class in turn, each under its class name.

        Args:
            n: How many, at most.
            split: "train", "val", "test" or "unlabelled".
            seed: Another seed, other images.

        Returns:
            A matplotlib figure, which a notebook shows.
        """
        from tlwidgets.data.sheet import sample_sheet

        return sample_sheet(self, n, split, seed)
