"""Lesson 14: a start that learns fast, on waves where it pays, and on turned digits where good features pay more."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from torch import nn

from tlwidgets.data.generated.sinusoids import draw_waves
from tlwidgets.evaluation.episodes import Episode, episodes
from tlwidgets.evaluation.few_shot import episode_accuracies
from tlwidgets.exercises.experiments.few_shot import seen, tablets
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.methods.maml import MAML
from tlwidgets.methods.reptile import Reptile
from tlwidgets.training.inner_loop import Task

LESSON = "14_meta_learning"
STEPS = 250
"""Meta-training steps, of four waves each."""
TEN = 10
"""Points of a wave that are shown."""
squared = nn.functional.mse_loss

STARTS = ("untrained", "joint", "maml", "fomaml", "anil", "reptile")


def waves(seed: int, n: int) -> list[Task]:
    """Draw waves of any height and phase: ten points of each to learn from, ten to be judged by."""
    inputs, outputs = (torch.from_numpy(values) for values in draw_waves(seed, n, 2 * TEN))
    return [(x[:TEN], y[:TEN], x[TEN:], y[TEN:]) for x, y in zip(inputs, outputs, strict=True)]


def small_network(seed: int = 0, sizes: Sequence[int] = (1, 40, 40, 1)) -> nn.Sequential:
    """Make a network of two hidden layers; the caller's random numbers are not touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        one, two, three = (nn.Linear(*pair) for pair in pairwise(sizes))
    return nn.Sequential(one, nn.ReLU(), two, nn.ReLU(), three)


def learner(method: str, network: nn.Module) -> MAML | Reptile:
    """Wrap a network in the method that shall train its start, or only adapt it, as Reptile does."""
    if method in ("maml", "fomaml", "anil"):
        inner = "4.*" if method == "anil" else "*"
        return MAML(network, squared, outer_rate=0.003, first_order=method == "fomaml", inner=inner)
    return Reptile(network, squared)


@remembered
def start(method: str, seed: int = 0) -> nn.Module:
    """Train a start on waves.

    Args:
        method: one of ``STARTS``: ``"untrained"``, ``"joint"`` (trained on the points of all waves at once), or a
            method of meta-learning. All see the same waves.
        seed: of weights and waves.
    """
    network = small_network(seed)
    if method == "joint":
        _train_jointly(network, seed)
    elif method != "untrained":
        trained = learner(method, network)
        for step in range(STEPS):
            trained.train_step(waves(seed * 100_000 + step, 4))
    return network


def _train_jointly(network: nn.Module, seed: int) -> None:
    optimiser = torch.optim.Adam(network.parameters(), lr=0.003)
    for step in range(STEPS):
        tasks = waves(seed * 100_000 + step, 4)
        inputs, outputs = (torch.cat([part for task in tasks for part in (task[at], task[at + 2])]) for at in (0, 1))
        optimiser.zero_grad()
        squared(network(inputs), outputs).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


@remembered
def error(method: str, seed: int = 0, by: str | None = None) -> float:
    """Mean squared error on forty new waves, after the start has learned ten points of each.

    Args:
        method: the start, one of ``STARTS``.
        seed: of its training.
        by: whose inner steps are taken, for a baseline; by default the method's own.
    """
    adapting = learner(by or method, start(method, seed))
    tasks = waves(10_000_000, 40)
    return float(np.mean([squared(adapting.predict(adapting.adapt(x, y), q), a).item() for x, y, q, a in tasks]))


def step_curve(methods: Sequence[str], steps: Sequence[int], seed: int = 0) -> pd.DataFrame:
    """Let starts take more and more plain gradient steps on the ten points: error, a row a number of steps."""
    tasks = waves(10_000_000, 40)

    def after(method: str, count: int) -> float:
        adapting = Reptile(start(method, seed), squared, inner_steps=count)
        return float(np.mean([squared(adapting.predict(adapting.adapt(x, y), q), a).item() for x, y, q, a in tasks]))

    return pd.DataFrame({name: [after(name, count) for count in steps] for name in methods}, index=list(steps))


def explore_steps(curve: pd.DataFrame) -> Any:
    """Show a table of ``step_curve`` one number of steps at a time; see ``explorer.explore``."""
    rows = curve.round(1).to_dict("index")

    def describe(count: int) -> str:
        return (
            f"After {count} steps: error " + ", ".join(f"{name} {value}" for name, value in rows[count].items()) + "."
        )

    return explore("steps on the ten points", list(curve.index), describe)


