"""What a run says while it works. Listeners read events; they cannot change or break the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Event:
    """Base of all events.

    Attributes:
        time: Seconds since the run started.
    """

    time: float = 0.0


@dataclass(frozen=True, kw_only=True)
class RunStarted(Event):
    """The first event. ``epoch`` and ``step`` are above 0 where an earlier run is taken up again."""

    run_id: str
    name: str
    epochs: int
    steps_per_epoch: int
    total_steps: int
    classes: tuple[str, ...]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    epoch: int = 0
    step: int = 0


@dataclass(frozen=True, kw_only=True)
class BatchEnded(Event):
    """One optimiser step: loss and accuracy of its batch. ``step`` counts from 1 over the run, ``epoch`` from 1.

    ``learning_rate`` is the head's; ``rates`` has what the optimiser used for every stage, 0 where nothing learns;
    ``extras`` has what the method measures beside them.
    """

    step: int
    epoch: int
    loss: float
    accuracy: float
    learning_rate: float
    images_per_second: float
    rates: Mapping[str, float] = field(default_factory=dict)
    extras: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """How the validation images were classified.

    Attributes:
        confusion: Counts, a row a true class, a column a predicted one; empty where there are more than 50 classes.
        wrongest: Up to 8 of those that were classified wrongly, the highest loss first: index in the data, predicted
            class, and how sure the network was of it (0..1).
    """

    confusion: tuple[tuple[int, ...], ...]
    wrongest: tuple[tuple[int, int, float], ...]


@dataclass(frozen=True, kw_only=True)
class EpochEnded(Event):
    """One pass over the training images and one look at the validation images; ``row`` is a row of the history."""

    epoch: int
    row: Mapping[str, float]
    judged: Judged | None = None


@dataclass(frozen=True, kw_only=True)
class Paused(Event):
    """The run waits after this step."""

    step: int


@dataclass(frozen=True, kw_only=True)
class Resumed(Event):
    """The run goes on after this step."""

    step: int


@dataclass(frozen=True, kw_only=True)
class LearningRateChanged(Event):
    """Somebody set the rate of the head; the schedule and the backbone's share go on from it."""

    step: int
    learning_rate: float


@dataclass(frozen=True, kw_only=True)
class PlanChanged(Event):
    """Another plan is in force from the start of this epoch."""

    step: int
    epoch: int
    states: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class CacheChosen(Event):
    """What the prefix cache does from here on; at the start where the plan freezes anything, and after each change.

    Attributes:
        on: Whether what does not learn is computed once for each image.
        text: One line for people: what it should bring, or why it is off.
        share: Share of the forward pass's multiply-adds that is computed once, in [0, 1]; 0 where it is off.
        epoch_gain: Predicted speed-up of training in an epoch after the first, at least 1.
        run_gain: Predicted speed-up of all epochs that are left, the first pass included. Both count multiply-adds:
            what a loop and an optimiser cost beside them is not in.
        size: Bytes that the values of all training and validation images take.
        place: "memory" or "disk"; "" where it is off.
    """

    on: bool
    text: str
    share: float = 0.0
    epoch_gain: float = 1.0
    run_gain: float = 1.0
    size: int = 0
    place: str = ""


@dataclass(frozen=True, kw_only=True)
class StagesMoved(Event):
    """How far each stage is from the weights that the run began with; every second or so, and at the end.

    Attributes:
        step: Steps taken by then.
        distances: See ``Displacement.measure``.
    """

    step: int
    distances: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Note(Event):
    """One line for people about something that the run decided by itself."""

    text: str


@dataclass(frozen=True, kw_only=True)
class RunFinished(Event):
    """The run came to its end; the last event."""

    metrics: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunStopped(Event):
    """Somebody stopped the run, or patience ran out; the last event."""

    reason: str
    metrics: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class RunFailed(Event):
    """An error ended the run; the last event. ``kind`` is the error's class name.

    ``metrics`` is what the best epoch until then is worth, which is kept; empty where there is none.
    """

    error: str
    kind: str
    metrics: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]
