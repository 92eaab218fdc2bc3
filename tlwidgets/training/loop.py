"""The loop, written once: a method gives it a step, a controller steers it, listeners hear of it."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from tlwidgets.backbones.backbone import evaluating
from tlwidgets.errors import TrainingError
from tlwidgets.freezing import FreezePlan, fingerprint, moved
from tlwidgets.training.batches import Batches
from tlwidgets.training.control import Control
from tlwidgets.training.cuts import Cuts, Tail
from tlwidgets.training.events import (
    BatchEnded,
    EpochEnded,
    Event,
    LearningRateChanged,
    Note,
    Paused,
    PlanChanged,
    Resumed,
    RunStarted,
)
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.judging import evaluate
from tlwidgets.training.method import Batch, Method, Setting, StepResult, hook, own_modules
from tlwidgets.training.numerics import Numerics, fastest, trial_size
from tlwidgets.training.optimisation import carry_state, known_rate, make_optimiser, set_rates, stage_rates
from tlwidgets.training.prefix_cache import PrefixShelf
from tlwidgets.training.progress import Progress
from tlwidgets.training.restoring import on_trial
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
    ) -> None:
        self.recipe, self.backbone = recipe, backbone = setting.recipe, setting.backbone
        self.data = setting.data
        self.method, self.folder, self.control, self.emit = method, folder, control, emit
        self.plan = FreezePlan(backbone, recipe.plan).states
        self.progress = progress or Progress(
            rate=known_rate(recipe),
            states=scheduled_states(recipe, self.plan, []),
            unfreezing=recipe.unfreezing,
        )
        self.accelerator = Accelerator(cpu=not torch.cuda.is_available() and not torch.backends.mps.is_available())
        backbone.model.to(self.accelerator.device)
        self.applied = FreezePlan(backbone, self.progress.states).apply()
        self.progress.states = dict(self.applied.states)
        self.own = own_modules(method).to(self.accelerator.device)
        self.optimiser = make_optimiser(recipe, backbone, self.own)
        self.model: nn.Module = self.accelerator.prepare_model(backbone.model)
        self.images = prepare_inputs(setting)
        # In another precision than plain fp32, runs may choose different formats: nothing to share.
        self._shelf = shelf if recipe.precision == "fp32" else None
        self.batches = self._batches("train")
        self._compute_late_buffers()
        self.guarded = fingerprint(backbone.model, self.applied.frozen_names)
        self.batches.interrupted = lambda: bool(control.stop_reason)
        self.saver = Saver(folder.path, writes=self.accelerator.is_main_process)
        self.started = time.perf_counter()
        self.cuts = Cuts(recipe, backbone, method, self.batches, self._batches("val"), self._shelf)

    @property
    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return self.recipe.epochs * len(self.batches)

    def run(self) -> str:
        """Trains to the end, or until somebody stops it.

        Returns:
            Why it was stopped; "" where it came to its end.

        Raises:
            TrainingError: The loss is not a number, or a frozen weight moved.
        """
        try:
            return self._epochs()
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
            row = self._epoch(epoch)
            if row is None:
                return self.control.stop_reason
            self._finish_epoch(epoch, row)
            if self._out_of_patience(epoch):
                return f"no better validation accuracy for {self.recipe.patience} epochs"
        return ""

    def evaluate(self, split: str) -> tuple[dict[str, float], np.ndarray]:
        """Looks at every image of a split with the present weights; see ``evaluate``."""
        cache = self.cuts.val if split == "val" else None
        with self.numerics.active(self.accelerator.device):
            return evaluate(self.backbone.model, self._batches(split), len(self.data.classes), cache)

    def merge(self) -> None:
        """Makes low-rank adapters, where there are any, part of the weights; the outputs stay the same."""
        if self.applied.adapted:
            self.cuts.close()
            self.applied.merge()

    def close(self) -> None:
        """Gives back what the run kept beside its folder."""
        self.cuts.close()

    def check_frozen(self) -> list[str]:
        """Compares every frozen parameter and buffer with what it was, bit by bit.

        Returns:
            The names that were compared.

        Raises:
            TrainingError: One of them moved.
        """
        if changed := moved(self.guarded, self.backbone.model):
            raise TrainingError(
                f"{len(changed)} frozen tensors moved, the first is {changed[0]!r}.",
                "Something outside the plan changed them; the run's numbers cannot be trusted.",
            )
        return list(self.guarded)

    def _batches(self, split: str) -> Batches:
        shard = (self.accelerator.process_index, self.accelerator.num_processes) if split == "train" else (0, 1)
        return Batches(
            self.images,
            split,
            self.recipe.batch_size,
            self.accelerator.device,
            self.recipe.augmentation,
            self.recipe.views,
            self.recipe.seed,
            shard,
            shared=self._shelf is not None,
        )

    def _compute_late_buffers(self) -> None:
        """Lets the network compute what it computes when it first sees an image (convit: distances of patches).

        Otherwise the audit would take that for a frozen buffer that moved.
        """
        model = self.backbone.model
        if len(self.batches) and any(module._non_persistent_buffers_set for module in model.modules()):
            with evaluating(model), torch.no_grad():
                model(self.batches.first_image())

    def _clock(self) -> float:
        return time.perf_counter() - self.started

    def _start_event(self) -> RunStarted:
        return RunStarted(
            run_id=self.folder.path.name,
            name=self.folder.path.name,
            epochs=self.recipe.epochs,
            steps_per_epoch=len(self.batches),
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
        self._tell_method("start_epoch", epoch)
        for part in (self.model, self.own):
            part.train()
        for batch in self._batches_between_commands(epoch):
            result = self._step(batch)
            totals.add(result)
            self._tell_batch(epoch, result, totals.count / (time.perf_counter() - began))
        if self.control.stop_reason:
            return None
        sums = totals.over_processes(self._over_processes)
        seconds = time.perf_counter() - began
        val, _ = self.evaluate("val")
        return {
            "epoch": epoch,
            "train_loss": sums.loss,
            "train_accuracy": sums.accuracy,
            "val_loss": val["loss"],
            "val_accuracy": val["accuracy"],
            "seconds": seconds,
            "images_per_second": sums.count / seconds,
            "learning_rate": self._head_rate(),
            **sums.extras,
            **(self._tell_method("end_epoch") or {}),
        }

    def _tell_method(self, name: str, *arguments: object) -> Any:
        with self.numerics.active(self.accelerator.device):
            return hook(self.method, name, self.backbone.model, *arguments)

    def _batches_between_commands(self, epoch: int) -> Iterator[Batch]:
        if reason := self.cuts.outdated(self.numerics):
            self._note(f"Prefix cache emptied: {reason}.")
            self._cut()
        batches = self.batches.train_epoch(epoch, self.cuts.train)
        while True:
            # Entered for every batch: a generator would leave it open in whatever thread state its caller has.
            with self.numerics.active(self.accelerator.device):
                batch = next(batches, None)
            if batch is None:
                break
            self._obey()
            if self.control.stop_reason:
                return
            yield batch
        self._obey()

    def _step(self, batch: Batch) -> StepResult:
        set_rates(self.optimiser, self.progress.rate * self._rate_factor())
        done = self.progress.step
        batch = dataclasses.replace(batch, step=done, share=done / self.total_steps)
        with self.numerics.active(self.accelerator.device):
            result = self.method.step(self.trained, batch)
        if not math.isfinite(result.loss.item()):
            raise TrainingError(
                f"The loss became {result.loss.item()} at step {self.progress.step + 1}.",
                "Lower the learning rate, ten times to begin with; the last good checkpoint is kept.",
            )
        self.accelerator.backward(result.loss)
        self._share_own_gradients()
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._tell_method("after_step")
        self.progress.step += 1
        return result

    def _share_own_gradients(self) -> None:
        """What Accelerate does for the network: every process goes on with the mean over all."""
        for parameter in self.own.parameters() if self.accelerator.num_processes > 1 else ():
            if parameter.grad is not None:
                parameter.grad = self.accelerator.reduce(parameter.grad, "mean")

    def _rate_factor(self) -> float:
        """Share of the base rate at this step: all of it in a probe, then the schedule over the steps that are left."""
        if self.progress.unfreezing == "probe_first":
            return 1.0
        start = self.progress.schedule_start
        return rate_factor(
            self.recipe.schedule, self.progress.step - start, self.total_steps - start, self.recipe.warmup
        )

    def _head_rate(self) -> float:
        return float(self.optimiser.param_groups[-1]["lr"] / (self.optimiser.param_groups[-1]["scale"] or 1))

    def _stage_rates(self) -> dict[str, float]:
        return {**dict.fromkeys(self.progress.states, 0.0), **stage_rates(self.optimiser)}

    def _tell_batch(self, epoch: int, result: StepResult, speed: float) -> None:
        self.emit(
            BatchEnded(
                time=self._clock(),
                step=self.progress.step,
                epoch=epoch,
                loss=result.loss.item(),
                accuracy=result.correct / result.count,
                learning_rate=self._head_rate(),
                images_per_second=float(speed),
                rates=self._stage_rates(),
                extras=result.extras,
            )
        )

    def _over_processes(self, totals: np.ndarray) -> np.ndarray:
        """Sums over all processes."""
        tensor = torch.tensor(totals, device=self.accelerator.device, dtype=torch.float32)
        summed: torch.Tensor = self.accelerator.reduce(tensor, "sum")
        return totals if self.accelerator.num_processes == 1 else summed.double().cpu().numpy()

    def _obey(self) -> None:
        """Takes the commands that wait, between two batches."""
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

    def _choose_numerics(self) -> None:
        """Takes the recipe's precision, or measures; a resumed run keeps what it began with."""
        if not self.progress.precision and self.recipe.precision == "auto":
            self.model.train()
            batch = next(iter(self.batches.train_epoch(1)))
            n = trial_size(self.accelerator.device, len(batch.labels))
            loss, trial = (partial(self._loss, some) for some in (batch, batch.first(n)))
            with on_trial(self.own):
                self.numerics, seconds = fastest(self.backbone.model, self.accelerator.device, loss, trial)
            self.own.zero_grad(set_to_none=True)
            tried = "; ".join(f"{some}: {1000 * time:.0f} ms" for some, time in seconds.items())
            self._note(f"Computing in {self.numerics} ({n} images took {tried}).")
        else:
            self.numerics = Numerics(self.progress.precision or self.recipe.precision, self.progress.channels_last)
            self.numerics.lay_out(self.backbone.model)
        self.progress.precision, self.progress.channels_last = vars(self.numerics).values()

    def _loss(self, batch: Batch) -> torch.Tensor:
        return self.method.step(self.model, batch).loss

    def _cut(self) -> None:
        frozen = any(state != "trainable" for state in self.progress.states.values())
        choice = self.cuts.renew(self.recipe.epochs - self.progress.epoch, frozen, self.numerics)
        if choice is not None:
            self.emit(dataclasses.replace(choice, time=self._clock()))
            self._note(choice.text)
        self.trained: nn.Module = Tail(self.cuts.train.partition) if self.cuts.train is not None else self.model

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
        self.check_frozen()
        self.saver.flush()
        self.applied.merge()
        self.applied.undo()
        self.applied = FreezePlan(self.backbone, states).apply()
        self.progress.states = dict(self.applied.states)
        before, self.optimiser = self.optimiser, make_optimiser(self.recipe, self.backbone, self.own)
        carry_state(before, self.optimiser)
        self.model = self.accelerator.prepare_model(self.backbone.model)
        self.guarded = fingerprint(self.backbone.model, self.applied.frozen_names)
        self._cut()
        self.emit(PlanChanged(time=self._clock(), step=self.progress.step, epoch=epoch, states=self.progress.states))

    def _finish_epoch(self, epoch: int, row: dict[str, float]) -> None:
        self.progress.epoch = epoch
        self.progress.history.append(row)
        self.progress.rates.append({"epoch": epoch, **self._stage_rates()})
        judged = hook(self.method, "select", row)
        accuracy, loss = (row["val_accuracy"], row["val_loss"]) if judged is None else (float(judged), 0.0)
        # Without validation images the latest epoch counts as the best.
        unknown = math.isnan(accuracy) or math.isnan(loss)
        if unknown or (accuracy, -loss) > (self.progress.best_accuracy, -self.progress.best_loss):
            self.progress.best_accuracy, self.progress.best_loss = accuracy, loss
            self.progress.best_epoch = epoch
            kept = hook(self.method, "result", self.backbone.model) or self.backbone.model
            self.saver.keep_best(kept, self.guarded)
        self._checkpoint()
        self.emit(EpochEnded(time=self._clock(), epoch=epoch, row=row))

    def _checkpoint(self) -> None:
        self.saver.keep_last(self.backbone.model, self.optimiser, vars(self.progress), self.guarded, self.own)
        if self.accelerator.is_main_process:
            self.folder.write_history(self.progress.history, self.progress.rates)

    def _out_of_patience(self, epoch: int) -> bool:
        patience = self.recipe.patience
        if patience is None or epoch == self.recipe.epochs or self.progress.unfreezing != "none":
            return False
        return epoch - max(self.progress.best_epoch, self.progress.settled) >= patience
