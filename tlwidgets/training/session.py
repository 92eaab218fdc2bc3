"""TrainingSession: the loop in one background thread, steered from any other; ``fit`` and ``resume`` wait for it."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from tlwidgets.data import ImageData
from tlwidgets.errors import PlanError, RecipeError, RunError, TrainingError
from tlwidgets.freezing import FreezePlan
from tlwidgets.recipe import Recipe
from tlwidgets.training.building import build, recipe_data
from tlwidgets.training.checkpoint import load_model, snapshot_model
from tlwidgets.training.control import Control
from tlwidgets.training.event_log import EventLog
from tlwidgets.training.events import (
    Event,
    Listener,
    Paused,
    Resumed,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
)
from tlwidgets.training.finishing import finish
from tlwidgets.training.loop import Loop
from tlwidgets.training.method import check_method, trains_head
from tlwidgets.training.prefix_cache import PrefixShelf
from tlwidgets.training.progress_bar import ProgressBar
from tlwidgets.training.run import FILES, Run
from tlwidgets.training.run_folder import RunFolder, check_free

_MOST_TOLD_IN_LOCK = 100
LOG = logging.getLogger("tlwidgets")
STATUS = {
    RunStarted: "running",
    Paused: "paused",
    Resumed: "running",
    RunFinished: "finished",
    RunStopped: "stopped",
    RunFailed: "failed",
}


class TrainingSession:
    """One run that a person can steer. Every method may be called from any thread and returns at once.

    Args:
        recipe: The run as data.
        path: The run's folder; by default a new one under ``runs/``.
        listeners: Called with every event, in the worker's thread. One that raises is dropped.
        data: The images, where the caller has them already; else the recipe's data are loaded.
        take_up: Go on where the run in ``path`` stands, instead of starting a new one.
        shelf: What other runs on the same images share with this one.

    Raises:
        RecipeError: What is given is no recipe.
    """

    def __init__(
        self,
        recipe: Recipe,
        path: str | Path | None = None,
        listeners: Iterable[Listener] = (),
        data: ImageData | None = None,
        *,
        take_up: bool = False,
        shelf: PrefixShelf | None = None,
    ) -> None:
        if not isinstance(recipe, Recipe):
            raise RecipeError(f"{recipe!r} is no recipe.", "Give Recipe(data=...), or Recipe.from_yaml(text).")
        self.recipe = recipe
        self.path = Path(path) if path is not None else None
        self.status = "new"
        self.error: BaseException | None = None
        self.events = EventLog()
        self.data = data
        self._take_up = take_up
        self._shelf = shelf
        self._listeners: list[Listener] = list(listeners)
        self._lock = threading.RLock()
        self._control = Control()
        self._stages: tuple[str, ...] = ()
        self._kept_epoch = 0
        self._kept_metrics: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._work, name="tlwidgets-training", daemon=True)

    def __repr__(self) -> str:
        return f"TrainingSession({self.status}, {self.recipe.backbone})"

    @property
    def run(self) -> Run:
        """What is on disk by now.

        Raises:
            RunError: Nothing is yet.
        """
        if self.path is None and self.status == "new":
            raise RunError("The run has not been started.", "Call start() first.")
        if self.path is None:
            raise RunError(f"The run is {self.status} and has no folder yet.", "Call wait(), which returns the run.")
        return Run(self.path)

    @property
    def alive(self) -> bool:
        """Whether the worker is at work, or waits in a pause."""
        return self._thread.is_alive()

    def start(self) -> TrainingSession:
        """Starts the worker.

        Raises:
            TrainingError: It was started before.
        """
        if self.status != "new":
            raise TrainingError("This session was started before.", "Make a new TrainingSession(recipe).")
        self.status = "running"
        self._thread.start()
        return self

    def pause(self) -> None:
        """Lets the run wait after the present batch."""
        self._control.pause()

    def resume(self) -> None:
        """Lets a waiting run go on."""
        self._control.resume()

    def stop(self, reason: str = "stopped by hand") -> None:
        """Ends the run after the present batch; what it has learned by then is kept and judged."""
        self._control.stop(reason)

    def set_learning_rate(self, rate: float) -> None:
        """Sets the rate of the head from the next batch on; the other stages keep their share of it.

        Raises:
            RecipeError: The rate is not a finite number above 0.
        """
        if not isinstance(rate, int | float) or not math.isfinite(rate) or rate <= 0:
            raise RecipeError(f"The learning rate is {rate!r}.", "Give a finite number above 0, for example 0.001.")
        self._control.set_learning_rate(float(rate))

    def set_plan(self, plan: FreezePlan | Mapping[str, str]) -> None:
        """Sets the states of the stages from the next epoch on.

        States that leave nothing to learn although not all are "frozen" (norms of a network that has none) show only
        then: the run says so and goes on with the states it had.

        Raises:
            PlanError: A stage or state is not known, or all stages are frozen.
        """
        states = dict(plan.states if isinstance(plan, FreezePlan) else plan)
        if self._stages:
            states = FreezePlan(self._stages, states).states
            if set(states.values()) == {"frozen"}:
                raise PlanError(
                    "Every stage would be frozen: nothing would learn.", "Leave at least the head to learn."
                )
        self._control.set_states(states)

    def subscribe(self, listener: Listener, *, from_start: bool = False) -> Callable[[], None]:
        """Calls a listener with every event from now on; returns a function that ends this.

        Args:
            listener: Called in the worker's thread.
            from_start: First call it, in this thread, with every event so far; it hears each once and in order.
        """
        heard = 0
        # What is long past is told without the lock, for the run waits for that at its next event.
        while from_start and len(self.events) - heard > _MOST_TOLD_IN_LOCK:
            listener(self.events[heard])
            heard += 1
        with self._lock:
            for event in self.events.since(heard) if from_start else ():
                listener(event)
            self._listeners.append(listener)
        return lambda: self._drop(listener)

    def wait(self, timeout: float | None = None) -> Run:
        """Waits for the end of the run.

        Args:
            timeout: Seconds; None waits for ever.

        Returns:
            The run.

        Raises:
            TrainingError: It did not end in time.
            Exception: Whatever ended the run, if it failed.
        """
        self._thread.join(timeout)
        if self.alive:
            raise TrainingError(f"The run has not ended after {timeout} seconds.", "Wait longer, or stop() it.")
        if self.error is not None:
            raise self.error
        return self.run

    def _drop(self, listener: Listener) -> None:
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _emit(self, event: Event) -> None:
        with self._lock:
            self.events.append(event)
            self.status = STATUS.get(type(event), self.status)
            listeners = list(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception:
                LOG.warning("A listener raised and hears no more of this run: %r", listener, exc_info=True)
                self._drop(listener)

    def _work(self) -> None:
        try:
            # The seeds of a run are its own: what the notebook draws meanwhile goes on as if nothing had happened.
            with torch.random.fork_rng(devices=[]):
                self._train()
        except BaseException as error:  # noqa: BLE001  whatever ended the run is told, and raised by wait()
            self.error = error
            self._note_failure(error)
            self._emit(RunFailed(error=str(error), kind=type(error).__name__, metrics=self._kept_metrics))

    def _train(self) -> None:
        check_method(self.recipe)
        if self.path is not None and not self._take_up:
            check_free(self.path)  # before data are read, which may take long
        data = self.data = self.data or recipe_data(self.recipe, self.path if self._take_up else None)
        loop = build(self.recipe, data, self.path, self._control, self._emit, take_up=self._take_up, shelf=self._shelf)
        self.path, self.recipe = loop.folder.path, loop.recipe  # with the rate that suits the network
        self._stages = tuple(loop.progress.states)
        try:
            try:
                reason = loop.run()
            except Exception:
                self._judge_kept(loop)
                raise
            metrics = self._judge(loop)
        finally:
            loop.learner.close()
        status = "stopped" if reason else "finished"
        loop.folder.write_status(status, data.classes, head_trained=trains_head(self.recipe.method))
        self._emit(RunStopped(reason=reason, metrics=metrics) if reason else RunFinished(metrics=metrics))

    def _judge(self, loop: Loop) -> dict[str, Any]:
        """Audits the frozen part, then judges the best epoch's weights (the present ones before the first)."""
        checked, best = loop.learner.check_frozen(), loop.folder.path / FILES["best"]
        loop.learner.merge()
        if loop.progress.best_epoch:
            load_model(best, loop.learner.backbone.model)
        else:
            snapshot_model(loop.learner.backbone.model).write(best)
        audit = {"unmoved": checked, "states": loop.progress.states}
        loop.folder.write_json("audit", audit)
        if finished := finish(loop.learner, best):
            loop.folder.write_json("audit", {**audit, "adapted": finished["adapted"]})
        test, probabilities = loop.learner.evaluate("test")
        metrics: dict[str, Any] = {"test": test, "val": loop.learner.evaluate("val")[0]}
        metrics |= finished.get("metrics", {})
        loop.folder.write_predictions(loop.data, loop.data.indices("test"), probabilities)
        loop.folder.write_json("metrics", metrics)
        return metrics

    def _judge_kept(self, loop: Loop) -> None:
        """Judges what a run that failed keeps, its best epoch, as far as that can be done."""
        epoch, model = loop.progress.best_epoch, loop.learner.backbone.model
        try:
            if not epoch:
                return
            load_model(loop.folder.path / FILES["best"], model)
            # Without validation images the latest epoch counts as the best, whatever has become of it.
            if all(bool(value.isfinite().all()) for value in model.state_dict().values()):
                self._kept_epoch = epoch
                self._kept_metrics = self._judge(loop)
        except Exception:  # out of memory, say, or a frozen weight that moved: the run has failed in any case
            LOG.warning("What the failed run keeps could not be judged.", exc_info=True)

    def _note_failure(self, error: BaseException) -> None:
        if self.path is not None and (self.path / FILES["status"]).is_file() and not isinstance(error, RunError):
            run = self.run
            folder = RunFolder(self.path)
            folder.write_status("failed", run.classes, str(error), self._kept_epoch, head_trained=run.head_trained)


