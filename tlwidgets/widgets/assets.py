"""The built front end: one ES module and one style sheet for each widget, in ``tlwidgets/static``."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent.parent / "static"

# Shown in the place of a widget whose front end was never built; Python still drives the widget.
_NOT_BUILT = """
export default { render({ el }) {
  el.textContent = "The front end of this widget is not built: run `npm ci && npm run build` in tlwidgets/frontend.";
} };
"""


def module(stem: str) -> str:
    """Reads the ES module of a widget, or a module that says that the front end is not built."""
    path = STATIC / f"{stem}.js"
    return path.read_text("utf-8") if path.is_file() else _NOT_BUILT


def style(stem: str) -> str:
    """Reads the style sheet of a widget; empty where there is none."""
    path = STATIC / f"{stem}.css"
    return path.read_text("utf-8") if path.is_file() else ""
