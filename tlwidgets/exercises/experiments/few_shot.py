"""Lesson 13: twenty signs learned from one example each, whom to ask for names, and where one example says nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.cluster import KMeans

from tlwidgets.data import ImageData, load_data
from tlwidgets.data.bundled import scanned_digits
from tlwidgets.evaluation.episodes import Episode, episodes
from tlwidgets.evaluation.few_shot import METHODS, episode_accuracies
from tlwidgets.exercises.experiments.describing import network, pixels
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.methods.prototypes import Prototypes

LESSON = "13_few_shot"
SIGNS = 20
TASK = {"n_query": 10, "n_episodes": 40}
"""Pictures of each sign that a task is judged by, and tasks."""


@remembered
def tablets(seed: int = 0) -> ImageData:
    """Load an unknown script of twenty signs: scanned digits as they are, and lying on their side.

    Args:
        seed: of the choice of 60 pictures of each sign.
    """
    scans, digits = scanned_digits()
    images = np.concatenate([scans, np.rot90(scans, 1, (1, 2))])
    labels = np.concatenate([digits, digits + 10])
    draw = np.random.default_rng(seed)
    rows = np.concatenate([draw.permutation(np.flatnonzero(labels == sign))[:60] for sign in range(SIGNS)])
    return load_data((images[rows], labels[rows]), classes=list("ABCDEFGHIJKLMNOPQRST"), val=0.0, test=0.5, seed=seed)


@remembered
def seen(describer: str = "pretrained", seed: int = 0) -> np.ndarray:
    """Describe all pictures of the tablets, once: (N, D).

    Args:
        describer: ``"pretrained"``, ``"random"`` (a network of random weights) or ``"pixels"``.
        seed: of the tablets and the random weights.
    """
    images = tablets(seed).images(range(len(tablets(seed))))
    return (
        pixels(images)
        if describer == "pixels"
        else network(pretrained=describer != "random", seed=seed).features(images)
    )


@remembered
def accuracies(
    describer: str = "pretrained",
    method: str = "prototypes",
    *,
    n_way: int = SIGNS,
    n_shot: int = 1,
    seed: int = 0,
    copies: bool = False,
) -> np.ndarray:
    """Judge a few-shot method on tasks from the tablets: accuracy, 0 to 1, of each task (40,).

    Whatever describes and whichever method learns, the same seed gives the same tasks.

    Args:
        describer: see ``seen``.
        method: as ``tlw.few_shot`` takes it.
        n_way: signs of a task.
        n_shot: examples of each.
        seed: of tablets and tasks.
        copies: take the first example of each sign ``n_shot`` times, in place of as many different ones.
    """
    labels = tablets(seed).labels
    tasks: Iterable[Episode] = episodes(labels, n_way, n_shot, seed=seed, **TASK)
    if copies:
        tasks = (replace(task, support=np.repeat(task.support[::n_shot], n_shot)) for task in tasks)
    return episode_accuracies(seen(describer, seed), labels, method, tasks)


def four_methods(describer: str = "pretrained", seed: int = 0) -> pd.DataFrame:
    """Judge all four methods on the same forty tasks: a row a task, a column a method."""
    return pd.DataFrame({method: accuracies(describer, method, seed=seed) for method in METHODS})


def paired_interval(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float]:
    """Two standard errors to either side of the mean difference (E,) - (E,) on the same tasks."""
    differences = np.asarray(ours) - np.asarray(theirs)
    middle, reach = differences.mean(), 2 * differences.std(ddof=1) / len(differences) ** 0.5
    return float(middle - reach), float(middle + reach)


def draw_gains(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw how far each rule is above prototypes on the same tasks, with its interval; one panel a table.

    Args:
        tables: by name a table of ``four_methods``.
    """
    figure = Figure(figsize=(7.2, 2.2))
    panels = figure.subplots(1, len(tables), sharex=True, sharey=True)
    for axes, (name, table) in zip(panels, tables.items(), strict=True):
        for place, rule in enumerate(table.columns[1:]):
            ends = 100 * np.array(paired_interval(table[rule].to_numpy(), table["prototypes"].to_numpy()))
            axes.errorbar(ends.mean(), place, xerr=np.ptp(ends) / 2, color="#0072B2", marker="o", capsize=4)
        axes.axvline(0, color="#555555", linewidth=1)
        axes.set(title=name, yticks=range(len(table.columns) - 1), yticklabels=table.columns[1:])
        axes.margins(y=0.3)
    figure.supxlabel("more right than by prototypes, of 100", y=-0.1)
    return figure


def way_curve(ways: Sequence[int], seed: int = 0) -> pd.DataFrame:
    """Measure prototypes on tasks of more and more signs: a row a number of signs, ``one`` and ``five`` examples."""
    rows = [
        {name: accuracies(n_way=way, n_shot=shot, seed=seed).mean() for name, shot in (("one", 1), ("five", 5))}
        for way in ways
    ]
    return pd.DataFrame(rows, index=list(ways))