def fit(
    recipe: Recipe,
    path: str | Path | None = None,
    *,
    progress: bool = True,
    data: ImageData | None = None,
    listeners: Iterable[Listener] = (),
    shelf: PrefixShelf | None = None,
) -> Run:
    """Runs a recipe and waits for its end.

    Args:
        recipe: The run as data.
        path: The run's folder; by default a new one under ``runs/``.
        progress: Whether to show a progress bar.
        data: The images, where the caller has them already; else the recipe's data are loaded.
        listeners: Called with every event.
        shelf: What other runs on the same images share with this one, so that what is frozen is computed once.

    Returns:
        The run, complete on disk.

    Raises:
        TlwError: The recipe, its data or its backbone cannot be used, or the training had to stop.
    """
    return _wait(TrainingSession(recipe, path, listeners, data, shelf=shelf), progress)


def resume(path: str | Path, *, progress: bool = True, data: ImageData | None = None) -> Run:
    """Takes a run up where it was killed or stopped, and brings it to its end with the numbers it would have had.

    Args:
        path: The run's folder.
        progress: Whether to show a progress bar.
        data: The images, where the run's folder cannot tell how to load them.

    Returns:
        The run; a finished one is returned as it is.

    Raises:
        RunError: There is no run in this folder, or its checkpoint is damaged.
    """
    run = Run(path)
    if run.status == "finished":
        return run
    return _wait(TrainingSession(run.recipe, path, data=data, take_up=True), progress)


def _wait(session: TrainingSession, progress: bool) -> Run:
    bar = ProgressBar()
    if progress:
        session.subscribe(bar)
    try:
        session.start()
        while session.alive:
            # Short waits, because a thread's join cannot be interrupted from the keyboard on every system.
            session._thread.join(0.1)
    except KeyboardInterrupt:
        session.stop("interrupted from the keyboard")
        session._thread.join()
        raise
    finally:
        bar.close()
    return session.wait()
