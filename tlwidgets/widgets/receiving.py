"""Files that a page sends in parts: base64 text in commands, put together on disk, then handed to ``Uploads``."""

from __future__ import annotations

import base64
import binascii
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tlwidgets.data.uploads import LARGEST_UPLOAD, Uploads
from tlwidgets.errors import DataError

# JupyterLab's server closes a connection that sends more than 10 MB in one message.
LARGEST_PART = 1 << 20
_MOST_OPEN = 4
# A page sends a part as soon as the one before was acknowledged: after so many seconds it has been closed or reloaded.
_QUIET = 10.0


@dataclass
class _Incoming:
    """A file under way: what has come of it, what the page calls it, and when its latest part came."""

    file: IO[bytes]
    name: str
    heard: float

    @property
    def quiet(self) -> float:
        """Seconds since its latest part."""
        return time.monotonic() - self.heard


class Receiver:
    """Takes files from a page, part by part.

    Args:
        parent: What is complete goes to its subfolders ``1``, ``2`` ..., the first that is free, made with the first
            file.
    """

    def __init__(self, parent: str | Path = "uploads") -> None:
        self._parent = Path(parent)
        self._uploads: Uploads | None = None
        self._open: dict[str, _Incoming] = {}

    @property
    def uploads(self) -> Uploads:
        """Everything received so far."""
        if self._uploads is None:
            self._uploads = Uploads(_new_folder(self._parent))
        return self._uploads

    @property
    def counts(self) -> dict[str, int]:
        """Number of pictures by class; empty before the first."""
        return {} if self._uploads is None else self._uploads.counts

    def take_part(self, upload: str, data: str, start: int, name: str) -> None:
        """Adds the next part of a file; one that is sent again, because the answer took long, counts once.

        Args:
            upload: The page's own name for the file that is under way.
            data: base64 of at most a megabyte.
            start: Where in the file the part belongs.
            name: What the browser calls the file.

        Raises:
            DataError: It is none, does not follow the part before, the file grows too large, or too many are under way.
        """
        try:
            part = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._refused(upload, "A part of the file was damaged on its way.") from error
        incoming = self._incoming(upload, name, start)
        here = incoming.file.tell()
        if start + len(part) <= here:
            return
        if start != here:
            raise self._refused(upload, f"A part of {name!r} is missing.")
        if len(part) > LARGEST_PART or here + len(part) > LARGEST_UPLOAD:
            raise self._refused(upload, f"The file has more than {LARGEST_UPLOAD >> 20} MB.")
        incoming.file.write(part)
        incoming.heard = time.monotonic()

    def _incoming(self, upload: str, name: str, start: int) -> _Incoming:
        """The file that a part belongs to; a new one with its first part."""
        if upload not in self._open:
            if start:
                raise DataError(f"The beginning of {name!r} is not here any more.", "Upload it again.")
            if len(self._open) >= _MOST_OPEN and not self.interrupted(_QUIET):
                raise DataError(f"{_MOST_OPEN} files are under way already.", "Wait until they have come.")
            file = tempfile.TemporaryFile()  # noqa: SIM115  closed when it is finished, refused or cleared
            self._open[upload] = _Incoming(file, name, time.monotonic())
        return self._open[upload]

    def finish(self, upload: str, name: str, label: str, size: int) -> None:
        """Keeps a file whose parts have all come: an archive, or a picture of a class.

        Raises:
            DataError: Not all of its ``size`` bytes came, or the file is refused; see ``Uploads``.
        """
        incoming = self._open.pop(upload, None)
        if incoming is None:
            raise DataError(f"Nothing of {name!r} has come.", "Upload it again.")
        with incoming.file as file:
            if file.tell() != size:
                raise DataError(f"Only {file.tell():,} of the {size:,} bytes of {name!r} came.", "Upload it again.")
            file.seek(0)
            if name.lower().endswith(".zip"):
                self.uploads.add_archive(file)
            else:
                self.uploads.add_picture(label, name, file.read())

    def cancel(self, upload: str) -> None:
        """Forgets a file that is under way; does nothing where it is not."""
        incoming = self._open.pop(upload, None)
        if incoming is not None:
            incoming.file.close()

    def interrupted(self, quiet: float) -> list[str]:
        """Forgets files of which nothing has come for so many seconds, and returns what they are called."""
        stale = [upload for upload, incoming in self._open.items() if incoming.quiet >= quiet]
        names = [self._open[upload].name for upload in stale]
        for upload in stale:
            self.cancel(upload)
        return names

    def clear(self) -> None:
        """Forgets everything received and under way, on disk too."""
        for upload in list(self._open):
            self.cancel(upload)
        if self._uploads is not None:
            self._uploads.clear()

    def close(self) -> None:
        """Lets go of what was received: the next file begins a new folder."""
        self._uploads = None

    def _refused(self, upload: str, why: str) -> DataError:
        self.cancel(upload)
        return DataError(why, "Upload it again, or give it as a folder to load_data.")


def _new_folder(parent: Path) -> Path:
    number = 1
    while (parent / str(number)).exists():
        number += 1
    return parent / str(number)
