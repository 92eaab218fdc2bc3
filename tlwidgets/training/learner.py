"""The network while it is trained: its plan, its optimiser, its number format, and what is kept of its frozen part."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
from tlwidgets.training.cuts import Cuts, Tail
from tlwidgets.training.events import CacheChosen
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.judging import evaluate
from tlwidgets.training.method import Batch, Method, Setting, StepResult, by_steps, hook, own_modules
from tlwidgets.training.numerics import Numerics, fastest, trial_size
from tlwidgets.training.optimisation import carry_state, make_optimiser, set_rates, stage_rates
from tlwidgets.training.prefix_cache import PrefixShelf
from tlwidgets.training.restoring import on_trial


class Learner:
    """What a step changes, and what changes with the plan.

    Args:
        setting: The recipe, the images or texts, and the network with a head for their classes; it is trained in place.
        method: Gives the loss of a batch.
        states: The plan to begin with.
        shelf: What other runs on the same images share with this one.

    Attributes:
        own: The method's own modules, trained beside the network.
        batches: The training batches.
        states: State of each stage at present.
        numerics: What is computed in; plain fp32 until it is chosen.
    """

    def __init__(
        self, setting: Setting, method: Method, states: dict[str, str], shelf: PrefixShelf | None = None
    ) -> None:
        self.recipe, self.backbone, self.data, self.method = setting.recipe, setting.backbone, setting.data, method
        backbone = setting.backbone
        self.accelerator = Accelerator(cpu=not torch.cuda.is_available() and not torch.backends.mps.is_available())
        backbone.model.to(self.accelerator.device)
        self._applied = FreezePlan(backbone, states).apply()
        self.own = own_modules(method).to(self.accelerator.device)
        self.optimiser = make_optimiser(self.recipe, backbone, self.own)
        self.model: nn.Module = self.accelerator.prepare_model(backbone.model)
        self._images = prepare_inputs(setting)
        # In another precision than plain fp32, runs may choose different formats: nothing to share.
        self._shelf = shelf if self.recipe.precision == "fp32" else None
        self.batches = self._batches("train")
        self._compute_late_buffers()
        self.guarded = fingerprint(backbone.model, self._applied.frozen_names)
        self.numerics = Numerics()
        self._cuts = Cuts(self.recipe, backbone, method, self.batches, self._batches("val"), self._shelf)
        self._trained: nn.Module = self.model

    @property
    def states(self) -> dict[str, str]:
        """State of each stage."""
        return dict(self._applied.states)

    @property
    def head_rate(self) -> float:
        """The base learning rate of the last step."""
        return float(self.optimiser.param_groups[-1]["lr"] / (self.optimiser.param_groups[-1]["scale"] or 1))

    @property
    def rates(self) -> dict[str, float]:
        """Learning rate of each stage at the last step; 0 where nothing of it is trained."""
        return {**dict.fromkeys(self._applied.states, 0.0), **stage_rates(self.optimiser)}

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Computes in the chosen precision for a while, in this thread."""
        with self.numerics.active(self.accelerator.device):
            yield

    def learn(self, batch: Batch, rate: float) -> StepResult:
        """Takes one step.

        Args:
            batch: Images, or what is kept of them, with their labels.
            rate: The base learning rate; each stage has its own share of it.

        Raises:
            TrainingError: The loss is not a number.
        """
        set_rates(self.optimiser, rate)
        with self.computing():
            result = self.method.step(self._trained, batch)
        if not math.isfinite(result.loss.item()):
            raise TrainingError(
                f"The loss became {result.loss.item()} at step {batch.step + 1}.",
                "Lower the learning rate, ten times to begin with.",
            )
        if by_steps(self.method):
            self.accelerator.backward(result.loss)
            self._share_own_gradients()
            self.optimiser.step()
            self.optimiser.zero_grad(set_to_none=True)
        self.tell_method("after_step")
        return result

    def train_mode(self) -> None:
        """Dropout and batch statistics as for training, but where the plan holds them still."""
        for part in (self.model, self.own):
            part.train()

    def tell_method(self, name: str, *arguments: object) -> Any:
        """Calls a hook of the method, where it has it; see ``Method``."""
        with self.computing():
            return hook(self.method, name, self.backbone.model, *arguments)

    def train_epoch(self, epoch: int) -> Iterator[Batch]:
        """The training batches of an epoch (from 1), of what is kept where something is."""
        batches = self.batches.train_epoch(epoch, self._cuts.train)
        while True:
            # Entered for every batch: a generator would leave it open in whatever thread state its caller has.
            with self.computing():
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def change_plan(self, states: dict[str, str]) -> bool:
        """Applies another plan; what the optimiser has gathered is kept, the cuts have to be made anew.

        Returns:
            Whether it was taken: one by which nothing would learn leaves the plan as it was.

        Raises:
            TrainingError: Something that was frozen has moved.
        """
        self.check_frozen()
        self._applied.merge()
        self._applied.undo()
        plan = FreezePlan(self.backbone, states)
        taken = bool(plan.table()["trainable"].any())
        self._applied = (plan if taken else FreezePlan(self.backbone, self._applied.states)).apply()
        before, self.optimiser = self.optimiser, make_optimiser(self.recipe, self.backbone, self.own)
        carry_state(before, self.optimiser)
        self.model = self.accelerator.prepare_model(self.backbone.model)
        self.guarded = fingerprint(self.backbone.model, self._applied.frozen_names)
        return taken

    def outdated(self) -> str:
        """Why what is kept of the frozen part no longer stands for it; "" where it does."""
        return self._cuts.outdated(self.numerics)

    def cut(self, epochs_left: int) -> CacheChosen | None:
        """Cuts the network behind its frozen part, where that pays; None where nobody asked."""
        frozen = any(state != "trainable" for state in self._applied.states.values())
        choice = self._cuts.renew(epochs_left, frozen, self.numerics)
        self._trained = Tail(self._cuts.train.partition) if self._cuts.train is not None else self.model
        return choice

    def use_numerics(self, numerics: Numerics) -> None:
        """Computes in these from now on."""
        self.numerics = numerics
        numerics.lay_out(self.backbone.model)

    def measure_numerics(self) -> str:
        """Takes the fastest of some formats, by a few steps that leave no trace.

        Returns:
            What was tried and chosen, in words.
        """
        if not by_steps(self.method):
            self.use_numerics(Numerics())
            return f"Computing in {self.numerics}: without gradient steps there is nothing to measure."
        self.model.train()
        batch = next(iter(self.batches.train_epoch(1)))
        n = trial_size(self.accelerator.device, len(batch.labels))
        loss, trial = (partial(self._loss, some) for some in (batch, batch.first(n)))
        with on_trial(self.own):
            self.numerics, seconds = fastest(self.backbone.model, self.accelerator.device, loss, trial)
        self.own.zero_grad(set_to_none=True)
        tried = "; ".join(f"{some}: {1000 * time:.0f} ms" for some, time in seconds.items())
        return f"Computing in {self.numerics} ({n} images took {tried})."

    def evaluate(self, split: str, between: Callable[[], object] = lambda: None) -> tuple[dict[str, float], np.ndarray]:
        """Looks at every image of a split with the present weights; see ``evaluate``."""
        cache = self._cuts.val if split == "val" else None
        with self.computing():
            return evaluate(self.backbone.model, self._batches(split), len(self.data.classes), cache, between)

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

    def over_processes(self, totals: np.ndarray) -> np.ndarray:
        """Sums over all processes."""
        tensor = torch.tensor(totals, device=self.accelerator.device, dtype=torch.float32)
        summed: torch.Tensor = self.accelerator.reduce(tensor, "sum")
        return totals if self.accelerator.num_processes == 1 else summed.double().cpu().numpy()

    def merge(self) -> None:
        """Makes low-rank adapters, where there are any, part of the weights; the outputs stay the same."""
        if self._applied.adapted:
            self.close()
            self._applied.merge()

    def close(self) -> None:
        """Gives back what is kept of the frozen part."""
        self._cuts.close()

    def _batches(self, split: str) -> Batches:
        shard = (self.accelerator.process_index, self.accelerator.num_processes) if split == "train" else (0, 1)
        return Batches(
            self._images,
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

    def _share_own_gradients(self) -> None:
        """What Accelerate does for the network: every process goes on with the mean over all."""
        for parameter in self.own.parameters() if self.accelerator.num_processes > 1 else ():
            if parameter.grad is not None:
                parameter.grad = self.accelerator.reduce(parameter.grad, "mean")

    def _loss(self, batch: Batch) -> torch.Tensor:
        return self.method.step(self.model, batch).loss
