"""Do the bundled backbones transfer? Linear probes and fine-tuning with few labels, against an untrained network.

    python benchmarks/backbones.py tlw_resnet               # prints the table
    python benchmarks/backbones.py tlw_resnet --fine-tune   # and the whole network, against training from scratch
    python benchmarks/backbones.py tlw_resnet --card        # also writes targets.json and CARD.md of the bundle
    python benchmarks/backbones.py tlw_resnet --beside pretrained/seed1 pretrained/tlw_resnet_no_face
    python benchmarks/backbones.py local-dir:pretrained/tlw_resnet --targets digits

Probe: scikit-learn's LogisticRegression (L2, C=1) with 1, 2, 5, 10 and 20 labels a class, five draws of the labels.
Pretrained features and pixels enter as they are; those of the untrained network, drawn anew for each draw of labels,
are standardised on the labelled images, without which they are far worse. `--beside` adds a row for each folder that
the pretraining wrote, such as the same recipe with another seed. Needs no network; a few minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from targets import TARGETS, Target, few_labels

from tlwidgets.backbones.catalogue import bundled_folder
from tlwidgets.backbones.loading import load_backbone
from tlwidgets.backbones.pretraining.bundle import FACTS, WEIGHTS, sha256
from tlwidgets.backbones.pretraining.card import TARGETS as TARGETS_FILE
from tlwidgets.backbones.pretraining.card import write_card
from tlwidgets.data.images import ImageData
from tlwidgets.data.readers import ArrayReader
from tlwidgets.recipe import Recipe
from tlwidgets.training.session import fit

SHOTS = (1, 2, 5, 10, 20)
DRAWS = 5
FINE_TUNING_SHOTS = (1, 5, 20)
FINE_TUNING_DRAWS = 5
FINE_TUNING_STEPS = 100
FINE_TUNING_TARGETS = ("digits", "faces", "grey photo patches")
Scores = dict[str, dict[str, np.ndarray]]
"""Target -> method -> accuracy in per cent, (draws, shots)."""


def probe(features: np.ndarray, target: Target, shots: int, draw: int, *, standardise: bool) -> float:
    """Test accuracy, in per cent, of a linear probe with few labels."""
    rows = few_labels(target, shots, draw)
    classifier = LogisticRegression(C=1.0, max_iter=2000)
    model = make_pipeline(StandardScaler(), classifier) if standardise else classifier
    model.fit(features[rows], target.labels[rows])
    return 100 * float(model.score(features[target.test], target.labels[target.test]))


def probe_all(name: str, target: Target) -> dict[str, np.ndarray]:
    """Accuracy (draws, shots) of the probe on pretrained features, untrained features and pixels."""
    found = {"pretrained": probe_pretrained(name, target)}
    found |= {method: np.zeros((DRAWS, len(SHOTS))) for method in ("random network", "pixels")}
    for draw in range(DRAWS):
        torch.manual_seed(draw)
        untrained = load_backbone(name, pretrained=False).features(target.images)
        for column, shots in enumerate(SHOTS):
            found["random network"][draw, column] = probe(untrained, target, shots, draw, standardise=True)
            found["pixels"][draw, column] = probe(target.pixels, target, shots, draw, standardise=False)
    return found


def probe_pretrained(name: str, target: Target) -> np.ndarray:
    """Accuracy (draws, shots) of the probe on the features of a pretrained network."""
    features = load_backbone(name).features(target.images)
    return np.array([[probe(features, target, n, draw, standardise=False) for n in SHOTS] for draw in range(DRAWS)])


def label_of(folder: Path) -> str:
    """Which pretraining wrote a folder: its recipe and seed."""
    facts = json.loads((folder / FACTS).read_text())
    return f"{facts['recipe']['name']}, seed {facts['seed']}"


def with_labels(target: Target, shots: int, draw: int) -> ImageData:
    """The target as data for `fit`: labelled images in train, the fixed test part in test, the rest unlabelled."""
    split = np.full(len(target.labels), "unlabelled", dtype=object)
    split[few_labels(target, shots, draw)], split[target.test] = "train", "test"
    classes = tuple(str(label) for label in np.unique(target.labels))
    reader = ArrayReader(target.images, "benchmark")
    return ImageData("benchmark", classes, target.labels, split, np.arange(len(split)), reader, {"memory": "arrays"})


def fine_tune(name: str, target: Target, shots: int, draw: int, *, pretrained: bool) -> float:
    """Test accuracy, in per cent, of the whole network after about 100 steps of the default recipe.

    From scratch all stages learn at the full rate; there is nothing in them to protect.
    """
    data = with_labels(target, shots, draw)
    recipe = Recipe(data=data, backbone=name, pretrained=pretrained, seed=draw)
    steps_per_epoch = -(-data.splits["train"] // recipe.batch_size)
    recipe = recipe.replace(epochs=-(-FINE_TUNING_STEPS // steps_per_epoch))
    if not pretrained:
        recipe = recipe.replace(backbone_scale=1.0)
    with tempfile.TemporaryDirectory() as folder:
        run = fit(recipe, Path(folder) / "run", progress=False)
        return 100 * float(run.metrics["test"]["accuracy"])


def fine_tune_all(name: str, target: Target) -> dict[str, np.ndarray]:
    """Accuracy (draws, shots) of fine-tuning and of training the same network from scratch."""
    return {
        method: np.array(
            [
                [fine_tune(name, target, shots, draw, pretrained=pretrained) for shots in FINE_TUNING_SHOTS]
                for draw in range(FINE_TUNING_DRAWS)
            ]
        )
        for method, pretrained in (("fine-tuned", True), ("from scratch", False))
    }


def table(rows: Scores, shots: tuple[int, ...]) -> str:
    """Mean ± sd over the draws, one row a target and method."""
    cells = {
        (target, method): [f"{m:.1f} ± {s:.1f}" for m, s in zip(scores.mean(0), scores.std(0), strict=True)]
        for target, methods in rows.items()
        for method, scores in methods.items()
    }
    return pd.DataFrame.from_dict(cells, orient="index", columns=[f"{n} a class" for n in shots]).to_string()


def cells(rows: Scores) -> dict[str, dict[str, list[list[float]]]]:
    """Mean and sd over the draws, rounded to a tenth: target -> method -> [[mean, sd] of each number of labels]."""
    return {
        target: {
            method: np.stack([scores.mean(0), scores.std(0)], axis=1).round(1).tolist()
            for method, scores in methods.items()
        }
        for target, methods in rows.items()
    }


def record(rows: Scores, tuned: Scores, folder: Path) -> None:
    """Keep the figures beside the weights and write them into the card."""
    file = folder / TARGETS_FILE
    before = json.loads(file.read_text()) if file.exists() else {}
    measured = {"sha256": sha256(folder / WEIGHTS), "draws": DRAWS, "shots": SHOTS, "rows": cells(rows)}
    if tuned:
        length = {"draws": FINE_TUNING_DRAWS, "shots": FINE_TUNING_SHOTS, "steps": FINE_TUNING_STEPS}
        measured["fine_tuning"] = length | {"rows": cells(tuned)}
    elif before.get("sha256") == measured["sha256"] and "fine_tuning" in before:
        measured["fine_tuning"] = before["fine_tuning"]  # slow, and still true of these weights
    file.write_text(json.dumps(measured, indent=1) + "\n")
    write_card(folder)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help="a bundled backbone, or local-dir:<folder>")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--beside", nargs="+", type=Path, default=[], help="folders of other pretrainings to compare")
    parser.add_argument("--card", action="store_true", help="write the figures into the bundle's card")
    parser.add_argument("--fine-tune", action="store_true", help="also train the whole network (slow)")
    return parser.parse_args()


def main() -> None:
    """Print the tables of one backbone."""
    options = parse()
    torch.set_num_threads(1)
    targets = {target: TARGETS[target]() for target in options.targets}
    rows = {name: probe_all(options.name, target) for name, target in targets.items()}
    for folder in options.beside:
        for name, target in targets.items():
            rows[name][label_of(folder)] = probe_pretrained(f"local-dir:{folder}", target)
    print(f"{options.name}, linear probe: accuracy in per cent, mean ± sd over {DRAWS} draws of the labels")
    print(table(rows, SHOTS))
    tuned: Scores = {}
    if options.fine_tune:
        tuned = {name: fine_tune_all(options.name, targets[name]) for name in FINE_TUNING_TARGETS if name in targets}
        print(f"{options.name}, whole network, {FINE_TUNING_STEPS} steps: mean ± sd over {FINE_TUNING_DRAWS} draws")
        print(table(tuned, FINE_TUNING_SHOTS))
    if options.card:
        record(rows, tuned, bundled_folder(options.name) or Path(options.name.removeprefix("local-dir:")))


if __name__ == "__main__":
    main()
