"""How feedback looks: one HTML card that follows JupyterLab's theme and reads well without it.

Only ``--jp-*`` variables set colours (with fallbacks that inherit), a word and a sign always say what the colour says,
and every text is escaped: hints may quote an error message, and error messages quote whatever the learner typed.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

_BOX = (
    "border:1px solid var(--jp-border-color2,currentColor);border-left:4px solid {accent};border-radius:3px;"
    "padding:8px 12px;margin:4px 0;max-width:46em;background:var(--jp-layout-color1,transparent);"
    "color:var(--jp-content-font-color1,inherit);font-family:var(--jp-content-font-family,sans-serif)"
)
_GOOD = "var(--jp-success-color1,#2e7d32)"
_OPEN = "var(--jp-warn-color1,#b26a00)"


def card(*, good: bool, title: str, status: str, lines: Iterable[str] = (), hints: Iterable[str] = ()) -> str:
    """Write one card.

    Args:
        good: chooses the accent and the sign.
        title: what the feedback is about.
        status: one or two words, such as ``"not yet"``.
        lines: plain sentences shown one below the other.
        hints: the first is shown, each later one opens on demand (from the keyboard too).

    Returns:
        HTML in which every argument appears as text.
    """
    sign, accent = ("✓", _GOOD) if good else ("○", _OPEN)
    body = [f"<div><strong>{sign} {escape(title)}: {escape(status)}</strong></div>"]
    body += [f"<div>{escape(line)}</div>" for line in lines]
    for number, hint in enumerate(hints):
        text = escape(hint)
        opened = f"<div><em>{text}</em></div>"
        body.append(opened if number == 0 else f"<details><summary>Another hint</summary>{text}</details>")
    return f'<div role="status" style="{_BOX.format(accent=accent)}">{"".join(body)}</div>'
