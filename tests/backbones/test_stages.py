from __future__ import annotations

import pytest

from tlwidgets import load_backbone
from tlwidgets.backbones import stage_costs

FAMILIES = [
    "resnet18",
    "test_vit",
    "convnext_atto",
    "efficientnet_lite0",
    "mobilenetv3_small_050",
    "levit_128s",
    "mixer_s32_224",
    "torchvision/resnet18",
    "torchvision/vit_b_16",
    "torchvision/squeezenet1_1",
    "torchvision/densenet121",
    "torchvision/vgg11",
]


@pytest.mark.parametrize("name", FAMILIES)
def test_stages_cover_every_parameter_and_buffer_exactly_once_in_order(name: str) -> None:
    backbone = load_backbone(name, pretrained=False, num_classes=4)
    names = [stage.name for stage in backbone.stages]
    assert names == ["stem", *(f"stage{i}" for i in range(1, len(names) - 1)), "head"]
    parameters = [n for stage in backbone.stages for n in stage.parameter_names]
    buffers = [n for stage in backbone.stages for n in stage.buffer_names]
    assert sorted(parameters) == sorted(n for n, _ in backbone.model.named_parameters())
    assert sorted(buffers) == sorted(n for n, _ in backbone.model.named_buffers())
    owned = [n for stage in backbone.stages for n in stage.module_names]
    assert len(owned) == len(set(owned))
    assert len(names) >= 4


@pytest.mark.parametrize("name", ["resnet18", "test_vit", "torchvision/squeezenet1_1"])
def test_the_head_is_new_and_has_one_output_a_class(name: str) -> None:
    backbone = load_backbone(name, pretrained=False, num_classes=4)
    assert backbone.num_classes == 4
    head = backbone.stages[-1]
    assert head.n_parameters in {backbone.num_features * 4 + 4, 512 * 4 + 4}


def test_costs_add_up_to_what_the_network_is_known_to_cost() -> None:
    table = stage_costs(load_backbone("resnet18", pretrained=False))
    # 1.82 GMACs at 224 pixels: He et al. 2015, table 1, "1.8 x 10^9" for 18 layers.
    assert table["macs"].sum() == pytest.approx(1.82e9, rel=0.01)
    assert table["share"].sum() == pytest.approx(1)
    assert table["parameters"].sum() == 11_689_512


def test_costs_leave_the_network_as_it_was(tiny: str) -> None:
    model = load_backbone(tiny).model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    stage_costs(load_backbone(tiny))
    assert model.training
    assert all((before[name] == tensor).all() for name, tensor in model.state_dict().items())
