"""TrainingDashboard: watch a run and steer it, from the page or from Python.

Protocol. The page says ``ready`` when it draws and ``resync`` when it misses a message; the kernel answers with a
``snapshot`` of everything so far. In between it sends ``append``: only the new rows, as float32 bytes, five times a
second. Both are made under one lock, so a page that is reloaded in the middle of a run loses no point.
"""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets
from IPython.display import display

from tlwidgets.errors import RunError, TrainingError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.beside import MOST_BESIDE, describe_judged, ended_run, majority_line, read_baselines, read_others
from tlwidgets.widgets.ended import final_picture, kept_words
from tlwidgets.widgets.feed import OVER, Feed
from tlwidgets.widgets.result_place import ResultPlace
from tlwidgets.widgets.stream import Sent, decimate
from tlwidgets.widgets.surroundings import PageWatch, in_terminal, threads_reach_the_page
from tlwidgets.widgets.untrained import measured, method_caution

if TYPE_CHECKING:
    from tlwidgets.data import ImageData
    from tlwidgets.evaluation import TransferComparison
    from tlwidgets.recipe import Recipe
    from tlwidgets.training import Run, TrainingSession

_SECONDS_BETWEEN_SENDS = 0.2
# Each message costs the kernel half a millisecond: curves move five times a second, the numbers beside them twice.
_SECONDS_BETWEEN_NUMBERS = 0.5
_SECONDS_BETWEEN_LOOKS = 1.0
_LARGEST_SNAPSHOT = 20_000
_COMES_TO = {"pause": {"paused", *OVER}, "resume": {"running", *OVER}, "stop": OVER}
_log = logging.getLogger(__name__)


