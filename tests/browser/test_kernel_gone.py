"""What a widget in a bare page says when its kernel has gone, when a picture is too large, and of many classes."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
GONE = "The kernel was restarted or has ended."
RUN = {"run": "r-1", "backbone": "tlw_resnet", "learns": "1 of 6 stages", "epochs": 2, "seconds": 3.1, "accuracy": 0.5}
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


def settings_state() -> dict[str, Any]:
    choices = {"augmentation": ["none"], "optimizer": ["adamw"], "schedule": ["cosine"]}
    numbers = {"epochs": 5, "batch_size": 32, "learning_rate": 0.01, "backbone_scale": 0.1, "seed": 0}
    more = {"pretrained": True, "weight_decay": 0.01, "patience": None}
    return {"choices": choices, **{name: options[0] for name, options in choices.items()}, **numbers, **more}


@THEMES
def test_a_widget_says_once_that_its_kernel_has_gone(bare: Any, screenshot: Any, dark: bool) -> None:
    root = bare.mount("settings", settings_state(), dark=dark)
    assert root.get_by_text(GONE).count() == 0
    for _ in range(2):
        bare.page.evaluate("() => model.emit('comm_live_update')")
    root.get_by_role("status").get_by_text(GONE).wait_for()
    assert root.get_by_text(GONE).count() == 1
    screenshot(bare.page, f"kernel-gone-{'dark' if dark else 'light'}")


def test_the_line_of_steps_leaves_that_to_the_panel_below(bare: Any) -> None:
    state = {"titles": ["Data"], "selected": 0, "summaries": [""], "done": [False]}
    root = bare.mount("steps", state)
    bare.page.evaluate("() => model.emit('comm_live_update')")
    assert root.get_by_text(GONE).count() == 0


@THEMES
def test_many_classes_are_told_as_pairs(bare: Any, screenshot: Any, dark: bool) -> None:
    pairs = [{"label": "<b>owl</b>", "predicted": "cat", "count": 5}]
    card = {"card": "r-1", "title": "birds", "accuracy": 0.5, "right": 100, "n": 200, "majority": 0.01}
    wrong = [{"label": "y" * 300, "predicted": "cat", "confidence": 0.9, "png": "", "sample_id": "1"}]
    card |= {"classes": [], "confusion": [], "pairs": pairs, "wrongest": wrong}
    root = bare.mount("results", {"runs": [RUN], "card": card}, dark=dark)
    assert root.locator("ol li").all_inner_texts() == ["<b>owl</b> seen as cat: 5"]
    assert root.locator("table").count() == 1  # that of the runs
    assert len(root.locator("figcaption").inner_text()) < 80
    screenshot(bare.page, f"results-pairs-{'dark' if dark else 'light'}")


def give(bare: Any, name: str, content: bytes) -> None:
    bare.page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": content})


def teach(bare: Any) -> Any:
    return bare.mount("teach", {"classes": ["a", "b"], "counts": [0, 0], "answer": [], "note": ""})


def test_a_large_photo_travels_as_small_as_it_is_kept(bare: Any) -> None:
    teach(bare)
    pixels = np.random.default_rng(0).integers(0, 255, (900, 1600, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    assert file.tell() > 4_000_000
    give(bare, "photo.png", file.getvalue())
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'add')")
    (sent,) = [message for message in bare.sent if message.get("name") == "add"]
    picture = Image.open(io.BytesIO(base64.b64decode(sent["args"]["picture"])))
    assert picture.size == (96, 54)


def test_a_large_file_that_the_browser_cannot_open_is_not_sent(bare: Any) -> None:
    root = teach(bare)
    give(bare, "photo.heic", bytes(5_000_000))
    root.get_by_role("alert").get_by_text("This browser cannot open photo.heic").wait_for()
    assert not [message for message in bare.sent if message.get("name") == "add"]


@THEMES
def test_an_explanation_that_is_on_its_way_is_announced(bare: Any, screenshot: Any, dark: bool) -> None:
    row = {"sample_id": "1.png", "label": "cat", "predicted": "owl", "confidence": 0.9, "action": "", "new_label": ""}
    state = {"name": "r-1", "classes": ["cat", "owl"], "showing": "mistakes", "of_class": "", "page": 0, "pages": 1}
    state |= {"total": 1, "rows": [row], "n_changes": 0, "can_undo": False, "can_redo": False, "can_apply": False}
    root = bare.mount("predictions", {**state, "applied": False, "explained": {}}, dark=dark)
    assert root.get_by_text("Finding out why").count() == 0
    bare.set("explained", {"sample_id": "1.png"})
    root.get_by_text("Finding out why").wait_for()
    screenshot(bare.page, f"why-{'dark' if dark else 'light'}")
    bare.set("explained", {})
    assert not root.get_by_text("Finding out why").is_visible()
