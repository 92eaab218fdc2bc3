from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.methods import l2_sp
from tlwidgets.training import Batch
from tlwidgets.training.method import Setting


def test_the_penalty_is_zero_at_the_start_and_its_gradient_is_the_way_from_the_source() -> None:
    source = torch.randn(4, 3)
    weights = nn.Parameter(source.clone())
    assert l2_sp.half_squared_distance([(weights, source)]) == 0
    moved = nn.Parameter(source + 0.5)
    l2_sp.half_squared_distance([(moved, source)]).backward()
    assert torch.allclose(moved.grad, moved - source)


def test_on_a_quadratic_the_optimum_lies_between_target_and_source() -> None:
    # h/2 (w - 3)^2 + a/2 (w + 1)^2 is smallest at (3h - a) / (h + a).
    h, a, target, source = 2.0, 0.5, 3.0, torch.tensor(-1.0)
    weight = nn.Parameter(source.clone())
    optimiser = torch.optim.SGD([weight], lr=0.2)
    for _ in range(200):
        optimiser.zero_grad()
        (0.5 * h * (weight - target) ** 2 + a * l2_sp.half_squared_distance([(weight, source)])).backward()
        optimiser.step()
    assert weight.item() == pytest.approx((h * target + a * float(source)) / (h + a))


def test_only_shared_weights_are_pulled_to_the_source_and_the_head_to_zero(setting: Setting) -> None:
    method = l2_sp.make(setting, alpha=2.0, beta=3.0)
    head = dict(setting.backbone.model.fc.named_parameters())
    assert {id(p) for p in method.new} == {id(p) for p in head.values()}
    assert len(method.shared) + len(method.new) == len(list(setting.backbone.model.parameters()))
    expected = 3.0 * 0.5 * sum(float(p.detach().square().sum()) for p in head.values())
    assert method.penalty().item() == pytest.approx(expected)
    weight = setting.backbone.model.layer1[0].conv1.weight
    with torch.no_grad():
        weight += 0.1
    method.penalty().backward()
    assert torch.allclose(weight.grad, torch.full_like(weight, 2.0 * 0.1), atol=1e-6)
    assert torch.allclose(head["weight"].grad, 3.0 * head["weight"])


def test_frozen_weights_cost_nothing(setting: Setting) -> None:
    method = l2_sp.make(setting, alpha=1.0, beta=0.0)
    weight = setting.backbone.model.layer1[0].conv1.weight.requires_grad_(False)
    weight += 1
    assert method.penalty() == 0


def test_a_step_adds_the_penalty_to_the_cross_entropy(setting: Setting, batch: Batch) -> None:
    model = setting.backbone.model.eval()
    method = l2_sp.make(setting)
    result = method.step(model, batch)
    bare = nn.functional.cross_entropy(model(batch.images), batch.labels)
    assert result.loss.item() == pytest.approx((bare + method.penalty()).item())
    assert result.extras["penalty"] == pytest.approx(method.penalty().item())


def test_a_strong_pull_keeps_a_run_nearer_to_the_source_than_none(recipe: tlw.Recipe, tmp_path: Path) -> None:
    source = tlw.load_backbone(recipe.backbone, num_classes=3).model.state_dict()
    names = [name for name in source if name.startswith("layer") and name.endswith("weight")]
    distances = []
    for alpha in (0.0, 50.0):
        options = {"alpha": alpha, "beta": 0.0}
        changed = recipe.replace(method="l2_sp", method_options=options, weight_decay=0, epochs=3, optimizer="sgd")
        after = tlw.fit(changed, tmp_path / str(alpha), progress=False).backbone.model.state_dict()
        distances.append(sum(float((after[name] - source[name]).square().sum()) for name in names))
    assert distances[1] < 0.5 * distances[0]


def test_without_a_source_it_is_refused(recipe: tlw.Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="pretrained is False"):
        tlw.fit(recipe.replace(method="l2_sp", pretrained=False), tmp_path / "run", progress=False)
    with pytest.raises(RecipeError, match=r"alpha is -1"):
        tlw.fit(recipe.replace(method="l2_sp", method_options={"alpha": -1}), tmp_path / "run", progress=False)
