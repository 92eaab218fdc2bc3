"""From a reader and its labels to ImageData: check, set aside, group and split."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from tlwidgets.data.decode import thumbnail
from tlwidgets.data.images import SPLITS, ImageData, SetAside
from tlwidgets.data.readers import FileReader, Reader, why_unreadable
from tlwidgets.data.splits import near_identical_groups, split_samples
from tlwidgets.errors import DataError


@dataclass(frozen=True)
class Deal:
    """How images are dealt into splits.

    Attributes:
        val: Share of each class for validation.
        test: Share of each class for testing.
        seed: Another seed, another deal.
        labels_per_class: Labels kept in each class of train; None keeps all.
    """

    val: float = 0.15
    test: float = 0.15
    seed: int = 0
    labels_per_class: int | None = None

    def __post_init__(self) -> None:
        shares = (self.val, self.test)
        if not all(isinstance(share, (int, float)) and 0 <= share < 1 for share in shares) or sum(shares) >= 1:
            raise DataError(
                f"val={self.val} and test={self.test} leave nothing to train on.",
                "Give two shares of at least 0 that add up to less than 1, such as 0.15 and 0.15.",
            )
        few = self.labels_per_class
        if few is not None and (isinstance(few, bool) or not isinstance(few, (int, np.integer)) or few < 1):
            raise DataError(f"labels_per_class={few!r} is no number of labels.", "Give 1 or more, or None for all.")
        if not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise DataError(f"seed={self.seed!r} is no seed.", "Give a whole number of at least 0.")

    def options(self) -> dict[str, Any]:
        """Return the seed and what differs from the defaults, as plain values."""
        plain: dict[str, Any] = {"seed": int(self.seed)}
        if (self.val, self.test) != (0.15, 0.15):
            plain |= {"val": float(self.val), "test": float(self.test)}
        if self.labels_per_class is not None:
            plain["labels_per_class"] = int(self.labels_per_class)
        return plain


def encode_labels(values: Any, classes: Sequence[str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn labels into class numbers and class names.

    Args:
        values: (N,) whole numbers or strings.
        classes: Class names. Whole-number labels then count into them. By default the sorted distinct labels.

    Returns:
        int64 (N,) class numbers and the class names.

    Raises:
        DataError: A label is missing, fractional or unknown.
    """
    labels = np.asarray(values)
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1:
        raise DataError(f"The labels have shape {labels.shape}.", "Give one label an image: shape (N,).")
    missing = np.flatnonzero(pd.isna(labels))
    if len(missing):
        raise DataError(
            f"{len(missing)} labels are missing (first at index {missing[0]}).", "Fill them in or drop those images."
        )
    if labels.dtype.kind == "f":
        if not np.array_equal(labels, np.round(labels)):
            raise DataError("The labels are fractions.", "Give whole numbers or strings: this is classification.")
        labels = labels.astype(np.int64)
    if classes is not None:
        return _numbers_in(labels, tuple(str(name) for name in classes))
    if labels.dtype.kind not in "iu":
        labels = np.array([str(label) for label in labels], dtype=object)
    distinct, numbers = np.unique(labels, return_inverse=True)
    return numbers.astype(np.int64), tuple(str(name) for name in distinct)


def _numbers_in(labels: np.ndarray, classes: tuple[str, ...]) -> tuple[np.ndarray, tuple[str, ...]]:
    if len(set(classes)) < len(classes):
        raise DataError("Two classes have the same name.", "Give every class a name of its own.")
    places = {name: number for number, name in enumerate(classes)}
    counted = labels.dtype.kind in "iu"
    numbers = [int(label) if counted else places.get(str(label), -1) for label in labels]
    unknown = sorted({str(labels[at]) for at, number in enumerate(numbers) if not 0 <= number < len(classes)})
    if unknown:
        raise DataError(
            f"The label {unknown[0]!r} is not among the {len(classes)} classes.",
            f"Labels must be {f'0 to {len(classes) - 1}' if counted else 'class names'}.",
        )
    return np.array(numbers, dtype=np.int64), classes


