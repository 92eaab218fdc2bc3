"""load_data: one door for every kind of source."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from tlwidgets.data.assemble import Deal, assemble, encode_labels
from tlwidgets.data.catalogue import WORLDS, find_world
from tlwidgets.data.collections import SEPARATORS, load_arrays, load_csv, load_dataset, load_npz, load_table
from tlwidgets.data.folder import load_folder
from tlwidgets.data.images import ImageData
from tlwidgets.data.readers import ArrayReader
from tlwidgets.data.tabular import TABLES, TableData
from tlwidgets.data.texts import are_texts, load_texts
from tlwidgets.errors import DataError

ACCEPTED = (
    "Give a bundled name, an image folder, a CSV or TSV table, (images, labels) arrays, (texts, labels) lists, "
    "a DataFrame with columns path (or text) and label, or a torchvision dataset."
)
KINDS = ("name", "folder", "arrays", "table")  # the keys of which a description of data has one


def load_data(
    source: Any,
    *,
    seed: int = 0,
    val: float = 0.15,
    test: float = 0.15,
    labels_per_class: int | None = None,
    classes: Sequence[str] | None = None,
    progress: bool = True,
    **options: Any,
) -> ImageData:
    """Load labelled images, or texts, and deal them into train, val and test.

    The deal is stratified, seeded and disjoint, and near-identical ones stay in one split. Splits that a folder or
    table gives are kept; ``ImageData.leaks`` then lists what they share. Files that cannot be read are set aside and
    listed in ``ImageData.set_aside``.

    Args:
        source: A name of ``list_data()``; an image folder (``root/<class>/*`` or ``root/{train,val,test}/<class>/*``);
            a CSV, TSV or NPZ file; (images, labels) with images (N, H, W[, C]), uint8 or 0..1 floats; (texts, labels)
            with texts a list of strings; a DataFrame with columns path (or text), label and perhaps split; a
            torchvision dataset; or ImageData, returned as it is.
        seed: Another seed, another deal, and of generated data other drawings.
        val: Share for validation, 0 to 1.
        test: Share for testing, 0 to 1.
        labels_per_class: Keep this many labels of each class in train, to study learning from few; the remaining
            training images become split "unlabelled".
        classes: Class names for arrays and datasets whose labels are numbers.
        progress: Show a progress bar when reading files takes more than two seconds.
        **options: For bundled names: ``domain`` and the knobs that ``list_data()`` shows.

    Returns:
        The images; ``TextData`` where the source holds texts.

    Raises:
        DataError: The source cannot be used; the message says where and what to do.
    """
    if isinstance(source, ImageData):
        return source
    deal = Deal(val, test, seed, labels_per_class)
    path = isinstance(source, (str, os.PathLike))
    if options and not (isinstance(source, str) and source in WORLDS):
        raise DataError(f"{next(iter(options))!r} is no option of this kind of data.", "Remove it.")
    if classes is not None and (path or isinstance(source, pd.DataFrame)):
        raise DataError("Class names come from this data itself.", "Leave out the argument classes.")
    if path:
        return _load_path(source, deal, options, progress)
    if isinstance(source, pd.DataFrame):
        return load_table(source, deal, progress=progress)
    if isinstance(source, (tuple, list)):
        if len(source) != 2:
            raise DataError(
                f"Arrays must come as (images, labels) or (texts, labels), not as {len(source)} things.", ACCEPTED
            )
        images, labels = source
        if are_texts(images):
            return load_texts(images, labels, deal, classes)
        return load_arrays(images, labels, deal, classes)
    if hasattr(source, "__len__") and hasattr(source, "__getitem__") and not isinstance(source, Mapping):
        if hasattr(source, "dtype"):
            raise DataError("The labels are missing: only images were given.", "Give (images, labels).")
        return load_dataset(source, deal, classes)
    raise DataError(f"Data cannot be loaded from {type(source).__name__}.", ACCEPTED)


def _load_path(source: str | os.PathLike[str], deal: Deal, options: dict[str, Any], progress: bool) -> ImageData:
    if isinstance(source, str) and source in WORLDS:
        return load_world(source, deal, options)
    path = Path(source).expanduser()
    if path.suffix.lower() in SEPARATORS:
        return load_csv(path, deal, progress)
    if path.suffix.lower() == ".npz":
        return load_npz(path, deal)
    if not path.exists() and isinstance(source, str) and os.sep not in source:
        find_world(source)
    return load_folder(path, deal, progress)


def load_world(name: str, deal: Deal, options: dict[str, Any]) -> ImageData:
    """Load a named data set.

    Args:
        name: A name of ``list_data()``.
        deal: How to split; its seed also draws generated images.
        options: The world's own options, such as ``domain``.

    Raises:
        DataError: No such name, option or domain.
    """
    world = find_world(name)
    images, labels = world.make(deal.seed, options)
    source = {"name": name, "options": {**options, **deal.options()}}
    if are_texts(images):
        given = None if world.held_out is None else world.held_out(**options)
        return load_texts(images.tolist(), labels, deal, world.classes, name=name, source=source, given=given)
    numbers, classes = encode_labels(labels, world.classes)
    # samples that were drawn or scanned one by one are near-identical only if equal
    data = assemble(name, ArrayReader(images, name), numbers, classes, source, deal, exact=True)
    return TableData(TABLES[name](), **data.parts()) if name in TABLES else data


def data_from_source(source: Mapping[str, Any], base: Path | None = None) -> ImageData:
    """Load data from a mapping: one that a person writes, or that ``ImageData.source`` or ``ImageData.save`` gave.

    Args:
        source: One of the keys name, folder, arrays, table; and the keyword arguments of ``load_data``, beside it
            (``{"name": "digits", "labels_per_class": 5}``) or together under the key ``options``.
        base: Folder that relative paths start from, for instance the run's. The current folder by default.

    Raises:
        DataError: The description is incomplete, says something twice or names what is not there.
    """
    kinds = [kind for kind in KINDS if kind in source]
    if len(kinds) != 1:
        raise DataError(
            f"The data source {dict(source)!r} cannot be loaded.",
            "It needs one of name, folder, arrays or table, and may have options of load_data. "
            "Data held in memory must be saved first, with data.save(folder).",
        )
    options, place = _options_of(source), str(source[kinds[0]])
    if kinds[0] == "name":
        find_world(place)
        return load_data(place, **options)
    path = (base or Path()) / place
    if not path.exists():
        raise DataError(f"The data is not at {path}.", "Bring it back, or load it again with load_data.")
    return load_data(path, **options)


def _options_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of ``load_data`` in a description, whether they stand beside its kind or under "options"."""
    nested = source.get("options")
    if nested is not None and not isinstance(nested, Mapping):
        raise DataError(f"The options of the data are {nested!r}.", 'Give a mapping, such as {"labels_per_class": 5}.')
    flat = {key: value for key, value in source.items() if key not in (*KINDS, "options")}
    if twice := [key for key in flat if key in (nested or {})]:
        raise DataError(f"The data source says {twice[0]!r} twice.", "Leave it out beside options, or under them.")
    options = {**(nested or {}), **flat}
    wrong = [key for key in options if not isinstance(key, str) or key == "source"]
    if wrong:
        raise DataError(f"{wrong[0]!r} is no option of load_data.", f"The source itself is one of {', '.join(KINDS)}.")
    return options
