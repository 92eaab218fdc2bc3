"""A progress bar for terminals and notebooks, fed from the session's events."""

from __future__ import annotations

from typing import Any

from tqdm import tqdm

from tlwidgets.training.events import BatchEnded, EpochEnded, Event, RunStarted


class ProgressBar:
    """Shows steps, the running loss and the latest validation accuracy. A listener; tqdm throttles it."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None
        self._shown: dict[str, str] = {}

    def __call__(self, event: Event) -> None:
        """Takes one event."""
        if isinstance(event, RunStarted):
            self._bar = tqdm(total=event.total_steps, initial=event.step, unit="step", desc=event.name, leave=True)
        if self._bar is None:
            return
        if isinstance(event, BatchEnded):
            self._shown["loss"] = f"{event.loss:.3f}"
            self._bar.set_postfix(self._shown, refresh=False)
            self._bar.update(1)
        if isinstance(event, EpochEnded):
            self._shown["epoch"] = str(event.epoch)
            self._shown["val accuracy"] = f"{event.row['val_accuracy']:.3f}"

    def close(self) -> None:
        """Leaves the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
