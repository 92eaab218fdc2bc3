"""Every family of timm and several of torchvision, frozen up to the middle: cached or not, the losses are the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from families import IDS, NETWORKS, load_family

from tlwidgets import Recipe
from tlwidgets.backbones import Backbone
from tlwidgets.data.images import ImageData
from tlwidgets.data.readers import ArrayReader
from tlwidgets.methods.fine_tuning import FineTuning
from tlwidgets.training import CacheChosen, Event
from tlwidgets.training.control import Control
from tlwidgets.training.loop import Loop
from tlwidgets.training.method import Setting

# Random weights and norms over two images: after one step the last bits of a float32 have grown to 1.4e-5.
AMPLIFIED = {"rexnet": 1e-4}
pytestmark = pytest.mark.families


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _three_images(side: int) -> ImageData:
    """Two to train on, one to validate.

    One batch, so that its images have the same company in every epoch: networks with random weights that normalise over
    two images make a rounding error of 1e-7, as other company leaves, as large as they please.
    """
    pixels = np.random.default_rng(0).integers(0, 256, (3, side, side, 3)).astype(np.uint8)
    labels, split = np.arange(3), np.array(["train", "train", "val"])
    return ImageData("three", tuple("abcd"), labels, split, labels, ArrayReader(pixels, "three"), {"memory": ""})


def _losses(backbone: Backbone, cache: str) -> tuple[np.ndarray, list[CacheChosen]]:
    """Losses (epochs, 2) of training and validation, and what the run said of its cache."""
    data = _three_images(backbone.preprocessing.input_size[-1])
    plan = {stage.name: "frozen" for stage in backbone.stages[: len(backbone.stages) // 2]}
    recipe = Recipe(data=data, plan=plan, epochs=2, batch_size=2, optimizer="sgd", learning_rate=1e-4, cache=cache)
    said: list[Event] = []
    loop = Loop(Setting(backbone, data, recipe), FineTuning(), Mock(path=Path("run")), Control(), said.append)
    loop.saver = Mock()  # writing 400 MB of checkpoints for each network would test nothing
    loop.run()
    loop.learner.check_frozen()
    loop.learner.close()
    history = np.array([[row["train_loss"], row["val_loss"]] for row in loop.progress.history])
    return history, [event for event in said if isinstance(event, CacheChosen)]


@pytest.mark.parametrize(("family", "name"), NETWORKS, ids=IDS)
def test_the_losses_with_a_cache_are_those_without(family: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone = load_family(family, name, monkeypatch)
    twin = copy.deepcopy(backbone)
    plain, silent = _losses(backbone, "off")
    cached, (choice,) = _losses(twin, "memory")
    assert silent == []
    assert choice.on, choice.text
    # Most are equal to the bit; where a kernel reads what is kept in another memory layout, its last bits differ.
    np.testing.assert_allclose(cached, plain, rtol=AMPLIFIED.get(family, 1e-5))