def assemble(
    name: str,
    reader: Reader,
    labels: np.ndarray,
    classes: tuple[str, ...],
    source: Mapping[str, Any],
    deal: Deal,
    given: np.ndarray | None = None,
    set_aside: Sequence[SetAside] = (),
    progress: bool = True,
    exact: bool = False,
) -> ImageData:
    """Read every image once, set the unreadable aside, group the near-identical and deal the splits.

    Args:
        name: Short name of the data.
        reader: N images.
        labels: int64 (N,) class numbers.
        classes: Class names.
        source: What to record as the data's source.
        deal: How to split.
        given: (N,) splits that are decided already, see ``split_samples``.
        set_aside: Files that were left out before.
        progress: Show a progress bar when reading takes more than two seconds.
        exact: Group equal images only, whatever their size.

    Raises:
        DataError: Too few classes or images remain.
    """
    thumbnails, sides, failed = _scan(reader, progress)
    kept = np.array([index for index in range(len(reader)) if index not in failed], dtype=np.int64)
    unread = {index: SetAside(reader.sample_id(index), reason) for index, reason in failed.items()}
    aside = [*set_aside, *unread.values()]
    of_class = [(int(labels[index]), one) for index, one in unread.items()]
    if failed:
        labels, given = labels[kept], None if given is None else given[kept]
        thumbnails, sides = thumbnails[kept], sides[kept]
    check_counts(name, labels, classes, of_class)
    groups = near_identical_groups(thumbnails, sides * (not exact))
    split = split_samples(labels, groups, given, deal.val, deal.test, deal.seed, deal.labels_per_class)
    check_train(name, labels, classes, split, deal)
    return ImageData(name, classes, labels, split, groups, reader.take(kept), source, aside)


def _scan(reader: Reader, progress: bool) -> tuple[np.ndarray, np.ndarray, dict[int, str]]:
    """Read all images small; return thumbnails (N, 16, 16, 3), longest sides (N,) and why some failed."""
    thumbnails = np.zeros((len(reader), 16, 16, 3), dtype=np.uint8)
    sides = np.zeros(len(reader), dtype=np.int64)
    failed: dict[int, str] = {}

    def scan(index: int) -> None:
        path = reader.paths[index] if isinstance(reader, FileReader) else None
        try:
            image = reader.read(index, max_side=64)
            thumbnails[index], sides[index] = thumbnail(image), max(image.shape[:2])
        except DataError:
            raise
        except Exception as error:  # noqa: BLE001  a decoder fed with a broken file may raise anything
            failed[index] = why_unreadable(path, error)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        each = pool.map if isinstance(reader, FileReader) else map  # somebody's dataset may not be safe in threads
        done = each(scan, range(len(reader)))
        for _ in tqdm(done, total=len(reader), desc="Reading images", unit="image", delay=2, disable=not progress):
            pass
    return thumbnails, sides, dict(sorted(failed.items()))


def check_counts(
    name: str,
    labels: np.ndarray,
    classes: tuple[str, ...],
    unread: Sequence[tuple[int, SetAside]] = (),
    what: str = "image",
) -> None:
    """Refuse data with fewer than two classes, or a class with fewer than two images (or texts, as ``what`` says).

    Args:
        name: Short name of the data.
        labels: int64 (N,) class numbers of what can be read.
        classes: Class names.
        unread: What cannot be read, each with its class number; only a class that is too small is told of its own.
        what: What to call one.

    Raises:
        DataError: There are too few.
    """
    if len(labels) == 0:
        why = told([one for _, one in unread])
        raise DataError(f"{name} holds no readable {what}.{why}", "Add pictures such as PNG or JPEG files.")
    if len(classes) < 2:
        raise DataError(f"{name} holds only one class, {classes[0]!r}.", f"Add {what}s of at least one more class.")
    counts = np.bincount(labels, minlength=len(classes))
    for count, words in ((0, f"no readable {what}"), (1, f"only one {what}")):
        short = np.flatnonzero(counts == count)
        if len(short):
            why = told([one for number, one in unread if number in short])
            names = listed([classes[number] for number in short])
            raise DataError(
                f"{name} has {words} for {len(short)} of its {len(classes)} classes: {names}.{why}",
                f"Give every class at least two {what}s, or leave the class out.",
            )


def listed(names: Sequence[str]) -> str:
    """The first five names, quoted, and how many there are besides."""
    return ", ".join(repr(one) for one in names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def told(aside: Sequence[SetAside]) -> str:
    """A sentence to follow another one: what was set aside, and why the first; "" where nothing was."""
    if not aside:
        return ""
    first = f"{aside[0].path} was set aside: {aside[0].reason}."
    return f" {first}" if len(aside) == 1 else f" {len(aside)} files were set aside, the first: {first}"


def check_train(
    name: str, labels: np.ndarray, classes: tuple[str, ...], split: np.ndarray, deal: Deal, what: str = "image"
) -> None:
    """Refuse a deal that leaves a class without training images (or texts), or with fewer labels than asked for."""
    counts = np.bincount(labels[split == "train"], minlength=len(classes))
    if counts.min() == 0:
        raise DataError(
            f"{name} has no training {what} of class {classes[int(counts.argmin())]!r}.",
            f"Put some into the {SPLITS[0]} split, and see that the class has {what}s not also filed under another.",
        )
    if deal.labels_per_class is not None and counts.min() < deal.labels_per_class:
        short = int(counts.argmin())
        raise DataError(
            f"Class {classes[short]!r} has {counts[short]} training {what}s, fewer than "
            f"labels_per_class={deal.labels_per_class}.",
            f"Ask for at most {counts[short]}.",
        )
