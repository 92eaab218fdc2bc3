"""Pictures from somebody's browser, alone or in a zip file, into a folder that ``load_data`` takes.

Names come from strangers: every path stays inside the folder, links are refused, and an archive is looked through for
its size before a byte of it is written.
"""

from __future__ import annotations

import io
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import IO

from tlwidgets.data.folder import LITTER, PICTURE_ENDINGS
from tlwidgets.errors import DataError

LARGEST_UPLOAD = 200 << 20  # bytes of one file, zip or picture
LARGEST_UNPACKED = 1 << 30  # bytes of all files of an archive together
MOST_FILES = 20_000
# Deflate gives at most 1032; pictures are compressed already and seldom give 2. Small files may be uniform.
LARGEST_RATIO, SMALL = 100, 1 << 20
_CHUNK = 1 << 20
_LONGEST_NAME = 120


class Uploads:
    """A folder that fills with uploaded pictures, one folder a class.

    Args:
        folder: Made with the first picture. It should be new or empty: what lies in it counts as uploaded.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def counts(self) -> dict[str, int]:
        """Number of pictures by folder, which is the class or "train/class"."""
        found: dict[str, int] = {}
        for path in sorted(self.folder.rglob("*")) if self.folder.is_dir() else []:
            place = path.relative_to(self.folder)
            if path.is_file() and not any(part.startswith(".") for part in place.parts):
                key = place.parent.as_posix()
                found[key] = found.get(key, 0) + 1
        return found

    def add_picture(self, label: str, name: str, content: bytes) -> Path:
        """Keeps one picture.

        Args:
            label: Its class.
            name: What the browser calls the file; only its last part counts. A name that is taken gets a number.
            content: The file.

        Raises:
            DataError: It is too large or no picture file, or the class cannot be a folder.
        """
        _check_size(len(content), name)
        clean = safe_name(name)
        if PurePosixPath(clean).suffix.lower() not in PICTURE_ENDINGS:
            raise DataError(f"{clean!r} is no picture file.", "Give PNG, JPEG or WebP files, or a zip file of them.")
        target = _free(self.folder / safe_name(re.sub(r"[/\\]", "_", label)) / clean)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")  # hidden: whole or not there, whatever happens meanwhile
        partial.write_bytes(content)
        partial.replace(target)
        return target

    def add_archive(self, archive: Path | IO[bytes] | bytes) -> dict[str, int]:
        """Unpacks the pictures of a zip file whose folders are classes; everything in it, or nothing.

        Args:
            archive: The file, open or as bytes. Folders that only wrap the others are taken off.

        Returns:
            Number of pictures added by folder.

        Raises:
            DataError: It is no zip file, is encrypted, leads out of the folder, holds links, would unpack to more
                than a gigabyte, or holds no class folders with pictures.
        """
        opened = io.BytesIO(archive) if isinstance(archive, bytes) else archive
        try:
            with zipfile.ZipFile(opened) as file:
                members = _checked(file.infolist())
                return self._unpack(file, members)
        except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, zlib.error) as error:
            raise DataError(
                f"The zip file cannot be read: {error}.", "Pack it again and upload it once more."
            ) from error

    def clear(self) -> None:
        """Takes everything uploaded away."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _unpack(self, file: zipfile.ZipFile, members: dict[PurePosixPath, zipfile.ZipInfo]) -> dict[str, int]:
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        added: dict[str, int] = {}
        with tempfile.TemporaryDirectory(dir=self.folder.parent, prefix=".unpacking-") as place:
            left = LARGEST_UNPACKED
            for number, info in enumerate(members.values()):
                left -= _copy(file, info, Path(place) / str(number), left)
            for number, path in enumerate(members):
                target = _free(self.folder / path)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(Path(place) / str(number), target)
                added[path.parent.as_posix()] = added.get(path.parent.as_posix(), 0) + 1
        return added


