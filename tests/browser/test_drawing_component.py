"""Teach's drawing surface by the keyboard alone: what it draws, what it says, and what it keeps from the page."""

from __future__ import annotations

import base64
import io
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
SURFACE = "Drawing surface"


def mount(bare: Any, *, dark: bool = False) -> Any:
    """Teach with two classes, and the keyboard on its surface: the first thing that Tab reaches after Undo."""
    state = {"classes": ["cat", "dog"], "counts": [0, 0], "answer": [], "note": "Give an example."}
    root = bare.mount("teach", state, dark=dark)
    bare.page.keyboard.press("Tab")
    bare.page.keyboard.press("Tab")
    assert bare.page.evaluate("document.activeElement.tagName") == "CANVAS"
    return root


def press(bare: Any, *keys: str) -> None:
    """Keys, one after the other; "ArrowUp*3" is pressed three times."""
    for key in keys:
        name, _, times = key.partition("*")
        for _ in range(int(times or 1)):
            bare.page.keyboard.press(name)


def pixels(bare: Any) -> np.ndarray:
    """What is drawn, (280, 280), 0 where it is black."""
    url = bare.page.evaluate("document.querySelector('canvas').toDataURL()")
    return decoded(url.partition(",")[2])


def decoded(picture: str) -> np.ndarray:
    """A picture in base64 as grey values."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("L"))


def cell(drawn: np.ndarray, column: int, row: int) -> int:
    """Grey value in the middle of one of 16 x 16 places of the surface, counted from 1."""
    return int(drawn[int(17.5 * (row - 0.5)), int(17.5 * (column - 0.5))])


def said(root: Any) -> str:
    """What the surface's live region holds."""
    return str(root.locator(".tlw-drawing [role=status]").text_content())


def test_an_l_is_drawn_and_added_by_the_keyboard_alone(bare: Any) -> None:
    root = mount(bare)
    press(bare, "ArrowLeft*4", "ArrowUp*4")
    assert pixels(bare).min() == 255, "a pen that is up leaves no mark"
    press(bare, "Space", "ArrowDown*8", "ArrowRight*6", "Space", "ArrowUp*3")
    drawn = pixels(bare)
    assert [cell(drawn, 4, row) for row in range(4, 13)] == [0] * 9
    assert [cell(drawn, column, 12) for column in range(4, 11)] == [0] * 7
    assert [cell(drawn, *place) for place in [(4, 3), (4, 13), (11, 12), (10, 11), (10, 9), (6, 8)]] == [255] * 6
    upright = drawn[int(17.5 * 4) : int(17.5 * 11), int(17.5 * 2) : int(17.5 * 5)]
    assert np.ptp(upright, axis=0).max() <= 1, "nothing tells where two steps met"
    press(bare, "Enter")
    bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'add')")
    command = bare.answer()
    assert (command["name"], command["args"]["label"]) == ("add", "cat")
    sent = decoded(command["args"]["picture"])
    assert np.abs(sent.astype(int) - np.asarray(Image.fromarray(drawn).resize((96, 96)), int)).mean() < 3
    root.get_by_text("Added to cat.").wait_for(state="attached")
    assert pixels(bare).min() == 255
    assert bare.page.evaluate("document.activeElement.tagName") == "CANVAS"


def test_enter_adds_to_the_class_that_is_chosen_and_never_an_empty_surface(bare: Any) -> None:
    root = mount(bare)
    press(bare, "Enter")
    assert said(root) == "Nothing is drawn."
    root.get_by_label("Enter and Upload add to").select_option("dog")
    root.get_by_label(SURFACE).focus()
    press(bare, "Space", "Enter")
    adds = [message["args"]["label"] for message in bare.sent if message.get("name") == "add"]
    assert adds == ["dog"]


def test_shift_is_finer_two_arrows_or_a_corner_key_are_a_diagonal(bare: Any) -> None:
    mount(bare)
    press(bare, "Space", "Shift+ArrowRight*4", "Space")
    assert cell(pixels(bare), 9, 8) == 0
    assert cell(pixels(bare), 10, 8) == 255
    press(bare, "Delete", "Space", "PageUp*3", "Space")
    drawn = pixels(bare)
    steps = [(9, 8), (10, 7), (11, 6), (12, 5)]
    between = [(int(17.5 * (a + c - 1) / 2), int(17.5 * (b + d - 1) / 2)) for (a, b), (c, d) in pairwise(steps)]
    assert all(drawn[y, x] == 0 for x, y in between)
    press(bare, "Delete", "Space")
    bare.page.keyboard.down("ArrowLeft")
    bare.page.keyboard.down("ArrowDown")
    bare.page.keyboard.up("ArrowDown")
    bare.page.keyboard.up("ArrowLeft")
    drawn = pixels(bare)
    assert [cell(drawn, *place) for place in [(12, 5), (11, 5), (10, 6)]] == [0] * 3
    assert cell(drawn, 11, 6) > 0


def test_while_space_is_held_the_pen_is_down_and_it_lifts_when_the_surface_is_left(bare: Any) -> None:
    root = mount(bare)
    bare.page.keyboard.down("Space")
    bare.page.keyboard.down("Space")  # what a held key repeats
    press(bare, "ArrowRight*2")
    bare.page.keyboard.up("Space")
    press(bare, "ArrowRight*2")
    assert [cell(pixels(bare), column, 8) for column in range(8, 13)] == [0, 0, 0, 255, 255]
    press(bare, "Space", "Tab")
    assert root.locator(".tlw-drawing-cursor").is_hidden()
    bare.page.keyboard.press("Shift+Tab")
    before = pixels(bare)
    press(bare, "ArrowDown*3")
    assert np.array_equal(pixels(bare), before)


