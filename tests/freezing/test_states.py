"""The states between frozen and trainable: norms alone, and low-rank adapters."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tlwidgets import FreezePlan, load_backbone
from tlwidgets.backbones import Backbone
from tlwidgets.errors import PlanError
from tlwidgets.freezing import adapted_layers, fingerprint, learning_parameters, merged_state, moved


@pytest.fixture
def backbone(tiny: str) -> Backbone:
    torch.manual_seed(0)
    return load_backbone(tiny, num_classes=3)


def _train(backbone: Backbone, steps: int = 3) -> None:
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.SGD([p for p in backbone.model.parameters() if p.requires_grad], lr=0.05)
    for _ in range(steps):
        backbone.model.train()
        images = torch.randn(8, 3, 16, 16, generator=generator)
        nn.functional.cross_entropy(backbone.model(images), torch.arange(8) % 3).backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)


def _logits(backbone: Backbone) -> torch.Tensor:
    backbone.model.eval()
    with torch.no_grad():
        logits: torch.Tensor = backbone.model(torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(1)))
    return logits


def test_in_a_norm_stage_only_affine_norm_parameters_learn_and_statistics_stand_still(backbone: Backbone) -> None:
    applied = FreezePlan(backbone, {"*": "norm", "head": "frozen"}).apply()
    model = backbone.model
    norms = {
        f"{name}.{leaf}"
        for name, module in model.named_modules()
        if isinstance(module, nn.BatchNorm2d)
        for leaf in ("weight", "bias")
    }
    assert {name for name, p in model.named_parameters() if p.requires_grad} == norms == applied.learning
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    _train(backbone)
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(before[name], tensor)}
    assert changed <= norms
    assert len(changed) > 0.8 * len(norms)  # a dead unit has no gradient
    assert set(applied.frozen_names) == set(before) - norms


@pytest.mark.parametrize("name", ["test_vit", "convnext_atto", "test_nfnet"])
def test_layer_norm_counts_as_a_norm_and_layer_scale_does_not(name: str) -> None:
    backbone = load_backbone(name, pretrained=False, num_classes=3)
    table = FreezePlan(backbone, {"*": "norm"}).table()
    assert (table["trainable"].sum() > 0) == (name != "test_nfnet")
    plan = FreezePlan(backbone, {"*": "norm", "head": "trainable"})
    assert not any("gamma" in name or "gain" in name or "ls1" in name for name in plan.apply().learning)


def test_adapters_change_nothing_to_begin_with_and_merge_without_a_trace(backbone: Backbone) -> None:
    untouched = _logits(backbone)
    names = list(backbone.model.state_dict())
    backbone.model.train()
    applied = FreezePlan(backbone, {"*": "lora", "head": "trainable"}).apply()
    assert len(adapted_layers(backbone.model)) == len(applied.adapted) > 5
    torch.testing.assert_close(_logits(backbone), untouched, rtol=0, atol=0)
    before = fingerprint(backbone.model, applied.frozen_names)
    _train(backbone)
    assert moved(before, backbone.model) == []
    learned = _logits(backbone)
    assert (learned - untouched).abs().max() > 1e-2
    merged = merged_state(backbone.model)
    applied.merge()
    torch.testing.assert_close(_logits(backbone), learned, rtol=1e-5, atol=1e-5)
    assert list(backbone.model.state_dict()) == list(merged) == names
    assert all(torch.equal(merged[name], tensor) for name, tensor in backbone.model.state_dict().items())


def test_undo_of_adapters_restores_modules_weights_gradients_and_modes_exactly(backbone: Backbone) -> None:
    model = backbone.model
    model.layer2.eval()
    model.conv1.requires_grad_(False)
    modules = {name: id(module) for name, module in model.named_modules()}
    attributes = set(vars(model))
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    gradients = [parameter.requires_grad for parameter in model.parameters()]
    applied = FreezePlan(backbone, {"*": "lora"}).apply()
    _train(backbone)
    applied.undo()
    assert {name: id(module) for name, module in model.named_modules()} == modules
    assert set(vars(model)) == attributes
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == gradients
    model.train()
    assert all(module.training for module in model.modules())


def test_a_stage_with_adapters_is_frozen_in_every_other_respect(backbone: Backbone) -> None:
    FreezePlan(backbone, {"stage2": "lora", "stem": "frozen", "stage1": "frozen"}).apply()
    backbone.model.train()
    assert not any(module.training for module in backbone.model.layer2.modules())
    assert all(module.training for module in backbone.model.layer3.modules())
    learning = learning_parameters(backbone)
    assert list(learning) == ["stage2", "stage3", "stage4", "head"]
    assert all(".lora_" in name for name in learning["stage2"])


def test_applying_adapters_draws_no_random_number_from_the_caller(backbone: Backbone) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    plan = FreezePlan(backbone, {"*": "lora"})
    plan.apply().undo()
    assert torch.equal(torch.rand(4), expected)


def test_adapters_twice_are_refused(backbone: Backbone) -> None:
    FreezePlan(backbone, {"*": "lora"}).apply()
    with pytest.raises(PlanError, match="adapters already"):
        FreezePlan(backbone, {"stage1": "lora"}).apply()


def test_the_table_counts_the_adapters_that_apply_makes(backbone: Backbone) -> None:
    plan = FreezePlan(backbone, {"stage*": "lora", "stem": "norm"})
    counted = dict(zip(plan.table()["stage"], plan.table()["trainable"], strict=True))
    plan.apply()
    learning = learning_parameters(backbone)
    assert counted == {stage: sum(p.numel() for p in members.values()) for stage, members in learning.items()}


def test_weights_that_are_used_without_a_call_get_no_adapter() -> None:
    # torch's own attention multiplies with out_proj.weight and never calls out_proj.
    backbone = load_backbone("torchvision/vit_b_32", pretrained=False, num_classes=3)
    plan = FreezePlan(backbone, {"stage1": "lora"})
    adapted = plan.apply().adapted
    assert len(adapted) == 2
    assert not any("out_proj" in name for name in adapted)


def test_grouped_dilated_and_standardised_convolutions_get_no_adapter() -> None:
    backbone = load_backbone("test_efficientnet", pretrained=False, num_classes=3)
    adapted = FreezePlan(backbone, {"*": "lora", "head": "trainable"}).apply().adapted
    assert adapted
    assert all(layer.groups == 1 for layer in adapted.values() if isinstance(layer, nn.Conv2d))
    standardised = load_backbone("test_nfnet", pretrained=False, num_classes=3)
    layers = FreezePlan(standardised, {"*": "lora", "head": "trainable"}).apply().adapted
    assert not any("Std" in type(layer).__name__ for layer in layers.values())
