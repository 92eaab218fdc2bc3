"""Every event of a run, in little memory: of a long run nearly all are batches, and a batch is a row of numbers.

As an object, a ``BatchEnded`` of a network with six stages takes a kilobyte. Here it takes eight bytes a number, and it
becomes an object again when somebody asks for it.
"""

from __future__ import annotations

import itertools
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import overload

from tlwidgets.training.events import BatchEnded, Event

_NUMBERS = ("time", "step", "epoch", "loss", "accuracy", "learning_rate", "images_per_second")
_numbers = attrgetter(*_NUMBERS)
_Row = tuple[tuple[tuple[str, ...], tuple[str, ...]], "array[float]"]
# A block is never copied when it grows further, so that no batch of a long run waits for another's copy.
_LARGEST_BLOCK = 4096


class EventLog(Sequence[Event]):
    """A list of events that can only grow at its end. One thread appends; any may read."""

    def __init__(self) -> None:
        self._blocks: list[_Block] = []
        self._starts: list[int] = []
        self._size = 0

    def append(self, event: Event) -> None:
        """Adds an event."""
        row = _row(event)
        if not self._blocks or not self._blocks[-1].append(event, row):
            block = _Block(row)
            block.append(event, row)
            # In this order: whoever reads meanwhile finds a block for each start.
            self._blocks.append(block)
            self._starts.append(self._size)
        self._size += 1

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> list[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | list[Event]:
        size = self._size
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(size))]
        at = index + size if index < 0 else index
        if not 0 <= at < size:
            raise IndexError(f"There are {size} events, none is number {index}.")
        block = bisect_right(self._starts, at) - 1
        return self._blocks[block].event(at - self._starts[block])

    def __iter__(self) -> Iterator[Event]:
        return itertools.islice(self.since(0), self._size)

    def since(self, start: int) -> Iterator[Event]:
        """Events from number ``start`` on, also those that come meanwhile."""
        while start < self._size:
            yield self[start]
            start += 1

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=False))

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"EventLog({self._size} events)"


class _Block:
    """Neighbours of one kind: rows of numbers whose columns have the same names, or any other events as they are."""

    def __init__(self, row: _Row | None) -> None:
        self._columns = None if row is None else row[0]
        self._numbers = array("d")
        self._events: list[Event] = []

    def append(self, event: Event, row: _Row | None) -> bool:
        """Adds an event; False where it is of another kind, or there is no more room."""
        if row is None:
            if self._columns is None:
                self._events.append(event)
            return self._columns is None
        columns, numbers = row
        if columns != self._columns or len(self._numbers) >= _LARGEST_BLOCK * len(numbers):
            return False
        self._numbers.extend(numbers)
        return True

    def event(self, index: int) -> Event:
        """Event ``index`` of this block."""
        if self._columns is None:
            return self._events[index]
        rates, extras = self._columns
        width, rest = len(_NUMBERS) + len(rates) + len(extras), len(_NUMBERS) + len(rates)
        row = self._numbers[index * width : (index + 1) * width]
        time, step, epoch, loss, accuracy, rate, speed = row[: len(_NUMBERS)]
        return BatchEnded(
            time=time,
            step=int(step),
            epoch=int(epoch),
            loss=loss,
            accuracy=accuracy,
            learning_rate=rate,
            images_per_second=speed,
            rates=dict(zip(rates, row[len(_NUMBERS) : rest], strict=True)),
            extras=dict(zip(extras, row[rest:], strict=True)),
        )


def _row(event: Event) -> _Row | None:
    """Names of a batch's rates and extras, and all of its numbers; None for any other event."""
    if type(event) is not BatchEnded:
        return None
    numbers = (*_numbers(event), *event.rates.values(), *event.extras.values())
    try:
        return (tuple(event.rates), tuple(event.extras)), array("d", numbers)
    except TypeError:  # a method of somebody else's measures what is no number
        return None
