"""One network of every family of timm and several of torchvision, made small: what the tests of families share.

The table names the smallest member of each model module of timm 1.0.31 (by parameters, all 1,371 names built on the
meta device); the smallest input that a network takes is found by trying.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
import timm
import torch
from torch import nn
from torchvision.ops import StochasticDepth

from tlwidgets import load_backbone
from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating

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

# At 64 pixels their last stage is a single position, where attention has nothing to choose and no gradient.
AT_LEAST = {"efficientvim": 128, "efficientvit_msra": 128, "hgnet": 96, "shvit": 128}


def load_family(family: str, name: str, monkeypatch: pytest.MonkeyPatch) -> Backbone:
    """The network with random weights for 4 classes, with nothing random or dead in it, and a small input."""
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
