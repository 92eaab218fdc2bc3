from __future__ import annotations

import pytest
import torch
from torch import nn

from tlwidgets.errors import RecipeError
from tlwidgets.methods import delta
from tlwidgets.training import Batch
from tlwidgets.training.channel_attention import channel_attention, feature_maps, silenced
from tlwidgets.training.method import Setting


def test_the_gap_is_zero_between_equal_maps_and_its_gradient_reaches_the_target_alone() -> None:
    source = torch.randn(4, 6, 9, requires_grad=True)
    target = source.detach().clone().requires_grad_(True)
    assert delta.behaviour_gap(source, target) == 0
    delta.behaviour_gap(source, target + 0.5).backward()
    assert torch.allclose(target.grad, torch.full_like(target, 0.5))
    assert source.grad is None


def test_attention_of_ones_is_the_plain_gap_times_channels_over_places() -> None:
    source, target = torch.randn(2, 4, 6, 9)
    plain, attended = delta.behaviour_gap(source, target), delta.behaviour_gap(source, target, torch.ones(6))
    assert attended.item() == pytest.approx(plain.item() * 6 / 9)
    assert plain.item() == pytest.approx(0.5 * float((source - target).norm() ** 2))


def test_attention_weighs_channels() -> None:
    source = torch.zeros(1, 2, 4)
    target = torch.stack([torch.full((4,), 1.0), torch.full((4,), 10.0)])[None]
    only_first = delta.behaviour_gap(source, target, torch.tensor([1.0, 0.0]))
    assert only_first.item() == pytest.approx(0.5 * 2 / 4 * 4)


def test_at_the_start_a_network_in_evaluation_costs_only_its_head(setting: Setting, batch: Batch) -> None:
    model = setting.backbone.model.eval()
    method = delta.make(setting, alpha=1.0, beta=2.0)
    result = method.step(model, batch)
    head = sum(float(p.detach().square().sum()) for p in model.fc.parameters())
    assert result.extras["penalty"] == pytest.approx(head, rel=1e-5)
    with torch.no_grad():
        model.layer3[0].bn2.weight.add_(1)
    assert method.step(model, batch).extras["penalty"] > head + 1e-3


@pytest.mark.parametrize("images", [0, 12])
def test_a_step_pulls_what_is_watched_and_leaves_source_and_hooks_alone(
    setting: Setting, batch: Batch, images: int
) -> None:
    model = setting.backbone.model.eval()
    method = delta.make(setting, alpha=1.0, beta=0.0, attention_images=images)
    assert [name.split(".")[0] for name in method.layers] == ["layer1", "layer2", "layer3", "layer4"]
    before = {name: tensor.clone() for name, tensor in method.source.state_dict().items()}
    with torch.no_grad():
        model.layer1[0].bn2.weight.add_(1)
    with feature_maps(model, method.trained) as ours:
        model(batch.images)
    with torch.no_grad(), feature_maps(model, [method.source.get_submodule(n) for n in method.layers]) as theirs:
        method.source(batch.images)
    weights = method.attention or [None] * 4
    expected = sum(delta.behaviour_gap(a, b, w) for a, b, w in zip(theirs, ours, weights, strict=True)) / 12
    assert expected > 0.01
    result = method.step(model, batch)
    assert result.extras["penalty"] == pytest.approx(expected.item(), rel=1e-5)
    bare = nn.functional.cross_entropy(model(batch.images), batch.labels)
    assert result.loss.item() == pytest.approx((bare + expected).item(), rel=1e-5)
    result.loss.backward()
    assert all(torch.equal(tensor, before[name]) for name, tensor in method.source.state_dict().items())
    assert not any(module._forward_hooks for module in (*model.modules(), *method.source.modules()))


class Picky(nn.Module):
    """Three channels of which only the second tells the classes apart."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Identity()
        self.fc = nn.Linear(3, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.fc(self.body(images).mean((2, 3)))


def test_attention_looks_at_the_channel_that_tells_the_classes_apart() -> None:
    labels = torch.arange(40) % 2
    images = torch.randn(40, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 0.1
    images[:, 1] += labels[:, None, None].float()
    (attention,) = channel_attention(Picky().eval(), ["body"], images, labels)
    assert attention.argmax() == 1
    assert attention.sum().item() == pytest.approx(1)
    silent = images.clone()
    silent[:, 1] = 0
    assert torch.equal(silenced(images, 1, False), silent)


def test_making_it_draws_no_random_numbers_and_gives_the_same_attention_twice(setting: Setting) -> None:
    before = torch.get_rng_state()
    first, second = delta.make(setting), delta.make(setting)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(a, b) for a, b in zip(first.attention, second.attention, strict=True))


def test_transformers_are_watched_by_their_tokens() -> None:
    import timm

    model = timm.create_model("test_vit", num_classes=2).eval()
    with torch.no_grad(), feature_maps(model, [model.blocks[0]]) as maps:
        tokens = model.forward_intermediates(torch.zeros(2, 3, 160, 160), indices=[0], intermediates_only=True)[0]
    assert maps[0].shape[:2] == (2, model.num_features)
    assert torch.equal(maps[0][:, :, -tokens[0, 0].numel() :].flatten(), tokens.flatten(2).flatten())


def test_what_it_cannot_do_is_refused(setting: Setting) -> None:
    with pytest.raises(RecipeError, match="alpha is -1"):
        delta.make(setting, alpha=-1)
    scratch = Setting(setting.backbone, setting.data, setting.recipe.replace(pretrained=False))
    with pytest.raises(RecipeError, match="pretrained is False"):
        delta.make(scratch)