def safe_name(name: str) -> str:
    """The last part of a path as a file name on every system: text that names nothing else.

    Raises:
        DataError: Nothing is left of it.
    """
    last = re.split(r"[/\\]", name)[-1]
    clean = re.sub(r"[\x00-\x1f\x7f:*?\"|]", "_", last).strip().strip(".")
    stem, dot, ending = clean.rpartition(".")
    while len(clean.encode()) > _LONGEST_NAME:
        stem, clean = (stem[:-1], f"{stem[:-1]}{dot}{ending}") if stem else ("", clean[:-1])
    if not clean:
        raise DataError(f"{name!r} cannot be the name of a file.", "Give it a name of letters or digits.")
    return clean


def _checked(infos: Iterable[zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The pictures of an archive by the path that they get, once all of it has been found harmless."""
    files = [info for info in infos if not info.is_dir()]
    if len(files) > MOST_FILES:
        raise DataError(f"The archive holds {len(files)} files.", f"Give at most {MOST_FILES} at once.")
    for info in files:
        _check_member(info)
    unpacked = sum(info.file_size for info in files)
    if unpacked > LARGEST_UNPACKED:
        raise _bomb(f"would unpack to {unpacked / 1e9:.1f} GB")
    pictures = {_parts(info.filename): info for info in files if _is_picture(info.filename)}
    return _without_wrapper(pictures)


def _check_member(info: zipfile.ZipInfo) -> None:
    """Refuses what no honest archive of pictures holds."""
    shown = repr(info.filename[:80])
    parts = re.split(r"[/\\]", info.filename)
    if info.filename.startswith(("/", "\\")) or ".." in parts or re.match("[A-Za-z]:", info.filename):
        raise DataError(f"The archive holds {shown}, which leads out of its folder.", "Do not trust this file.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise DataError(f"The archive holds a link, {shown}.", "Pack the pictures themselves.")
    if info.flag_bits & 1:
        raise DataError("The archive is encrypted.", "Pack it again without a password.")
    if info.file_size > SMALL and info.file_size > LARGEST_RATIO * max(1, info.compress_size):
        raise _bomb(f"unpacks {shown} to more than {LARGEST_RATIO} times its size")


def _bomb(what: str) -> DataError:
    return DataError(
        f"The archive {what}: this looks like a zip bomb.", "Give the pictures in smaller, honest archives."
    )


def _is_picture(path: str) -> bool:
    parts = PurePosixPath(path.replace("\\", "/")).parts
    hidden = any(part.startswith(".") or part.lower() in LITTER for part in parts)
    return not hidden and PurePosixPath(path).suffix.lower() in PICTURE_ENDINGS


def _parts(path: str) -> tuple[str, ...]:
    return tuple(safe_name(part) for part in re.split(r"[/\\]", path) if part not in ("", "."))


def _without_wrapper(pictures: dict[tuple[str, ...], zipfile.ZipInfo]) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Takes folders off that hold everything; classes, perhaps in splits, remain."""
    if not pictures:
        raise DataError("The archive holds no picture file.", "Pack PNG, JPEG or WebP files.")
    while len({parts[0] for parts in pictures}) == 1 and min(len(parts) for parts in pictures) > 2:
        pictures = {parts[1:]: info for parts, info in pictures.items()}
    if min(len(parts) for parts in pictures) < 2:
        raise DataError(
            "The archive has pictures outside class folders.", "Put each picture into a folder named after its class."
        )
    return {PurePosixPath(*parts): info for parts, info in pictures.items()}


def _copy(file: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Unpacks one file and returns its size; what the archive declares may be a lie."""
    size = 0
    with file.open(info) as source, target.open("wb") as copy:
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > left:
                raise _bomb("unpacks to more than it says")
            copy.write(chunk)
    return size


def _check_size(size: int, name: str) -> None:
    if size > LARGEST_UPLOAD:
        raise DataError(f"{name!r} has more than {LARGEST_UPLOAD >> 20} MB.", "Give it as a folder to load_data.")


def _free(path: Path) -> Path:
    """The path, or one with a number where something lies there already."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
