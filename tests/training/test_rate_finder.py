from __future__ import annotations

import copy
import math
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.training import Batch, StepResult
from tlwidgets.training.rate_finder import RateSearch, range_test
from tlwidgets.training.restoring import restored


class Wobbling:
    """Cross-entropy with dropout from torch, numpy and Python, so that all three draw."""

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        loss = nn.functional.cross_entropy(nn.functional.dropout(model(batch.images)), batch.labels)
        return StepResult(loss * (1 + 0 * random.random() * np.random.rand()), len(batch.labels), 0)  # noqa: NPY002


def _batches(n: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    return [Batch(torch.randn(8, 3, 16, 16, generator=generator), torch.arange(8) % 3, np.arange(8)) for _ in range(n)]


def _trained_a_little(name: str, optimizer: str) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = tlw.load_backbone(name, num_classes=3).model
    kinds: dict[str, Any] = {"adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
    options = {"momentum": 0.9} if optimizer == "sgd" else {}
    optimiser = kinds[optimizer](model.parameters(), lr=0.01, **options)
    for batch in _batches(2):
        Wobbling().step(model, batch).loss.backward()
        optimiser.step()
    return model, optimiser


def _everything(model: nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    return copy.deepcopy(
        {
            "tensors": [*model.parameters(), *model.buffers()],
            "gradients": [parameter.grad for parameter in model.parameters()],
            "modes": [module.training for module in model.modules()],
            "optimiser": optimiser.state_dict(),
            "random": (torch.get_rng_state(), random.getstate(), np.random.get_state()),  # noqa: NPY002
        }
    )


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, np.ndarray):
        return bool((a == b).all())
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_range_test_leaves_no_trace(tiny: str, optimizer: str) -> None:
    model, optimiser = _trained_a_little(tiny, optimizer)
    model.layer1.eval()
    before = _everything(model, optimiser)
    losses = range_test(model, Wobbling(), optimiser, _batches(12), np.geomspace(1e-4, 1, 12).tolist(), [1.0])
    assert len(set(losses)) > 5
    assert _same(before, _everything(model, optimiser))


def test_even_an_error_leaves_no_trace(tiny: str) -> None:
    model, optimiser = _trained_a_little(tiny, "adamw")
    before = _everything(model, optimiser)

    def train_and_fail() -> None:
        with restored(model, optimiser):
            for parameter in model.parameters():
                parameter.data.add_(1)
            model.bn1.running_mean.add_(1)
            torch.rand(3)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        train_and_fail()
    assert _same(before, _everything(model, optimiser))


def test_a_part_with_a_share_of_zero_is_held_still(tiny: str) -> None:
    model = tlw.load_backbone(tiny, num_classes=3).model
    seen = []

    class Watching(Wobbling):
        def step(self, model: nn.Module, batch: Batch) -> StepResult:
            seen.append((model.conv1[0].weight.detach().clone(), model.fc.weight.detach().clone()))
            return super().step(model, batch)

    body = [parameter for name, parameter in model.named_parameters() if not name.startswith("fc")]
    optimiser = torch.optim.AdamW([{"params": body}, {"params": list(model.fc.parameters())}])
    range_test(model, Watching(), optimiser, _batches(4), [0.01] * 4, [0.0, 1.0])
    assert torch.equal(seen[0][0], seen[-1][0])
    assert not torch.equal(seen[0][1], seen[-1][1])


class Bowl:
    """Half of w squared: gradient descent diverges above a rate of 2."""

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        return StepResult(0.5 * model.weight.square().sum(), 1, 0)


def test_on_a_bowl_the_loss_is_lowest_just_before_the_rate_that_theory_says_diverges() -> None:
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    rates = np.geomspace(1e-3, 100, 60).tolist()
    losses = range_test(model, Bowl(), optimiser, _batches(60), rates, [1.0])
    assert len(losses) < 60
    turning = rates[int(np.argmin(losses))]
    assert 1.0 < turning < 4.0


def test_the_search_gives_a_rate_for_everything_and_for_each_stage(recipe: tlw.Recipe) -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    found = tlw.find_learning_rate(recipe.replace(plan={"stem": "frozen"}), steps=40)
    assert torch.equal(torch.rand(2), expected)
    assert list(found.table["part"]) == ["together", "stage1", "stage2", "stage3", "stage4", "head"]
    assert 1e-4 < found.suggestion < 1
    assert set(found.curves) == {"part", "learning_rate", "loss", "smoothed"}
    assert len(found.plot().axes[0].get_lines()) >= 6
    again = tlw.find_learning_rate(recipe.replace(plan={"stem": "frozen"}), steps=40, per_stage=False)
    first = found.curves[found.curves["part"] == "together"].reset_index(drop=True)
    assert again.curves.equals(first)


def test_a_bar_shows_how_far_the_search_is_and_can_be_left_out(
    recipe: tlw.Recipe, capfd: pytest.CaptureFixture[str]
) -> None:
    tlw.find_learning_rate(recipe, steps=10, highest=1e9, per_stage=False)
    assert "Trying rates: 100%" in capfd.readouterr().err  # also where the loss exploded before the last rate
    tlw.find_learning_rate(recipe, steps=10, per_stage=False, progress=False)
    assert "Trying" not in capfd.readouterr().err


def test_every_part_starts_from_the_same_weights(recipe: tlw.Recipe) -> None:
    curves = tlw.find_learning_rate(recipe, steps=10).curves
    assert curves.groupby("part")["loss"].first().nunique() == 1


def test_where_no_rate_helps_nothing_is_suggested() -> None:
    rates = np.geomspace(1e-6, 1, 20)
    flat = pd.DataFrame({"part": "together", "learning_rate": rates, "loss": 1.0, "smoothed": 1.0})
    assert math.isnan(RateSearch(flat).suggestion)
    assert not RateSearch(flat).table["diverged"].any()


def test_the_suggestion_is_a_tenth_of_the_rate_with_the_lowest_loss() -> None:
    rates = [1e-3, 1e-2, 1e-1, 1.0, 10.0]
    curve = pd.DataFrame(
        {"part": "together", "learning_rate": rates, "loss": 0.0, "smoothed": [1.0, 0.9, 0.2, 0.1, 3.0]}
    )
    row = RateSearch(curve).table.iloc[0]
    assert (row["suggestion"], row["steepest"], row["lowest"], row["diverged"]) == (0.1, 1e-2, 1.0, True)


@pytest.mark.parametrize("options", [{"lowest": 0}, {"highest": 1e-9}, {"steps": 3}, {"highest": math.inf}])
def test_a_search_over_nothing_is_refused(recipe: tlw.Recipe, options: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="is none"):
        tlw.find_learning_rate(recipe, **options)
