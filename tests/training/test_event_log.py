"""The log of a run's events: a list to whoever reads it, rows of numbers within."""

from __future__ import annotations

import tracemalloc

import pytest

from tlwidgets.training.event_log import EventLog
from tlwidgets.training.events import BatchEnded, EpochEnded, Event, Note, RunFinished, RunStarted

STAGES = ("stem", "stage1", "stage2", "stage3", "stage4", "head")


def batch(step: int, stages: tuple[str, ...] = STAGES, **extras: float) -> BatchEnded:
    numbers = {"loss": 1 / step, "accuracy": 1 - 1 / step, "learning_rate": 0.1 / step, "images_per_second": 31.5}
    rates = {name: 0.01 / (step + at) for at, name in enumerate(stages)}
    return BatchEnded(time=step / 7, step=step, epoch=1 + step // 10, rates=rates, extras=extras, **numbers)


def story(batches: int) -> list[Event]:
    """A run whose plan and measures change on the way."""
    told: list[Event] = [
        RunStarted(run_id="r", name="r", epochs=1, steps_per_epoch=1, total_steps=1, classes=("a", "b"))
    ]
    for step in range(1, batches + 1):
        if step < batches // 3:
            told.append(batch(step))
        else:
            told.append(batch(step, (*STAGES, "lora"), gap=step / 3, mask=0.5))
        if step % 10 == 0:
            told.append(EpochEnded(epoch=step // 10, row={"val_loss": 1 / step}))
    return [*told, Note(text="so it ends"), RunFinished(metrics={})]


@pytest.mark.parametrize("batches", [0, 1, 95, 9000])
def test_what_is_read_is_what_was_written(batches: int) -> None:
    told, log = story(batches), EventLog()
    for event in told:
        log.append(event)
    assert list(log) == told
    assert log == told
    assert told == log
    assert log[-1] == told[-1]
    assert log[1:7:2] == told[1:7:2]
    assert [log[at] for at in range(-len(told), 0)] == told
    assert all(type(event.step) is int for event in log if isinstance(event, BatchEnded))
    assert log != told[:-1]
    with pytest.raises(IndexError):
        log[len(told)]


def test_a_measure_that_is_no_number_is_kept_as_it_is() -> None:
    log = EventLog()
    odd = batch(2, gap="wide")  # type: ignore[arg-type]
    for event in (batch(1), odd, batch(3)):
        log.append(event)
    assert log == [batch(1), odd, batch(3)]


def test_iteration_ends_though_the_run_goes_on() -> None:
    log = EventLog()
    log.append(batch(1))
    for seen in log:
        log.append(batch(seen.step + 1))  # type: ignore[attr-defined]
    assert len(log) == 2


def test_a_batch_takes_a_hundred_bytes_and_not_a_thousand() -> None:
    n, log = 20_000, EventLog()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for step in range(1, n + 1):
        log.append(batch(step))
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert taken / n < 150
