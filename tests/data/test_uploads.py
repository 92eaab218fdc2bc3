"""Uploaded pictures and archives: what is kept, and what hostile ones cannot do."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlwidgets import load_data
from tlwidgets.data.uploads import LARGEST_UNPACKED, Uploads, safe_name
from tlwidgets.errors import DataError

HOSTILE = "<img src=x onerror=alert(1)>"


def png(seed: int = 0) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def packed(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "inside" / "uploads")


def everything_below(uploads: Uploads) -> list[str]:
    root = uploads.folder.parents[1]
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_an_archive_of_class_folders_becomes_data(uploads: Uploads) -> None:
    names = [f"pets/{label}/{i}.png" for label in ("cat", "dog") for i in range(6)]
    members = [(name, png(seed)) for seed, name in enumerate(names)]
    litter = [("__MACOSX/pets/cat/._0.png", b"x"), ("pets/.DS_Store", b"x"), ("pets/readme.txt", b"hello")]
    assert uploads.add_archive(packed(*members, *litter)) == {"cat": 6, "dog": 6}
    data = load_data(uploads.folder, progress=False)
    assert (data.classes, len(data), data.set_aside) == (("cat", "dog"), 12, [])


def test_splits_in_an_archive_are_kept(uploads: Uploads) -> None:
    names = [f"{split}/{label}/{i}.png" for split in ("train", "test") for label in "ab" for i in range(4)]
    uploads.add_archive(packed(*((name, png(seed)) for seed, name in enumerate(names))))
    assert load_data(uploads.folder, progress=False).splits["test"] == 8


def test_single_pictures_go_to_their_class_and_never_over_one_another(uploads: Uploads) -> None:
    first = uploads.add_picture("cat", "C:\\photos\\one.png", png(1))
    second = uploads.add_picture("cat", "../../one.png", png(2))
    assert (first.name, second.name) == ("one.png", "one-2.png")
    assert uploads.counts == {"cat": 2}
    assert first.read_bytes() == png(1)
    uploads.clear()
    assert uploads.counts == {}


def test_names_are_data(uploads: Uploads) -> None:
    path = uploads.add_picture(HOSTILE, f"{HOSTILE}.png", png())
    assert path.parent.name == HOSTILE
    assert uploads.counts == {HOSTILE: 1}
    assert uploads.add_picture("../cats/dogs", "1.png", png()).parent.name == "_cats_dogs"
    assert safe_name("a\x00b\n.png") == "a_b_.png"
    assert len(safe_name("é" * 500 + ".png").encode()) <= 120
    assert safe_name("é" * 500 + ".png").endswith(".png")


@pytest.mark.parametrize("name", ["", "..", ".", " . "])
def test_a_class_that_is_no_name_is_refused(uploads: Uploads, name: str) -> None:
    with pytest.raises(DataError, match="cannot be the name"):
        uploads.add_picture(name, "a.png", png())


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "cat/../../evil.png", "/etc/evil.png", "C:\\evil.png", "..\\..\\evil.png", "cat\\..\\..\\e.png"],
)
def test_no_path_in_an_archive_leaves_the_folder(uploads: Uploads, name: str) -> None:
    with pytest.raises(DataError, match="leads out of its folder"):
        uploads.add_archive(packed(("cat/1.png", png()), (name, png())))
    assert everything_below(uploads) == []


def test_links_in_an_archive_are_refused(uploads: Uploads) -> None:
    link = zipfile.ZipInfo("cat/passwords.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="link"):
        uploads.add_archive(packed((link, b"/etc/passwd")))
    assert everything_below(uploads) == []


def test_a_file_that_unpacks_far_beyond_its_size_is_refused(uploads: Uploads) -> None:
    with pytest.raises(DataError, match="zip bomb"):
        uploads.add_archive(packed(("cat/1.png", png()), ("cat/2.png", bytes(20 << 20))))
    assert everything_below(uploads) == []


def test_an_archive_that_is_too_large_in_all_is_refused_before_anything_is_written(
    uploads: Uploads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlwidgets.data.uploads.LARGEST_UNPACKED", 1000)
    with pytest.raises(DataError, match="would unpack"):
        uploads.add_archive(packed(*((f"cat/{i}.png", png(i)) for i in range(9)), compression=zipfile.ZIP_STORED))
    assert everything_below(uploads) == []
    assert LARGEST_UNPACKED > 1000


def test_an_archive_that_lies_about_its_sizes_is_refused(uploads: Uploads) -> None:
    honest = packed(("cat/1.png", bytes(300_000)))
    start = honest.rindex(b"PK\x01\x02")
    lying = honest[: start + 24] + (10).to_bytes(4, "little") + honest[start + 28 :]
    with pytest.raises(DataError, match="cannot be read"):
        uploads.add_archive(lying)
    assert everything_below(uploads) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no archive at all", "cannot be read"),
        (packed(("readme.txt", b"hello")), "no picture"),
        (packed(("1.png", png()), ("2.png", png())), "class folders"),
        (packed(("nested.zip", packed(("cat/1.png", png())))), "no picture"),
    ],
)
def test_what_is_no_archive_of_class_folders_says_so(uploads: Uploads, content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        uploads.add_archive(content)


def test_an_encrypted_archive_is_refused(uploads: Uploads) -> None:
    content = bytearray(packed(("cat/1.png", png())))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        uploads.add_archive(bytes(content))


def test_what_is_no_picture_is_refused(uploads: Uploads) -> None:
    with pytest.raises(DataError, match="no picture file"):
        uploads.add_picture("cat", "virus.exe", b"MZ")
