"""Do scores that need no training order networks as real fine-tuning does? Kendall's tau over networks, per target.

    python benchmarks/transferability.py                      # the table of results/transferability.md, a few minutes
    python benchmarks/transferability.py --draws 5 --shots 20
    python benchmarks/transferability.py --write              # also writes results/transferability.md

Networks: every bundled backbone, and the architecture of tlw_resnet with random weights, three draws of them. A target
gives `shots` labels a class. The scores see those images; fine-tuning trains the whole network on them, all stages at
the full rate, which suits a random network too, and is tested on the target's fixed test part. Accuracies and scores
are means over draws of the labels. Two networks whose accuracies differ by less than two standard errors have no order
to be found: "clear" leaves such pairs out. LEEP and NCE are for networks with a source head. Needs no network.
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
from targets import TARGETS

from tlwidgets.backbones import Backbone, list_backbones, load_backbone
from tlwidgets.evaluation.looks import SCORES
from tlwidgets.evaluation.ranking import rank_backbones
from tlwidgets.recipe import Recipe
from tlwidgets.training.session import fit

CHOSEN = ("digits", "faces", "colour photo patches")
RANDOM = "tlw_resnet"  # the architecture of the random networks
RANDOM_DRAWS = 3
STEPS = 60
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


def accuracy(network: Network, data: object, steps_per_epoch: int) -> float:
    """Test accuracy after fine-tuning the whole network; the recipe is the same for all."""
    recipe = Recipe(
        data=data,
        backbone=network.backbone,
        pretrained=network.pretrained,
        seed=network.seed,
        backbone_scale=1.0,
        epochs=-(-STEPS // steps_per_epoch),
    )
    with tempfile.TemporaryDirectory() as folder:
        return float(fit(recipe, Path(folder) / "run", progress=False).metrics["test"]["accuracy"])


def measure(target_name: str, shots: int, draws: int) -> pd.DataFrame:
    """One row a network and draw: its scores and its accuracy."""
    target, rows = TARGETS[target_name](), []
    for draw in range(draws):
        data = with_labels(target, shots, draw)
        n_train = data.splits["train"]
        shelf = {network.name: network.load(len(data.classes)) for network in networks()}
        began = time.process_time()
        ranking = rank_backbones(data, shelf, images=n_train, repeats=2, seed=draw, progress=False)
        scoring = time.process_time() - began
        for network in networks():
            began = time.process_time()
            found = accuracy(network, data, -(-n_train // 32))
            values = ranking.table.loc[network.name, list(SCORES)].to_dict()
            if not network.pretrained:
                values |= dict.fromkeys(("leep", "nce"), np.nan)  # an untrained head knows no source
            seconds = {"scoring": scoring / len(shelf), "fine-tuning": time.process_time() - began}
            rows.append({"target": target_name, "network": network.name, "accuracy": found, **values, **seconds})
    return pd.DataFrame(rows)


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Kendall's tau of every score with accuracy: "target" over all pairs, "target, clear" over those that differ."""
    columns = {}
    for target, part in table.groupby("target", sort=False):
        grouped = part.drop(columns="target").groupby("network", sort=False)
        mean, error = grouped.mean(), grouped["accuracy"].sem()
        tau = {score: kendalltau(mean[score], mean["accuracy"], nan_policy="omit").statistic for score in SCORES}
        columns[target] = pd.Series(tau)
        columns[f"{target}, clear"] = pd.Series({score: clear(mean, error, score) for score in SCORES})
    return pd.DataFrame(columns)


def clear(mean: pd.DataFrame, error: pd.Series, score: str) -> float:
    """Concordant less discordant pairs, as a share of the pairs whose accuracies differ by more than two errors."""
    signs = []
    for one, other in itertools.combinations(mean.index[mean[score].notna()], 2):
        gap = mean.loc[one, "accuracy"] - mean.loc[other, "accuracy"]
        if abs(gap) > 2 * np.hypot(error[one], error[other]):
            signs.append(np.sign(gap) * np.sign(mean.loc[one, score] - mean.loc[other, score]))
    return float(np.mean(signs)) if signs else np.nan


def accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy in per cent, mean ± sd over draws: a row a network, a column a target."""
    shown = table.groupby(["network", "target"], sort=False)["accuracy"]
    return shown.agg(lambda some: f"{100 * some.mean():.1f} ± {100 * some.std():.1f}").unstack()


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
        f'1: the same order, 0: no relation, -1: the reverse. "clear" counts only pairs of networks whose accuracies '
        f"differ by more than two standard errors. LEEP and NCE order the pre-trained networks only.\n\n"
        f"{markdown(agreement(table))}\n\n## Accuracy, per cent, mean ± sd\n\n{markdown(accuracies(table))}\n"
    )
    print(text)
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
