"""Results: the runs of a Studio side by side, and the latest one's card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.picker import short_name
from tlwidgets.widgets.result_card import for_page

if TYPE_CHECKING:
    from tlwidgets.training import Run, TrainingSession
    from tlwidgets.widgets.result_card import ResultCard


class Results(TlwWidget):
    """A table of runs, newest first, and under it the result card of the newest."""

    runs: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a run: run, backbone, learns, epochs, seconds, accuracy (0..1, or None).

    Also mark: what sets it apart, "failed, best epoch 3 kept"; and learned: what one whose method trains no head came
    to instead of an accuracy, "filled in 0.213 after epoch 5". Both are empty for any other.
    """

    card = traitlets.Dict().tag(sync=True)
    """What ``result_card.for_page`` says of the newest run; empty before the first."""

    note = traitlets.Unicode("").tag(sync=True)
    """What to do where the latest run left nothing to judge; else empty."""

    def __repr__(self) -> str:
        runs = "; ".join(_in_words(row) for row in self.runs)
        return f"Results: {' '.join(filter(None, (self.note, runs))) or 'no run yet'}"

    def add(self, row: dict[str, Any], card: dict[str, Any]) -> None:
        """Puts a run on top."""
        self.note = ""
        self.runs = [row, *self.runs]
        self.card = for_page(card)

    def show_card(self, card: dict[str, Any]) -> None:
        """Shows the newest run's card anew, with what has been found out about the run since."""
        if self.card and self.card.get("card") == card["card"]:
            self.card = for_page(card)


def row_of(session: TrainingSession, card: ResultCard) -> dict[str, Any]:
    """The row of a run that has ended."""
    recipe, history = session.recipe, session.run.history
    states = list((recipe.plan or {}).values())
    return {
        "run": session.run.path.name,
        "backbone": short_name(recipe.backbone),
        "learns": f"{len(states) - states.count('frozen')} of {len(states)} stages",
        "epochs": len(history),
        "seconds": float(history["seconds"].sum()) if len(history) else None,
        "accuracy": card.content["accuracy"],
        "learned": card.content["learned"],
        "mark": mark_of(session.run),
    }


def mark_of(run: Run) -> str:
    """What sets a run apart from one that came to its end: "failed, best epoch 3 kept"; "" for any other."""
    return "" if run.kept_epoch is None else f"failed, best epoch {run.kept_epoch} kept"


def _in_words(row: dict[str, Any]) -> str:
    marked = f" ({row['mark']})" if row.get("mark") else ""
    if row["accuracy"] is None:
        return f"{row['run']}{marked}: {row.get('learned') or 'no accuracy'}"
    return f"{row['run']}{marked}: test accuracy {row['accuracy']:.1%}"