def explore_ways(curve: pd.DataFrame) -> Any:
    """Show a table of ``way_curve`` one number of signs at a time; see ``explorer.explore``."""
    hundredths = (100 * curve).round().astype(int).to_dict("index")

    def describe(way: int) -> str:
        found = hundredths[way]
        return (
            f"{way} signs: of 100 pictures {100 / way:.0f} are right by guessing, {found['one']} with one example of "
            f"each sign, {found['five']} with five."
        )

    return explore("signs to tell apart", list(curve.index), describe)


@remembered
def whom_to_ask(seed: int = 0, *, eye: str = "pretrained", questions: int = SIGNS) -> dict[str, float]:
    """Learn from the names of twenty pictures that are chosen among all, none of which is labelled yet.

    Args:
        seed: of tablets, draws and grouping.
        eye: what sees the pictures when they are sorted into groups, see ``seen``; the signs are always told apart
            by the pre-trained network.
        questions: how many names are asked for.

    Returns:
        Accuracy, 0 to 1, on new pictures of all signs: ``at random`` (in the mean of twenty draws) and ``by groups``
        (as many groups as questions, and of each the picture nearest to its middle).
    """
    data, draw = tablets(seed), np.random.default_rng(seed)
    pool = data.indices("train")
    groups = KMeans(questions, n_init=4, random_state=seed).fit(seen(eye, seed)[pool])
    chosen = pool[nearest_rows(seen(eye, seed)[pool], groups.labels_)]
    drawn = [_read(data, draw.choice(pool, questions, replace=False), seed) for _ in range(20)]
    return {"at random": float(np.mean(drawn)), "by groups": _read(data, chosen, seed)}


def nearest_rows(features: np.ndarray, groups: np.ndarray) -> list[int]:
    """Find for each group 0, 1, ... the number of its row (N, D) that lies nearest to the group's mean."""
    found = []
    for group in range(groups.max() + 1):
        rows = np.flatnonzero(groups == group)
        distances = ((features[rows] - features[rows].mean(axis=0)) ** 2).sum(axis=1)
        found.append(int(rows[distances.argmin()]))
    return found


def _read(data: ImageData, named: np.ndarray, seed: int) -> float:
    """Share of test pictures that prototypes of the named ones get right; a sign without a name is never right."""
    features, test = seen("pretrained", seed), data.indices("test")
    signs, numbers = np.unique(data.labels[named], return_inverse=True)
    answers = Prototypes().fit(features[named], numbers).predict_proba(features[test]).argmax(1)
    return float((signs[answers] == data.labels[test]).mean())


@remembered
def leaves_and_signs(seed: int = 0) -> dict[str, float]:
    """Tell four classes apart by one example each: accuracy on ``leaves`` (four states of health) and ``signs``.

    Args:
        seed: of pictures and tasks.
    """
    leaves = load_data("leaves", seed=seed, per_class=40)
    rows = network().features(leaves.images(range(len(leaves))))
    tasks = episodes(leaves.labels, 4, 1, seed=seed, **TASK)
    return {
        "leaves": float(episode_accuracies(rows, leaves.labels, "prototypes", tasks).mean()),
        "signs": float(accuracies(n_way=4, seed=seed).mean()),
    }


def gain_over_pixels(seed: int, sabotaged: bool) -> float:
    """Accuracy with one example of each sign on features minus on pixels; sabotaged, the network is random."""
    ours = accuracies("random" if sabotaged else "pretrained", seed=seed)
    return float(ours.mean() - accuracies("pixels", seed=seed).mean())


def gain_of_four_more(seed: int, sabotaged: bool) -> float:
    """Accuracy with five examples of each sign minus with one; sabotaged, the five are copies of one."""
    return float(accuracies(n_shot=5, seed=seed, copies=sabotaged).mean() - accuracies(seed=seed).mean())


def eye_over_rule(seed: int, sabotaged: bool) -> float:
    """Gain of the network over pixels minus the spread of the four methods; sabotaged, the network is random."""
    found = four_methods("random" if sabotaged else "pretrained", seed).mean()
    return float(gain_over_pixels(seed, sabotaged) - (found.max() - found.min()))


def gain_of_asking(seed: int, sabotaged: bool) -> float:
    """Accuracy after twenty names asked for by groups minus at random; sabotaged, a random network sees the groups."""
    found = whom_to_ask(seed, eye="random" if sabotaged else "pretrained")
    return found["by groups"] - found["at random"]


def lost_on_leaves(seed: int, sabotaged: bool) -> float:
    """Accuracy of four-way one-shot tasks on signs minus on leaves; sabotaged, on signs both times."""
    found = leaves_and_signs(seed)
    return found["signs"] - found["signs" if sabotaged else "leaves"]


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "with one example a sign, features beat pixels", 0.08, gain_over_pixels),
    MeasuredClaim(LESSON, "C2", "what sees counts more than which rule decides", 0.07, eye_over_rule),
    MeasuredClaim(LESSON, "C3", "five examples of each sign beat one", 0.12, gain_of_four_more),
    MeasuredClaim(LESSON, "C4", "asking in the middle of groups beats asking at random", 0.2, gain_of_asking),
    MeasuredClaim(LESSON, "C5", "one example tells signs apart, and hardly the health of leaves", 0.5, lost_on_leaves),
)
