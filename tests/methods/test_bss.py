from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.methods import bss
from tlwidgets.training import Batch
from tlwidgets.training.method import Setting


def test_it_sums_the_smallest_squared_singular_values() -> None:
    left, _ = torch.linalg.qr(torch.randn(6, 6))
    right, _ = torch.linalg.qr(torch.randn(4, 4))
    features = left[:, :4] @ torch.diag(torch.tensor([5.0, 3.0, 2.0, 1.0])) @ right.T
    assert float(bss.spectral_shrinkage(features, 1)) == pytest.approx(1.0, rel=1e-4)
    assert float(bss.spectral_shrinkage(features, 2)) == pytest.approx(1.0 + 4.0, rel=1e-4)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5)])
def test_all_of_them_are_the_squared_frobenius_norm(shape: tuple[int, int]) -> None:
    features = torch.randn(shape)
    for k in (5, 50):
        assert float(bss.spectral_shrinkage(features, k)) == pytest.approx(float(features.square().sum()), rel=1e-5)


def test_its_gradient_shrinks_only_the_weakest_direction() -> None:
    features = torch.diag(torch.tensor([3.0, 2.0, 0.5])).requires_grad_(True)
    bss.spectral_shrinkage(features, 1).backward()
    assert torch.allclose(features.grad, torch.diag(torch.tensor([0.0, 0.0, 1.0])), atol=1e-5)


def test_a_step_shrinks_what_enters_the_classifier(setting: Setting, batch: Batch) -> None:
    model = setting.backbone.model.eval()
    result = bss.make(setting, eta=0.1, k=12).step(model, batch)
    features = model.forward_head(model.forward_features(batch.images), pre_logits=True)
    expected = 0.1 * features.square().sum()
    assert expected > 0.01
    bare = nn.functional.cross_entropy(model(batch.images), batch.labels)
    assert result.extras["penalty"] == pytest.approx(expected.item(), rel=1e-5)
    assert result.loss.item() == pytest.approx((bare + expected).item(), rel=1e-5)
    assert not model.fc._forward_pre_hooks


def test_a_run_learns_with_it_and_one_that_freezes_half_is_the_same_with_and_without_cache(
    recipe: tlw.Recipe, tmp_path: Path
) -> None:
    recipe = recipe.replace(method="bss", epochs=4, plan={"stem": "frozen", "stage1": "frozen", "stage2": "frozen"})
    losses = []
    for cache in ("off", "memory"):
        run = tlw.fit(recipe.replace(cache=cache), tmp_path / cache, progress=False)
        losses.append(list(run.history["train_loss"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert losses[0][-1] < losses[0][0]


@pytest.mark.parametrize("options", [{"eta": -0.1}, {"k": 0}, {"k": 1.5}])
def test_options_that_mean_nothing_are_refused(setting: Setting, options: dict[str, float]) -> None:
    with pytest.raises(RecipeError, match="eta is"):
        bss.make(setting, **options)
