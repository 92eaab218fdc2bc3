"""What runs on the same images share: values of a frozen part with the same bits, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.training import PrefixShelf, prefix_cache
from tlwidgets.training.prefix import Partition

NUMBERS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
HALF = {"stem": "frozen", "stage1": "frozen", "stage2": "frozen"}


@pytest.fixture
def images_run(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images went through a prefix, call by call; two at a time are probes of the cut."""
    counted: list[int] = []
    run = Partition.run_prefix

    def count(self: Partition, images: Any) -> Any:
        counted.append(len(images))
        return run(self, images)

    monkeypatch.setattr(Partition, "run_prefix", count)
    return counted


def _with_split(data: tlw.ImageData, seed: int) -> tlw.ImageData:
    split = np.random.default_rng(seed).permutation(data.split)
    return tlw.ImageData(**{**data.parts(), "split": split, "source": {"memory": "arrays"}})


def test_a_second_run_on_another_split_computes_no_prefix_anew(
    recipe: tlw.Recipe, tmp_path: Path, images_run: list[int]
) -> None:
    recipe, shelf = recipe.replace(plan=HALF), PrefixShelf(runs=2)
    for seed in (0, 1):
        split = _with_split(recipe.data, seed)
        shared = tlw.fit(recipe, tmp_path / f"shared{seed}", progress=False, data=split, shelf=shelf)
        assert sum(images_run) == len(recipe.data)
        alone = tlw.fit(recipe.replace(cache="off"), tmp_path / f"alone{seed}", progress=False, data=split)
        np.testing.assert_allclose(shared.history[NUMBERS], alone.history[NUMBERS], rtol=1e-5)
        assert shared.predictions["predicted"].equals(alone.predictions["predicted"])


def test_what_a_run_finds_does_not_change_its_numbers(recipe: tlw.Recipe, tmp_path: Path) -> None:
    """Bit by bit: the values are computed in the same company, whichever run asks first."""
    recipe, shelf = recipe.replace(plan=HALF), PrefixShelf(runs=2)
    first, second = (_with_split(recipe.data, seed) for seed in (0, 1))
    tlw.fit(recipe, tmp_path / "first", progress=False, data=first, shelf=shelf)
    after = tlw.fit(recipe, tmp_path / "after", progress=False, data=second, shelf=shelf)
    fresh = tlw.fit(recipe, tmp_path / "fresh", progress=False, data=second, shelf=PrefixShelf(runs=2))
    assert after.history[NUMBERS].equals(fresh.history[NUMBERS])
    assert (after.path / "best.safetensors").read_bytes() == (fresh.path / "best.safetensors").read_bytes()


@pytest.mark.parametrize(
    "changes",
    [{"pretrained": False}, {"plan": {"stem": "frozen"}}, {"augmentation": "flip", "views": 2}, {"precision": "bf16"}],
    ids=["other weights", "other cut", "other pixels", "other numbers"],
)
def test_another_prefix_is_computed_by_itself(
    recipe: tlw.Recipe, tmp_path: Path, images_run: list[int], changes: dict[str, Any]
) -> None:
    recipe, shelf = recipe.replace(plan=HALF, cache="memory"), PrefixShelf(runs=2)
    tlw.fit(recipe, tmp_path / "first", progress=False, shelf=shelf)
    images_run.clear()
    shared = tlw.fit(recipe.replace(**changes), tmp_path / "shared", progress=False, shelf=shelf)
    assert sum(images_run) > 0
    alone = tlw.fit(recipe.replace(**changes, cache="off"), tmp_path / "alone", progress=False)
    np.testing.assert_allclose(shared.history[NUMBERS], alone.history[NUMBERS], rtol=0.02)


def test_values_beyond_the_budget_replace_those_kept_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefix_cache, "memory_budget", lambda: 1000)
    shelf = PrefixShelf(runs=2)
    values, ready = shelf.take(("one",), [(10, 10)], [torch.float32])
    ready[:] = True
    assert shelf.take(("one",), [(10, 10)], [torch.float32])[0] is values
    shelf.take(("two",), [(10, 20)], [torch.float32])
    assert not shelf.take(("one",), [(10, 10)], [torch.float32])[1].any()
