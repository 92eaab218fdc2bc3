"""Image folders: ``root/<class>/*`` or ``root/{train,val,test}/<class>/*``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tlwidgets.data.assemble import Deal, assemble, listed, told
from tlwidgets.data.changes import read_changes
from tlwidgets.data.images import ImageData, SetAside
from tlwidgets.data.readers import FileReader
from tlwidgets.errors import DataError

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
ENDINGS = "png jpg jpeg jpe jfif bmp gif webp avif tif tiff ppm pgm pbm pnm jp2 j2k"
PICTURE_ENDINGS = frozenset(f".{ending}" for ending in ENDINGS.split(" "))
LITTER = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
LOOSE = "in no class folder"


@dataclass
class _Found:
    """The pictures below a root, and what was left out."""

    root: Path
    paths: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    reasons: dict[str, list[SetAside]] = field(default_factory=dict)  # what was left out of a class folder, by class

    def leave_out(self, path: Path, reason: str, label: str | None = None) -> None:
        self.set_aside.append(SetAside(str(path.relative_to(self.root)), reason))
        if label is not None:
            self.reasons.setdefault(label, []).append(self.set_aside[-1])


def load_folder(folder: str | Path, deal: Deal, progress: bool = True) -> ImageData:
    """Load pictures whose folder names are their classes.

    Folders named train, val (or valid, validation) and test are taken as the splits; a missing val or test is dealt
    from train. Pictures that lie in no class folder are set aside. Labels that were corrected (see ``changes``) are
    taken as corrected. Hidden files are ignored. Links to folders, and links to files outside the root, are not
    followed.

    Args:
        folder: The root.
        deal: How to split.
        progress: Show a progress bar when reading takes more than two seconds.

    Raises:
        DataError: No folder, empty, no class folders, class folders that differ between splits or hold fewer than two
            pictures, or a folder beside the splits that is none of them.
    """
    root = Path(folder).resolve()
    if not root.is_dir():
        raise DataError(f"{folder} is not a folder.", "Give a folder that holds one folder of pictures per class.")
    split_folders = _split_folders(root)
    classes = _same_classes(split_folders) if split_folders else [path.name for path in _subfolders(root)]
    if not classes:
        raise _no_classes(str(folder), root)
    found = _Found(root)
    if split_folders:
        _leave_out_loose(found, root)
    for split, path in (split_folders or {"train": root}).items():
        _collect(found, path, split)
    _check_filled(str(folder), found, classes)
    number = {name: place for place, name in enumerate(classes)}
    data = assemble(
        name=root.name or str(root),
        reader=FileReader(found.paths, [os.path.relpath(path, root) for path in found.paths]),
        labels=np.array([number[label] for label in found.labels], dtype=np.int64),
        classes=tuple(classes),
        source={"folder": str(root), "options": deal.options()},
        deal=deal,
        given=np.array(found.splits) if split_folders else None,
        set_aside=found.set_aside,
        progress=progress,
    )
    changed = read_changes(root, data.classes).apply_to(data)
    changed.source = data.source  # whoever loads the folder again gets the same changes
    return changed


def _visible(path: Path) -> Iterator[os.DirEntry[str]]:
    """Yield the entries of a folder by name, without hidden files and what operating systems leave behind."""
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if not entry.name.startswith(".") and entry.name.lower() not in LITTER:
                yield entry


def _subfolders(path: Path) -> list[Path]:
    """Return the folders directly in ``path``, sorted by name, without links."""
    return [Path(entry.path) for entry in _visible(path) if entry.is_dir(follow_symlinks=False)]


def _split_folders(root: Path) -> dict[str, Path]:
    """Return the split folders by split name, or nothing when the folders of ``root`` are classes."""
    folders = _subfolders(root)
    named = [path for path in folders if path.name.lower() in SPLIT_NAMES]
    splits = {SPLIT_NAMES[path.name.lower()]: path for path in named}
    if "train" not in splits or not _subfolders(splits["train"]):
        return {}
    if len(named) > len(splits):
        raise DataError(
            f"{root} holds one split under two names: {', '.join(path.name for path in named)}.",
            "Keep one folder each for train, val and test.",
        )
    if len(named) < len(folders) and len(splits) > 1:
        others = ", ".join(repr(path.name) for path in folders if path not in named)
        raise DataError(
            f"{root} holds the splits {', '.join(path.name for path in named)} and beside them {others}.",
            "Move what is no split out of this folder.",
        )
    return splits if len(named) == len(folders) else {}


def _same_classes(split_folders: dict[str, Path]) -> list[str]:
    """Return the class names, which must be the same in every split."""
    names = {split: {path.name for path in _subfolders(folder)} for split, folder in split_folders.items()}
    expected = names["train"]
    for split, classes in names.items():
        differences = {"lacks": sorted(expected - classes), "adds": sorted(classes - expected)}
        parts = [f"{verb} {', '.join(map(repr, some))}" for verb, some in differences.items() if some]
        if parts:
            raise DataError(
                f"The class folders of {split_folders[split]} differ from those of train: it {' and '.join(parts)}.",
                "Give every split the same class folders.",
            )
    return sorted(expected)


def _collect(found: _Found, folder: Path, split: str) -> None:
    """Add the pictures below each class folder of ``folder``, subfolders included."""
    _leave_out_loose(found, folder)
    for class_folder in _subfolders(folder):
        waiting = [class_folder]
        while waiting:
            here = waiting.pop()
            for entry in _visible(here):
                if not entry.is_dir(follow_symlinks=False):
                    _take_file(found, Path(entry.path), class_folder.name, split)
            waiting += reversed(_subfolders(here))


def _leave_out_loose(found: _Found, folder: Path) -> None:
    """Set aside links and the pictures that lie in the folder itself, where no class folder tells what they show."""
    for entry in _visible(folder):
        if entry.is_symlink():
            found.leave_out(Path(entry.path), "a link, which is not followed")
        elif entry.is_file() and Path(entry.path).suffix.lower() in PICTURE_ENDINGS:
            found.leave_out(Path(entry.path), LOOSE)


def _take_file(found: _Found, path: Path, label: str, split: str) -> None:
    """Add one file, or set it aside with the reason."""
    ending = path.suffix.lower()
    if path.is_symlink() and not (path.resolve().is_relative_to(found.root) and path.is_file()):
        found.leave_out(path, "a link that leaves the data folder or leads to no file, which is not followed", label)
    elif ending and ending not in PICTURE_ENDINGS:
        found.leave_out(path, f"not a picture file ({ending})", label)
    else:
        found.paths.append(str(path))
        found.labels.append(label)
        found.splits.append(split)


def _no_classes(folder: str, root: Path) -> DataError:
    entries = list(_visible(root))
    if not entries:
        return DataError(f"{folder} is empty.", "Put one folder of pictures per class into it.")
    return DataError(
        f"{folder} has no class folders: it holds {len(entries)} files, such as {entries[0].name!r}.",
        "Sort the pictures into one folder per class, whose name is the class.",
    )


def _check_filled(folder: str, found: _Found, classes: list[str]) -> None:
    """Refuse too few classes or pictures, all at once, before a single picture is read."""
    counts = Counter(found.labels)
    if not counts:
        why = told(found.set_aside[:1])
        raise DataError(f"The class folders of {folder} hold no picture.{why}", "Put PNG or JPEG files into them.")
    if len(classes) < 2:
        loose = told([one for one in found.set_aside if one.reason == LOOSE])
        raise DataError(
            f"{folder} holds only one class, {classes[0]!r}.{loose}", "Add a folder of pictures of at least one more."
        )
    complaints = []
    for count, words in ((0, "no picture in class folder"), (1, "only one image in class folder")):
        if short := [name for name in classes if counts[name] == count]:
            complaints.append(f"{words} {listed(short)}")
    if complaints:
        why = told([one for name in classes if counts[name] < 2 for one in found.reasons.get(name, ())][:1])
        raise DataError(
            f"{folder} has {' and '.join(complaints)}.{why}", "Give every class at least two pictures, or remove it."
        )
