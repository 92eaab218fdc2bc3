"""Finds a learning rate by trying all of them: the range test.

Smith (2017), "Cyclical learning rates for training neural networks", WACV, arXiv 1506.01186. The rate grows from far
too small to far too large over a few dozen steps. Where the loss is lowest it is about to diverge: a tenth of that rate
is safe and still fast. Everything that the test touches is put back bit by bit.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import torch
from accelerate import Accelerator
from matplotlib.figure import Figure
from torch import nn
from tqdm import tqdm

from tlwidgets.backbones import load_backbone
from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError, TrainingError
from tlwidgets.freezing import FreezePlan
from tlwidgets.recipe import Recipe
from tlwidgets.training.batches import Batches
from tlwidgets.training.building import recipe_data
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.method import Batch, Method, Setting, by_steps, hook, make_method, own_modules, planned
from tlwidgets.training.optimisation import make_optimiser, stage_rates, with_rate
from tlwidgets.training.restoring import own_random_numbers, restored

TOGETHER = "together"  # the name of the test in which everything learns that the plan lets learn
SMOOTHING = 0.8  # share of the past in the running mean of the loss; five steps, roughly
HOPELESS = 4.0  # times the lowest loss: the test ends there
NOTICEABLE = 0.99  # a loss that never falls below this share of the first says nothing about the rate
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito
DASHES = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class RateSearch:
    """What a search for a learning rate found.

    Attributes:
        curves: One row a step: ``part``, ``learning_rate``, ``loss``, ``smoothed``.
    """

    curves: pd.DataFrame

    def __repr__(self) -> str:
        rate = self.suggestion
        found = "no rate made the loss fall" if math.isnan(rate) else f"{rate:.2g} is suggested"
        steps = f"{len(self.curves)} steps, {self.curves['part'].nunique()} tests"
        return f"RateSearch: {found} where all parts learn together ({steps})"

    def _repr_html_(self) -> str:
        table = self.table.to_html(index=False, na_rep="", float_format="{:.2g}".format)
        return f"<p>{escape(repr(self))}</p>{table}"

    @property
    def suggestion(self) -> float:
        """A rate for the recipe, where all parts learn together; nan where no rate made the loss fall."""
        together = self.table[self.table["part"] == TOGETHER]
        return float(together["suggestion"].iloc[0])

    @property
    def table(self) -> pd.DataFrame:
        """One row a part.

        Columns: ``part``; ``suggestion``, a tenth of ``lowest``, nan where the loss never fell; ``steepest``, the rate
        at which the smoothed loss fell fastest; ``lowest``, the rate at which it was lowest; ``diverged``, whether the
        test went on until the loss rose again (where not, try a higher ``highest``).
        """
        return pd.DataFrame([_summary(part, curve) for part, curve in self.curves.groupby("part", sort=False)])

    def plot(self) -> Figure:
        """The smoothed loss over the rate, one line a part, a mark where a rate is suggested."""
        figure = Figure(figsize=(7, 4), layout="constrained")
        axes = figure.subplots()
        suggested = self.table.set_index("part")["suggestion"]
        for number, (part, curve) in enumerate(self.curves.groupby("part", sort=False)):
            colour, dash = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
            width = 2.5 if part == TOGETHER else 1.2
            axes.plot(curve["learning_rate"], curve["smoothed"], dash, color=colour, label=part, linewidth=width)
            if not math.isnan(rate := suggested[part]):
                height = np.interp(rate, curve["learning_rate"], curve["smoothed"])
                axes.plot([rate], [height], "o", color=colour)
        ceiling = 1.5 * float(self.curves.groupby("part")["smoothed"].first().max())
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss (smoothed)", ylim=(0, ceiling))
        axes.legend(title="what learns", frameon=False)
        return figure


def find_learning_rate(
    recipe: Recipe,
    data: ImageData | None = None,
    *,
    lowest: float = 1e-6,
    highest: float = 10.0,
    steps: int = 80,
    per_stage: bool = True,
    progress: bool = True,
) -> RateSearch:
    """Searches a learning rate for a recipe; nothing is written, and the caller's random numbers are not touched.

    Args:
        recipe: The run that a rate is wanted for; its plan, method, optimiser and shares of the rate are used.
        data: The images, where the caller has them already.
        lowest: First rate, above 0.
        highest: Last rate, above ``lowest``.
        steps: Optimiser steps of one test, at least 10. More make the curve smoother and the search slower.
        per_stage: Whether to test also each stage alone, with the others, a new head among them, held still.
        progress: Show a progress bar.

    Returns:
        Curves, a table and a suggestion for the recipe's ``learning_rate``.

    Raises:
        RecipeError: The rates or steps make no sense.
        TlwError: The recipe, its data or its backbone cannot be used.
    """
    if not 0 < lowest < highest < math.inf or steps < 10:
        raise RecipeError(
            f"A search from {lowest!r} to {highest!r} in {steps!r} steps is none.",
            "Give 0 < lowest < highest and at least 10 steps.",
        )
    with own_random_numbers():
        curves = _curves(_setting(recipe, data), np.geomspace(lowest, highest, steps).tolist(), per_stage, progress)
    return RateSearch(pd.concat(curves, ignore_index=True))


def range_test(
    model: nn.Module,
    method: Method,
    optimiser: torch.optim.Optimizer,
    batches: Iterable[Batch],
    rates: Sequence[float],
    shares: Sequence[float],
) -> list[float]:
    """Takes one step at every rate until the loss explodes, then puts everything back.

    Args:
        model: The network; weights, buffers, gradients and modes are restored.
        method: Gives the loss.
        optimiser: Its state and rates are restored.
        batches: At least one for every rate.
        rates: Growing.
        shares: Every parameter group's share of the rate; 0 holds it still.

    Returns:
        The loss before every step; fewer than ``rates`` where it exploded.
    """
    losses: list[float] = []
    with restored(model, optimiser):
        model.train()
        hook(method, "start_epoch", model, 1)
        for step, (rate, batch) in enumerate(zip(rates, batches, strict=False)):
            for group, share in zip(optimiser.param_groups, shares, strict=True):
                group["lr"] = rate * share
            loss = method.step(model, dataclasses.replace(batch, step=step, share=step / len(rates))).loss
            if not math.isfinite(loss.item()):
                break
            losses.append(loss.item())
            smoothed = _smooth(losses)
            if smoothed[-1] > HOPELESS * min(smoothed):
                break
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return losses


def _setting(recipe: Recipe, data: ImageData | None) -> Setting:
    images = data or recipe_data(recipe)
    torch.manual_seed(recipe.seed)
    # A random head, not the zeros of a run: behind zeros that stand still no other stage would learn.
    backbone = load_backbone(recipe.backbone, pretrained=recipe.pretrained, num_classes=len(images.classes))
    return Setting(backbone, images, with_rate(planned(recipe), backbone))


def _device() -> torch.device:
    device: torch.device = Accelerator(
        cpu=not torch.cuda.is_available() and not torch.backends.mps.is_available()
    ).device
    return device


def _batches(setting: Setting) -> Batches:
    recipe, device = setting.recipe, next(setting.backbone.model.parameters()).device
    images = prepare_inputs(setting)
    batches = Batches(images, "train", recipe.batch_size, device, recipe.augmentation, recipe.views, recipe.seed)
    if not len(batches):
        raise TrainingError("There are no training images.", "Give more images, or smaller val and test shares.")
    return batches


def _curves(setting: Setting, rates: Sequence[float], per_stage: bool, progress: bool) -> list[pd.DataFrame]:
    """One test of everything together and, where asked for, one of each stage."""
    # In the order of a run: a method is made for the network as it is before the plan changes it.
    method, model = make_method(setting), setting.backbone.model
    if not by_steps(method):
        raise RecipeError(
            f"{setting.recipe.method} finds its head without gradient steps: there is no rate to look for.",
            "Search with fine_tuning or feature_extraction.",
        )
    model.to(_device())
    FreezePlan(setting.backbone, setting.recipe.plan).apply()
    own = own_modules(method).to(_device())
    optimiser = make_optimiser(setting.recipe, setting.backbone, own)
    batches, curves = _batches(setting), []
    parts = (TOGETHER, *(stage_rates(optimiser) if per_stage else ()))
    with tqdm(total=len(parts) * len(rates), desc="Trying rates", unit="step", disable=not progress) as bar:
        for number, part in enumerate(parts, start=1):
            with restored(own, optimiser):
                losses = range_test(model, method, optimiser, _endless(batches, bar), rates, _shares(optimiser, part))
            curves.append(_curve(part, rates, losses))
            bar.update(number * len(rates) - bar.n)  # a test that ended early has done its steps
    return curves


def _endless(batches: Batches, bar: tqdm[Any]) -> Iterator[Batch]:
    """Epoch after epoch; the bar counts what is taken."""
    for epoch in itertools.count(1):
        for batch in batches.train_epoch(epoch):
            yield batch
            bar.update()


def _shares(optimiser: torch.optim.Optimizer, part: str) -> list[float]:
    """Every group's share: its own scale together; alone, its share of the stage's highest rate."""
    if part == TOGETHER:
        return [group["scale"] for group in optimiser.param_groups]
    highest = max(group["scale"] for group in optimiser.param_groups if group["stage"] == part)
    return [
        (group["scale"] / highest if highest else 1.0) if group["stage"] == part else 0.0
        for group in optimiser.param_groups
    ]


def _smooth(losses: Sequence[float]) -> list[float]:
    """Running means that forget by ``SMOOTHING`` a step, without the pull towards 0 of the first ones."""
    means, mean = [], 0.0
    for count, loss in enumerate(losses, start=1):
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        means.append(mean / (1 - SMOOTHING**count))
    return means


def _curve(part: str, rates: Sequence[float], losses: Sequence[float]) -> pd.DataFrame:
    if not losses:
        raise TrainingError(
            f"The loss is not a number at the lowest rate, {rates[0]:g}.", "Look at the images, or lower `lowest`."
        )
    columns = {"part": part, "learning_rate": rates[: len(losses)], "loss": losses, "smoothed": _smooth(losses)}
    return pd.DataFrame(columns)


def _summary(part: object, curve: pd.DataFrame) -> dict[str, object]:
    rates, smoothed = curve["learning_rate"].to_numpy(), curve["smoothed"].to_numpy()
    bottom = int(smoothed.argmin())
    fell = smoothed[bottom] < NOTICEABLE * smoothed[0]
    slopes = np.diff(smoothed[: bottom + 1])
    return {
        "part": part,
        "suggestion": rates[bottom] / 10 if fell else math.nan,
        "steepest": rates[int(slopes.argmin())] if fell else math.nan,
        "lowest": rates[bottom] if fell else math.nan,
        "diverged": bool(smoothed[-1] > 2 * smoothed[bottom]),
    }
