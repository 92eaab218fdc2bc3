"""The table of sizes against networks that are built, and the words of tags."""

from __future__ import annotations

from collections import Counter

import pytest

from tlwidgets.backbones import catalogue, load_backbone, stage_costs
from tlwidgets.backbones.pretraining_data import datasets_in
from tlwidgets.backbones.sizes import Size, read_sizes
from tlwidgets.backbones.sizing import measure, missing_sizes


@pytest.mark.parametrize("name", ["tlw_resnet", "test_vit.r160_in1k", "resnet18.a1_in1k", "torchvision/mobilenet_v2"])
def test_the_table_says_what_a_network_measures(name: str) -> None:
    size = read_sizes()[name]
    assert size == measure(name)
    backbone = load_backbone(name, pretrained=False)
    assert size.parameters == sum(parameter.numel() for parameter in backbone.model.parameters())
    assert size.macs == pytest.approx(stage_costs(backbone)["macs"].sum(), rel=1e-3)


def test_known_networks_have_their_published_sizes() -> None:
    resnet, vit = read_sizes()["resnet50.a1_in1k"], read_sizes()["vit_base_patch16_224.augreg2_in21k_ft_in1k"]
    assert resnet.parameters == 25_557_032
    assert resnet.macs == pytest.approx(4.1e9, rel=0.02)
    assert vit.parameters == 86_567_656
    assert vit.macs == pytest.approx(17.6e9, rel=0.02)


def test_what_is_kept_for_the_backward_pass_is_what_a_real_step_keeps() -> None:
    import torch

    backbone = load_backbone("tlw_resnet", pretrained=False)
    kept: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        backbone.model.train()(backbone.example().repeat(8, 1, 1, 1))
    weights = {parameter.untyped_storage().data_ptr() for parameter in backbone.model.parameters()}
    activations = sum(storage.nbytes() for at, storage in kept.items() if at not in weights)
    assert read_sizes()["tlw_resnet"].kept_bytes == pytest.approx(activations / 8, rel=0.05)


def test_nearly_everything_in_the_catalogue_has_a_size() -> None:
    unknown = [entry.name for entry in catalogue() if entry.parameters is None]
    assert len(unknown) < 0.02 * len(catalogue()), unknown


def test_a_network_that_cannot_be_measured_is_named_and_tags_that_differ_in_weights_alone_are_measured_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def measured(name: str) -> Size:
        asked.append(name)
        if name.startswith("resnet18"):
            raise RuntimeError("cannot be run")
        return Size(1, 2, 3)

    monkeypatch.setattr("tlwidgets.backbones.sizing.read_sizes", dict)
    found = dict(missing_sizes(measured))
    assert isinstance(found["resnet18.a1_in1k"], RuntimeError)
    assert found["resnet50.a1_in1k"] == found["resnet50.a2_in1k"] == Size(1, 2, 3)
    assert len(set(asked)) == len(asked) < len(found)


def test_entries_say_what_they_were_pretrained_on_and_which_family_they_are_of() -> None:
    entries = {entry.name: entry for entry in catalogue()}
    assert datasets_in("sw_in12k_ft_in1k") == ("ImageNet-12k", "ImageNet-1k")
    assert datasets_in("mae") == ()
    assert entries["torchvision/resnet18"].datasets == ("ImageNet-1k",)
    assert entries["vit_tiny_patch16_224.augreg_in21k"].group == "vision_transformer"
    assert entries["torchvision/vit_b_16"].group == "vision_transformer"
    assert entries["torchvision/wide_resnet50_2"].group == entries["resnet18.a1_in1k"].group == "resnet"
    assert min(Counter(entry.group for entry in entries.values()).values()) > 0
    assert all(entry.group for entry in entries.values())
