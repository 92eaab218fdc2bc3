"""Every family of timm and several of torchvision: what is frozen stands still to the bit, everything else learns."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial

import pytest
import timm
import torch
from families import IDS, NETWORKS, TIMM, load_family
from timm.models._registry import _model_to_module
from torch import nn
from torch.nn import functional

from tlwidgets import FreezePlan
from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.input_channels import adapt_input
from tlwidgets.errors import BackboneError
from tlwidgets.freezing import fingerprint, learning_parameters, moved

pytestmark = pytest.mark.families

# Parameters that get no gradient in a plain classification step, and why.
NO_GRADIENT: dict[str, tuple[str, ...]] = {}

# A bias right before a BatchNorm in training: its gradient is zero up to rounding, and on some processors exactly zero.
ROUNDING_ONLY: dict[str, tuple[str, ...]] = {"rexnet": ("*.se.fc1.bias",)}

# The same as `NO_GRADIENT` for adapters.
NO_ADAPTER_GRADIENT: dict[str, tuple[str, ...]] = {}

# Networks without normalisation layers of their own before the head.
NORM_FREE = {"nfnet", "torchvision-alexnet", "torchvision-squeezenet1_1", "torchvision-vgg11", "vgg"}

# Stages that are entered in another order than from input to output, and why.
OUT_OF_ORDER = {
    "efficientvim": "its classifier looks at every stage, the first one early",
}

COLOUR_ONLY = {"csatv2": "turns colours into frequencies before its first layer"}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _loss(backbone: Backbone) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, *backbone.preprocessing.input_size, generator=generator)
    return functional.cross_entropy(backbone.model(images), torch.tensor([0, 3]))


def _step(backbone: Backbone) -> tuple[set[str], set[str]]:
    """One step of SGD.

    Returns:
        Names of what learns and moved, or had a gradient too small to change a bit (a bias before BatchNorm: rounding
        noise); and of what learns and had no gradient at all, or zero everywhere.
    """
    learning = {name: p for members in learning_parameters(backbone).values() for name, p in members.items()}
    before = {name: parameter.detach().clone() for name, parameter in learning.items()}
    backbone.model.train()
    _loss(backbone).backward()
    still = {name for name, p in learning.items() if p.grad is None or not p.grad.any()}
    # Random networks in evaluation mode (running statistics of 0 and 1) can have gradients of any size.
    norm = float(nn.utils.get_total_norm(p.grad for p in learning.values() if p.grad is not None))
    rate = 0.1 / max(1.0, norm)
    too_small = {name for name, p in learning.items() if p.grad is not None and torch.equal(p - rate * p.grad, p)}
    torch.optim.SGD(learning.values(), lr=rate).step()
    backbone.model.zero_grad(set_to_none=True)
    return too_small | still | {name for name, p in learning.items() if not torch.equal(before[name], p)}, still


def _expected(names: set[str], patterns: tuple[str, ...]) -> set[str]:
    return {name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)}


def _check_cover(backbone: Backbone) -> None:
    stages, model = backbone.stages, backbone.model
    assert [stage.name for stage in stages] == ["stem", *(f"stage{i}" for i in range(1, len(stages) - 1)), "head"]
    assert len(stages) >= 4
    for kind, tensors in (("parameter_names", model.named_parameters()), ("buffer_names", model.named_buffers())):
        covered = [name for stage in stages for name in getattr(stage, kind)]
        assert sorted(covered) == sorted(name for name, _ in tensors)
    labels = [stage.label for stage in stages]
    assert len(set(labels)) == len(labels)
    total = sum(stage.n_parameters for stage in stages)
    assert sum(p.numel() for p in model.parameters()) == total
    assert stages[-1].n_parameters < 0.1 * total
    assert backbone.num_classes == 4


def _check_order(backbone: Backbone, family: str) -> None:
    owner = {name: i for i, stage in enumerate(backbone.stages) for name in stage.module_names}
    entered: list[int] = []
    handles = [
        module.register_forward_pre_hook(partial(lambda stage, *_: entered.append(stage), owner[name]))
        for name, module in backbone.model.named_modules()
        if name in owner and module._parameters
    ]
    with evaluating(backbone.model), torch.no_grad():
        _loss(backbone)
    for handle in handles:
        handle.remove()
    order = list(dict.fromkeys(entered))
    assert (order == sorted(order)) != (family in OUT_OF_ORDER), order
    assert len(order) == len(backbone.stages)


def _check_every_prefix(backbone: Backbone) -> None:
    model = backbone.model
    for stage in backbone.stages[:-1]:
        applied = FreezePlan(backbone).freeze_until(stage.name).apply()
        model.train()
        frozen = {name for name in applied.frozen_names if name in applied.gradients}
        assert {name for name, parameter in model.named_parameters() if not parameter.requires_grad} == frozen
        still = {name for s in backbone.stages for name in s.module_names if applied.states[s.name] == "frozen"}
        assert {name for name, module in model.named_modules() if not module.training} == still
        applied.undo()
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(module.training for module in model.modules())


@pytest.mark.parametrize(("family", "name"), NETWORKS, ids=IDS)
def test_what_is_frozen_stands_still_to_the_bit_and_everything_else_learns(
    family: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone = load_family(family, name, monkeypatch)
    _check_cover(backbone)
    _check_order(backbone, family)
    _check_every_prefix(backbone)
    middle = backbone.stages[len(backbone.stages) // 2 - 1].name
    applied = FreezePlan(backbone).freeze_until(middle).apply()
    before = fingerprint(backbone.model, applied.frozen_names)
    moved_or_still, without_gradient = _step(backbone)
    assert moved(before, backbone.model) == []
    without_gradient -= _expected(set(applied.learning), ROUNDING_ONLY.get(family, ()))
    assert without_gradient == _expected(set(applied.learning), NO_GRADIENT.get(family, ()))
    assert applied.learning - moved_or_still == set()
    applied.undo()
    _check_norm_and_adapters(backbone, family)
    _check_channels(backbone, family)


def _check_norm_and_adapters(backbone: Backbone, family: str) -> None:
    model = backbone.model
    norms = FreezePlan(backbone, {"*": "norm", "head": "frozen"})
    if family in NORM_FREE:
        assert norms.table()["trainable"].sum() == 0
    else:
        assert 0 < norms.table()["trainable"].sum() < 0.2 * norms.table()["parameters"].sum()
    original = {name: id(module) for name, module in model.named_modules()}
    applied = FreezePlan(backbone, {"*": "lora", "head": "trainable"}).apply()
    before = fingerprint(model, applied.frozen_names)
    _step(backbone)  # B begins at zero: A gets its first gradient in the second step
    _, without_gradient = _step(backbone)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert without_gradient == _expected(names, NO_ADAPTER_GRADIENT.get(family, ()))
    assert moved(before, model) == []
    with evaluating(model), torch.no_grad():
        loss = _loss(backbone)
        applied.merge()
        # Untrained networks without working running statistics may blow up to thousands, and rounding with them.
        torch.testing.assert_close(_loss(backbone), loss, rtol=1e-5 if loss < 100 else 1e-4, atol=1e-5)
    applied.undo()
    assert {name: id(module) for name, module in model.named_modules()} == original


def _check_channels(backbone: Backbone, family: str) -> None:
    if family in COLOUR_ONLY:
        with pytest.raises(BackboneError, match="colour images only"):
            adapt_input(backbone.model, 1, backbone.preprocessing)
        return
    generator = torch.Generator().manual_seed(2)
    image = torch.randint(0, 256, (2, 4, *backbone.preprocessing.input_size[1:]), generator=generator).float()
    for channels, seen in ((1, image[:, :1].expand(-1, 3, -1, -1)), (4, image[:, :3])):
        twin = copy.deepcopy(backbone.model)
        preprocessing = adapt_input(twin, channels, backbone.preprocessing)
        with evaluating(twin), evaluating(backbone.model), torch.no_grad():
            wanted = backbone.model(backbone.preprocessing.normalise(seen))
            answer = twin(preprocessing.normalise(image[:, :channels]))
        # One channel: exact but for what reaches into zero padding, see tests/backbones/test_input_channels.py.
        tolerance = 0.1 if channels == 1 else 1e-4
        assert (answer - wanted).abs().max() <= tolerance * wanted.abs().max() + 1e-6


def test_the_table_has_every_family_of_this_timm() -> None:
    known = {_model_to_module[name] for name in timm.list_models()}
    assert known == {line.split()[0] for line in TIMM.strip().splitlines()}
