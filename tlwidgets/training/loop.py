"""The loop, written once: a method gives it a step, a controller steers it, listeners hear of it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator

import torch

from tlwidgets.freezing import FreezePlan
from tlwidgets.training.control import Control
from tlwidgets.training.displacement import Displacement
from tlwidgets.training.events import (
    BatchEnded,
    EpochEnded,
    Event,
    Judged,
    LearningRateChanged,
    Note,
    Paused,
    PlanChanged,
    Resumed,
    RunStarted,
    StagesMoved,
)
from tlwidgets.training.judging import judge
from tlwidgets.training.learner import Learner
from tlwidgets.training.method import Batch, Method, Setting, StepResult, hook
from tlwidgets.training.numerics import Numerics
from tlwidgets.training.optimisation import known_rate
from tlwidgets.training.prefix_cache import PrefixShelf
from tlwidgets.training.progress import Progress
from tlwidgets.training.run_folder import RunFolder
from tlwidgets.training.saving import Saver
from tlwidgets.training.schedules import rate_factor, scheduled_states
from tlwidgets.training.totals import Totals


class Loop:
    """Trains one network by one recipe.

    Args:
        setting: The recipe, the images or texts, and the network with a head for their classes; it is trained in place.
        method: Gives the loss of a batch.
        folder: Where checkpoints and history go.
        control: Commands from other threads.
        emit: Takes each event.
        progress: Where an earlier run stood; None starts afresh.
        shelf: What other runs on the same images share with this one.
        displacement: Knows the weights that the run began with; None takes those that the network has now.
    """

    def __init__(
        self,
        setting: Setting,
        method: Method,
        folder: RunFolder,
        control: Control,
        emit: Callable[[Event], None],
        progress: Progress | None = None,
        shelf: PrefixShelf | None = None,
        displacement: Displacement | None = None,
    ) -> None:
        recipe, self.data = setting.recipe, setting.data
        self.displacement = displacement or Displacement(setting.backbone)
        self.recipe = recipe
        self.method, self.folder, self.control, self.emit = method, folder, control, emit
        self.plan = FreezePlan(setting.backbone, recipe.plan).states
        self.progress = progress or Progress(
            rate=known_rate(recipe),
            states=scheduled_states(recipe, self.plan, []),
            unfreezing=recipe.unfreezing,
        )
        self.learner = Learner(setting, method, self.progress.states, shelf)
        self.progress.states = self.learner.states
        self.learner.batches.interrupted = self._stopped_after_commands
        self.saver = Saver(folder.path, writes=self.learner.accelerator.is_main_process)
        self.started = time.perf_counter()
        self._judged: Judged | None = None

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.recipe.epochs * len(self.learner.batches)

    def run(self) -> str:
        """Trains to the end, or until somebody stops it.

        Returns:
            Why it was stopped; "" where it came to its end.

        Raises:
            TrainingError: The loss is not a number, or a frozen weight moved.
        """
        try:
            reason = self._epochs()
            self._tell_movement()
            return reason
        finally:
            self.saver.flush()

    def _epochs(self) -> str:
        self.emit(self._start_event())
        if self.progress.epoch == 0:
            self._checkpoint()
        self._choose_numerics()
        self._cut()
        for epoch in range(self.progress.epoch + 1, self.recipe.epochs + 1):
            self._take_plan(epoch)
            self.displacement.follow()
            row = self._epoch(epoch)
            if row is None:
                return self.control.stop_reason
            self._finish_epoch(epoch, row)
            if self._out_of_patience(epoch):
                return f"no better validation accuracy for {self.recipe.patience} epochs"
        return ""

    def _clock(self) -> float:
        return time.perf_counter() - self.started

    def _start_event(self) -> RunStarted:
        return RunStarted(
            run_id=self.folder.path.name,
            name=self.folder.path.name,
            epochs=self.recipe.epochs,
            steps_per_epoch=len(self.learner.batches),
            total_steps=self.total_steps,
            classes=self.data.classes,
            recipe={**self.recipe.settings(), "plan": dict(self.progress.states), "method_options": self._options()},
            epoch=self.progress.epoch,
            step=self.progress.step,
        )

    def _options(self) -> dict[str, object]:
        return {key: getattr(value, "name", value) for key, value in self.recipe.method_options.items()}

    def _epoch(self, epoch: int) -> dict[str, float] | None:
        """One pass over the training images; None where the run shall stop."""
        # Dropout draws from torch's own generator: seeded by epoch, so that a resumed run draws the same.
        torch.manual_seed(self.recipe.seed * 100_003 + epoch)
        began, totals = time.perf_counter(), Totals()
        self.learner.tell_method("start_epoch", epoch)
        self.learner.train_mode()
        for batch in self._batches_between_commands(epoch):
            result = self._step(batch)
            totals.add(result)
            self._tell_batch(epoch, result, totals.count / (time.perf_counter() - began))
            if self.displacement.due:
                self._tell_movement()
        if self.control.stop_reason:
            return None
        self.learner.tell_method("solved")
        sums = totals.over_processes(self.learner.over_processes)
        seconds = time.perf_counter() - began
        val, probabilities = self.learner.evaluate("val", between=self._obey)
        self._judged = judge(self.data, "val", probabilities)
        return {
            "epoch": epoch,
            "train_loss": sums.loss,
            "train_accuracy": sums.accuracy,
            "val_loss": val["loss"],
            "val_accuracy": val["accuracy"],
            "seconds": seconds,
            "images_per_second": sums.count / seconds,
            "learning_rate": self.learner.head_rate,
            **sums.extras,
            **(self.learner.tell_method("end_epoch") or {}),
        }

    def _batches_between_commands(self, epoch: int) -> Iterator[Batch]:
        if reason := self.learner.outdated():
            self._note(f"Prefix cache emptied: {reason}.")
            self._cut()
        for batch in self.learner.train_epoch(epoch):
            self._obey()
            if self.control.stop_reason:
                return
            yield batch
        self._obey()

    def _step(self, batch: Batch) -> StepResult:
        done = self.progress.step
        batch = dataclasses.replace(batch, step=done, share=done / self.total_steps)
        result = self.learner.learn(batch, self.progress.rate * self._rate_factor())
        self.progress.step += 1
        return result

    def _rate_factor(self) -> float:
        """Share of the base rate at this step: all of it in a probe, then the schedule over the steps that are left."""
        if self.progress.unfreezing == "probe_first":
            return 1.0
        start = self.progress.schedule_start
        return rate_factor(
            self.recipe.schedule, self.progress.step - start, self.total_steps - start, self.recipe.warmup
        )

    def _tell_batch(self, epoch: int, result: StepResult, speed: float) -> None:
        self.emit(
            BatchEnded(
                time=self._clock(),
                step=self.progress.step,
                epoch=epoch,
                loss=result.loss.item(),
                accuracy=result.correct / result.count,
                learning_rate=self.learner.head_rate,
                images_per_second=float(speed),
                rates=self.learner.rates,
                extras=result.extras,
            )
        )

    def _tell_movement(self) -> None:
        distances = self.displacement.measure()
        if distances:
            self.emit(StagesMoved(time=self._clock(), step=self.progress.step, distances=distances))

    def _obey(self) -> None:
        """Takes the commands that wait, between two batches of training or of looking at the validation images."""
        if (rate := self.control.take_learning_rate()) is not None:
            self.progress.rate = rate
            self.emit(LearningRateChanged(time=self._clock(), step=self.progress.step, learning_rate=rate))
        if self.control.paused and not self.control.stop_reason:
            self.saver.flush()
            self.emit(Paused(time=self._clock(), step=self.progress.step))
            self.control.wait_while_paused()
            if not self.control.stop_reason:
                self.emit(Resumed(time=self._clock(), step=self.progress.step))
            self._obey()

    def _stopped_after_commands(self) -> bool:
        """Takes the commands that wait where many images are looked at before the next batch; True ends that."""
        self._obey()
        return bool(self.control.stop_reason)

    def _choose_numerics(self) -> None:
        """Takes the recipe's precision, or measures; a resumed run keeps what it began with."""
        if not self.progress.precision and self.recipe.precision == "auto":
            self._note(self.learner.measure_numerics())
        else:
            precision = self.progress.precision or self.recipe.precision
            self.learner.use_numerics(Numerics(precision, self.progress.channels_last))
        self.progress.precision, self.progress.channels_last = vars(self.learner.numerics).values()

    def _cut(self) -> None:
        choice = self.learner.cut(self.recipe.epochs - self.progress.epoch)
        if choice is not None:
            self.emit(dataclasses.replace(choice, time=self._clock()))
            self._note(choice.text)

    def _note(self, text: str) -> None:
        self.emit(Note(time=self._clock(), text=text))

    def _next_states(self) -> dict[str, str] | None:
        """A person's plan for the next epoch, else the recipe's unfreezing, which a person's plan ends."""
        states = self.control.take_states()
        if self.progress.unfreezing == "none":
            return states
        scheduled = scheduled_states(self.recipe, self.plan, self.progress.history)
        if states is not None or scheduled == self.plan:
            if self.progress.unfreezing == "probe_first":
                self.progress.schedule_start = self.progress.step
            self.progress.unfreezing, self.progress.settled = "none", self.progress.epoch
        return states or scheduled

    def _take_plan(self, epoch: int) -> None:
        states = self._next_states()
        if states is None or states == self.progress.states:
            return
        self.saver.flush()
        if not self.learner.change_plan(states):
            self._note("By the new plan nothing would learn, so the stages stay as they were.")
        self.progress.states = self.learner.states
        self._cut()
        self.emit(PlanChanged(time=self._clock(), step=self.progress.step, epoch=epoch, states=self.progress.states))

    def _finish_epoch(self, epoch: int, row: dict[str, float]) -> None:
        self.progress.epoch = epoch
        self.progress.history.append(row)
        self.progress.rates.append({"epoch": epoch, **self.learner.rates})
        judged = hook(self.method, "select", row)
        accuracy, loss = (row["val_accuracy"], row["val_loss"]) if judged is None else (float(judged), 0.0)
        # Without validation images the latest epoch counts as the best. Where there are some, and their loss is no
        # number, the network has come apart.
        unknown, apart = math.isnan(accuracy), math.isnan(loss) and not math.isnan(accuracy)
        better = unknown or (accuracy, -loss) > (self.progress.best_accuracy, -self.progress.best_loss)
        if better and not apart:
            self.progress.best_accuracy, self.progress.best_loss = accuracy, loss
            self.progress.best_epoch = epoch
            model = self.learner.backbone.model
            self.saver.keep_best(hook(self.method, "result", model) or model, self.learner.guarded)
        self._checkpoint()
        self.emit(EpochEnded(time=self._clock(), epoch=epoch, row=row, judged=self._judged))

    def _checkpoint(self) -> None:
        learner = self.learner
        self.saver.keep_last(
            learner.backbone.model, learner.optimiser, vars(self.progress), learner.guarded, learner.own
        )
        if learner.accelerator.is_main_process:
            self.folder.write_history(self.progress.history, self.progress.rates)

    def _out_of_patience(self, epoch: int) -> bool:
        patience = self.recipe.patience
        if patience is None or epoch == self.recipe.epochs or self.progress.unfreezing != "none":
            return False
        return epoch - max(self.progress.best_epoch, self.progress.settled) >= patience
