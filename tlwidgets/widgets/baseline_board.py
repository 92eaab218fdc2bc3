"""BaselineBoard: what a run that has ended must beat, measured at the press of a button while the kernel stays free."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from tlwidgets.errors import RunError, TlwError, TrainingError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.code_writing import comparison_code
from tlwidgets.widgets.dashboard import TrainingDashboard

if TYPE_CHECKING:
    from tlwidgets.data import ImageData
    from tlwidgets.evaluation import BaselineProgress, TransferComparison
    from tlwidgets.training import Run

_SECONDS_BETWEEN_LOOKS = 0.25
_OVER = {"finished", "stopped", "failed"}
_log = logging.getLogger(__name__)


class BaselineBoard(TlwWidget):
    """Compares a run with the commonest class, pixels, a linear probe and, if wanted, training from scratch.

    Args:
        run: A run that has ended, its folder, or a ``TrainingDashboard``: then the run that this shows, and what is
            found is drawn across its accuracy chart.
        data: The images of a run; loaded from its recipe where they are not given.

    Attributes:
        scratch: Whether the latest comparison also trained from scratch.
        comparison: What is known by now, a ``TransferComparison``; None before the first look.

    Raises:
        RunError: There is no run in the folder.
    """

    commands: ClassVar[dict[str, str]] = {"compare": "compare", "cancel": "cancel"}

    run_name = traitlets.Unicode("").tag(sync=True)
    """Name of the run that is, or would be, compared."""

    why_not = traitlets.Unicode("").tag(sync=True)
    """Why nothing can be compared now; empty where it can."""

    why_no_scratch = traitlets.Unicode("").tag(sync=True)
    """Why the run cannot be trained from scratch; empty where it can."""

    status = traitlets.Unicode("new").tag(sync=True)
    """new, running, finished, cancelled or failed."""

    progress = traitlets.Dict().tag(sync=True)
    """How far it is: name (of the baseline at work), number (1 ...), of, share (of that one, 0..1)."""

    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """The run, then one mapping a baseline: name, accuracy, and gain of the run over it with low and high, its 95 %
    interval (None in the row of the run)."""

    sentence = traitlets.Unicode("").tag(sync=True)
    """What came out, in words."""

    notes: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """What had to differ from the recipe, or could not be measured."""

    code = traitlets.Unicode("").tag(sync=True)
    """The same as Python."""

    def __init__(self, run: Run | str | Path | TrainingDashboard, data: ImageData | None = None) -> None:
        from tlwidgets.training.run import as_run

        self.scratch = False
        self.comparison: TransferComparison | None = None
        self._dashboard = run if isinstance(run, TrainingDashboard) else None
        self._run = None if isinstance(run, TrainingDashboard) else as_run(run)
        self._data = data
        self._lock = threading.RLock()
        self._at_work = threading.Lock()  # a cancelled comparison ends before the next one computes
        self._thread: threading.Thread | None = None
        self._turn = 0  # a thread whose turn is over keeps what it finds to itself
        self._told = 0.0
        self._session: Any = None
        self._at_end: list[Callable[[Run, TransferComparison], None]] = []
        super().__init__()
        if self._dashboard is not None:
            self._session = self._dashboard.session
            self._dashboard.observe(lambda _: self._dashboard_changed(), ["status", "progress"])
        self.look_again()

    def __repr__(self) -> str:
        said = self.sentence or self.why_not or f"{self.run_name} can be compared."
        return f"BaselineBoard: {said}"

    def on_end(self, callback: Callable[[Run, TransferComparison], None]) -> None:
        """Registers what is called with the run and a comparison that came to its end, in the board's thread."""
        self._at_end.append(callback)

    def compare(self, scratch: bool = False) -> None:
        """Begins to compare, in a background thread, and returns at once.

        Args:
            scratch: Also train the recipe from random weights: it takes about as long as the run.

        Raises:
            TrainingError: A comparison is going on already.
            TlwError: The run cannot be compared; see ``compare_with_baselines``.
        """
        from tlwidgets.evaluation.run_baselines import check_comparable

        with self._lock:
            if self.status == "running":
                raise TrainingError("A comparison is going on already.", "Cancel it, or wait until it ends.")
            self.look_again()
            if self.why_not:
                raise RunError(self.why_not)
            run, data = self._subject()
            check_comparable(run, scratch=scratch)
            self.show_error(None)
            self._turn += 1
            self._clear("running")
            self.scratch = bool(scratch)
            self.code = comparison_code(run.path.resolve(), scratch=scratch)
            work = partial(self._work, self._turn, run, data, scratch)
            self._thread = threading.Thread(target=work, name="tlw-baselines", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Ends a comparison at once; what is known by now stays. Does nothing where none is going on."""
        with self._lock:
            if self.status == "running":
                self._turn += 1
                self.status, self.progress = "cancelled", {}

    def wait(self, timeout: float | None = None) -> TransferComparison | None:
        """Waits until the comparison has ended; returns what came out.

        Raises:
            Exception: Whatever ended it, if it failed.
        """
        if self._thread is not None:
            self._thread.join(timeout)
        if self.status == "failed" and self.error is not None:
            raise self.error
        return self.comparison

    def look_again(self) -> None:
        """Sees anew whether the run can be compared."""
        from tlwidgets.evaluation.run_baselines import check_comparable

        with self._lock:
            self.why_not = self._reason()
            self.why_no_scratch = ""
            if self.why_not:
                return
            run, _ = self._subject()
            self.run_name = run.path.name
            try:
                check_comparable(run, scratch=True)
            except TlwError as error:
                self.why_no_scratch = str(error)

    def _reason(self) -> str:
        from tlwidgets.evaluation.run_baselines import check_comparable

        shown = self._dashboard
        if shown is not None and shown.active:
            return "A run is going on. Stop it, or wait until it ends."
        if shown is not None and (shown.session is None or shown.status not in _OVER):
            return "No run has ended yet. Train first."
        try:
            run, _ = self._subject()
            check_comparable(run)
        except (TlwError, OSError, ValueError) as error:  # a folder that somebody tampered with
            return str(error)
        return ""

    def _subject(self) -> tuple[Run, ImageData | None]:
        """The run to compare and its images, where they are at hand."""
        from tlwidgets.training.run import as_run

        if self._run is not None:
            return as_run(self._run.path), self._data
        run = None if self._dashboard is None else self._dashboard.run
        if run is None:
            raise RunError("The run has no folder any more.", "Bring it back, or train once more.")
        return run, getattr(self._dashboard.session, "data", None) if self._dashboard is not None else None

    def _dashboard_changed(self) -> None:
        with self._lock:
            if self._dashboard is None:
                return
            if self._dashboard.session is not self._session:
                self._session = self._dashboard.session
                self._turn += 1
                self._clear("new")
                self.run_name = self.code = ""
            elif not self._dashboard.active and not self.why_not:
                return  # numbers of a run that has ended
            self.look_again()

    def _clear(self, status: str) -> None:
        self.comparison, self.progress, self.rows, self.sentence, self.notes = None, {}, [], "", []
        self.status = status

    def _work(self, turn: int, run: Run, data: ImageData | None, scratch: bool) -> None:
        from tlwidgets.evaluation import compare_with_baselines

        try:
            with self._at_work:
                found = compare_with_baselines(run, data, scratch=scratch, update=partial(self._look, turn))
            self._end(turn, run, found)
        except Exception as error:  # noqa: BLE001  told in the widget: nobody catches it in this thread
            if not isinstance(error, TlwError):
                _log.exception("a comparison with baselines failed")
            with self._lock:
                if turn == self._turn:
                    self.status, self.progress = "failed", {}
                    self.show_error(error)

    def _look(self, turn: int, now: BaselineProgress) -> bool:
        """Takes in how far it is; True where nobody waits for it any more."""
        with self._lock:
            if turn != self._turn:
                return True
            if self.comparison is None or len(now.comparison.hits) > len(self.comparison.hits):
                self._learn(now.comparison)
            elif now.share > 0 and time.monotonic() - self._told < _SECONDS_BETWEEN_LOOKS:
                return False
            self._told = time.monotonic()
            if now.arm:
                self.progress = {"name": _name(now.arm), "number": now.done + 1, "of": now.of, "share": now.share}
        return False

    def _learn(self, found: TransferComparison) -> None:
        self.comparison, self.notes = found, list(found.notes)
        self.rows = [_row(found, arm) for arm in found.hits]
        if self._dashboard is not None and len(found.hits) > 1:
            self._dashboard.draw_comparison(found)

    def _end(self, turn: int, run: Run, found: TransferComparison) -> None:
        with self._lock:
            if turn != self._turn:
                return
            self._learn(found)
            self.sentence, self.progress = found.sentence, {}
            self.status = "finished"
        try:
            if self._dashboard is not None:
                self._dashboard.tell_verdict(found.sentence)
            for callback in self._at_end:
                callback(run, found)
        except Exception as error:  # noqa: BLE001  what was found stands all the same
            _log.exception("what follows a comparison failed")
            self.show_error(error)


def _name(arm: str) -> str:
    from tlwidgets.evaluation.comparison import NAMES

    return NAMES[arm]


def _row(found: TransferComparison, arm: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": "this run" if arm == "transfer" else _name(arm)}
    row["accuracy"] = float(found.hits[arm].mean())
    gain = (None, None, None) if arm == "transfer" else found.gain_over(arm)
    return row | dict(zip(("gain", "low", "high"), gain, strict=True))
