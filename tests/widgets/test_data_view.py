from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tlwidgets import load_backbone, load_data
from tlwidgets.errors import BackboneError, DataError, RecipeError
from tlwidgets.widgets import DataView, Studio, receiving
from tlwidgets.widgets.receiving import LARGEST_PART

Command = Callable[..., dict[str, Any]]


@pytest.fixture
def view(stripes: tuple[np.ndarray, np.ndarray], tiny: str, tmp_path: Path) -> DataView:
    return DataView(stripes, tiny, upload_to=tmp_path / "uploads")


def png(seed: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def zipped(*classes: str, n: int = 8) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number, label in enumerate(classes):
            for i in range(n):
                archive.writestr(f"{label}/{i}.png", png(100 * number + i))
    return file.getvalue()


def upload(view: DataView, command: Command, name: str, content: bytes, label: str = "") -> dict[str, Any]:
    for start in range(0, len(content), 1000):
        part = base64.b64encode(content[start : start + 1000]).decode()
        assert command(view, "upload_part", upload="u", data=part, start=start, name=name)["ok"]
    return command(view, "upload_end", upload="u", name=name, label=label, size=len(content))


def test_the_prepared_row_is_what_the_backbone_computes_on(view: DataView, tiny: str) -> None:
    preprocessing = load_backbone(tiny).preprocessing
    rows = view.views()
    for original, prepared in zip(rows["original"], rows["prepared"], strict=True):
        assert np.array_equal(prepared, preprocessing.prepare(original).permute(1, 2, 0).numpy())
    assert view.seen["size"] == [16, 16]
    assert view.seen["low"] >= (0 - 0.5) / 0.25 - 1e-6
    assert (view.seen["mean"], view.seen["std"]) == ([0.5] * 3, [0.25] * 3)


def test_each_change_is_a_row_and_the_same_draw_gives_the_same_pictures(view: DataView) -> None:
    view.set_changes(["mixup", "crop"])
    before = view.views()
    assert list(before) == ["original", "prepared", "crop", "mixup"]
    assert all(np.array_equal(a, b) for a, b in zip(before["crop"], view.views()["crop"], strict=True))
    view.draw_again()
    assert not all(np.array_equal(a, b) for a, b in zip(before["crop"], view.views()["crop"], strict=True))
    with pytest.raises(RecipeError, match="rotation"):
        view.set_changes(["melt"])


def test_the_augmentation_of_the_run_is_shown_whole_and_its_parts_are_named(view: DataView) -> None:
    assert "run" not in view.views()
    view.augmentation = "flip"
    assert view.parts == ["rotation", "scale", "shift", "mirror"]
    assert len(view.views()["run"]) == 6
    with pytest.raises(RecipeError, match="light"):
        view.augmentation = "eda"


def test_the_changes_shown_become_those_of_the_run(view: DataView, command: Command) -> None:
    view.set_changes(["mixup", "crop"])
    assert command(view, "train_with_changes")["ok"]
    assert (view.augmentation, view.parts) == ("crop+mixup", ["crop", "mixup"])
    assert list(view.views())[-1] == "run"
    view.set_changes([])
    view.train_with_changes()
    assert view.augmentation == "none"


def test_the_studio_trains_with_the_changes_of_its_data_view(
    stripes: tuple[np.ndarray, np.ndarray], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    studio = Studio(stripes, tiny, epochs=1, learning_rate=0.01)
    command(studio.panel, "set_changes", changes=["rotation", "colour", "mixup"])
    command(studio.panel, "train_with_changes")
    assert studio.settings.augmentation == studio.recipe.augmentation == "rotation+colour+mixup"
    studio.start()
    assert studio.wait(120).recipe.augmentation == "rotation+colour+mixup"
    studio.settings.augmentation = "light"
    assert studio.panel.parts == ["rotation", "scale", "shift"]


def test_a_mixture_names_both_classes(view: DataView, receive: Callable[..., None]) -> None:
    view.set_changes(["mixup"])
    receive(view, {"t": "ready"})
    message = view.comm.custom("views")[-1]
    captions = message.content["rows"][-1]["captions"]
    assert all("% " in caption and " + " in caption for caption in captions)
    assert len(message.buffers) == 3 * 6
    assert all(buffer.startswith(b"\x89PNG") for buffer in message.buffers)


def test_copies_across_splits_and_with_other_labels_are_found(tmp_path: Path, tiny: str) -> None:
    large = np.random.default_rng(0).integers(0, 256, (12, 40, 40, 3)).astype(np.uint8)
    for number, image in enumerate(large):
        for split in ("train", "test"):
            for label in ("a", "b") if number == 0 else (("a", "b")[number % 2],):
                copy = image if number < 2 else np.roll(image, 13 * (split == "test"), axis=0)
                (tmp_path / split / label).mkdir(parents=True, exist_ok=True)
                Image.fromarray(copy).save(tmp_path / split / label / f"{number}.png")
    (tmp_path / "train" / "a" / "broken.png").write_bytes(b"no picture")
    view = DataView(load_data(tmp_path, val=0.0, progress=False), tiny)
    assert (view.checks["leaks"], view.checks["conflicts"]) == (6, 1)
    worst = view.checks["groups"][0]
    assert {(copy["split"], copy["label"]) for copy in worst} == {(s, c) for s in ("train", "test") for c in "ab"}
    assert [entry["path"] for entry in view.set_aside] == ["train/a/broken.png"]
    assert (view.checks["largest"]["images"], view.checks["smallest"]["name"]) == (7, "a")


def test_a_zip_file_from_the_page_becomes_the_data(view: DataView, command: Command, tmp_path: Path) -> None:
    heard: list[str] = []
    view.before_data(lambda data: heard.append(",".join(data.classes)))
    assert upload(view, command, "pets.ZIP", zipped("cat", "dog"))["ok"]
    assert view.uploaded == {"cat": 8, "dog": 8}
    assert view.name != "1"
    assert command(view, "use_uploads")["ok"]
    assert (view.data.classes, heard, view.uploaded) == (("cat", "dog"), ["cat,dog"], {})
    assert [row["name"] for row in view.classes] == ["cat", "dog"]
    assert upload(view, command, "more.png", png(7), label="cat")["ok"]
    assert view.uploaded == {"cat": 1}
    view.clear_uploads()
    assert sorted(path.name for path in (tmp_path / "uploads").iterdir()) == ["1"]
    assert len(view.data.image(0)) == 16


def test_pictures_of_a_class_at_a_time(view: DataView, command: Command) -> None:
    assert upload(view, command, "a.png", png(0), label="cat")["ok"]
    assert "at least one more" in command(view, "use_uploads")["error"]
    for seed in range(1, 9):
        upload(view, command, "a.png", png(seed), label=("cat", "<b>dog</b>")[seed % 2])
    assert command(view, "use_uploads")["ok"]
    assert view.data.classes == ("<b>dog<_b>", "cat")


def test_what_is_refused_says_why_and_leaves_nothing(view: DataView, command: Command, tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../evil.png", png(0))
    assert "leads out of its folder" in upload(view, command, "evil.zip", file.getvalue())["error"]
    assert "leads out" in view.error_text
    assert "no picture file" in upload(view, command, "evil.exe", b"MZ", label="cat")["error"]
    assert "Nothing has been uploaded" in command(view, "use_uploads")["error"]
    assert "Nothing of" in command(view, "upload_end", upload="never", name="a.png", label="cat", size=1)["error"]
    first = {"upload": "u", "start": 0, "name": "a.png"}
    assert "damaged" in command(view, "upload_part", data="%%%", **first)["error"]
    too_much = base64.b64encode(bytes(LARGEST_PART + 1)).decode()
    assert "more than" in command(view, "upload_part", data=too_much, **first)["error"]
    assert list(tmp_path.rglob("*.png")) == list(tmp_path.rglob("*.exe")) == []


def part(content: bytes, start: int, end: int, upload: str = "u") -> dict[str, Any]:
    return {"upload": upload, "data": base64.b64encode(content[start:end]).decode(), "start": start, "name": "pets.zip"}


def test_a_part_sent_twice_counts_once_and_a_missing_one_is_noticed(view: DataView, command: Command) -> None:
    content = zipped("cat", "dog")
    end = {"upload": "u", "name": "pets.zip", "label": "", "size": len(content)}
    for start in range(0, len(content), 1000):
        for _ in range(2):
            assert command(view, "upload_part", **part(content, start, start + 1000))["ok"]
    assert command(view, "upload_end", **end)["ok"]
    assert view.uploaded == {"cat": 8, "dog": 8}
    view.clear_uploads()
    command(view, "upload_part", **part(content, 0, 1000))
    assert "is missing" in command(view, "upload_part", **part(content, 2000, 3000))["error"]
    assert "beginning of 'pets.zip'" in command(view, "upload_part", **part(content, 3000, 4000))["error"]
    command(view, "upload_part", **part(content, 0, 1000))
    assert "Only 1,000 of the" in command(view, "upload_end", **end)["error"]
    assert view.uploaded == {}
    assert upload(view, command, "pets.zip", content)["ok"]  # and it can be repeated


def test_a_reload_in_the_middle_is_told_and_leaves_room_for_others(
    view: DataView, command: Command, receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    now = [100.0]
    monkeypatch.setattr(receiving.time, "monotonic", lambda: now[0])
    content = zipped("cat", "dog")
    command(view, "upload_part", **part(content, 0, 1000))
    receive(view, {"t": "ready"})
    assert view.error_text == ""  # another page; this one still sends
    now[0] += 2
    receive(view, {"t": "ready"})
    assert "pets.zip was broken off" in view.error_text
    for number in range(4):
        assert command(view, "upload_part", **part(content, 0, 1000, f"page {number}"))["ok"]
    assert "4 files are under way" in command(view, "upload_part", **part(content, 0, 1000, "fifth"))["error"]
    now[0] += 11
    assert command(view, "upload_part", **part(content, 0, 1000, "fifth"))["ok"]
    assert list(view._receiver._open) == ["fifth"]
    command(view, "upload_cancel", upload="fifth")
    assert not view._receiver._open
    assert not (tmp_path / "uploads").exists()


def test_who_watches_may_refuse_the_uploads(view: DataView, command: Command) -> None:
    def refuse(data: Any) -> None:
        raise DataError(f"{len(data)} are too many.", "Wait.")

    view.before_data(refuse)
    upload(view, command, "pets.zip", zipped("cat", "dog"))
    assert "too many" in command(view, "use_uploads")["error"]
    assert view.uploaded == {"cat": 8, "dog": 8}
    assert view.data.classes == ("across", "down", "plain")


def test_the_studio_trains_on_what_was_uploaded(
    stripes: tuple[np.ndarray, np.ndarray], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    studio = Studio(stripes, tiny, epochs=1, learning_rate=0.01)
    upload(studio.panel, command, "pets.zip", zipped("cat", "dog"))
    assert command(studio.panel, "use_uploads")["ok"]
    assert studio.data is studio.panel.data is studio.picker.data
    assert studio.board.stages[-1]["parameters"] == 2 * 16 + 2
    assert "16 images" in studio.steps.summaries[0]
    studio.settings.augmentation = "light"
    assert studio.panel.augmentation == "light"
    studio.start()
    assert studio.wait(120).classes == ("cat", "dog")


def test_another_backbone_of_the_studio_prepares_otherwise(stripes: tuple[np.ndarray, np.ndarray], tiny: str) -> None:
    studio = Studio(stripes, tiny)
    studio.picker.value = "tlw_resnet"
    assert studio.panel.seen["backbone"] == "tlw_resnet"
    assert studio.panel.seen["size"] == [48, 48]


def test_bad_input_is_refused(stripes: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(BackboneError):
        DataView(stripes, "tlw_resnett")
