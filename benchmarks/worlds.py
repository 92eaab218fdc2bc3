"""Are the worlds worth learning from? A network from scratch with few labels and with all, and under every shift.

    python benchmarks/worlds.py                       # prints both tables
    python benchmarks/worlds.py --write               # and keeps them in benchmarks/results/worlds.md
    python benchmarks/worlds.py --worlds leaves pairs

Table 1, test accuracy: the architecture of tlw_resnet from random weights with 5 labels a class and with all of them,
each with the same number of steps, and a linear probe of tlw_resnet with the same 5. Table 2, for every world with a
shift: the network that learned all labels of the source domain, tested on each target domain as the shift grows.
Images of the target are drawn with another seed, so none was seen in training. One seed; some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from tqdm.auto import tqdm

from tlwidgets.backbones.loading import load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.data.catalogue import WORLDS
from tlwidgets.data.world import World
from tlwidgets.recipe import Recipe
from tlwidgets.training.run import Run
from tlwidgets.training.session import fit

STEPS = 300
FEW = 5
SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0)
RESULTS = Path(__file__).parent / "results" / "worlds.md"
# A table of numbers, drawn as images for the engine, is no world of pictures; nor are texts.
PICTURES = [name for name in WORLDS if name not in ("breast_cancer", "reviews", "questions")]


def train(data: ImageData, folder: Path) -> Run:
    """A network from scratch: all stages at one rate, the same number of steps however many images there are."""
    steps_per_epoch = -(-data.splits["train"] // 32)
    recipe = Recipe(
        data=data,
        pretrained=False,
        learning_rate=3e-3,
        backbone_scale=1.0,
        epochs=max(1, round(STEPS / steps_per_epoch)),
        augmentation="light",
    )
    return fit(recipe, folder, progress=False)


def probe(data: ImageData) -> float:
    """Test accuracy of a linear probe on the features of tlw_resnet."""
    train_rows, test_rows = data.indices("train"), data.indices("test")
    features = load_backbone("tlw_resnet").features([data.image(int(i)) for i in [*train_rows, *test_rows]])
    model = LogisticRegression(max_iter=2000).fit(features[: len(train_rows)], data.labels[train_rows])
    return float(model.score(features[len(train_rows) :], data.labels[test_rows]))


def learning(world: World, folder: Path) -> tuple[dict[str, float], Run]:
    """A row of table 1, and the run that learned from all labels of the first domain."""
    source = {"domain": world.domains[0]} if "shift" in world.options else {}
    few = load_data(world.name, labels_per_class=FEW, **source)
    everything = load_data(world.name, **source)
    run = train(everything, folder / f"{world.name}_all")
    row = {
        "classes": len(world.classes),
        "images": len(everything),
        f"scratch, {FEW} a class": train(few, folder / f"{world.name}_few").metrics["test"]["accuracy"],
        "scratch, all labels": run.metrics["test"]["accuracy"],
        f"tlw_resnet probe, {FEW} a class": probe(few),
    }
    return row, run


def shifting(world: World, run: Run) -> Iterator[tuple[str, list[float]]]:
    """Rows of table 2: target domain, and the source network's accuracy at each shift."""
    for domain in world.domains[1:]:
        accuracies = []
        for shift in SHIFTS:
            images, labels = world.make(1, {"domain": domain, "shift": shift})
            images = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)
            accuracies.append(float((run.predict_proba(images).argmax(1) == labels).mean()))
        yield domain, accuracies


def percent(table: pd.DataFrame) -> pd.DataFrame:
    """Shares as per cent with one digit; whole numbers as they are."""
    return table.apply(lambda column: column if column.dtype == int else (100 * column).round(1))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", choices=PICTURES, default=PICTURES)
    parser.add_argument("--write", action="store_true", help=f"keep the tables in {RESULTS.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows, shifts = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for name in tqdm(options.worlds, unit="world"):
            world = WORLDS[name]
            rows[name], run = learning(world, Path(folder))
            if "shift" in world.options:
                shifts |= {(name, domain): accuracies for domain, accuracies in shifting(world, run)}
    first = percent(pd.DataFrame.from_dict(rows, orient="index"))
    print(first.to_string())
    second = percent(pd.DataFrame.from_dict(shifts, orient="index", columns=[f"shift {s:g}" for s in SHIFTS]))
    print(second.to_string())
    if options.write:
        write(first, second)


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table."""
    rows = [
        ["", *table.columns],
        ["---"] * (1 + len(table.columns)),
        *([name, *row] for name, *row in table.itertuples()),
    ]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def write(first: pd.DataFrame, second: pd.DataFrame) -> None:
    """Keep both tables as Markdown."""
    second.index = pd.Index([" → ".join((WORLDS[name].domains[0], domain)) for name, domain in second.index])
    command = "`python benchmarks/worlds.py --write`"
    parts = [f"# The worlds\n\nWritten by {command}; accuracy in per cent.", markdown(first), markdown(second)]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
