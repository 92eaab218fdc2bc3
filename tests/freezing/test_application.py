from __future__ import annotations

import copy

import pytest
import torch

from tlwidgets import FreezePlan, load_backbone
from tlwidgets.errors import PlanError
from tlwidgets.freezing import fingerprint, moved


def _snapshot(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def _train_a_step(model: torch.nn.Module) -> None:
    optimiser = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.5, momentum=0.9)
    model(torch.randn(8, 3, 16, 16)).logsumexp(1).sum().backward()
    optimiser.step()


@pytest.mark.parametrize("last", ["stem", "stage1", "stage2", "stage3", "stage4"])
def test_no_frozen_bit_moves_in_training_and_every_other_stage_does(tiny: str, last: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    applied = FreezePlan(backbone).freeze_until(last).apply()
    backbone.model.train()  # as a careless loop would, after freezing
    before = _snapshot(backbone.model)
    _train_a_step(backbone.model)
    after = backbone.model.state_dict()
    for name in applied.frozen_names:
        assert torch.equal(before[name], after[name]), name
    for stage in backbone.stages:
        if applied.states[stage.name] == "trainable":
            assert any(not torch.equal(before[name], after[name]) for name in stage.parameter_names), stage.name


def test_frozen_batchnorm_and_dropout_stay_in_evaluation_after_train(tiny: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    FreezePlan(backbone).freeze_until("stage2").apply()
    backbone.model.train()
    norms = {n: m.training for n, m in backbone.model.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert not any(training for name, training in norms.items() if name.startswith(("bn1", "layer1", "layer2")))
    assert all(training for name, training in norms.items() if name.startswith(("layer3", "layer4")))


def test_undo_restores_gradients_modes_and_the_reach_of_train(tiny: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    backbone.model.layer1.eval()
    next(backbone.model.parameters()).requires_grad_(False)
    modes = [m.training for m in backbone.model.modules()]
    gradients = [p.requires_grad for p in backbone.model.parameters()]
    FreezePlan(backbone).freeze_until("stage3").apply().undo()
    assert [m.training for m in backbone.model.modules()] == modes
    assert [p.requires_grad for p in backbone.model.parameters()] == gradients
    backbone.model.train()
    assert all(m.training for m in backbone.model.modules())


def test_a_copy_of_a_frozen_network_stays_frozen_on_its_own(tiny: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    applied = FreezePlan(backbone).freeze_until("stage4").apply()
    clone = copy.deepcopy(backbone.model)
    applied.undo()
    clone.train()
    assert not clone.layer1.training


def test_a_plan_that_freezes_everything_is_refused_before_anything_changes(tiny: str) -> None:
    backbone = load_backbone(tiny, num_classes=3)
    plan = FreezePlan(backbone).freeze_until("head")
    with pytest.raises(PlanError, match="nothing would learn"):
        plan.apply()
    assert all(p.requires_grad for p in backbone.model.parameters())


def test_a_plan_for_another_network_is_refused(tiny: str) -> None:
    with pytest.raises(PlanError, match="no stage named 'stage9'"):
        FreezePlan(["stem", "stage9", "head"]).apply(load_backbone(tiny, num_classes=3))


def test_the_audit_sees_a_single_flipped_bit_and_a_buffer(tiny: str) -> None:
    model = load_backbone(tiny, num_classes=3).model
    names = ["layer1.0.conv1.weight", "bn1.running_mean", "bn1.num_batches_tracked"]
    before = fingerprint(model, names)
    assert moved(before, model) == []
    with torch.no_grad():
        weight = model.get_parameter("layer1.0.conv1.weight").view(-1)
        weight[0] = torch.nextafter(weight[0], torch.tensor(9.0))
    model.bn1.num_batches_tracked += 1
    assert moved(before, model) == ["layer1.0.conv1.weight", "bn1.num_batches_tracked"]
