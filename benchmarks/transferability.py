"""Do scores that need no training order networks as real fine-tuning does? Kendall's tau over networks, per target.

    python benchmarks/transferability.py                      # the table of results/transferability.md, a few minutes
    python benchmarks/transferability.py --draws 5 --shots 20
    python benchmarks/transferability.py --write              # also writes results/transferability.md

Networks: every bundled backbone, and the architecture of tlw_resnet with random weights, three draws of them. A target
gives `shots` labels a class. The scores see those images; fine-tuning trains the whole network on them, all stages at
one rate, which suits a random network too, and is tested on the target's fixed test part. The rate is each network's
own, the best of `RATES` by validation images on a draw of the labels that is not measured; the random networks share
one. Accuracies and scores are means over draws of the labels. Two networks whose accuracies differ by less than two
standard errors have no order to be found: "clear" leaves such pairs out. Intervals are of a bootstrap over networks and
draws. LEEP and NCE are for networks with a source head. Needs no network.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from backbones import with_labels
from scipy.stats import kendalltau
from targets import TARGETS, Target

from tlwidgets.backbones import Backbone, list_backbones, load_backbone
from tlwidgets.data import ImageData
from tlwidgets.data.readers import ArrayReader
from tlwidgets.evaluation.looks import SCORES
from tlwidgets.evaluation.ranking import rank_backbones
from tlwidgets.recipe import Recipe
from tlwidgets.training.session import fit

CHOSEN = ("digits", "faces", "colour photo patches")
RANDOM = "tlw_resnet"  # the architecture of the random networks
RANDOM_DRAWS = 3
STEPS = 60
RATES = (0.01, 0.002, 0.0004)
VALIDATION = 200  # images of the training part that a rate is judged by, where there are as many
RESAMPLES = 1000
RESULTS = Path(__file__).parent / "results" / "transferability.md"


@dataclasses.dataclass(frozen=True)
class Network:
    """A network that is scored and fine-tuned; random weights are those of its seed."""

    backbone: str
    pretrained: bool
    seed: int = 0

    @property
    def name(self) -> str:
        """What the table calls it."""
        return self.backbone if self.pretrained else f"random {self.seed}"

    def load(self, n_classes: int) -> Backbone:
        """The network that `fit` starts from with this seed."""
        torch.manual_seed(self.seed)
        return load_backbone(
            self.backbone, pretrained=self.pretrained, num_classes=None if self.pretrained else n_classes
        )


def networks() -> list[Network]:
    """The shelf and the random ones."""
    table = list_backbones(offline=True)
    bundled = [Network(name, pretrained=True) for name in table.loc[table["source"] == "bundled", "name"]]
    return bundled + [Network(RANDOM, pretrained=False, seed=seed) for seed in range(RANDOM_DRAWS)]


def accuracy(network: Network, data: ImageData, rate: float) -> float:
    """Test accuracy after fine-tuning the whole network; but for the rate the recipe is the same for all."""
    recipe = Recipe(
        data=data,
        backbone=network.backbone,
        pretrained=network.pretrained,
        seed=network.seed,
        learning_rate=rate,
        backbone_scale=1.0,
        epochs=-(-STEPS // -(-data.splits["train"] // 32)),
    )
    with tempfile.TemporaryDirectory() as folder:
        return float(fit(recipe, Path(folder) / "run", progress=False).metrics["test"]["accuracy"])


def judging_rates(target: Target, shots: int, draw: int) -> ImageData:
    """Labels of a draw, and as test part other images that may be learned from; the target's own is left out."""
    data = with_labels(target, shots, draw)
    given = data.indices("train")
    chosen = np.random.default_rng(draw).permutation(np.setdiff1d(target.train, given))[:VALIDATION]
    split = np.full(len(data.split), "unlabelled", dtype=object)
    split[given], split[chosen] = "train", "test"
    reader = ArrayReader(target.images, "benchmark")
    return ImageData("benchmark", data.classes, data.labels, split, np.arange(len(split)), reader, {"memory": "arrays"})


def best_rates(target: Target, shots: int, draw: int) -> dict[str, float]:
    """The rate of each architecture and start, by name of the backbone or "random"."""
    data, found = judging_rates(target, shots, draw), {}
    for network in networks():
        if kind(network) not in found:
            scores = {rate: accuracy(network, data, rate) for rate in RATES}
            found[kind(network)] = max(RATES, key=lambda rate, scores=scores: scores[rate])
    return found


def kind(network: Network) -> str:
    """What shares a rate."""
    return network.backbone if network.pretrained else "random"


