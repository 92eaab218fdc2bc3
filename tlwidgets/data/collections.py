"""Data that is already in Python: arrays, tables of paths, dataset objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tlwidgets.data.assemble import Deal, assemble, encode_labels
from tlwidgets.data.folder import SPLIT_NAMES
from tlwidgets.data.images import ImageData
from tlwidgets.data.readers import ArrayReader, DatasetReader, FileReader, to_uint8
from tlwidgets.data.texts import load_texts
from tlwidgets.errors import DataError

SEPARATORS = {".csv": ",", ".tsv": "\t"}  # by a table's ending


def load_arrays(
    images: Any, labels: Any, deal: Deal, classes: Sequence[str] | None = None, name: str = "arrays"
) -> ImageData:
    """Load images that lie in one array.

    Args:
        images: (N, H, W), (N, H, W, 1), (N, H, W, 3) or (N, H, W, 4); uint8, or floats from 0 to 1.
        labels: (N,) whole numbers or strings.
        deal: How to split.
        classes: Class names. By default the sorted distinct labels.
        name: Short name of the data.

    Raises:
        DataError: Shapes, values or labels do not fit.
    """
    pixels = image_array(images)
    numbers, names = encode_labels(labels, classes)
    if len(pixels) != len(numbers):
        raise DataError(f"There are {len(pixels)} images but {len(numbers)} labels.", "Give one label an image.")
    source = {"memory": "arrays", "options": deal.options()}
    return assemble(name, ArrayReader(pixels, name), numbers, names, source, deal)


def image_array(images: Any) -> np.ndarray:
    """Check an array of images and bring it to uint8 (N, H, W[, C]).

    Raises:
        DataError: Empty, of another shape, or with values out of range.
    """
    try:
        pixels = np.asarray(images)
    except ValueError as error:
        raise DataError("The images differ in size.", "Resize them to one size, or load them as files.") from error
    if pixels.dtype == object:
        raise DataError("The images differ in size.", "Resize them to one size, or load them as files.")
    if pixels.size == 0:
        raise DataError(f"The array of images is empty, of shape {pixels.shape}.", "Give at least two images a class.")
    if pixels.ndim == 4 and pixels.shape[3] not in (1, 3, 4) and pixels.shape[1] in (1, 3, 4):
        raise DataError(f"The images have shape {pixels.shape}: channels first.", "Use images.transpose(0, 2, 3, 1).")
    if pixels.ndim not in (3, 4) or (pixels.ndim == 4 and pixels.shape[3] not in (1, 3, 4)):
        raise DataError(
            f"The images have shape {pixels.shape}.", "Give (N, H, W) or (N, H, W, C) with C = 1, 3 or 4 channels."
        )
    return to_uint8(pixels, "The images")


def load_npz(path: Path, deal: Deal) -> ImageData:
    """Load ``data.npz`` as ``ImageData.save`` writes it; its splits are kept.

    Raises:
        DataError: No such file, or not one of ours.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            parts = {key: stored[key] for key in stored.files}
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as an array file: {error}", "Save the data again.") from error
    if not {"images", "labels"} <= set(parts):
        raise DataError(f"{path} holds {sorted(parts)}.", "It needs the arrays images and labels.")
    pixels = image_array(parts["images"])
    classes = [str(name) for name in parts["classes"]] if "classes" in parts else None
    numbers, names = encode_labels(parts["labels"], classes)
    if len(pixels) != len(numbers):
        raise DataError(f"{path} holds {len(pixels)} images but {len(numbers)} labels.", "Give one label an image.")
    name = str(parts["name"]) if "name" in parts else path.stem
    source = {"arrays": str(path.resolve()), "options": deal.options()}
    reader = ArrayReader(pixels, name, parts.get("numbers"))
    return assemble(name, reader, numbers, names, source, deal, given=parts.get("split"))


