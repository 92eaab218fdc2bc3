"""Lesson 06: a small network that learns from sixty digits, and three ways to keep it from learning them by heart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered

LESSON = "06_small_data"
EPOCHS = 150
WRONG = 0.3
"""Share of the sixty labels that are wrong where they were written in a hurry."""


@dataclass(frozen=True)
class Few:
    """Digits of which a hundred have a label.

    Attributes:
        images: float32 (1797, 8, 8) from 0 to 1.
        labels: int64 (1797,) true digits.
        train: int64 (60,) images to learn from.
        val: int64 (40,) labelled images that tell when to stop.
        test: int64 (1697,) all others.
    """

    images: Tensor
    labels: Tensor
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def few(seed: int = 0) -> Few:
    """Draw ten scans of each digit, six to learn from and four to look at while learning.

    Args:
        seed: of the draw.
    """
    scans = load_digits()
    drawn, test = train_test_split(
        np.arange(len(scans.target)), train_size=100, stratify=scans.target, random_state=seed
    )
    train, val = train_test_split(drawn, test_size=40, stratify=scans.target[drawn], random_state=seed)
    images = torch.tensor(scans.images / 16, dtype=torch.float32)
    return Few(images, torch.tensor(scans.target, dtype=torch.int64), train, val, test)


def askew(images: Tensor, draw: torch.Generator) -> Tensor:
    """Move each image (N, 8, 8) by a pixel at most, to the side, up or down, by chance; what comes in is empty."""
    wide = nn.functional.pad(images, (1, 1, 1, 1))
    nine = torch.stack([wide[:, top : top + 8, left : left + 8] for top in range(3) for left in range(3)])
    return nine[torch.randint(0, 9, (len(images),), generator=draw), torch.arange(len(images))]


def mirrored(images: Tensor, draw: torch.Generator) -> Tensor:
    """Mirror half of the images (N, 8, 8), left to right, by chance."""
    chosen = torch.rand(len(images), generator=draw) < 0.5
    return torch.where(chosen[:, None, None], images.flip(-1), images)


def draw_changes(columns: int = 8) -> Figure:
    """Draw digits that are learned from, a row as they are, a row moved, a row of which some are mirrored."""
    data, draw = few(), torch.Generator().manual_seed(1)
    images = data.images[data.train[:columns]]
    figure = Figure(figsize=(columns * 0.75, 2.5))
    for row, shown in enumerate((images, askew(images, draw), mirrored(images, draw))):
        for column, image in enumerate(shown):
            axes = figure.add_subplot(3, columns, row * columns + column + 1)
            axes.imshow(image, cmap="gray")
            axes.set_axis_off()
    return figure


CHANGES: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "": lambda images, _: images,
    "askew": askew,
    "mirrored": mirrored,
}


def hurried(data: Few, draw: torch.Generator) -> Tensor:
    """The labels as somebody wrote them in a hurry: of the sixty, a share of ``WRONG`` names another digit."""
    labels, train = data.labels.clone(), torch.tensor(data.train)
    wrong = train[torch.randperm(len(train), generator=draw)[: int(WRONG * len(train))]]
    labels[wrong] = (labels[wrong] + torch.randint(1, 10, (len(wrong),), generator=draw)) % 10
    return labels


@remembered
def course(seed: int = 0, *, change: str = "", dropout: float = 0.0, hurry: bool = False) -> pd.DataFrame:
    """Train a network of one hidden layer on the sixty, and look at it after every epoch.

    Args:
        seed: of images, weights and all chance.
        change: what happens to the training images anew in each epoch: nothing, ``"askew"`` or ``"mirrored"``.
        dropout: share of the hidden numbers that is put out at each step.
        hurry: whether the sixty labels were written in a hurry; those of the forty are right all the same.

    Returns:
        One row an epoch: ``val_loss`` on the forty; ``straight`` and ``askew``, accuracy (0 to 1) on the test images
        as they are and moved by a pixel.
    """
    data, draw = few(seed), torch.Generator().manual_seed(seed)
    written = hurried(data, draw) if hurry else data.labels
    tests = {"straight": data.images[data.test], "askew": askew(data.images[data.test], draw)}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 10))
        optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
        rows = []
        for _ in range(EPOCHS):
            step(network.train(), optimiser, CHANGES[change](data.images[data.train], draw), written[data.train])
            rows.append(look(network.eval(), data, tests))
    table: pd.DataFrame = pd.DataFrame(rows, index=pd.RangeIndex(1, EPOCHS + 1, name="epoch"))
    return table


def step(network: nn.Module, optimiser: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> None:
    """Take one step down the loss of all training images."""
    optimiser.zero_grad()
    nn.functional.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    optimiser.step()


@torch.inference_mode()
def look(network: nn.Module, data: Few, tests: dict[str, Tensor]) -> dict[str, float]:
    """Loss on the forty, and accuracy on each kind of test images."""
    loss = nn.functional.cross_entropy(network(data.images[data.val]), data.labels[data.val])
    right = {
        name: float((network(images).argmax(1) == data.labels[data.test]).float().mean())
        for name, images in tests.items()
    }
    return {"val_loss": float(loss), **right}


def stopped(history: pd.DataFrame) -> pd.Series[float]:
    """The row of the epoch that early stopping keeps: the one with the lowest loss on the forty."""
    row: pd.Series[float] = history.iloc[int(history["val_loss"].to_numpy().argmin())]
    return row


def four_ways(seed: int = 0) -> pd.DataFrame:
    """Train with nothing added, with shifts, with mirror images and with dropout.

    Returns:
        One row a way; accuracy after the last epoch on ``straight`` and ``askew`` test images.
    """
    ways = {
        "nothing added": course(seed),
        "moved by a pixel": course(seed, change="askew"),
        "mirrored": course(seed, change="mirrored"),
        "dropout of a half": course(seed, dropout=0.5),
    }
    table: pd.DataFrame = pd.DataFrame({name: history.iloc[-1] for name, history in ways.items()}).T
    return table[["straight", "askew"]]


def worth_of_shifts(seed: int, sabotaged: bool) -> float:
    """Askew test images read after training on moved ones, minus without; sabotaged, mirrored in place of moved."""
    change = "mirrored" if sabotaged else "askew"
    return float(course(seed, change=change)["askew"].iloc[-1] - course(seed)["askew"].iloc[-1])


def worth_of_stopping(seed: int, sabotaged: bool) -> float:
    """Test images read at the epoch that early stopping keeps, minus at the last; sabotaged, all labels are right."""
    history = course(seed, hurry=not sabotaged)
    return float(stopped(history)["straight"] - history["straight"].iloc[-1])


CLAIMS = (
    MeasuredClaim(LESSON, "C4", "training on moved digits helps with digits that lie askew", 0.25, worth_of_shifts),
    MeasuredClaim(LESSON, "C5", "with hurried labels, stopping early beats the last epoch", 0.03, worth_of_stopping),
)
