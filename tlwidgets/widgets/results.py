"""Results: the runs of a Studio side by side, and the latest one's card."""

from __future__ import annotations

from typing import Any

import traitlets

from tlwidgets.widgets.base import TlwWidget


class Results(TlwWidget):
    """A table of runs, newest first, and under it the result card of the newest."""

    runs: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a run: run, backbone, learns, epochs, seconds, accuracy (0..1, or None)."""

    card = traitlets.Dict().tag(sync=True)
    """What ``result_card.describe_run`` says of the newest run; empty before the first."""

    def __repr__(self) -> str:
        runs = "; ".join(f"{row['run']}: test accuracy {row['accuracy'] or 0:.1%}" for row in self.runs)
        return f"Results: {runs or 'no run yet'}"

    def add(self, row: dict[str, Any], card: dict[str, Any]) -> None:
        """Puts a run on top."""
        self.runs = [row, *self.runs]
        self.card = card
