"""Files that a page sends in parts: base64 text in commands, put together on disk, then handed to ``Uploads``."""

from __future__ import annotations

import base64
import binascii
import tempfile
from pathlib import Path
from typing import IO

from tlwidgets.data.uploads import LARGEST_UPLOAD, Uploads
from tlwidgets.errors import DataError

# JupyterLab's server closes a connection that sends more than 10 MB in one message.
LARGEST_PART = 1 << 20
_MOST_OPEN = 4


class Receiver:
    """Takes files from a page, part by part.

    Args:
        parent: What is complete goes to its subfolders ``1``, ``2`` ..., the first that is free, made with the first
            file.
    """

    def __init__(self, parent: str | Path = "uploads") -> None:
        self._parent = Path(parent)
        self._uploads: Uploads | None = None
        self._open: dict[str, IO[bytes]] = {}

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

    def take_part(self, upload: str, data: str) -> None:
        """Adds the next part of a file.

        Args:
            upload: The page's own name for the file that is under way.
            data: base64 of at most a megabyte.

        Raises:
            DataError: It is none, the file grows too large, or too many are under way.
        """
        try:
            part = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError) as error:
            raise self._refused(upload, "A part of the file was damaged on its way.") from error
        if upload not in self._open and len(self._open) >= _MOST_OPEN:
            raise DataError(f"{_MOST_OPEN} files are under way already.", "Wait until they have come, or clear them.")
        if upload not in self._open:
            self._open[upload] = tempfile.TemporaryFile()  # noqa: SIM115  closed when it is finished, refused or cleared
        file = self._open[upload]
        if len(part) > LARGEST_PART or file.tell() + len(part) > LARGEST_UPLOAD:
            raise self._refused(upload, f"The file has more than {LARGEST_UPLOAD >> 20} MB.")
        file.write(part)

    def finish(self, upload: str, name: str, label: str) -> None:
        """Keeps a file whose parts have all come: an archive, or a picture of a class.

        Raises:
            DataError: Nothing came, or the file is refused; see ``Uploads``.
        """
        file = self._open.pop(upload, None)
        if file is None:
            raise DataError(f"Nothing of {name!r} has come.", "Upload it again.")
        with file:
            file.seek(0)
            if name.lower().endswith(".zip"):
                self.uploads.add_archive(file)
            else:
                self.uploads.add_picture(label, name, file.read())

    def clear(self) -> None:
        """Forgets everything received and under way, on disk too."""
        for file in self._open.values():
            file.close()
        self._open.clear()
        if self._uploads is not None:
            self._uploads.clear()

    def close(self) -> None:
        """Lets go of what was received: the next file begins a new folder."""
        self._uploads = None

    def _refused(self, upload: str, why: str) -> DataError:
        file = self._open.pop(upload, None)
        if file is not None:
            file.close()
        return DataError(why, "Upload it again, or give it as a folder to load_data.")


def _new_folder(parent: Path) -> Path:
    number = 1
    while (parent / str(number)).exists():
        number += 1
    return parent / str(number)
