"""Every family of timm and several of torchvision: what is frozen stands still to the bit, everything else learns.

The table names the smallest member of each model module of timm 1.0.31 (by parameters, all 1,371 names built on the
meta device); the smallest input that a network takes is found by trying.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import partial

import pytest
import timm
import torch
from timm.models._registry import _model_to_module
from torch import nn
from torch.nn import functional
from torchvision.ops import StochasticDepth

from tlwidgets import FreezePlan, load_backbone
from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.backbones.input_channels import adapt_input
from tlwidgets.errors import BackboneError
from tlwidgets.freezing import fingerprint, learning_parameters, moved

pytestmark = pytest.mark.families

# module of timm, smallest member
TIMM = """
beit beit_base_patch16_224
byoanet halonet_h1
byobnet test_byobnet
cait cait_xxs24_224
coat coat_tiny
convit convit_tiny
convmixer convmixer_768_32
convnext test_convnext
cpubone cpubone_nano
crossvit crossvit_tiny_240
csatv2 csatv2
cspnet cs3darknet_focus_s
cspnext cspnext_tiny
davit davit_tiny
deepseek_vit deepseek_vit_412m
deit deit_tiny_patch16_224
densenet densenet121
dla dla46x_c
dpn dpn48b
edgenext edgenext_xx_small
efficientformer efficientformer_l1
efficientformer_v2 efficientformerv2_s0
efficientnet test_efficientnet
efficientvim efficientvim_m1
efficientvit_mit efficientvit_b0
efficientvit_msra efficientvit_m0
eva vit_tiny_patch16_dinov3_qkvb
fasternet fasternet_t0
fastvit fastvit_t8
focalnet focalnet_tiny_srf
gcvit gcvit_xxtiny
gemma4_vit gemma4_vit_167m
ghostnet ghostnet_050
hardcorenas hardcorenas_b
hgnet hgnetv2_b0
hiera hiera_tiny_224
hieradet_sam2 sam2_hiera_tiny
hrnet hrnet_w18_small
iformer iformer_t
inception_next inception_next_atto
inception_resnet_v2 inception_resnet_v2
inception_v3 inception_v3
inception_v4 inception_v4
lcnetv2 lcnetv2_small
levit levit_128s
lowformer lowformer_b0
mambaout test_mambaout
maxxvit test_coatnet
metaformer poolformerv2_s12
mlp_mixer gmlp_ti16_224
mobilenetv3 mobilenetv3_small_050
mobilenetv5 mobilenetv5_base
mobilevit mobilevit_xxs
mvitv2 mvitv2_tiny
naflexvit naflexvit_base_patch16_parfac_gap
nasnet nasnetalarge
nest nest_tiny
nextvit nextvit_small
nfnet test_nfnet
pit pit_ti_224
pnasnet pnasnet5large
pvt_v2 pvt_v2_b0
qwen3_vit qwen3_vit_88m
rdnet rdnet_tiny
regnet regnetx_002
repghost repghostnet_050
repvit repvit_m1
res2net res2next50
resnest resnest14d
resnet test_resnet
resnetv2 resnetv2_18
rexnet rexnet_100
selecsls selecsls42
senet legacy_seresnet18
sequencer sequencer2d_s
shvit shvit_s1
sknet skresnet18
starnet starnet_s050
swiftformer swiftformer_xs
swin_transformer swin_tiny_patch4_window7_224
swin_transformer_v2 swinv2_tiny_window16_256
swin_transformer_v2_cr swinv2_cr_tiny_224
tiny_vit tiny_vit_5m_224
tnt tnt_s_legacy_patch16_224
tresnet tresnet_m
twins twins_svt_small
vgg vgg11
visformer visformer_tiny
vision_transformer test_vit
vision_transformer_hybrid vit_tiny_r_s16_p8_224
vision_transformer_relpos test_vit_relpos
vision_transformer_sam samvit_base_patch16_224
vitamin vitamin_small_224
volo volo_d1_224
vovnet ese_vovnet19b_slim_dw
xception legacy_xception
xception_aligned xception41p
xcit xcit_nano_12_p8_224
"""

TORCHVISION = """
torchvision-alexnet torchvision/alexnet
torchvision-convnext_tiny torchvision/convnext_tiny
torchvision-densenet121 torchvision/densenet121
torchvision-efficientnet_b0 torchvision/efficientnet_b0
torchvision-googlenet torchvision/googlenet
torchvision-inception_v3 torchvision/inception_v3
torchvision-maxvit_t torchvision/maxvit_t
torchvision-mnasnet0_5 torchvision/mnasnet0_5
torchvision-mobilenet_v3_small torchvision/mobilenet_v3_small
torchvision-regnet_y_400mf torchvision/regnet_y_400mf
torchvision-resnet18 torchvision/resnet18
torchvision-shufflenet_v2_x0_5 torchvision/shufflenet_v2_x0_5
torchvision-squeezenet1_1 torchvision/squeezenet1_1
torchvision-swin_t torchvision/swin_t
torchvision-vgg11 torchvision/vgg11
torchvision-vit_b_32 torchvision/vit_b_32
"""

NETWORKS = [line.split() for line in (TIMM + TORCHVISION).strip().splitlines() if line]
IDS = [family for family, _ in NETWORKS]

# Same code, fewer blocks: twelve and more of these, 80 to 400 million parameters, test nothing that two do not.
FEWER_BLOCKS = {
    "beit": {"depth": 2},
    "deepseek_vit": {"depth": 2},
    "gemma4_vit": {"depth": 2},
    "naflexvit": {"depth": 2},
    "qwen3_vit": {"depth": 2},
    "vision_transformer_sam": {"depth": 2},
}

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

# At 64 pixels their last stage is a single position, where attention has nothing to choose and no gradient.
AT_LEAST = {"efficientvim": 128, "efficientvit_msra": 128, "hgnet": 96, "shvit": 128}

COLOUR_ONLY = {"csatv2": "turns colours into frequencies before its first layer"}


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _load(family: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    torch.manual_seed(0)
    create = partial(timm.create_model, **FEWER_BLOCKS.get(family, {}))
    monkeypatch.setattr(timm, "create_model", create)
    loaded = load_backbone(name, pretrained=False, num_classes=4)
    monkeypatch.undo()
    size = _fit_small_input(loaded, AT_LEAST.get(family, 64))
    for parameter in loaded.model.parameters():
        if not parameter.any():  # what begins at zero (a residual branch, say) would hide everything behind it
            nn.init.normal_(parameter, std=0.02)
    for module in loaded.model.modules():
        # Stochastic depth may leave a block without a gradient in a batch of two.
        if hasattr(module, "drop_prob"):
            module.drop_prob = 0.0
        if isinstance(module, StochasticDepth):
            module.p = 0.0
    preprocessing = dataclasses.replace(loaded.preprocessing, input_size=(3, size, size))
    return Backbone(loaded.name, loaded.model, preprocessing)


def _fit_small_input(backbone: Backbone, least: int) -> int:
    """Makes the network take the smallest square input that it can, and returns its side in pixels."""
    model, own = backbone.model, backbone.preprocessing.input_size[-1]
    settable = hasattr(model, "set_input_size")
    fixed = getattr(model, "pretrained_cfg", {}).get("fixed_input_size", False) and not settable
    for size in (side for side in (64, 96, 128, 160, 192, 224, 256) if least <= side < own and not fixed):
        try:
            if settable:
                model.set_input_size(img_size=size)
            with evaluating(model), torch.no_grad():
                model(torch.zeros(1, 3, size, size))
        except (AssertionError, RuntimeError, ValueError, IndexError):
            continue
        return size
    if settable:
        model.set_input_size(img_size=own)
    return int(own)


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
    backbone = _load(family, name, monkeypatch)
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
