"""What ``methods.py`` measures of few-shot learning, meta-learning and several tasks on one trunk.

Each function takes a seed and returns the figure with the method, the figure without it, and the seconds of both.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import nn

from tlwidgets.backbones import load_backbone
from tlwidgets.data import load_data
from tlwidgets.data.generated.sinusoids import draw_waves
from tlwidgets.evaluation.episodes import episodes
from tlwidgets.evaluation.few_shot import episode_accuracies
from tlwidgets.methods.maml import MAML, Task
from tlwidgets.methods.reptile import Reptile
from tlwidgets.recipe import Recipe
from tlwidgets.training.session import fit

Measure = Callable[[int], tuple[float, float, float, float]]
STEPS, RATE = 250, 0.003
LOOPS = {str(digit): "yes" if digit in (0, 6, 8, 9) else "no" for digit in range(10)}


def few_examples(method: str, n_shot: int) -> Measure:
    """Five digits with ``n_shot`` examples each: accuracy on a frozen network's features, and on pixels."""

    def measure(seed: int) -> tuple[float, float, float, float]:
        labels, features, pixels, describing = _described(seed)
        tasks = list(episodes(labels, 5, n_shot, 15, 100, seed))
        began = time.perf_counter()
        baseline = episode_accuracies(pixels, labels, method, tasks).mean()
        middle = time.perf_counter()
        found = episode_accuracies(features, labels, method, tasks).mean()
        return float(found), float(baseline), time.perf_counter() - middle + describing, middle - began

    return measure


@cache
def _described(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Sixty digits of each kind: class numbers, features, pixels, and the seconds that features took."""
    data = load_data("digits", seed=seed)
    draw = np.random.default_rng(seed)
    rows = np.concatenate([draw.permutation(np.flatnonzero(data.labels == digit))[:60] for digit in range(10)])
    images = data.images(rows)
    began = time.perf_counter()
    features = load_backbone("tlw_resnet").features(images)
    seconds = time.perf_counter() - began
    return data.labels[rows], features, np.stack(images)[..., 0].reshape(len(rows), -1) / 255, seconds


def waves(seed: int, n: int) -> list[Task]:
    """Sine waves: ten points to learn from and ten to be judged by."""
    inputs, outputs = (torch.from_numpy(values) for values in draw_waves(seed, n, 20))
    return [(x[:10], y[:10], x[10:], y[10:]) for x, y in zip(inputs, outputs, strict=True)]


def meta_learned(method: str) -> Measure:
    """How much of new waves a start explains after its inner steps (R squared); without: a jointly trained start."""

    def measure(seed: int) -> tuple[float, float, float, float]:
        began = time.perf_counter()
        joint = _learner(method, _jointly_trained(seed))
        middle = time.perf_counter()
        trained = _learner(method, _network(seed))
        for step in range(STEPS):
            trained.train_step(waves(seed * 100_000 + step, 4))
        end = time.perf_counter()
        return _explained(trained), _explained(joint), end - middle, middle - began

    return measure


def _network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))


def _learner(method: str, network: nn.Module) -> Any:
    if method == "reptile":
        return Reptile(network, nn.functional.mse_loss)
    inner = "4.*" if method == "anil" else "*"
    first_order = method == "fomaml"
    return MAML(network, nn.functional.mse_loss, outer_rate=RATE, first_order=first_order, inner=inner)


def _jointly_trained(seed: int) -> nn.Module:
    network = _network(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    for step in range(STEPS):
        tasks = waves(seed * 100_000 + step, 4)
        inputs, outputs = (torch.cat([part for task in tasks for part in (task[at], task[at + 2])]) for at in (0, 1))
        optimiser.zero_grad()
        nn.functional.mse_loss(network(inputs), outputs).backward()
        optimiser.step()
    return network


def _explained(learner: Any) -> float:
    tasks = waves(10_000_000, 40)
    answers = torch.stack([learner.predict(learner.adapt(x, y), q) for x, y, q, _ in tasks])
    truth = torch.stack([task[3] for task in tasks])
    return float(1 - (answers - truth).square().mean() / truth.square().mean())


def beside_loops(**options: Any) -> Measure:
    """Digits, five of each, with a second head that tells who has a loop, and without."""

    def measure(seed: int) -> tuple[float, float, float, float]:
        recipe = Recipe(data=load_data("digits", seed=seed, labels_per_class=5), seed=seed, epochs=12, batch_size=25)
        further = {"tasks": {"loop": LOOPS}, **options}
        baseline, before = _accuracy(recipe)
        found, seconds = _accuracy(recipe.replace(method="multi_task", method_options=further))
        return found, baseline, seconds, before

    return measure


def _accuracy(recipe: Recipe) -> tuple[float, float]:
    began = time.perf_counter()
    run = fit(recipe, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return float(run.metrics["test"]["accuracy"]), time.perf_counter() - began
