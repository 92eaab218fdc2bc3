from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.backbones import Backbone
from tlwidgets.errors import RunError
from tlwidgets.training.weight_ensemble import count_statistics, interpolate


@pytest.fixture
def pair(tiny: str) -> tuple[Backbone, Backbone]:
    """The pre-trained network, and one a step further: other weights, other statistics, another head."""
    start, end = tlw.load_backbone(tiny, num_classes=3), tlw.load_backbone(tiny, num_classes=3)
    end.model.train()
    torch.manual_seed(1)
    end.model(torch.randn(8, 3, 16, 16)).sum().backward()
    with torch.no_grad():
        for parameter in end.model.parameters():
            parameter -= 0.01 * parameter.grad
    end.model.eval()
    return start, end


def test_both_ends_of_the_line_are_returned_bit_by_bit(pair: tuple[Backbone, Backbone]) -> None:
    start, end = pair
    for alpha, side in ((0, start), (1, end)):
        state = tlw.wise_ft(end, alpha, start).model.state_dict()
        floats = {name for name, tensor in state.items() if tensor.is_floating_point()}
        assert all(torch.equal(state[name], side.model.state_dict()[name]) for name in floats)


def test_half_way_every_float_is_the_mean_and_every_counter_an_integer(pair: tuple[Backbone, Backbone]) -> None:
    start, end = pair
    state = tlw.wise_ft(end, 0.25, start).model.state_dict()
    before, after = start.model.state_dict(), end.model.state_dict()
    for name, tensor in state.items():
        if name.endswith("num_batches_tracked"):
            assert tensor.dtype == torch.int64
            assert torch.equal(tensor, after[name])
        else:
            assert torch.allclose(tensor, 0.75 * before[name] + 0.25 * after[name])


def test_without_a_start_the_pretrained_body_meets_the_tuned_head(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run = tlw.fit(recipe, tmp_path / "run", progress=False)
    before = {name: tensor.clone() for name, tensor in run.backbone.model.state_dict().items()}
    source = tlw.load_backbone(recipe.backbone, num_classes=3).model
    blend = tlw.wise_ft(run, 0.0)
    assert torch.equal(blend.model.layer1[0].conv1.weight, source.layer1[0].conv1.weight)
    assert torch.equal(blend.model.fc.weight, before["fc.weight"])
    assert blend.classes == run.classes
    whole = tlw.wise_ft(run, 1.0)
    images = recipe.data.images(recipe.data.indices("test"))
    np.testing.assert_array_equal(whole.logits(images), run.backbone.logits(images))
    assert all(torch.equal(tensor, run.backbone.model.state_dict()[name]) for name, tensor in before.items())


def test_the_line_may_start_at_the_run_of_a_linear_probe(recipe: tlw.Recipe, tmp_path: Path) -> None:
    body = dict.fromkeys(["stem", "stage1", "stage2", "stage3", "stage4"], "frozen")
    probe = tlw.fit(recipe.replace(plan=body), tmp_path / "probe", progress=False)
    tuned = tlw.fit(recipe, tmp_path / "tuned", progress=False)
    assert torch.equal(tlw.wise_ft(tuned, 0, probe).model.fc.weight, probe.backbone.model.fc.weight)


def test_statistics_counted_on_images_are_those_of_all_of_them_at_once(tiny: str) -> None:
    backbone = tlw.load_backbone(tiny, num_classes=3)
    images = list(np.random.default_rng(0).integers(0, 255, (150, 16, 16, 3)).astype(np.uint8))
    was_training = backbone.model.conv1[1].training
    count_statistics(backbone, images)
    stem = backbone.model.conv1[0]
    with torch.inference_mode():
        entering = stem(backbone.preprocessing.normalise(backbone.preprocessing.prepare_all(images)))
    norm = backbone.model.conv1[1]
    assert torch.allclose(norm.running_mean, entering.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(norm.running_var, entering.transpose(0, 1).flatten(1).var(1), rtol=1e-4)
    assert norm.track_running_stats
    assert norm.training == was_training
    assert not norm._forward_pre_hooks


def test_after_counting_the_deepest_layer_sees_what_its_statistics_say(pair: tuple[Backbone, Backbone]) -> None:
    start, end = pair
    images = list(np.random.default_rng(0).integers(0, 255, (60, 16, 16, 3)).astype(np.uint8))
    blend = tlw.wise_ft(end, 0.5, start, images=images)
    seen = []
    norm = blend.model.layer4[0].bn1
    handle = norm.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    blend.features(images)
    handle.remove()
    channels = seen[0].transpose(0, 1).flatten(1)
    assert torch.allclose(channels.mean(1), norm.running_mean, atol=0.02)
    assert torch.allclose(channels.var(1), norm.running_var, rtol=0.05)
    averaged = tlw.wise_ft(end, 0.5, start).model.layer4[0].bn1
    assert not torch.allclose(averaged.running_var, norm.running_var, rtol=0.1)


def test_what_cannot_be_averaged_is_refused(tiny: str, pair: tuple[Backbone, Backbone]) -> None:
    with pytest.raises(RunError, match="on 1 images"):
        tlw.wise_ft(pair[1], 0.5, pair[0], images=[np.zeros((16, 16, 3), np.uint8)])
    with pytest.raises(RunError, match=r"alpha is 1\.5"):
        tlw.wise_ft(pair[1], 1.5)
    with pytest.raises(RunError, match=r"'fc\.weight' is not in both"):
        tlw.wise_ft(pair[1], 0.5, tlw.load_backbone(tiny, num_classes=4))
    with pytest.raises(RunError, match="'b' is not in both"):
        interpolate({"a": torch.zeros(1)}, {"a": torch.zeros(1), "b": torch.zeros(1)}, 0.5)