def load_table(
    table: pd.DataFrame, deal: Deal, base: Path | None = None, name: str = "table", progress: bool = True
) -> ImageData:
    """Load picture files, or texts, listed in a table.

    Args:
        table: Columns ``path`` and ``label``, or ``text`` and ``label``; with a column ``split``
            (train, val, test) its splits are kept.
        deal: How to split otherwise.
        base: Folder that relative paths start from. The current folder by default.
        name: Short name of the data.
        progress: Show a progress bar when reading takes more than two seconds.

    Raises:
        DataError: A column is missing, the table is empty, or a split has an unknown name.
    """
    kind = "text" if "text" in table.columns and "path" not in table.columns else "path"
    lacking = [column for column in (kind, "label") if column not in table.columns]
    if lacking:
        _check_separator(table)
        raise DataError(
            f"The table has no column {lacking[0]!r}: its columns are {', '.join(map(str, table.columns))}.",
            "Name the columns path (or text), label and, if wanted, split.",
        )
    if table.empty:
        raise DataError("The table is empty.", "Give one row an image, or a text.")
    splits = _table_splits(table["split"]) if "split" in table.columns else None
    source = {"memory": "table", "options": deal.options()}
    if kind == "text":
        texts, marks = table["text"].tolist(), table["label"].to_numpy()
        return load_texts(texts, marks, deal, name=name, source=source, given=splits)
    if table["path"].isna().any():
        raise DataError("Some rows of the table have no path.", "Fill them in or drop those rows.")
    given = [str(path) for path in table["path"]]
    paths = [str((base or Path.cwd()) / path) for path in given]
    labels, classes = encode_labels(table["label"].to_numpy())
    return assemble(name, FileReader(paths, given), labels, classes, source, deal, given=splits, progress=progress)


def _check_separator(table: pd.DataFrame) -> None:
    """Refuses a table that was read as one column because its file is separated by something else."""
    heading = str(table.columns[0]) if len(table.columns) == 1 else ""
    names = {"path", "text", "label", "split"}
    for sign, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (",", "commas")):
        if names & {part.strip() for part in heading.split(sign)} and sign in heading:
            raise DataError(
                f"The table's columns are separated by {word}: {heading!r} is read as one.",
                f"Save it with commas, or give pandas.read_csv(path, sep={sign!r}) instead of the path.",
            )


def _table_splits(column: pd.Series) -> np.ndarray:
    known = SPLIT_NAMES | {"unlabelled": "unlabelled"}
    names = [known.get(str(value).strip().lower(), "") for value in column]
    if "" in names:
        raise DataError(
            f"The split column holds {str(column.iloc[names.index('')])!r}.", "Use train, val and test in every row."
        )
    return np.array(names)


def load_csv(path: Path, deal: Deal, progress: bool = True) -> ImageData:
    """Load picture files, or texts, listed in a CSV or TSV file; relative paths start from the file's folder.

    Raises:
        DataError: No such file, no CSV, or columns that do not fit.
    """
    try:
        empty = {"path": [""], "label": [""], "text": [""]}  # a class may be called "NA"
        separator = SEPARATORS.get(path.suffix.lower(), ",")
        kinds = {"label": str, "text": str}
        table = pd.read_csv(path, sep=separator, dtype=kinds, keep_default_na=False, na_values=empty)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        hint = "Give a CSV file with columns path (or text) and label."
        raise DataError(f"{path} cannot be read as a table: {error}", hint) from error
    data = load_table(table, deal, base=path.resolve().parent, name=path.stem, progress=progress)
    data.source = {"table": str(path.resolve()), "options": deal.options()}
    return data


def load_dataset(dataset: Any, deal: Deal, classes: Sequence[str] | None = None) -> ImageData:
    """Load a torchvision dataset, or anything else with ``__len__`` and ``__getitem__`` giving (image, label).

    Args:
        dataset: Its ``classes`` name the classes and its ``targets`` are the labels, where it has them. Give it
            without a random transform: an image should be the same each time it is read.
        deal: How to split.
        classes: Class names, instead of the dataset's.

    Raises:
        DataError: It is empty, or an item is not (image, label).
    """
    if len(dataset) == 0:
        raise DataError(f"The dataset {type(dataset).__name__} is empty.", "Give one that holds images.")
    labels = _dataset_labels(dataset)
    names = classes if classes is not None else getattr(dataset, "classes", None)
    if names is not None and (len(names) == 0 or not all(isinstance(name, str) for name in names)):
        names = [str(name) for name in names] or None
    numbers, found = encode_labels(labels, names)
    name = type(dataset).__name__
    source = {"memory": f"dataset {type(dataset).__module__}.{name}", "options": deal.options()}
    return assemble(name, DatasetReader(dataset), numbers, found, source, deal)


def _dataset_labels(dataset: Any) -> list[Any]:
    targets = getattr(dataset, "targets", None)
    if targets is not None and len(targets) == len(dataset) and getattr(dataset, "target_transform", None) is None:
        return [int(target) if hasattr(target, "item") else target for target in targets]
    labels = []
    for index in range(len(dataset)):
        item = dataset[index]
        if not isinstance(item, (tuple, list)) or len(item) < 2:
            raise DataError(f"Item {index} of the dataset is {type(item).__name__}.", "Items must be (image, label).")
        labels.append(item[1].item() if hasattr(item[1], "item") else item[1])
    return labels
