"""What a run of the plan on a board will take: measured beforehand on a copy, then told by the run itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tlwidgets.errors import TlwError
from tlwidgets.training import events
from tlwidgets.training.cuts import reason_against
from tlwidgets.training.dry_run import dry_run, leading_share, step_bytes
from tlwidgets.training.gains import WORTH_IT, run_gain
from tlwidgets.widgets.base import describe
from tlwidgets.widgets.latest import Latest
from tlwidgets.widgets.structure import with_numbers

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone
    from tlwidgets.recipe import Recipe

Costs = dict[str, Any]
_SECONDS_BETWEEN_UPDATES = 0.5


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        backbone: The network.
        states: State of each stage.
        shares: Share of the multiply-adds of each stage.
        images: Training images.
        recipe: The rest of the run.
        running: Whether a run is going on, which trying would disturb: only memory is measured then.
    """

    backbone: Backbone
    states: Mapping[str, str]
    shares: Mapping[str, float]
    images: int
    recipe: Recipe
    running: bool

    def answer(self) -> Costs:
        """Measures; see ``CostMeter.state``."""
        recipe, backbone = self.recipe, with_numbers(self.backbone)
        try:
            if self.running:
                return {"step_bytes": step_bytes(backbone, self.states, recipe.batch_size, recipe.optimizer)}
            cost = dry_run(backbone, self.states, recipe.batch_size, recipe.optimizer)
        except TlwError as error:
            return {"status": "unknown", "reason": describe(error)}
        share, reason = self._cached()
        return {
            "status": "about",
            "step_bytes": cost.step_bytes,
            "seconds": cost.epoch_seconds(self.images),
            "cached_seconds": cost.epoch_seconds(self.images, share) if not reason else None,
            "share": share,
            "cache": reason,
        }

    def _cached(self) -> tuple[float, str]:
        """Share of the forward pass that the prefix cache may compute once, and why it will not ("" where it will)."""
        share = leading_share(self.states, self.shares)
        reason = "it is switched off" if self.recipe.cache == "off" else reason_against(self.recipe)
        if not share:
            return 0.0, "the first stage already learns"
        gain = run_gain(share, self.recipe.epochs, self.recipe.views or 1)
        if not reason and self.recipe.cache == "auto" and gain < WORTH_IT:
            reason = f"it would make the run only {gain:.2f} times faster"
        return share, reason


class CostMeter:
    """Keeps what a run takes up to date.

    Args:
        tell: Takes each new ``state``, in whatever thread it becomes known.
    """

    def __init__(self, tell: Callable[[Costs], None]) -> None:
        self._tell = tell
        self._latest: Latest[Costs] = Latest(self._answered)
        self._lock = threading.RLock()
        self.state: Costs = {"status": "new"}
        """What a page shows. Keys: status ("new", "measuring", "about", "run" while a run tells, or "unknown"), reason
        (why it is unknown), images, batch_size, step_bytes, seconds (of an epoch), cached_seconds (of an epoch after
        the first, None without the cache), share (of the forward pass that is computed once) and cache (why nothing is
        kept, or what a run says of it; "" where it will be)."""

    def ask(self, question: Question) -> None:
        """Measures in the background; what was asked before and is not answered is forgotten."""
        known = {"images": question.images, "batch_size": question.recipe.batch_size}
        self._set(known if question.running else known | {"status": "measuring"})
        self._latest.ask(question.answer)

    def follow(self, images: int) -> Callable[[events.Event], None]:
        """A listener for a run on so many training images, which tells what it really takes."""
        self._latest.forget()
        self._set({"status": "new"})
        return _Heard(images, self._set)

    def forget(self) -> None:
        """Measures nothing any more, and tells nothing."""
        self._latest.forget()
        self.state = {"status": "new"}
        self._tell(self.state)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until everything asked is answered."""
        self._latest.wait(timeout)

    def _answered(self, answer: Costs | None, error: Exception | None) -> None:
        self._set({"status": "unknown", "reason": describe(error)} if error is not None else answer or {})

    def _set(self, news: Costs) -> None:
        with self._lock:  # runs, questions and people each have a thread of their own
            self.state = {**self.state, **news}
            self._tell(self.state)


class _Heard:
    """A listener in the thread of a run; tells twice a second, and at once what comes seldom."""

    def __init__(self, images: int, tell: Callable[[Costs], None]) -> None:
        self._images, self._tell = images, tell
        self._told = 0.0

    def __call__(self, event: events.Event) -> None:
        """Takes one event."""
        if isinstance(event, events.CacheChosen):
            self._tell({"status": "run", "share": event.share, "cache": event.text, "cached_seconds": None})
        elif isinstance(event, events.EpochEnded):
            self._tell({"status": "run", "seconds": float(event.row["seconds"])})
        elif isinstance(event, events.BatchEnded) and event.images_per_second > 0:
            now = time.monotonic()
            if now - self._told >= _SECONDS_BETWEEN_UPDATES:
                self._told = now
                self._tell({"status": "run", "seconds": self._images / event.images_per_second})
