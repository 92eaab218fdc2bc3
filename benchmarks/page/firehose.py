"""Runs in the kernel: a session that trains nothing and tells a thousand batches a second, and what that costs."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from tlwidgets.recipe import Recipe
from tlwidgets.training import TrainingSession, events

STAGES = ("stem", "stage1", "stage2", "stage3", "stage4", "head")
SPIKE = 5003
"""The one step whose loss is far above all others: whoever draws the run must not lose it."""


class Firehose(TrainingSession):
    """A ``TrainingSession`` in all but the work: its events, its log of them and its listeners are the real ones.

    Args:
        rate: Batches a second.
        per_epoch: Batches of an epoch.
    """

    def __init__(self, rate: int = 1000, per_epoch: int = 1000) -> None:
        super().__init__(Recipe(data="digits"))
        self.rate, self.per_epoch, self.step = rate, per_epoch, 0
        self._over = threading.Event()

    def stop(self, reason: str = "closed") -> None:
        """Closes the tap."""
        del reason
        self._over.set()

    def wait(self, timeout: float | None = None) -> None:  # type: ignore[override]  # there is no run to return
        """Waits until it is closed."""
        self._thread.join(timeout)

    def _train(self) -> None:
        began = time.monotonic()
        epochs = {"epochs": 10**6, "steps_per_epoch": self.per_epoch, "total_steps": 10**6 * self.per_epoch}
        self._emit(events.RunStarted(run_id="firehose", name="firehose", classes=("a", "b"), **epochs))
        while not self._over.is_set():
            due = int((time.monotonic() - began) * self.rate)
            while self.step < due:
                self._batch(time.monotonic() - began)
            time.sleep(0.002)
        self._emit(events.RunStopped(time=time.monotonic() - began, reason="closed", metrics={}))

    def _batch(self, now: float) -> None:
        self.step += 1
        epoch = (self.step - 1) // self.per_epoch + 1
        loss = 0.2 + 2 / (1 + self.step / 5000) + 0.05 * ((self.step * 7919) % 13 - 6) / 6
        numbers = {"loss": 9.0 if self.step == SPIKE else loss, "accuracy": 1 / (1 + loss), "learning_rate": 1e-3}
        rates = dict.fromkeys(STAGES, 1e-3)
        self._emit(
            events.BatchEnded(time=now, step=self.step, epoch=epoch, images_per_second=32e3, rates=rates, **numbers)
        )
        if self.step % self.per_epoch == 0:
            row = {"train_loss": loss, "val_loss": loss + 0.1, "train_accuracy": 0.8, "val_accuracy": 0.7}
            self._emit(events.EpochEnded(time=now, epoch=epoch, row=row | {"seconds": 1.0}))


def resident() -> float:
    """MB of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20