def test_strokes_are_taken_back_one_by_one_whoever_drew_them(bare: Any) -> None:
    root = mount(bare)
    press(bare, "Space", "ArrowRight*3", "Space")
    one = pixels(bare)
    box = root.get_by_label(SURFACE).bounding_box()
    bare.page.mouse.move(box["x"] + 30, box["y"] + 200)
    bare.page.mouse.down()
    bare.page.mouse.move(box["x"] + 200, box["y"] + 190, steps=6)
    bare.page.mouse.up()
    two = pixels(bare)
    assert (two < 128).sum() > (one < 128).sum()
    assert root.locator(".tlw-drawing-cursor").is_hidden()
    press(bare, "Control+z")
    assert np.array_equal(pixels(bare), one)
    assert said(root) == "1 stroke left"
    press(bare, "Backspace")
    assert pixels(bare).min() == 255
    press(bare, "Control+z")
    assert np.array_equal(pixels(bare), one), "what was cleared by mistake comes back"
    press(bare, "Control+z", "Control+z")
    assert pixels(bare).min() == 255
    assert said(root) == "Nothing is drawn."


def test_it_is_told_where_the_pen_rests_and_not_each_step(bare: Any) -> None:
    root = mount(bare)
    bare.page.evaluate(
        "() => { window.heard = []; const line = document.querySelector('.tlw-drawing [role=status]');"
        " new MutationObserver(() => heard.push(line.textContent)).observe(line, { childList: true }); }"
    )
    press(bare, "ArrowLeft*3", "ArrowUp*5")
    root.get_by_text("Pen up, column 5 of 16, row 3 of 16").wait_for(state="attached")
    press(bare, "Space")
    assert said(root) == "Pen down, column 5 of 16, row 3 of 16"
    press(bare, "ArrowUp*9")
    root.get_by_text("At the edge. Pen down, column 5 of 16, row 1 of 16").wait_for(state="attached")
    assert len(bare.page.evaluate("heard")) == 3
    assert root.locator(".tlw-drawing [role=status]").get_attribute("aria-live") == "polite"
    described = bare.page.evaluate(
        "document.getElementById(document.querySelector('canvas').getAttribute('aria-describedby')).textContent"
    )
    assert all(word in described for word in ("Arrow keys", "Shift", "Space", "Enter", "Delete", "Ctrl+Z"))


def test_its_keys_stay_here_and_all_others_go_on(bare: Any) -> None:
    mount(bare)
    bare.page.evaluate(
        "() => { window.escaped = []; document.querySelector('#widget').addEventListener('keydown',"
        " (event) => escaped.push(event.key + (event.defaultPrevented ? '!' : ''))); }"
    )
    ours = ("ArrowLeft", "ArrowDown", "Home", "Space", "Space", "Enter", "Delete", "Backspace", "Control+z")
    press(bare, *ours)
    assert bare.page.evaluate("escaped.filter((key) => key !== 'Control')") == []
    press(bare, "Escape", "b", "Alt+ArrowUp", "Control+a", "Tab")
    through = ["Escape", "b", "Alt", "ArrowUp", "Control", "a", "Tab"]
    assert [key for key in bare.page.evaluate("escaped") if key != "Control"] == [k for k in through if k != "Control"]
    assert bare.page.evaluate("document.activeElement.tagName") == "BUTTON"


CONTRAST = """() => {
  const canvas = document.querySelector("canvas"), style = getComputedStyle(canvas);
  const probe = document.createElement("canvas").getContext("2d");
  const luminance = (colour) => {
    probe.fillStyle = colour; probe.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...probe.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const page = luminance(getComputedStyle(document.body).backgroundColor);
  const cursor = luminance(getComputedStyle(document.querySelector(".tlw-drawing-cursor")).borderTopColor);
  return { style: style.outlineStyle, width: parseFloat(style.outlineWidth), offset: parseFloat(style.outlineOffset),
           ring: ratio(luminance(style.outlineColor), page), onWhite: ratio(cursor, 1), onBlack: ratio(cursor, 0) };
}"""


@THEMES
def test_focus_and_pen_can_be_seen_in_both_themes(bare: Any, audit: Any, screenshot: Any, dark: bool) -> None:
    root = mount(bare, dark=dark)
    press(bare, "ArrowLeft*4", "ArrowUp*4", "Space", "ArrowDown*8", "ArrowRight*6")
    cursor = root.locator(".tlw-drawing-cursor")
    assert cursor.is_visible()
    assert cursor.get_attribute("data-pen") == "down"
    seen = bare.page.evaluate(CONTRAST)
    assert (seen["style"], seen["width"]) == ("solid", 2)
    assert min(seen["ring"], seen["onWhite"], seen["onBlack"]) >= 3  # WCAG 2.2, 1.4.11
    box, surface = cursor.bounding_box(), root.get_by_label(SURFACE).bounding_box()
    middle = [
        (box[way] + box[size] / 2 - surface[way]) / surface[size] for way, size in (("x", "width"), ("y", "height"))
    ]
    assert middle == pytest.approx([9.5 / 16, 11.5 / 16], abs=0.01)
    screenshot(bare.page, f"drawing-down-{'dark' if dark else 'light'}")
    press(bare, "Space", "ArrowUp*3")
    assert cursor.get_attribute("data-pen") == "up"
    screenshot(root.locator(".tlw-drawing"), f"drawing-surface-{'dark' if dark else 'light'}")
    root.get_by_text("Draw with the keyboard").click()
    root.get_by_label(SURFACE).focus()
    audit(bare.page, "#widget")
    screenshot(bare.page, f"drawing-up-{'dark' if dark else 'light'}")
