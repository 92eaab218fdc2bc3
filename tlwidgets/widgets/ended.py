"""What a dashboard leaves in a saved notebook when its run has ended: the card, where there is one, and the curves."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tlwidgets.errors import TlwError
from tlwidgets.widgets.feed import Feed
from tlwidgets.widgets.result_card import ResultCard
from tlwidgets.widgets.untrained import columns_of

if TYPE_CHECKING:
    from tlwidgets.data import ImageData
    from tlwidgets.training import Run

_TRAIN, _VALIDATION, _GREY = "#0072B2", "#D55E00", "#808080"


@dataclass(frozen=True)
class FinalPicture:
    """The card and the curves of a run, with no kernel behind them.

    Attributes:
        text: What a terminal and a screen reader get.
        curves: PNG of loss and accuracy by epoch; empty where no epoch ended.
        card: What the run is worth; None where it was not judged.
    """

    text: str
    curves: bytes
    card: ResultCard | None = None

    @property
    def html(self) -> str:
        """Static HTML: no script, no style sheet, colours that suit a light and a dark page."""
        head = f"<p>{escape(self.text)}</p>" if self.card is None else self.card.html
        if not self.curves:
            return head
        source = f"data:image/png;base64,{base64.b64encode(self.curves).decode('ascii')}"
        return f'{head}<img style="max-width:100%" alt="{escape(self.text, quote=True)}" src="{source}">'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        picture = {"image/png": self.curves} if self.curves else {}
        return {"text/plain": self.text, "text/html": self.html, **picture}


def final_picture(words: str, feed: Feed, run: Run | None, data: ImageData | None, verdict: str = "") -> FinalPicture:
    """What a run that has ended leaves.

    Args:
        words: The dashboard in a sentence.
        feed: What is known of the run.
        run: Its folder, where it has one.
        data: Its images, where they are at hand.
        verdict: How it stands to its baselines, in words; "" where nobody has looked.
    """
    with feed.lock:
        columns = {name: feed.epochs.column(name) for name in feed.epochs.columns}
        own = None if feed.head_trained else columns_of(feed.extras)
    curves = draw_curves(columns, own) if len(columns["epoch"]) else b""
    try:
        card = None if run is None else ResultCard(run, data)
    except (TlwError, OSError, ValueError):  # a run that failed, or whose folder is gone, has no card
        card = None
    if card is None:
        return FinalPicture(words, curves)
    card.add_verdict(verdict)
    return FinalPicture(f"{words}. {card.text}", curves, card)


def kept_words(run: Run | None) -> str:
    """How to go on with what a failed run has learned; "" where it did not even begin."""
    if run is None:
        return ""
    if run.kept_epoch is None:
        return "No epoch was complete, so nothing was kept: put that right, and start again."
    uses = f'tlw.Run.load("{run.path}").predict(images) uses it'
    test = run.metrics.get("test") if run.head_trained else None
    judged = f", with {test['accuracy']:.1%} of the test images right" if test else ""
    return f"The best network until then is kept: {uses}. It is that of epoch {run.kept_epoch}{judged}."


def draw_curves(columns: dict[str, np.ndarray], own: Mapping[str, Sequence[float]] | None = None) -> bytes:
    """Loss and accuracy by epoch as a PNG; text and axes in a grey that a light and a dark page let through.

    Args:
        columns: ``feed.EPOCH_COLUMNS``, an entry an epoch.
        own: Of a method that trains no head, what it measures itself, by name: drawn instead of what the head says.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Not pyplot: it keeps a figure for the whole process and may belong to another thread.
    figure = Figure(figsize=(7.2, 2.6), dpi=100, layout="constrained", facecolor="none")
    for axes, what in zip(figure.subplots(1, 2), ("loss", "accuracy" if own is None else "measured"), strict=True):
        train = {"train": columns[f"train_{what}"]} if own is None or what == "loss" else own
        for name, values in train.items():
            axes.plot(columns["epoch"], values, "-o", color=_TRAIN, markersize=3, label=name.replace("_", " "))
        if own is None:
            val = columns[f"val_{what}"]
            axes.plot(columns["epoch"], val, "--s", color=_VALIDATION, markersize=3, label="validation")
        axes.set_facecolor("none")
        axes.set_title(what, color=_GREY, fontsize=10)
        axes.set_xlabel("epoch", color=_GREY)
        axes.tick_params(colors=_GREY, labelsize=8)
        axes.xaxis.get_major_locator().set_params(integer=True)
        for side, spine in axes.spines.items():
            spine.set_visible(side in {"left", "bottom"})
            spine.set_color(_GREY)
        if train:
            axes.legend(frameon=False, fontsize=8, labelcolor=_GREY)
    if own is None:
        figure.axes[1].set_ylim(0, 1.02)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