def draw_wave(methods: Sequence[str], seed: int = 0) -> Figure:
    """Draw one new wave, its ten points, and what each start makes of them after eight plain steps."""
    x, y, _, _ = waves(10_000_003, 1)[0]
    grid = torch.linspace(-5, 5, 200)[:, None]
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    panels = figure.subplots(1, len(methods), sharey=True)
    for axes, method in zip(panels, methods, strict=True):
        adapting = Reptile(start(method, seed), squared)
        before = dict(adapting.model.named_parameters())
        for parameters, style, name in ((before, ":", "start"), (adapting.adapt(x, y), "-", "after")):
            axes.plot(grid, adapting.predict(parameters, grid), linestyle=style, color="#0072B2", label=name)
        axes.plot(x, y, "o", color="#D55E00", label="shown")
        axes.set(title=method, xlabel="time")
    panels[0].set(ylabel="height")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    return figure


def sign_tasks(known: bool, deal: int, n: int, seed: int = 0) -> list[Episode]:
    """Draw tasks of five signs, one example of each, from the tablets of lesson 13.

    Args:
        known: from the signs to train on (digits 0 to 4, upright and lying), or from the others.
        deal: another deal, other tasks.
        n: how many.
        seed: of the tablets.
    """
    labels = tablets(seed).labels
    rows = np.flatnonzero((labels % 10 < 5) == known)
    drawn = episodes(labels[rows], 5, 1, 10, n, deal)
    return [Episode(task.classes, rows[task.support], rows[task.query]) for task in drawn]


def as_tensors(task: Episode, seed: int = 0) -> Task:
    """The task's pixels (N, 64) from 0 to 1, and its class numbers."""
    pixels = seen("pixels", seed)[:, ::3].astype(np.float32)  # three equal channels
    support, targets, query, answers = (
        torch.from_numpy(part) for rows in (task.support, task.query) for part in (pixels[rows], task.labels(rows))
    )
    return support, targets, query, answers


@remembered
def new_signs(seed: int = 0, describer: str = "pretrained") -> dict[str, float]:
    """Tell five new signs apart by one example of each, in three ways, on the same forty tasks.

    Args:
        seed: of tablets, tasks and weights.
        describer: what sees the signs for the last way, see ``few_shot.seen``.

    Returns:
        Accuracy, 0 to 1: ``untrained`` and ``reptile``, a small network on pixels before and after 150 steps of
        meta-learning on other signs, and ``prototypes`` on features, with no training on signs at all.
    """
    network = small_network(seed, (64, 64, 64, 5))
    trained = Reptile(network, nn.functional.cross_entropy, inner_rate=0.2)
    tasks = sign_tasks(known=False, deal=999, n=40, seed=seed)
    before = _accuracy(trained, tasks, seed)
    for step in range(150):
        trained.train_step([as_tensors(task, seed) for task in sign_tasks(known=True, deal=step, n=4, seed=seed)])
    plain = episode_accuracies(seen(describer, seed), tablets(seed).labels, "prototypes", tasks).mean()
    return {"untrained": before, "reptile": _accuracy(trained, tasks, seed), "prototypes": float(plain)}


def _accuracy(adapting: Reptile, tasks: Sequence[Episode], seed: int) -> float:
    found = []
    for x, y, q, a in (as_tensors(task, seed) for task in tasks):
        found.append((adapting.predict(adapting.adapt(x, y), q).argmax(1) == a).double().mean())
    return float(torch.stack(found).mean())


def gain_of(method: str, seed: int, sabotaged: bool) -> float:
    """Error of a jointly trained start less that of a meta-learned one, the same inner steps; sabotaged, untrained."""
    ours = error("untrained", seed, by=method) if sabotaged else error(method, seed)
    return error("joint", seed, by=method) - ours


def gain_of_reptile(seed: int, sabotaged: bool) -> float:
    """``gain_of`` Reptile, with eight plain steps."""
    return gain_of("reptile", seed, sabotaged)


def gain_of_maml(seed: int, sabotaged: bool) -> float:
    """``gain_of`` MAML, with one plain step."""
    return gain_of("maml", seed, sabotaged)


def features_over_start(seed: int, sabotaged: bool) -> float:
    """Accuracy of prototypes on features less that of Reptile on new signs; sabotaged, a random network's features."""
    found = new_signs(seed, "random" if sabotaged else "pretrained")
    return found["prototypes"] - found["reptile"]


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "a start by Reptile is better than one trained on all waves", 1.0, gain_of_reptile),
    MeasuredClaim(LESSON, "C2", "so is a start by MAML, after a single step", 0.1, gain_of_maml),
    MeasuredClaim(LESSON, "C3", "good features and a mean beat a meta-learned start", 0.05, features_over_start),
)
