"""The data view alone in a bare page: checks, what the network sees, uploads in parts, hostile names."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
CHANGES = ["rotation", "scale", "shift", "mirror", "crop", "colour", "mixup"]


def png(seed: int, side: int = 24) -> bytes:
    """A soft picture that shows which way up it is, as a file."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC).save(file, "PNG")
    return file.getvalue()


def copy(split: str, label: str, number: int) -> dict[str, Any]:
    return {"index": number, "sample_id": f"{split}/{label}/{number}.png", "split": split, "label": label}


def state(**changes: Any) -> dict[str, Any]:
    names = ["cat", "dog", HOSTILE]
    copies = [[copy("train", "cat", 0), copy("test", HOSTILE, 1)], [copy("train", "dog", 0), copy("val", "dog", 1)]]
    checks = {
        "largest": {"name": "cat", "images": 90}, "smallest": {"name": HOSTILE, "images": 20}, "leaks": 4,
        "duplicates": 3, "conflicts": 1, "groups": copies,
    }  # fmt: skip
    seen = {"backbone": "tlw_resnet", "size": [48, 48], "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    return {
        "name": HOSTILE, "more_classes": 0, "splits": {"train": 165, "val": 60, "test": 60}, "checks": checks,
        "classes": [{"name": name, "train": 90 - 35 * i, "val": 20, "test": 20} for i, name in enumerate(names)],
        "set_aside": [{"path": f"cat/{HOSTILE}.png", "reason": "the file is empty (0 bytes)"}],
        "changes": ["rotation", "colour", "mixup"], "every_change": CHANGES, "augmentation": "light",
        "parts": ["rotation", "scale", "shift"], "draw": 0, "seen": seen | {"low": -2.1, "high": 2.6},
        "uploaded": {}, **changes,
    }  # fmt: skip


def mount(bare: Any, *, dark: bool = False, **changes: Any) -> Any:
    root = bare.mount("data_view", state(**changes), dark=dark)
    bare.receive_files({"t": "samples", "labels": ["cat", "dog", HOSTILE] * 4}, *[png(i) for i in range(12)])
    bare.receive_files({"t": "copies"}, *[png(i // 2) for i in range(4)])
    rows = [
        {"row": row, "captions": [f"70% cat + 30% {HOSTILE}" if row == "mixup" else "cat"] * 6}
        for row in ("original", "prepared", "rotation", "colour", "mixup", "run")
    ]
    bare.receive_files({"t": "views", "rows": rows}, *[png(i) for i in range(36)])
    return root


def test_each_check_says_in_words_whether_all_is_well(bare: Any) -> None:
    root = mount(bare)
    lines = root.locator(".tlw-checks li").all_inner_texts()
    assert [line.split()[0] for line in lines] == ["look", "look", "look", "fine", "look"]
    assert "4.5 times as many" in lines[0]
    assert "4 images have a near-identical one in another split" in lines[1]
    even = state()["checks"] | {"leaks": 0, "conflicts": 0, "groups": [], "smallest": {"name": "b", "images": 90}}
    bare.set("checks", even)
    bare.set("set_aside", [])
    assert all(line.startswith("fine") for line in root.locator(".tlw-checks li").all_inner_texts())
    assert root.locator(".tlw-copies").is_hidden()


def test_near_identical_images_are_shown_with_their_splits(bare: Any) -> None:
    root = mount(bare)
    root.get_by_text("Look at 2 groups").click()
    assert root.locator(".tlw-copy-group").count() == 2
    assert root.locator(".tlw-copy img").count() == 4
    assert root.get_by_text(f"{HOSTILE} · test").is_visible()


def test_a_toggle_asks_for_its_row_and_keeps_the_keyboard(bare: Any) -> None:
    root = mount(bare)
    crop = root.get_by_role("button", name="Crop")
    assert crop.get_attribute("aria-pressed") == "false"
    crop.press("Enter")
    command = bare.answer()
    assert (command["name"], command["args"]) == ("set_changes", {"changes": ["rotation", "colour", "mixup", "crop"]})
    bare.set("changes", ["rotation", "crop", "colour", "mixup"])
    assert crop.get_attribute("aria-pressed") == "true"
    assert crop.evaluate("element => element === document.activeElement")
    root.get_by_role("button", name="Rotation").click()
    assert bare.answer()["args"] == {"changes": ["crop", "colour", "mixup"]}
    root.get_by_role("button", name="Draw again").click()
    assert bare.answer()["name"] == "draw_again"


def test_the_changes_shown_are_made_those_of_the_run(bare: Any) -> None:
    root = mount(bare)
    root.get_by_role("button", name="Train with these").press("Enter")
    assert bare.answer()["name"] == "train_with_changes"
    bare.set("parts", ["rotation", "colour", "mixup"])
    bare.set("augmentation", "rotation+colour+mixup")
    assert root.get_by_role("button", name="Train with these").is_disabled()
    assert root.get_by_text("Mixed images have the labels of both").is_visible()
    bare.set("changes", [])
    assert root.get_by_role("button", name="Train without changes").is_enabled()


def test_rows_of_pictures_are_named_and_what_the_run_does_is_told(bare: Any) -> None:
    root = mount(bare)
    row = root.get_by_role("group", name="Mixup")
    assert row.get_by_role("img").count() == 6
    assert row.get_by_role("img").first.get_attribute("alt") == f"Mixup: 70% cat + 30% {HOSTILE}"
    assert root.locator(".tlw-change").filter(has_text="in this run").count() == 3
    assert root.get_by_text("numbers from -2.1 to 2.6").is_visible()
    bare.set("seen", {})
    assert root.get_by_role("group", name="Mixup").count() == 0


def test_files_go_to_the_kernel_in_parts(bare: Any) -> None:
    root = mount(bare)
    content = np.random.default_rng(0).bytes(1_300_000)
    file = {"name": "pets.zip", "mimeType": "application/zip", "buffer": content}
    root.locator("input[type=file]").set_input_files(file)
    parts: list[str] = []
    for number in range(3):
        bare.page.wait_for_function(f"() => model.sent.filter((m) => m.name === 'upload_part').length > {number}")
        parts.append(bare.answer()["args"]["data"])
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'upload_end')")
    end = bare.answer()
    assert b"".join(base64.b64decode(part) for part in parts) == content
    assert end["args"] | {"upload": ""} == {"name": "pets.zip", "label": "", "size": 1_300_000, "upload": ""}
    starts = [message["args"]["start"] for message in bare.sent if message.get("name") == "upload_part"]
    assert starts == [0, 512 * 1024, 1024 * 1024]
    assert (
        len({message["args"]["upload"] for message in bare.sent if message.get("name", "").startswith("upload")}) == 1
    )
    bare.set("uploaded", {"cat": 8, HOSTILE: 8})
    assert root.get_by_text("16 pictures in 2 folders, not yet used.").is_visible()
    root.get_by_role("button", name="Use these pictures").click()
    assert bare.answer()["name"] == "use_uploads"


def test_a_file_that_did_not_arrive_can_be_sent_again(bare: Any) -> None:
    root = mount(bare)
    file = {"name": f"{HOSTILE}.zip", "mimeType": "application/zip", "buffer": b"PK" * 50}
    root.locator("input[type=file]").set_input_files(file)
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'upload_part')")
    bare.answer(ok=False, error="A part is missing.")
    root.get_by_role("alert").get_by_text("A part is missing.").wait_for()
    assert root.get_by_text(f"{HOSTILE}.zip did not arrive; nothing of it was kept.").is_visible()
    root.get_by_role("button", name="Try again").click()
    bare.page.wait_for_function("() => model.sent.filter((m) => m.name === 'upload_part').length > 1")
    first, second = (message["args"]["upload"] for message in bare.sent if message.get("name") == "upload_part")
    assert first != second
    bare.answer()
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'upload_end')")
    bare.answer()
    assert root.get_by_role("button", name="Try again").is_hidden()


