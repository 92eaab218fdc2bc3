"""What a dashboard knows about a run: the events of the training thread, gathered for a slower reader."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

from tlwidgets.training import events
from tlwidgets.widgets.stream import Stream

BATCH_COLUMNS = ("step", "loss", "accuracy", "learning_rate", "images_per_second")
EPOCH_COLUMNS = (
    "step",
    "epoch",
    "train_loss",
    "val_loss",
    "train_accuracy",
    "val_accuracy",
    "learning_rate",
    "seconds",
)
_KNOWN = frozenset({*EPOCH_COLUMNS, "images_per_second"})
OVER = frozenset({"finished", "stopped", "failed"})


class Feed:
    """A listener that only gathers: cheap in the training thread, read from another one.

    Attributes:
        lock: Held while an event is taken in; hold it to read several things that belong together.
        batches: One row a batch, columns ``BATCH_COLUMNS``.
        epochs: One row an epoch, columns ``EPOCH_COLUMNS``.
        extras: One mapping an epoch: what the run's method measures beside these, None where it is not a number.
        classes: Class names of the run.
        judged: Epoch, and how the validation images were classified after it; None before the first.
        error: Why the run failed; "" unless it did.
        version: Grows with every event.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.batches = Stream(BATCH_COLUMNS)
        self.epochs = Stream(EPOCH_COLUMNS)
        self.extras: list[dict[str, float | None]] = []
        self.classes: tuple[str, ...] = ()
        self.judged: tuple[int, events.Judged] | None = None
        self.error = ""
        self.version = 0
        self._status = "new"
        self._seen: set[int] = set()
        self._waiting: list[object] | None = None
        self._state: dict[str, Any] = {"run": "", "name": "", "epoch": 0, "epochs": 0, "step": 0}
        self._state |= {"steps_per_epoch": 0, "total_steps": 0, "learning_rate": None, "images_per_second": None}
        self._state["plan_epoch"] = 0
        self._time = 0.0
        self._paused_at: float | None = None
        self._paused_seconds = 0.0

    @property
    def status(self) -> str:
        """One of new, running, paused, finished, stopped, failed."""
        return self._status

    @property
    def over(self) -> bool:
        """Whether the last event has come."""
        return self._status in OVER

    def follow(self, session: Any) -> Callable[[], None]:
        """Takes in what a session has told so far, then everything that it tells from now on, each event once.

        Args:
            session: A ``TrainingSession``, new, running or over.

        Returns:
            What ends the listening.
        """
        self._waiting = []
        unsubscribe: Callable[[], None] = session.subscribe(self)
        past = list(session.events)
        with self.lock:
            # An event may be both in the past and on its way to the listener, so the past is remembered by identity.
            self._seen = {id(event) for event in past}
            arrived = [event for event in self._waiting if id(event) not in self._seen]
            self._waiting = None
            for event in (*past, *arrived):
                self._take(event)
        return unsubscribe

    def __call__(self, event: object) -> None:
        """Takes in one event."""
        with self.lock:
            if self._waiting is not None:
                self._waiting.append(event)
            elif id(event) not in self._seen:
                self._take(event)

    def _take(self, event: object) -> None:
        self.version += 1
        self._time = max(self._time, float(getattr(event, "time", 0.0)))
        match event:
            case events.BatchEnded():
                self._batch(event)
            case events.EpochEnded():
                self._epoch(event)
            case events.RunStarted():
                self._started(event)
            case events.Paused():
                self._status, self._paused_at = "paused", self._time
            case events.Resumed():
                self._status, self._paused_seconds = "running", self._paused_so_far()
                self._paused_at = None
            case events.LearningRateChanged():
                self._state["learning_rate"] = event.learning_rate
            case events.PlanChanged():
                self._state["plan_epoch"] = event.epoch
            case events.RunFinished():
                self._end("finished")
            case events.RunStopped():
                self._end("stopped")
            case events.RunFailed():
                self.error = event.error
                self._end("failed")

    def _started(self, event: events.RunStarted) -> None:
        self._status = "running"
        self.classes = tuple(event.classes)
        self._state |= {"run": event.run_id, "name": event.name, "epochs": event.epochs}
        self._state |= {"epoch": event.epoch, "step": event.step}
        self._state |= {"steps_per_epoch": event.steps_per_epoch, "total_steps": event.total_steps}
        self._state["learning_rate"] = event.recipe.get("learning_rate")

    def _batch(self, event: events.BatchEnded) -> None:
        self.batches.append(event.step, event.loss, event.accuracy, event.learning_rate, event.images_per_second)
        self._state |= {"step": event.step, "epoch": event.epoch, "learning_rate": event.learning_rate}
        self._state["images_per_second"] = event.images_per_second

    def _epoch(self, event: events.EpochEnded) -> None:
        if event.judged is not None:
            self.judged = event.epoch, event.judged
        row = {**event.row, "step": self._state["step"], "epoch": event.epoch}
        self.epochs.append(*(row.get(column, math.nan) for column in EPOCH_COLUMNS))
        self.extras.append({name: _finite(value) for name, value in event.row.items() if name not in _KNOWN})

    def _end(self, status: str) -> None:
        self._paused_seconds, self._paused_at = self._paused_so_far(), None
        self._status = status

    def _paused_so_far(self) -> float:
        return self._paused_seconds + (0.0 if self._paused_at is None else self._time - self._paused_at)

    def progress(self) -> dict[str, Any]:
        """The scalars of now as plain values that JSON can hold (None where a number is not known or not finite)."""
        with self.lock:
            seconds = self._time - self._paused_so_far()
            step, total = self._state["step"], self._state["total_steps"]
            left = seconds / step * (total - step) if step and not self.over else None
            accuracies = self.epochs.column("val_accuracy")
            best = float(accuracies[accuracies == accuracies].max(initial=-math.inf))
            scalars = {"seconds": seconds, "seconds_left": left, "best_val_accuracy": best}
            numbers = {key: _finite(value) for key, value in (self._state | scalars).items()}
            return numbers | {"status": self._status, "points": len(self.batches)}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
