from __future__ import annotations

import pytest
import torch

import tlwidgets as tlw
from tlwidgets.backbones import Backbone, stage_costs
from tlwidgets.errors import BackboneError
from tlwidgets.training import dry_run as module
from tlwidgets.training.dry_run import StepCost, dry_run, leading_share, step_bytes


@pytest.fixture
def backbone(tiny: str) -> Backbone:
    return tlw.load_backbone(tiny, num_classes=3)


def plan(backbone: Backbone, **states: str) -> dict[str, str]:
    return tlw.FreezePlan(backbone, {"*": "trainable", **states}).states


def test_the_network_and_the_random_numbers_stay_as_they_are(backbone: Backbone) -> None:
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    gradients = [parameter.requires_grad for parameter in backbone.model.parameters()]
    state = torch.get_rng_state()
    for changes in ({}, {"stage*": "lora"}, {"*": "norm"}):
        dry_run(backbone, plan(backbone, **changes))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in backbone.model.state_dict().items())
    assert [parameter.requires_grad for parameter in backbone.model.parameters()] == gradients
    assert all(parameter.grad is None for parameter in backbone.model.parameters())


def test_dropout_in_training_draws_nothing() -> None:
    backbone = tlw.load_backbone("torchvision/squeezenet1_1", pretrained=False, num_classes=3)
    state = torch.get_rng_state()
    dry_run(backbone, plan(backbone))
    assert torch.equal(torch.get_rng_state(), state)


def test_memory_is_weights_gradients_moments_and_what_the_images_leave(backbone: Backbone) -> None:
    weights = sum(tensor.nbytes for tensor in (*backbone.model.parameters(), *backbone.model.buffers()))
    learning = 4 * sum(parameter.numel() for parameter in backbone.model.parameters())
    whole = {n: step_bytes(backbone, plan(backbone), n) for n in (16, 32)}
    images = whole[32] - whole[16]
    assert whole[16] == weights + 3 * learning + images
    assert step_bytes(backbone, plan(backbone), 16, "sgd") == whole[16] - learning
    head = plan(backbone, **{"*": "frozen", "head": "trainable"})
    n_head = backbone.stages[-1].n_parameters
    # A linear head keeps its input of 16 numbers alone.
    assert step_bytes(backbone, head, 16) == weights + 12 * n_head + 16 * 16 * 4


def test_a_plan_that_learns_less_costs_less(backbone: Backbone) -> None:
    whole = dry_run(backbone, plan(backbone), 16)
    head = dry_run(backbone, plan(backbone, **{"*": "frozen", "head": "trainable"}), 16)
    assert head.seconds < whole.seconds
    assert head.forward_seconds < whole.seconds


def test_the_cache_saves_its_share_of_the_forward_pass(backbone: Backbone) -> None:
    cost = StepCost(0, seconds=0.03, forward_seconds=0.01)
    assert cost.epoch_seconds(100) == pytest.approx(3.0)
    assert cost.epoch_seconds(100, 0.5) == pytest.approx(2.5)
    shares = stage_costs(backbone).set_index("stage")["share"].to_dict()
    assert leading_share(plan(backbone, stage2="frozen"), shares) == 0
    states = plan(backbone, stem="frozen", stage1="frozen", stage2="norm", stage3="frozen")
    assert leading_share(states, shares) == pytest.approx(shares["stem"] + shares["stage1"])


def test_what_cannot_be_tried_is_refused(backbone: Backbone, tiny_text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = tlw.load_backbone(tiny_text, num_classes=2)
    with pytest.raises(BackboneError, match="length"):
        dry_run(text, plan(text))
    monkeypatch.setattr(module, "MOST_PARAMETERS", 100)
    with pytest.raises(BackboneError, match="too large"):
        dry_run(backbone, plan(backbone))
