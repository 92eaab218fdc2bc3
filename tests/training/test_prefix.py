from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

import tlwidgets as tlw
from tlwidgets.training.prefix import Partition
from tlwidgets.training.tracing import NotCacheableError


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("resnet10t", "stage2"),
        ("test_vit", "stage3"),
        ("convnext_atto", "stage2"),
        ("swin_tiny_patch4_window7_224", "stage2"),
        ("levit_128s", "stage1"),
        ("torchvision/resnet18", "stage2"),
        ("mobilenetv3_small_050", "stage3"),
    ],
)
def test_prefix_and_tail_together_are_the_network_in_loss_and_gradient(name: str, until: str) -> None:
    torch.manual_seed(0)
    backbone = tlw.load_backbone(name, pretrained=False, num_classes=3)
    tlw.FreezePlan(backbone).freeze_until(until).apply()
    backbone.model.train()
    side = backbone.preprocessing.input_size[-1]
    images = torch.randn(3, 3, side, side)
    partition = Partition(backbone.model, images[:1])
    gradients = []
    for forward in (backbone.model, lambda x: partition.run_tail(partition.run_prefix(x))):
        torch.manual_seed(1)
        backbone.model.zero_grad()
        forward(images).logsumexp(1).sum().backward()
        gradients.append({n: p.grad.clone() for n, p in backbone.model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for key, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][key], rtol=1e-5, atol=1e-6)


def test_several_tensors_may_cross_the_cut() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low, self.high = nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
            self.head = nn.Linear(2, 2)
            self.low.requires_grad_(False)
            self.high.requires_grad_(False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            low = self.low(x)
            return self.head((self.head(low.mean((2, 3))) + self.high(low).mean((2, 3))).view(x.shape[0], -1))

    model = Skip()
    images = torch.randn(5, 3, 8, 8)
    partition = Partition(model, images[:1])
    assert len(partition.shapes) == 2
    assert torch.equal(partition.run_tail(partition.run_prefix(images)), model(images))


def test_what_draws_or_remembers_is_never_in_the_prefix() -> None:
    frozen = nn.Conv2d(3, 4, 3).requires_grad_(False)
    head = nn.Linear(4, 2)
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), head]
    image = torch.randn(1, 3, 8, 8)
    dropped = Partition(nn.Sequential(frozen, nn.Dropout(0.5), *pooled), image)
    assert dropped.shapes == ((1, 4, 6, 6),)
    moving = Partition(nn.Sequential(frozen, nn.BatchNorm2d(4).requires_grad_(False), *pooled), image)
    assert moving.shapes == ((1, 4, 6, 6),)
    still = Partition(nn.Sequential(frozen, nn.BatchNorm2d(4).requires_grad_(False).eval(), *pooled), image)
    assert still.shapes == ((1, 4),)


class Ending(nn.Module):
    """Something frozen, and a head that learns."""

    def __init__(self, middle: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(12, 8).requires_grad_(False), nn.Linear(8, 2)
        self.middle = middle

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.middle(self.body(x.flatten(1))))


class Attention(nn.Module):
    """Of each image to itself, frozen and in training mode."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, dropout, batch_first=True).requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x[:, None], x[:, None], x[:, None])[0][:, 0]


IMAGE = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("middle", "fixed"),
    [
        (nn.ReLU(), True),
        (nn.RReLU(), False),
        (nn.Dropout(0.0), True),
        (nn.BatchNorm1d(8, track_running_stats=False).requires_grad_(False).eval(), False),
        (Attention(0.0), True),
        (Attention(0.5), False),
        (lambda x: functional.dropout(x, 0.5), False),
        (lambda x: functional.dropout(x, 0.5, training=False), True),
        (lambda x: functional.scaled_dot_product_attention(x, x, x, dropout_p=0.5), False),
        (lambda x: functional.batch_norm(x, None, None, training=True), False),
        (lambda x: x + torch.rand_like(x), False),
    ],
    ids=[
        *("ReLU", "RReLU", "no dropout", "batch statistics", "attention", "attention with dropout", "dropout"),
        *("dropout in evaluation", "attention function", "batch norm function", "noise"),
    ],
)
def test_only_what_neither_draws_nor_mixes_images_is_computed_once(
    middle: Callable[[torch.Tensor], torch.Tensor], fixed: bool
) -> None:
    model = Ending(middle)
    targets = [str(node.target) for node in Partition(model, IMAGE).tail.graph.nodes if node.op.startswith("call")]
    assert (targets == ["model.head"]) == fixed


def test_weights_that_are_standardised_are_computed_once_too() -> None:
    class Standardised(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            weight = functional.batch_norm(self.weight[None], None, None, training=True)
            return functional.linear(x, weight[0])

    model = Ending(Standardised(8, 8).requires_grad_(False))
    assert Partition(model, IMAGE).shapes == ((1, 8),)


def test_conditions_on_the_size_of_images_do_not_hinder() -> None:
    class Checking(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low = nn.Conv2d(3, 4, 1).requires_grad_(False)
            self.norm, self.drop, self.head = nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Linear(4, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.ndim != 4 or x.shape[-1] % 2:
                raise ValueError("not an image")
            return self.head(self.drop(self.norm(self.low(x))).mean((2, 3)))

    model, twin = Checking(), Checking()
    twin.load_state_dict(model.state_dict())
    images = torch.randn(5, 3, 8, 8)
    partition = Partition(model, images[:1])
    assert partition.names == ("low.weight", "low.bias")
    for network, forward in ((twin, twin), (model, lambda x: partition.run_tail(partition.run_prefix(x)))):
        torch.manual_seed(1)
        forward(images).logsumexp(1).sum().backward()
        assert network.low.weight.grad is None
    assert torch.equal(model.head.weight.grad, twin.head.weight.grad)
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, twin.get_buffer(name)), name


def test_tracing_leaves_a_network_as_it_was() -> None:
    class Remembering(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.norm = nn.Linear(12, 4).requires_grad_(False), nn.BatchNorm1d(4)
            self.seen: object = None

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            self.seen = x.shape[0]
            return self.norm(self.body(x.flatten(1)))

    model = Remembering()
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    chance = torch.get_rng_state()
    Partition(model, IMAGE)
    assert isinstance(model.seen, int)
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), chance)
    assert model.training


def test_halves_that_are_not_the_network_are_refused() -> None:
    count = itertools.count(1)
    with pytest.raises(NotCacheableError, match="differ from the network"):
        Partition(Ending(lambda x: x * next(count)), IMAGE)
    with pytest.raises(NotCacheableError, match="on chance or on the other images"):
        Partition(Ending(lambda x: x - x.mean(0)), IMAGE)


def test_a_network_that_cannot_be_cut_says_why() -> None:
    image = torch.randn(1, 3, 8, 8)
    with pytest.raises(NotCacheableError, match="first layer already learns"):
        Partition(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), image)

    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3)))

    with pytest.raises(NotCacheableError, match="cannot be traced"):
        Partition(Branching(), image)

    class Mixing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x.mean((0, 2, 3)))

    with pytest.raises(NotCacheableError, match="cross the cut"):
        Partition(Mixing(), image)
