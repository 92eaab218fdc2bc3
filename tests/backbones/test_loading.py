from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image

from tlwidgets import list_backbones, load_backbone
from tlwidgets.backbones import loading
from tlwidgets.errors import BackboneError


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BackboneError, match=r"no backbone named 'resnt18'.*resnet18"):
        load_backbone("resnt18")
    with pytest.raises(BackboneError, match=r"Tags of this model: .*a1_in1k"):
        load_backbone("resnet18.no_such_tag")
    with pytest.raises(BackboneError, match="torchvision/resnet18"):
        load_backbone("torchvision/resnt18")


@pytest.mark.parametrize("name", ["resnet18", "resnet18.a1_in1k", "torchvision/resnet18"])
def test_weights_that_are_not_at_hand_are_told_at_once_with_offline_choices(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(loading, "online", lambda host: False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(BackboneError, match=r"not on this machine.*work with no network: .*tlw_resnet"):
        load_backbone(name)


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match=r"no config\.json"):
        load_backbone(f"local-dir:{tmp_path}")


def test_damaged_weights_are_told_not_traced(tiny: str, tmp_path: Path) -> None:
    source = Path(tiny.removeprefix("local-dir:"))
    (tmp_path / "config.json").write_bytes((source / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(BackboneError, match="could not be loaded"):
        load_backbone(f"local-dir:{tmp_path}")


def test_pretrained_weights_arrive_and_random_ones_differ(tiny: str) -> None:
    stored = load_backbone(tiny, num_classes=3).model.state_dict()["conv1.0.weight"]
    assert torch.equal(stored, load_backbone(tiny, num_classes=9).model.state_dict()["conv1.0.weight"])
    assert not torch.equal(stored, load_backbone(tiny, pretrained=False).model.state_dict()["conv1.0.weight"])


def test_preprocessing_is_timms_own_to_the_bit(tiny: str) -> None:
    backbone = load_backbone(tiny)
    image = np.random.default_rng(0).integers(0, 256, (37, 53, 3), dtype=np.uint8)
    ours = backbone.preprocessing.normalise(backbone.preprocessing.prepare(image)[None])[0]
    config = timm.data.resolve_model_data_config(backbone.model)
    theirs = timm.data.create_transform(**config, is_training=False)(Image.fromarray(image))
    assert list(config["mean"]) == [0.5] * 3
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


def test_features_change_nothing_and_do_not_depend_on_the_batch(tiny: str) -> None:
    backbone = load_backbone(tiny)
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 20, 3), dtype=np.uint8)
    before = {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}
    features = backbone.features(images)
    assert features.shape == (5, 16)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features, backbone.features(images, batch_size=2), atol=1e-5)
    assert backbone.model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in backbone.model.state_dict().items())


@pytest.mark.parametrize("images", [[], np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 3))])
def test_images_of_another_kind_are_refused(tiny: str, images: np.ndarray) -> None:
    with pytest.raises(BackboneError, match="uint8"):
        load_backbone(tiny).features(images)


def test_the_catalogue_finds_names_and_says_what_works_offline() -> None:
    table = list_backbones("resnet 18")
    assert {"resnet18.a1_in1k", "torchvision/resnet18"} <= set(table["name"])
    bundled = list_backbones(offline=True)
    assert "tlw_resnet" in set(bundled["name"])
    assert len(list_backbones()) > 1800


@pytest.mark.parametrize("name", ["vit_b_16", "vit_b_32", "vit_l_16", "vit_l_32", "vit_h_14"])
def test_a_vision_transformer_of_torchvision_is_built_for_the_size_that_its_preprocessing_gives(name: str) -> None:
    with torch.device("meta"):  # shapes and no numbers: the largest would take 2.5 GB
        backbone = load_backbone(f"torchvision/{name}", pretrained=False, num_classes=3)
        with torch.no_grad():
            answer = backbone.model(backbone.example())
    assert answer.shape == (1, 3)
    assert backbone.model.image_size == backbone.preprocessing.input_size[1]
