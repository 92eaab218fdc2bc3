"""What a dashboard knows about a run: the events of the training thread, gathered for a slower reader."""

from __future__ import annotations

import math
import threading
from collections import deque
from operator import attrgetter
from typing import Any

from tlwidgets.training import events
from tlwidgets.widgets.stream import Stream

BATCH_COLUMNS = ("step", "loss", "accuracy", "learning_rate", "images_per_second")
_row = attrgetter(*BATCH_COLUMNS)
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
OF_THE_HEAD = ("val_loss", "val_accuracy", "train_accuracy")  # what a head that nothing taught has no say in
_KNOWN = frozenset({*EPOCH_COLUMNS, "images_per_second"})
OVER = frozenset({"finished", "stopped", "failed"})


class Feed:
    """A listener that only gathers: cheap in the training thread, read from another one.

    Args:
        head_trained: False where the method trains none: accuracies, and whatever else such a head says, are left out.

    Attributes:
        lock: Held while an event is taken in; hold it to read several things that belong together.
        epochs: One row an epoch, columns ``EPOCH_COLUMNS``.
        extras: One mapping an epoch: what the run's method measures beside these, None where it is not a number.
        classes: Class names of the run.
        judged: Epoch, and how the validation images were classified after it; None before the first.
        error: Why the run failed; "" unless it did.
        stirred: Set when the status changes, for a reader who waits; the reader clears it.
    """

    def __init__(self, *, head_trained: bool = True) -> None:
        self.lock = threading.RLock()
        self.head_trained = head_trained
        self._row = _row if head_trained else _row_without_accuracy
        self._left_out = () if head_trained else OF_THE_HEAD
        self._batches = Stream(BATCH_COLUMNS)
        self._arrived: deque[events.BatchEnded] = deque()
        self.epochs = Stream(EPOCH_COLUMNS)
        self.extras: list[dict[str, float | None]] = []
        self.classes: tuple[str, ...] = ()
        self.judged: tuple[int, events.Judged] | None = None
        self.error = ""
        self.stirred = threading.Event()
        self._version = 0
        self._status = "new"
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

    def __call__(self, event: object) -> None:
        """Takes in one event; a batch only when somebody reads, or the next event of another kind comes."""
        if type(event) is events.BatchEnded:
            self._arrived.append(event)  # the thread of the run has better to do
            return
        with self.lock:
            self._take_arrived()
            before = self._status
            self._take(event)
            if self._status != before:
                self.stirred.set()

    @property
    def batches(self) -> Stream:
        """One row a batch, columns ``BATCH_COLUMNS``."""
        self._take_arrived()
        return self._batches

    @property
    def version(self) -> int:
        """Number of events so far."""
        self._take_arrived()
        return self._version

    def _take_arrived(self) -> None:
        """Takes in all batches that wait, at once: in less time than one after the other."""
        with self.lock:
            waiting = [self._arrived.popleft() for _ in range(len(self._arrived))]
            if not waiting:
                return
            self._batches.extend([self._row(batch) for batch in waiting])
            self._version += len(waiting)
            last = waiting[-1]
            self._time = max(self._time, last.time)
            self._state |= {"step": last.step, "epoch": last.epoch, "learning_rate": last.learning_rate}
            self._state["images_per_second"] = last.images_per_second

    def _take(self, event: object) -> None:
        self._version += 1
        self._time = max(self._time, float(getattr(event, "time", 0.0)))
        match event:
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

    def _epoch(self, event: events.EpochEnded) -> None:
        if event.judged is not None and not self._left_out:
            self.judged = event.epoch, event.judged
        known = {**event.row, **dict.fromkeys(self._left_out, math.nan)}
        row = {**known, "step": self._state["step"], "epoch": event.epoch}
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
            self._take_arrived()
            seconds = self._time - self._paused_so_far()
            step, total = self._state["step"], self._state["total_steps"]
            left = seconds / step * (total - step) if step and not self.over else None
            accuracies = self.epochs.column("val_accuracy")
            best = float(accuracies[accuracies == accuracies].max(initial=-math.inf))
            scalars = {"seconds": seconds, "seconds_left": left, "best_val_accuracy": best}
            numbers = {key: _finite(value) for key, value in (self._state | scalars).items()}
            return numbers | {"status": self._status, "points": len(self._batches)}


def _row_without_accuracy(batch: events.BatchEnded) -> tuple[float, ...]:
    return batch.step, batch.loss, math.nan, batch.learning_rate, batch.images_per_second


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
