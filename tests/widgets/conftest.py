"""A channel to a page that is not there, and a session that only tells what a test makes it tell."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import comm
import pytest
from fake_comm import FakeComm

from tlwidgets.training import events


@pytest.fixture(autouse=True)
def _fake_comm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives every widget a channel that only remembers."""
    monkeypatch.setattr(comm, "create_comm", FakeComm)


@pytest.fixture
def receive() -> Callable[..., None]:
    """Delivers a message of the page to a widget, as the kernel would."""

    def deliver(widget: Any, content: dict[str, Any]) -> None:
        # Not _handle_msg: without IPython it logs what the widget raises.
        widget._handle_custom_msg(content, [])

    return deliver


@pytest.fixture
def command(receive: Callable[..., None]) -> Callable[..., dict[str, Any]]:
    """Sends a command of the page to a widget and returns the acknowledgement."""
    numbers = itertools.count()

    def send(widget: Any, command_name: str, /, **args: Any) -> dict[str, Any]:
        request = f"request-{next(numbers)}"
        receive(widget, {"t": "cmd", "id": request, "name": command_name, "args": args})
        (answer,) = [m.content for m in widget.comm.custom("ack") if m.content["id"] == request]
        return answer

    return send


@dataclass
class FakeSession:
    """Has the face of a ``TrainingSession`` and does what the test says."""

    status: str = "new"
    path: Path | None = None
    events: list[events.Event] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)
    listeners: list[Callable[[events.Event], None]] = field(default_factory=list)

    def subscribe(self, listener: Callable[[events.Event], None], *, from_start: bool = False) -> Callable[[], None]:
        for event in self.events if from_start else ():
            listener(event)
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def start(self) -> FakeSession:
        self.status = "running"
        return self

    def tell(self, *told: events.Event) -> None:
        for event in told:
            self.events.append(event)
            for listener in list(self.listeners):
                listener(event)

    def begin(self, epochs: int = 2, steps_per_epoch: int = 10) -> None:
        self.start()
        total = epochs * steps_per_epoch
        self.tell(
            events.RunStarted(
                run_id="r",
                name="r",
                epochs=epochs,
                steps_per_epoch=steps_per_epoch,
                total_steps=total,
                classes=("a", "b"),
                recipe={},
            )
        )

    def batch(self, step: int, *, per_epoch: int = 10, seconds: float = 0.1) -> None:
        epoch = (step - 1) // per_epoch + 1
        numbers = {"loss": 1 / step, "accuracy": 1 - 1 / step, "learning_rate": 0.01, "images_per_second": 320.0}
        self.tell(events.BatchEnded(time=seconds * step, step=step, epoch=epoch, **numbers))
        if step % per_epoch == 0:
            row = {
                "epoch": epoch,
                "train_loss": 0.5,
                "val_loss": 0.6,
                "train_accuracy": 0.7,
                "val_accuracy": 0.8,
                "learning_rate": 0.01,
                "seconds": 1.0,
            }
            self.tell(events.EpochEnded(time=seconds * step, epoch=epoch, row=row))

    def finish(self) -> None:
        self.status = "finished"
        self.tell(events.RunFinished(metrics={"test": {"accuracy": 0.8}}))

    @property
    def alive(self) -> bool:
        return self.status == "running"

    def wait(self, timeout: float | None = None) -> None:
        del timeout

    def __getattr__(self, name: str) -> Any:
        if name in {"pause", "resume", "stop", "set_learning_rate", "set_plan"}:
            return lambda *args: self.asked.append((name, *args))
        raise AttributeError(name)


@pytest.fixture
def fake_session() -> FakeSession:
    """A session that does what the test says."""
    return FakeSession()


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What each place below a widget shows, in the order of the displays; empty ones hold an empty HTML."""
    shown: list[Any] = []

    @dataclass
    class Handle:
        place: int

        def update(self, content: Any) -> None:
            shown[self.place] = content

    def display(content: Any, **_: Any) -> Handle:
        shown.append(content)
        return Handle(len(shown) - 1)

    monkeypatch.setattr("tlwidgets.widgets.result_place.display", display)
    return shown
