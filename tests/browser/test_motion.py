"""Where the system asks for less motion, nothing in a widget or in the extension moves or fades."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import tlwidgets

STATIC = Path(tlwidgets.__file__).parent / "static"
SOURCES = Path(__file__).parents[2] / "tlwidgets" / "frontend"
SHEETS = sorted([*(SOURCES / "src" / "styles").glob("*.css"), *(SOURCES / "lab" / "src").glob("*.css")])
MOVES = re.compile(r"\b(?:transition|animation)[\w-]*\s*:|@keyframes|scroll-behavior")
REDUCED = re.compile(r"@media \(prefers-reduced-motion: reduce\) \{.*?\n\}", re.DOTALL)
SCRIPTED = re.compile(r"behavior:\s*[\"']smooth|\.animate\(|startViewTransition")


def blocks(sheet: str) -> list[tuple[str, str]]:
    """The rules of a style sheet outside its media query: selectors and declarations."""
    return re.findall(r"([^{}]+)\{([^{}]*)\}", REDUCED.sub("", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)))


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_what_moves_belongs_to_a_widget_whose_motion_is_switched_off(path: Path) -> None:
    for selectors, declarations in blocks(path.read_text("utf-8")):
        if MOVES.search(declarations):
            assert all(".tlw-" in selector for selector in selectors.split(",")), selectors


def test_no_script_of_ours_moves_anything() -> None:
    scripts = [*(SOURCES / "src").rglob("*.ts"), *(SOURCES / "lab" / "src").glob("*.ts")]
    assert len(scripts) > 40
    assert [path.name for path in scripts if SCRIPTED.search(path.read_text("utf-8"))] == []


MOVING = """() => [...document.querySelectorAll("#widget *")].filter((element) => {
  const { transitionDuration, transitionProperty, animationName } = getComputedStyle(element);
  const fades = transitionProperty !== "none" && transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
  return fades || animationName !== "none";
}).map((element) => element.className)"""
STEMS = [path.stem for path in sorted((SOURCES / "src").glob("*.ts"))]


@pytest.mark.browser
def test_in_the_browser_a_button_and_a_bar_fade_only_where_motion_is_welcome(bare: Any) -> None:
    page = bare.page
    state = {"python": "", "recipe": "", "script": "", "can_open": True, "note": ""}
    bare.mount("code_panel", state)
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) != [], "the test sees a transition where there is one"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(MOVING) == []


@pytest.mark.browser
def test_every_built_style_sheet_carries_the_rule(bare: Any) -> None:
    page = bare.page
    page.emulate_media(reduced_motion="reduce")
    for stem in STEMS:
        page.set_content(
            "<div id='widget' class='tlw-root'><p style='transition: all 1s; animation: x 1s'>"
            "<span class='tlw-button'></span></p></div><style>@keyframes x { to { opacity: 0 } }</style>"
        )
        page.add_style_tag(content=(STATIC / f"{stem}.css").read_text("utf-8"))
        assert page.evaluate(MOVING) == [], stem