def test_a_busy_kernel_gets_a_part_again_and_a_file_too_large_is_refused_at_once(bare: Any) -> None:
    root = mount(bare)
    file = {"name": "pets.zip", "mimeType": "application/zip", "buffer": b"PK" * 50}
    root.locator("input[type=file]").set_input_files(file)
    root.get_by_role("alert").get_by_text("The upload goes on as soon as it answers").wait_for()
    bare.page.wait_for_function(
        "() => new Set(model.sent.filter((m) => m.name === 'upload_part').map((m) => m.id)).size > 1"
    )
    bare.answer()
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'upload_end')")
    bare.answer()
    bare.page.evaluate("() => Object.defineProperty(File.prototype, 'size', { get: () => 3e8 })")
    sent = len(bare.sent)
    root.locator("input[type=file]").set_input_files(file)
    root.get_by_role("alert").get_by_text("pets.zip has more than 200 MB").wait_for()
    assert len(bare.sent) == sent


def test_pictures_need_a_class_and_a_refusal_is_told(bare: Any) -> None:
    root = mount(bare)
    file = {"name": f"{HOSTILE}.png", "mimeType": "image/png", "buffer": png(5)}
    root.locator("input[type=file]").set_input_files(file)
    root.get_by_role("alert").get_by_text("Name the class").wait_for()
    root.get_by_label("Class of the pictures").fill(HOSTILE)
    root.locator("input[type=file]").set_input_files(file)
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'upload_part')")
    bare.answer()
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'upload_end')")
    end = bare.answer(ok=False, error=f"{HOSTILE} is no picture.")
    assert end["args"]["label"] == HOSTILE
    root.get_by_role("alert").get_by_text(f"{HOSTILE} is no picture.").wait_for()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_names_from_data_are_text_in_both_themes(bare: Any, screenshot: Any, dark: bool) -> None:
    root = mount(bare, dark=dark, uploaded={HOSTILE: 3})
    root.get_by_text("Look at 2 groups").click()
    root.get_by_text("1 file cannot be read").last.click()
    bare.page.wait_for_function("() => [...document.images].every((i) => i.complete && i.naturalWidth > 0)")
    assert root.locator("img[onerror]").count() == 0
    assert root.locator("img[src='x']").count() == 0
    screenshot(bare.page.locator("#widget"), f"data-{'dark' if dark else 'light'}")
    bare.page.evaluate("cleanup()")
    assert bare.page.evaluate("model.count()") == 0
