"""Pictures in lessons: every one says in words what it shows.

JupyterLab gives an output of type image/png no alternative text, so a picture is HTML with an ``alt``; where there is
no HTML (a terminal, for one) the words stand alone.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STYLES = (("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#009E73", "^", ":"), ("#CC79A7", "D", "-."))
"""Colour (Okabe and Ito's colour-blind-safe set), marker and dash of each line: never colour alone."""


class Picture:
    """A drawn figure with its description; the figure is drawn once, when this is made."""

    def __init__(self, figure: Figure, alt: str) -> None:
        drawn = BytesIO()
        figure.savefig(drawn, format="png", dpi=100, bbox_inches="tight", facecolor="white")
        self.alt = alt
        self._png = b64encode(drawn.getvalue()).decode("ascii")

    def __repr__(self) -> str:
        return f"Picture: {self.alt}"

    def _repr_html_(self) -> str:
        return (
            f'<img style="max-width:100%" alt="{escape(self.alt, quote=True)}" src="data:image/png;base64,{self._png}">'
        )


def picture(figure: Figure, alt: str) -> Picture:
    """Show a matplotlib figure with a description for those who do not see it.

    Args:
        figure: drawn without pyplot (``matplotlib.figure.Figure``), so that nothing stays open.
        alt: what the picture shows, in one or two sentences.
    """
    return Picture(figure, alt)


def line_chart(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float]],
    *,
    across: str,
    up: str,
    alt: str,
    log: bool = False,
    names: Sequence[str] | None = None,
    whole: bool = False,
) -> Picture:
    """Draw a few lines over the same x values.

    Args:
        x: positions, ascending.
        lines: at most four, by name; each as long as ``x``.
        across: what x is, with its unit.
        up: what the lines measure, with its unit.
        alt: what the picture shows.
        log: space x by ratio, with a tick at every value.
        names: what stands below each x in place of its number.
        whole: put ticks at whole numbers only.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.0, 3.4))
    axes = figure.subplots()
    for (name, values), (colour, marker, dash) in zip(lines.items(), _STYLES, strict=False):
        axes.plot(x, values, color=colour, marker=marker, linestyle=dash, label=name)
    if log:
        axes.set_xscale("log")
        axes.set_xticks(list(x), [f"{value:g}" for value in x])
        axes.minorticks_off()
    if names is not None:
        axes.set_xticks(list(x), list(names))
    elif whole:
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.set(xlabel=across, ylabel=up)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return Picture(figure, alt)