class TrainingDashboard(TlwWidget):
    """Live curves, progress and controls of one run at a time.

    Args:
        session: A session to show; it may be new, running or over. Change it later with ``attach``.
        recipe: What Start trains, where no session is given.
        make_session: Makes the session that Start starts; overrides ``recipe``. Change it when a session needs more
            than a recipe, such as data that is already in memory.

    Attributes:
        session: The session shown, or None.
        feed: What is known about its run so far.
    """

    commands: ClassVar[dict[str, str]] = {
        "start": "_begin",
        "pause": "pause",
        "resume": "resume",
        "stop": "stop",
        "set_learning_rate": "set_learning_rate",
    }

    status = traitlets.Unicode("new").tag(sync=True)
    """new, starting, running, paused, finished, stopped or failed."""

    asked = traitlets.Unicode("").tag(sync=True)
    """pause, resume or stop until the run has come to it, which takes as long as the batch in work; else ""."""

    progress = traitlets.Dict().tag(sync=True)
    """Scalars of now: name, epoch, epochs, step, total_steps, seconds_left, images_per_second, learning_rate ..."""

    learning_rate = traitlets.Float(1e-3).tag(sync=True)
    """What Start begins with, and what ``set_learning_rate`` last asked for."""

    baselines: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a line across the accuracy chart: name, accuracy (0..1) and, where it is not "test", on which images;
    before ``show_baselines`` chooses others, that of the commonest class."""

    others: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a run that is drawn beside: name, epochs, val_loss, val_accuracy (None where not known)."""

    caution = traitlets.Unicode("").tag(sync=True)
    """Why no accuracy is shown of the run: its method trains no head; else empty."""

    can_start = traitlets.Bool(False).tag(sync=True)
    """Whether Start has something to start."""

    def __init__(
        self,
        session: TrainingSession | None = None,
        *,
        recipe: Recipe | None = None,
        make_session: Callable[[], TrainingSession] | None = None,
    ) -> None:
        self.session: TrainingSession | None = None
        self.feed = Feed()
        self._recipe = recipe
        self._make_session = make_session
        self._outbox = threading.RLock()
        self._place = ResultPlace()
        self._watch = PageWatch(self._place)
        self._seen_by_a_page = False
        self._baselines_chosen = self._baselines_measured = False
        self._verdict = ""
        self._majority_of: ImageData | None = None
        self._sent = Sent()
        self._watched = False
        self._follower: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._at_end: list[Callable[[TrainingSession], None]] = []
        super().__init__(progress=self.feed.progress(), can_start=bool(session or recipe or make_session))
        if recipe is not None:
            from tlwidgets.training.building import rate_for

            self.learning_rate = rate_for(recipe)
        if session is not None:
            self.attach(session)

    def __repr__(self) -> str:
        best = self.progress.get("best_val_accuracy")
        with self.feed.lock:
            latest = self.feed.extras[-1] if self.feed.extras else {}
            found = measured(latest, len(self.feed.extras)) if self.caution else ""
        words = f"best validation accuracy {best:.1%}" if best else found
        return ". ".join(filter(None, (f"TrainingDashboard: {self.status}" + f", {words}" * bool(words), self.caution)))

    def _ipython_display_(self, **_: Any) -> None:
        """Displays the dashboard and below it, as an output of its own, the place of what its run comes to."""
        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        self._place.add()
        self._watch.begin()
        session = self.session
        if session is not None and self.feed.over and not session.alive:
            self._leave(session)

    @property
    def active(self) -> bool:
        """Whether a run is going on, or about to."""
        return self.status in {"starting", "running", "paused"}

    @property
    def run(self) -> Run | None:
        """The run shown, as long as it has a folder."""
        try:
            return None if self.session is None or self.session.path is None else self.session.run
        except RunError:  # somebody took its folder away, or it could not be made
            return None

    def show_baselines(self, source: TransferComparison | Mapping[str, float]) -> None:
        """Draws what the run must beat as lines across the accuracy chart; an empty mapping takes them away.

        Args:
            source: What ``tlw.compare`` returned, or measured test accuracies (0..1) by name, such as
                ``{"linear probe": 0.91}``.

        Raises:
            TrainingError: An accuracy is not between 0 and 1.
        """
        self.baselines = read_baselines(source)
        self._baselines_chosen, self._baselines_measured = True, False

    def draw_comparison(self, found: TransferComparison) -> None:
        """Draws what the run shown was compared with; another run takes it away."""
        self.baselines = read_baselines(found)
        self._baselines_chosen = self._baselines_measured = True

    def tell_verdict(self, words: str) -> None:
        """Adds how the run shown stands to its baselines to what it leaves in the notebook."""
        self._verdict = words
        if self.session is not None and self._place and self._seen_by_a_page and self.feed.over:
            self._leave(self.session)

    def overlay(self, *runs: Run | str | Path) -> None:
        """Draws the validation curves of other runs beside this one; without runs takes them away.

        Args:
            runs: At most four, or their folders. A run that was shown here before is drawn beside the next one anyway.

        Raises:
            RunError: A folder holds no run.
            TrainingError: They are too many to tell apart.
        """
        self.others = read_others(runs)

    def on_end(self, callback: Callable[[TrainingSession], None]) -> None:
        """Registers what is called with the session after its last event, in a thread of the dashboard."""
        self._at_end.append(callback)

    def attach(self, session: TrainingSession) -> None:
        """Shows another session from its first event on; the one shown before goes on training unseen."""
        self._unsubscribe()
        if self.feed.over and (before := self.run) is not None:
            with contextlib.suppress(OSError, ValueError, KeyError):  # a folder that somebody tampered with
                self.others = [*ended_run(before), *self.others][:MOST_BESIDE]
        with self._outbox:
            self.caution = method_caution(getattr(getattr(session, "recipe", None), "method", ""))
            self.session, self.feed = session, Feed(head_trained=not self.caution)
            self._sent = Sent(run=self._sent.run + 1)
            self.asked = ""
        self._verdict = ""
        if self._baselines_measured:  # those of the run before say nothing of this one
            self._baselines_chosen = self._baselines_measured = False
            self._majority_of, self.baselines = None, []
        if self.caution and not self._baselines_chosen:
            self._majority_of, self.baselines = None, []
        self._unsubscribe = session.subscribe(self.feed, from_start=True)
        self._flush()
        self.snapshot()
        self._show_majority(session)
        if not self.feed.over:
            self._follower = threading.Thread(target=self._follow, args=(self.feed,), name="tlw-dashboard", daemon=True)
            self._follower.start()

    def start(self, *, block: bool | None = None) -> TrainingSession:
        """Starts training in the background and returns at once, or waits here and tells the page from here.

        Args:
            block: Whether to wait until the run has ended; interrupting the cell then stops it after the batch in work.
                By default only where a page hears nothing of a thread while no cell runs, which is so in Colab.

        Raises:
            TrainingError: There is nothing to start, or a run is still going.
            KeyboardInterrupt: The cell was interrupted; the run was stopped, and what it learned is kept.
            Exception: Whatever ended the run, if it failed while this waited.
        """
        session = self._begin()
        if block or (block is None and not threads_reach_the_page()):
            self._follow_here(session)
            session.wait()
        return session

    def _begin(self) -> TrainingSession:
        if self.active:
            raise TrainingError("A run is going on already.", "Stop it, or wait until it ends.")
        self.show_error(None)
        session = self._next_session()
        if session is not self.session:
            self.attach(session)
        with self._outbox:
            self.status = "starting"
        session.start()
        return session

    def _next_session(self) -> TrainingSession:
        if self._make_session is not None:
            return self._make_session()
        if self._recipe is not None:
            from tlwidgets.training import TrainingSession

            return TrainingSession(self._recipe.replace(learning_rate=self.learning_rate))
        if self.session is not None and self.session.status == "new":
            return self.session
        raise TrainingError("There is nothing to start.", "Give the dashboard a session or a recipe.")

    def pause(self) -> None:
        """Pauses after the batch in work."""
        self._active().pause()
        self._ask("pause")

    def resume(self) -> None:
        """Goes on after a pause."""
        self._active().resume()
        self._ask("resume")

    def stop(self) -> None:
        """Ends the run after the batch in work; what it learned is kept."""
        self._active().stop()
        self._ask("stop")

    def _ask(self, what: str) -> None:
        """Tells the page at once what was asked for; ``_flush`` takes it back when the run has come to it."""
        with self._outbox:
            self.asked = "" if self.feed.status in _COMES_TO[what] else what

    def set_learning_rate(self, value: float) -> None:
        """Sets the learning rate from the next batch on, or that of the next run where none is going.

        Args:
            value: Above 0; typical are 1e-5 (fine-tuning a large network) to 1e-2 (a new head).

        Raises:
            TrainingError: It is not a finite number above 0.
        """
        if not isinstance(value, int | float) or not math.isfinite(value) or value <= 0:
            raise TrainingError(f"The learning rate {value!r} cannot be used.", "Give a number above 0, such as 0.001.")
        if self.session is not None and self.active:
            self.session.set_learning_rate(float(value))
        self.learning_rate = float(value)

    def wait(self, timeout: float | None = None) -> Run:
        """Waits until the run ended and everything that follows from its end is done.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            TrainingError: Nothing was started, or the run did not end in time.
            Exception: Whatever ended the run, if it failed.
        """
        if self.session is None:
            raise TrainingError("There is no run to wait for.", "Call start() first.")
        if timeout is None and self.session.alive and not threads_reach_the_page():
            self._follow_here(self.session)
        try:
            with self._progress_line(self.session):
                return self.session.wait(timeout)
        finally:
            if self._follower is not None and not self.session.alive:
                self._follower.join(timeout)

    def _active(self) -> TrainingSession:
        if self.session is None or not self.active:
            raise TrainingError("No run is going on.", "Press Start, or call start().")
        return self.session

    def receive(self, content: dict[str, Any]) -> None:
        """Answers a page that has just drawn itself, or that misses a message."""
        self._watch.answered()
        if content.get("t") in {"ready", "resync"}:
            self._seen_by_a_page = True
            self.snapshot()
        elif content.get("t") == "watch":
            self._watched = bool(content.get("on"))
            self._sent.judged = 0
            self._send_judged()

    def snapshot(self) -> None:
        """Sends everything so far; a page replaces what it has by it."""
        with self._outbox:
            with self.feed.lock:  # the run waits for it at its next batch: only what must be, a copy
                batches, epochs = self.feed.batches.rows(), self.feed.epochs.rows()
                extras = list(self.feed.extras)
            self._sent.batches, self._sent.epochs = len(batches), len(epochs)
            self._send_rows("snapshot", decimate(batches, _LARGEST_SNAPSHOT, by=1), epochs, extras)

    def _send_rows(self, kind: str, batches: Any, epochs: Any, extras: list[dict[str, float | None]]) -> None:
        sent = self._sent
        sent.sequence += 1
        message = {"t": kind, "run": sent.run, "seq": sent.sequence, "points": sent.batches}
        columns = {"batch_columns": self.feed.batches.columns, "epoch_columns": self.feed.epochs.columns}
        self.send(message | columns | {"extras": extras}, buffers=[batches.tobytes(), epochs.tobytes()])

    def _obey(self, content: dict[str, Any]) -> None:
        super()._obey(content)
        # Only now, for the page must not wait for its answer as long as the run takes.
        if content.get("name") == "start" and self.session is not None and not threads_reach_the_page():
            with contextlib.suppress(KeyboardInterrupt):  # there is no cell to break off
                self._follow_here(self.session)

    def _follow_here(self, session: TrainingSession) -> None:
        """Does in this thread what the follower does in its own, until the run has ended."""
        before, self._follower = self._follower, threading.current_thread()
        try:
            with self._progress_line(session):
                self._follow(self.feed)
        except KeyboardInterrupt:
            session.stop("interrupted from the keyboard")
            self._follow(self.feed)
            raise
        finally:
            self._follower = before
            if before is not None:
                before.join()

    @contextlib.contextmanager
    def _progress_line(self, session: TrainingSession) -> Iterator[None]:
        """Shows a line of progress where this is read in a terminal, which draws no widgets."""
        if not in_terminal():
            yield
            return
        from tlwidgets.training.progress_bar import ProgressBar

        line = ProgressBar()
        unsubscribe = session.subscribe(line, from_start=True)
        try:
            yield
        finally:
            unsubscribe()
            line.close()

    def _follow(self, feed: Feed) -> None:
        """Sends what is new until the run is over or another one is shown; one thread does, or one after another."""
        while self.feed is feed and not feed.over and self._follower is threading.current_thread():
            feed.stirred.wait(_SECONDS_BETWEEN_SENDS)
            feed.stirred.clear()
            self._flush()
            self._send_judged()
            self._show_majority(self.session)
        session = self.session
        with self._outbox:
            if self.feed is not feed or session is None or not feed.over or self._sent.ended:
                return
            self._sent.ended = True
        # The last event comes before the thread of the run has ended and its folder is complete.
        with contextlib.suppress(Exception):
            session.wait()
        self._flush()
        self._send_judged()
        if feed.error and (kept := kept_words(self.run)):
            self.show_error(TrainingError(feed.error, kept))
        if self._place and self._seen_by_a_page:  # an executed notebook stays the same each time: no page looked
            self._tell(self._leave, session)
        for callback in self._at_end:
            self._tell(callback, session)

    def _leave(self, session: TrainingSession) -> None:
        """Puts what the run came to below the dashboard, where it stays in the saved notebook."""
        data = getattr(session, "data", None)
        self._place.show(final_picture(repr(self), self.feed, self.run, data, self._verdict))

    def _show_majority(self, session: TrainingSession | None) -> None:
        """Draws what always saying the commonest class would reach, once the data are there."""
        data = getattr(session, "data", None)
        if data is None or self.caution or self._baselines_chosen or data is self._majority_of:
            return
        self._majority_of, self.baselines = data, majority_line(data)

    def _send_judged(self) -> None:
        """Sends how the validation images fare, while somebody looks at it and where it is new."""
        with self._outbox:
            known, sent = self.feed.judged, self._sent
            wait = not self.feed.over and time.monotonic() - sent.judged_at < _SECONDS_BETWEEN_LOOKS
            if not self._watched or known is None or known[0] <= sent.judged or wait:
                return
            sent.judged, sent.judged_at = known[0], time.monotonic()
            content, pictures = describe_judged(*known, self.feed.classes, getattr(self.session, "data", None))
            self.send({"t": "judged", "run": sent.run, **content}, buffers=pictures)

    def _tell(self, callback: Callable[[TrainingSession], None], session: TrainingSession) -> None:
        try:
            callback(session)
        except Exception as error:  # noqa: BLE001  told in the widget: nobody catches it in this thread
            _log.exception("what follows the end of a run failed")
            self.show_error(error)

    def _flush(self) -> None:
        with self._outbox:
            feed, sent = self.feed, self._sent
            with feed.lock:
                version = feed.version
                if version == sent.version:
                    return
                batches, epochs = feed.batches.rows(sent.batches), feed.epochs.rows(sent.epochs)
                extras = feed.extras[sent.epochs :]
                progress, status, error = feed.progress(), feed.status, feed.error
            sent.batches += len(batches)
            sent.epochs += len(epochs)
            if len(batches) or len(epochs):
                self._send_rows("append", batches, epochs, extras)
            recent = time.monotonic() - sent.told_at < _SECONDS_BETWEEN_NUMBERS
            if status == self.status and recent and not self.asked:
                return  # the version stays the old one, so the next look tells them
            sent.version, sent.told_at = version, time.monotonic()
            self.progress = progress
            self.status = status
            if self.asked and status in _COMES_TO[self.asked]:
                self.asked = ""
            if error:
                self.show_error(TrainingError(error))
