from __future__ import annotations

import numpy as np
import pytest
import torch

from tlwidgets import load_backbone
from tlwidgets.backbones import Backbone, stage_costs
from tlwidgets.backbones.input_channels import first_layers
from tlwidgets.errors import BackboneError


def _twins(name: str, in_chans: int) -> tuple[Backbone, Backbone]:
    """The same random network for three channels and for ``in_chans``."""
    loaded = []
    for channels in (3, in_chans):
        torch.manual_seed(0)
        loaded.append(load_backbone(name, pretrained=False, num_classes=4, in_chans=channels))
    return loaded[0], loaded[1]


def _pictures(channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 96, 96, channels), dtype=np.uint8)


def _first_answer(backbone: Backbone, images: np.ndarray) -> torch.Tensor:
    """What the first layer says, without two columns at each border, where its filter reaches into the padding."""
    caught: list[torch.Tensor] = []
    layer = backbone.model.get_submodule(first_layers(backbone.model)[0])
    handle = layer.register_forward_hook(lambda _module, _inputs, output: caught.append(output))
    backbone.logits(images)
    handle.remove()
    return caught[0][..., 2:-2, 2:-2]


# Unequal means (a bias is needed), a weight that standardises itself, space folded into depth, a Normaliser inside.
@pytest.mark.parametrize("name", ["resnet18", "nf_regnet_b0", "tresnet_m", "torchvision/mobilenet_v3_small"])
@pytest.mark.parametrize("in_chans", [1, 2])
def test_grey_gives_what_its_repetition_in_three_colours_gave(name: str, in_chans: int) -> None:
    colour, few = _twins(name, in_chans)
    grey = _pictures(1)
    wanted = _first_answer(colour, np.repeat(grey, 3, 3))
    answer = _first_answer(few, np.repeat(grey, in_chans, 3))
    assert wanted.abs().max() > 0.01
    torch.testing.assert_close(answer, wanted, rtol=1e-5, atol=2e-6)


def test_a_network_of_unpadded_patches_is_exact_to_its_very_end() -> None:
    colour, one = _twins("test_vit", 1)
    grey = _pictures(1)
    np.testing.assert_allclose(one.logits(grey), colour.logits(np.repeat(grey, 3, 3)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "nf_regnet_b0", "test_vit"])
def test_a_fourth_channel_leaves_what_three_gave_and_can_learn(name: str) -> None:
    colour, four = _twins(name, 4)
    images = _pictures(4)
    np.testing.assert_allclose(four.logits(images), colour.logits(images[..., :3]), rtol=1e-4, atol=1e-6)
    batch = four.preprocessing.normalise(four.preprocessing.prepare_all(images))
    four.model(batch).logsumexp(1).sum().backward()
    layer = four.model.get_submodule(first_layers(four.model)[0])
    gradient = layer.weight.grad.reshape(len(layer.weight), -1, 4, *layer.weight.shape[2:])
    assert gradient[:, :, 3].abs().max() > 0


def test_preprocessing_of_one_channel_takes_colour_and_grey_alike(tiny: str) -> None:
    backbone = load_backbone(tiny, in_chans=1)
    grey = _pictures(1)[0]
    assert backbone.preprocessing.input_size == (1, 16, 16)
    assert backbone.preprocessing.prepare(grey).shape == (1, 16, 16)
    assert torch.equal(backbone.preprocessing.prepare(grey), backbone.preprocessing.prepare(np.repeat(grey, 3, 2)))
    assert backbone.features(_pictures(3)).shape == (2, 16)


def test_a_fourth_channel_is_no_transparency(tiny: str) -> None:
    image = _pictures(4)[0]
    image[..., 3] = 0  # premultiplied alpha would turn all colours black
    prepared = load_backbone(tiny, in_chans=4).preprocessing.prepare(image)
    assert torch.equal(prepared[:3], load_backbone(tiny).preprocessing.prepare(image[..., :3]))
    assert not prepared[3].any()


def test_costs_and_features_follow_the_channels(tiny: str) -> None:
    one = load_backbone(tiny, in_chans=1)
    assert stage_costs(one)["macs"].iloc[0] < stage_costs(load_backbone(tiny))["macs"].iloc[0]
    assert one.num_features == 16


@pytest.mark.parametrize("in_chans", [0, -1, 1.0, "1", True])
def test_a_number_of_channels_that_is_none_is_refused(tiny: str, in_chans: object) -> None:
    with pytest.raises(BackboneError, match="in_chans"):
        load_backbone(tiny, in_chans=in_chans)  # type: ignore[arg-type]


def test_images_with_other_channels_are_refused_with_the_right_number(tiny: str) -> None:
    with pytest.raises(BackboneError, match=r"\(N, H, W, 4\)"):
        load_backbone(tiny, in_chans=4).features(_pictures(3))
    with pytest.raises(BackboneError, match=r"\(H, W, 3\)"):
        load_backbone(tiny).preprocessing.prepare(_pictures(1)[0])


def test_a_network_that_begins_with_something_else_says_that_it_takes_colour_only() -> None:
    with pytest.raises(BackboneError, match="colour images only"):
        load_backbone("csatv2", pretrained=False, in_chans=1)
