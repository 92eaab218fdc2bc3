"""What ``methods.py`` measures of few-shot and meta-learning, several tasks on one trunk, and skills that add up.

Each function takes a seed and returns the figure with the method, the figure without it, and the seconds of both.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from tlwidgets.backbones import load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.data.generated.sinusoids import draw_waves
from tlwidgets.data.readers import ArrayReader
from tlwidgets.evaluation.episodes import episodes
from tlwidgets.evaluation.few_shot import episode_accuracies
from tlwidgets.exercises.experiments.describing import linear_model, some_tests
from tlwidgets.exercises.experiments.negative_transfer import digit_reader
from tlwidgets.exercises.experiments.small_networks import small_network
from tlwidgets.methods.maml import MAML
from tlwidgets.methods.reptile import Reptile
from tlwidgets.methods.vertical import compose, pair_features
from tlwidgets.recipe import Recipe
from tlwidgets.training.building import starting_network
from tlwidgets.training.inner_loop import Task
from tlwidgets.training.method import Setting, make_method
from tlwidgets.training.run import Run
from tlwidgets.training.session import fit
from tlwidgets.training.tasks import TaskSampler

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
def all_examples(seed: int) -> float:
    """The oracle of ``few_examples``: the same tasks and features, a linear probe on forty examples of each digit."""
    labels, features, _, _ = _described(seed)
    return float(
        episode_accuracies(features, labels, "linear_probe", list(episodes(labels, 5, 40, 15, 20, seed))).mean()
    )


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


SHAPES: dict[str, Any] = {"pretrained": False, "backbone_scale": 1.0, "learning_rate": 3e-3, "cache": "off"}
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "maml": ("maml", {}),
    "fomaml": ("maml", {"first_order": True}),
    "anil": ("maml", {"inner": "head"}),
    "reptile": ("reptile", {"inner_steps": 5}),
}


def shapes_recipe(form: str, seed: int) -> Recipe:
    """Fifty-six steps on tasks of eleven coloured shapes; five others are held out to judge by."""
    method, options = FORMS[form]
    data, network = load_data("coloured_shapes", seed=seed), small_network(16)
    recipe = Recipe(data=data, backbone=network, method=method, method_options=options, seed=seed)
    return recipe.replace(epochs=1, batch_size=8, **SHAPES)


def on_new_shapes(form: str, against: str) -> Measure:
    """Three new shapes, one example of each: a start that was meta-learned in the loop, against another start.

    That is "untrained", or "joint": the same network after eight epochs on the known shapes, with a new head. Both
    adapt in the same way, on the same tasks.
    """

    def measure(seed: int) -> tuple[float, float, float, float]:
        told, seconds = _meta_run(form, seed)
        if against == "untrained":
            return told["accuracy"], told["before"], seconds, seconds
        baseline, before = _joint(form, seed)
        return told["accuracy"], baseline, seconds, before

    return measure


@cache
def _meta_run(form: str, seed: int) -> tuple[dict[str, float], float]:
    began = time.perf_counter()
    run = fit(shapes_recipe(form, seed), tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return run.metrics["episodes"], time.perf_counter() - began


def _joint(form: str, seed: int) -> tuple[float, float]:
    began = time.perf_counter()
    recipe = shapes_recipe(form, seed).replace(backbone=f"run:{_known_shapes(seed).path}", pretrained=True)
    setting = Setting(starting_network(recipe, 16), recipe.data, recipe)
    told: dict[str, float] = make_method(setting).finish(setting.backbone.model)["episodes"]
    return told["accuracy"], time.perf_counter() - began


@cache
def _known_shapes(seed: int) -> Run:
    """Fine-tuned on the shapes that are not held out."""
    recipe = shapes_recipe("anil", seed)
    data = recipe.data
    new = np.isin(np.array(data.classes)[data.labels], new_shapes(seed))
    known = data.with_split(np.where(new, "unlabelled", data.split))
    return _supervised(known, seed)


def _supervised(data: ImageData, seed: int) -> Run:
    recipe = Recipe(data=data, backbone=small_network(16), seed=seed, epochs=8, batch_size=16, **SHAPES)
    return fit(recipe, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)


def new_shapes(seed: int) -> tuple[str, ...]:
    """The classes that are held out."""
    recipe = shapes_recipe("anil", seed)
    setting = Setting(load_backbone(recipe.backbone, num_classes=16), recipe.data, recipe)
    return TaskSampler(setting, 3, 1, 1, 1, None).held_out


@cache
def all_shapes(seed: int) -> float:
    """The oracle: the same network trained on all images of all sixteen, its answers among three new ones at a time."""
    data = load_data("coloured_shapes", seed=seed)
    run, test = _supervised(data, seed), data.indices("test")
    labels, logits = data.labels[test], run.backbone.logits(data.images(test))
    hits = []
    for three in itertools.combinations([data.classes.index(name) for name in new_shapes(seed)], 3):
        asked = np.isin(labels, three)
        hits.append((np.array(three)[logits[asked][:, three].argmax(1)] == labels[asked]).mean())
    return float(np.mean(hits))


def beside_loops(**options: Any) -> Measure:
    """Digits, five of each with a label, and who has a loop known of all training images; without, those five alone.

    The run's own task is the loop, with the label of every training image; digits are its further task. Both take 240
    steps.
    """

    def measure(seed: int) -> tuple[float, float, float, float]:
        few = load_data("digits", seed=seed, labels_per_class=5)
        baseline, before = _five_alone(seed)
        known = few.split != "unlabelled"
        names = [few.classes[number] if at else None for number, at in zip(few.labels, known, strict=True)]
        recipe = Recipe(data=_loops(few), seed=seed, epochs=6, method="multi_task")
        began = time.perf_counter()
        some = recipe.replace(method_options={"tasks": {"digit": names}, **options})
        run = fit(some, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
        test = few.indices("test")
        said = np.array(run.predict(few.images(test), task="digit"))
        found = float((said == np.array(few.classes)[few.labels[test]]).mean())
        return found, baseline, time.perf_counter() - began, before

    return measure


@cache
def _five_alone(seed: int) -> tuple[float, float]:
    data = load_data("digits", seed=seed, labels_per_class=5)
    return _accuracy(Recipe(data=data, seed=seed, epochs=120, batch_size=25))


def _loops(digits: ImageData) -> ImageData:
    """The same images and tests, all others in training, labelled by whether the digit has a loop."""
    images = np.stack(digits.images(range(len(digits))))
    labels = np.array([int(LOOPS[digits.classes[number]] == "yes") for number in digits.labels])
    split = np.where(digits.split == "unlabelled", "train", digits.split)
    reader = ArrayReader(images, "loops")
    return ImageData("loops", ("no", "yes"), labels, split, digits.groups, reader, {"memory": "arrays"})


def _accuracy(recipe: Recipe) -> tuple[float, float]:
    began = time.perf_counter()
    run = fit(recipe, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return float(run.metrics["test"]["accuracy"]), time.perf_counter() - began


def from_two_digits(rule_known: bool) -> Measure:
    """The sum of two digits by way of the digits, which a reader learned from 300 scans that are in no test pair.

    The rule that joins them is known, or learned from 200 labelled sums. Without: a linear model on features of the
    whole picture, from these 200 sums.
    """

    def measure(seed: int) -> tuple[float, float, float, float]:
        data, backbone = load_data("pairs", seed=seed, val=0.0, test=0.5), load_backbone("tlw_resnet")
        given, asked = data.indices("train")[:200], some_tests(data)
        pictures = {"train": data.images(given), "test": data.images(asked)}
        began = time.perf_counter()
        rows = {part: backbone.features(some) for part, some in pictures.items()}
        baseline = linear_model().fit(rows["train"], data.labels[given]).score(rows["test"], data.labels[asked])
        middle = time.perf_counter()
        halves = {part: [[one[:, at : at + 8] for one in some] for at in (0, 8)] for part, some in pictures.items()}
        reader = digit_reader({half.tobytes() for side in halves["test"] for half in side}, seed)
        read = {
            part: [reader.predict_proba(backbone.features(side)) for side in halves[part]]
            for part in (("test",) if rule_known else ("train", "test"))
        }
        if rule_known:
            answers = compose(*read["test"], np.add.outer(range(10), range(10))).argmax(1)
        else:
            joined = LogisticRegression(C=100, max_iter=2000).fit(pair_features(*read["train"]), data.labels[given])
            answers = joined.predict(pair_features(*read["test"]))
        found = float((answers == data.labels[asked]).mean())
        return found, float(baseline), time.perf_counter() - middle, middle - began

    return measure