def measure(target_name: str, shots: int, draws: int) -> pd.DataFrame:
    """One row a network and draw: its scores, its accuracy and the rate of it."""
    target, rows = TARGETS[target_name](), []
    rates = best_rates(target, shots, draws)
    for draw in range(draws):
        data = with_labels(target, shots, draw)
        n_train = data.splits["train"]
        shelf = {network.name: network.load(len(data.classes)) for network in networks()}
        began = time.process_time()
        ranking = rank_backbones(data, shelf, images=n_train, repeats=2, seed=draw, progress=False)
        scoring = time.process_time() - began
        for network in networks():
            began = time.process_time()
            rate = rates[kind(network)]
            found = accuracy(network, data, rate)
            values = ranking.table.loc[network.name, list(SCORES)].to_dict()
            if not network.pretrained:
                values |= dict.fromkeys(("leep", "nce"), np.nan)  # an untrained head knows no source
            seconds = {"scoring": scoring / len(shelf), "fine-tuning": time.process_time() - began}
            about = {"target": target_name, "network": network.name, "draw": draw, "rate": rate}
            rows.append({**about, "accuracy": found, **values, **seconds})
    return pd.DataFrame(rows)


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau of every score with accuracy and its interval, and tau over the clear pairs with their number."""
    columns = {}
    for target, part in table.groupby("target", sort=False):
        cube = part.pivot_table(index="network", columns="draw", values=["accuracy", *SCORES], sort=False)
        drawn = resampled(cube)
        columns[target] = pd.Series({score: shown(order(cube, score), drawn[score]) for score in SCORES})
        pairs = {score: clear(cube, score) for score in SCORES}
        columns[f"{target}, clear"] = pd.Series(
            {score: f"{np.mean(signs):.2f} of {len(signs)}" if signs else "-" for score, signs in pairs.items()}
        )
    return pd.DataFrame(columns)


def order(cube: pd.DataFrame, score: str) -> float:
    """Kendall's tau of a score with accuracy, both in the mean over draws."""
    if score not in cube:
        return float("nan")
    return float(kendalltau(cube[score].mean(axis=1), cube["accuracy"].mean(axis=1), nan_policy="omit").statistic)


def resampled(cube: pd.DataFrame) -> pd.DataFrame:
    """Tau of every score when networks and draws are drawn anew with replacement; a row a resample."""
    rng, found = np.random.default_rng(0), []
    draws = cube["accuracy"].shape[1]
    for _ in range(RESAMPLES):
        rows, columns = rng.integers(0, len(cube), len(cube)), rng.integers(0, draws, draws)
        means = {name: cube[name].to_numpy()[rows][:, columns].mean(axis=1) for name in cube.columns.levels[0]}
        observed, taus = means["accuracy"], {}
        for score in SCORES:
            some = means.get(score, np.full(len(rows), np.nan))
            known = ~np.isnan(some)
            # Fewer than three different networks have no order to speak of.
            enough = len(np.unique(rows[known])) >= 3
            taus[score] = kendalltau(some[known], observed[known]).statistic if enough else np.nan
        found.append(taus)
    return pd.DataFrame(found)


def shown(tau: float, drawn: pd.Series) -> str:
    """Tau with the middle 95 per cent of its resamples."""
    low, high = drawn.quantile([0.025, 0.975])
    return f"{tau:.2f} ({low:.2f} to {high:.2f})"


def clear(cube: pd.DataFrame, score: str) -> list[float]:
    """1 or -1 a pair whose accuracies differ by more than two errors: is it in the score's order or the reverse?"""
    if score not in cube:
        return []
    observed, scores = cube["accuracy"], cube[score].mean(axis=1)
    mean, error, signs = observed.mean(axis=1), observed.sem(axis=1), []
    for one, other in itertools.combinations(scores.index[scores.notna()], 2):
        gap = mean[one] - mean[other]
        if abs(gap) > 2 * np.hypot(error[one], error[other]):
            signs.append(float(np.sign(gap) * np.sign(scores[one] - scores[other])))
    return signs


def accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in per cent, mean ± sd over draws, and the rate: a row a network, a column a target."""
    groups = table.groupby(["network", "target"], sort=False)
    return groups.apply(
        lambda some: (
            f"{100 * some['accuracy'].mean():.1f} ± {100 * some['accuracy'].std():.1f} at {some['rate'].iloc[0]}"
        )
    ).unstack()


def markdown(table: pd.DataFrame) -> str:
    """A table as text that GitHub draws."""
    cells = table.map(lambda cell: f"{cell:.2f}" if isinstance(cell, float) else str(cell))
    head = ["", *map(str, table.columns)]
    lines = [
        head,
        ["---"] * len(head),
        *([str(name), *row] for name, row in zip(cells.index, cells.values, strict=True)),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(CHOSEN))
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--write", action="store_true", help=f"keep the tables in {RESULTS.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = pd.concat([measure(target, options.shots, options.draws) for target in options.targets])
    seconds = table[["scoring", "fine-tuning"]].mean()
    text = (
        f"# Do transferability scores agree with fine-tuning?\n\n"
        f"`python benchmarks/transferability.py --shots {options.shots} --draws {options.draws} --write`: "
        f"{table['network'].nunique()} networks, {options.shots} labels a class, {STEPS} steps, {options.draws} draws "
        f"of the labels, one thread. Scoring a network took {seconds['scoring']:.1f} CPU seconds, fine-tuning and "
        f"testing it {seconds['fine-tuning']:.1f}.\n\n## Kendall's tau with the accuracy of fine-tuning\n\n"
        f"1: the same order, 0: no relation, -1: the reverse; with the middle 95 % of {RESAMPLES} resamples of "
        f'networks and draws. "clear" counts only pairs of networks whose accuracies differ by more than two standard '
        f"errors; their number follows. LEEP and NCE order the pre-trained networks only.\n\n"
        f"{markdown(agreement(table))}\n\n## Accuracy, per cent, mean ± sd, at the learning rate\n\n"
        f"Of {', '.join(map(str, RATES))} the best on up to {VALIDATION} validation images, on a further draw of the "
        f"labels.\n\n{markdown(accuracies(table))}\n"
    )
    print(text)
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
