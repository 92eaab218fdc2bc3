"""Loads a backbone by name: bundled, any of timm's, torchvision's, a folder in timm's format, or a text encoder."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from timm.data import resolve_model_data_config
from torch import nn

from tlwidgets.backbones.backbone import Backbone
from tlwidgets.backbones.catalogue import WEIGHTS, bundled_folder, weights_cached
from tlwidgets.backbones.connection import HUB, online
from tlwidgets.backbones.input_channels import adapt_input
from tlwidgets.backbones.preprocessing import Preprocessing
from tlwidgets.backbones.run_loading import PREFIX, load_run_backbone
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.backbones.text_loading import is_text, load_text
from tlwidgets.errors import BackboneError


def load_backbone(name: str, *, pretrained: bool = True, num_classes: int | None = None, in_chans: int = 3) -> Backbone:
    """Loads a network with its stages and its own preprocessing.

    Args:
        name: A bundled name ("tlw_resnet"), any timm name ("resnet18.a1_in1k"), "torchvision/<name>",
            "local-dir:<path>", or "run:<folder of a finished run>"; for text "minilm" (all-MiniLM-L6-v2) or
            "hf:<folder or name on the Hugging Face hub>", with the extra ``text``.
        pretrained: Whether to load the pre-trained weights; False draws random ones from torch's generator.
        num_classes: Outputs of a new head, drawn at random; None keeps the pre-trained head, 0 has none.
            Text encoders come without a head.
        in_chans: Channels of the input. Where this is not 3, the first layer is folded so that the network computes
            what it was pre-trained to; see ``tlwidgets.backbones.input_channels``.

    Returns:
        The backbone, in training mode as torch makes it.

    Raises:
        BackboneError: The name is not known (the nearest are offered), or its weights are neither on this machine
            nor to be had (the offline choices are named), or it takes no other number of channels.
    """
    if not isinstance(name, str):
        raise BackboneError(
            f"A {type(name).__name__} is no name of a backbone.",
            'Give a name, such as "tlw_resnet"; a folder as "local-dir:<path>", a run as "run:<folder>".',
        )
    if is_text(name):
        if in_chans != 3:
            raise BackboneError(f"{name!r} reads texts, which have no channels.", "Leave out in_chans.")
        return Backbone(name, *load_text(name, pretrained, num_classes))
    if name.startswith(PREFIX):
        if in_chans != 3:
            raise BackboneError(f"{name!r} has the channels that its run had.", "Leave out in_chans.")
        return load_run_backbone(name, pretrained, num_classes, load_backbone)
    load = _load_torchvision if name.startswith("torchvision/") else _load_timm
    model, preprocessing = load(name, pretrained, num_classes)
    return Backbone(name, model, adapt_input(model, in_chans, preprocessing))


def _load_timm(name: str, pretrained: bool, num_classes: int | None) -> tuple[nn.Module, Preprocessing]:
    folder = bundled_folder(name)
    target = f"local-dir:{folder}" if folder else name
    _check_known(name, target)
    if pretrained:
        _check_reachable(name, target)
    options: dict[str, Any] = {} if num_classes is None else {"num_classes": num_classes}
    try:
        model = timm.create_model(target, pretrained=pretrained, **options)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise BackboneError(f"The backbone {name!r} could not be loaded: {error}", _offline_hint()) from error
    return model, Preprocessing.from_config(resolve_model_data_config(model))


def _check_known(name: str, target: str) -> None:
    if target.startswith("local-dir:"):
        folder = Path(target.removeprefix("local-dir:"))
        if not (folder / "config.json").is_file():
            raise BackboneError(
                f"There is no config.json in {str(folder)!r}.", "Give a folder that timm's save_for_hf wrote."
            )
    elif not target.startswith("hf-hub:") and not timm.is_model(name.partition(".")[0]):
        raise BackboneError(f"There is no backbone named {name!r}.", _nearest(name))
    elif "." in name and name not in timm.list_pretrained(f"{name.partition('.')[0]}.*"):
        tags = ", ".join(timm.list_pretrained(f"{name.partition('.')[0]}.*")[:5])
        raise BackboneError(f"There are no weights named {name!r}.", f"Tags of this model: {tags}.")


def _nearest(name: str) -> str:
    known = [*bundled_names(), *timm.list_models(), *timm.list_models(pretrained=True)]
    near = difflib.get_close_matches(name, known, n=4, cutoff=0.5) or bundled_names()
    return f"Nearest: {', '.join(near)}. tlwidgets.list_backbones() lists all."


def bundled_names() -> list[str]:
    """Names of the backbones that travel with the package."""
    return sorted(path.parent.name for path in WEIGHTS.glob("*/config.json"))


def _offline_hint() -> str:
    return f"These work with no network: {', '.join(bundled_names())}."


def _check_reachable(name: str, target: str) -> None:
    """Fails in seconds, not after minutes of retries, where weights would have to come over a missing network."""
    if target.startswith("local-dir:"):
        return
    config = timm.get_pretrained_cfg(name) if not target.startswith("hf-hub:") else None
    if config is not None and not config.has_weights:
        raise BackboneError(
            f"timm has no pre-trained weights for {name!r}.", f"Use pretrained=False, or another. {_nearest(name)}"
        )
    hub_id = config.hf_hub_id if config is not None else target.removeprefix("hf-hub:")
    if hub_id and not weights_cached(hub_id) and not online(HUB):
        raise BackboneError(
            f"The weights of {name!r} are not on this machine and the network does not answer.", _offline_hint()
        )


def _load_torchvision(name: str, pretrained: bool, num_classes: int | None) -> tuple[nn.Module, Preprocessing]:
    from torchvision.models import get_model, get_model_weights, list_models

    short = name.removeprefix("torchvision/")
    if short not in list_models():
        near = ", ".join(f"torchvision/{match}" for match in difflib.get_close_matches(short, list_models(), n=4))
        raise BackboneError(f"torchvision has no model named {short!r}.", f"Nearest: {near or 'torchvision/resnet18'}.")
    weights = get_model_weights(short).DEFAULT
    cached = (Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name).is_file()
    if pretrained and not cached and not online("download.pytorch.org"):
        raise BackboneError(
            f"The weights of {name!r} are not on this machine and the network does not answer.", _offline_hint()
        )
    transforms = weights.transforms()
    # A vision transformer has a position for every patch of one image size: that of the weights, drawn anew or not.
    size = {"image_size": transforms.crop_size[0]} if short.startswith("vit_") else {}
    model = _one_output(get_model(short, weights=weights if pretrained else None, **size))
    if num_classes is not None:
        replace_last_linear(model, num_classes)
    preprocessing = Preprocessing(
        input_size=(3, transforms.crop_size[0], transforms.crop_size[0]),
        mean=tuple(transforms.mean),
        std=tuple(transforms.std),
        interpolation=transforms.interpolation.value,
        crop_pct=transforms.crop_size[0] / transforms.resize_size[0],
    )
    return model, preprocessing


def _one_output(model: nn.Module) -> nn.Module:
    """Takes the auxiliary classifiers off GoogLeNet and Inception, which answer in training with a tuple otherwise."""
    for name in ("aux1", "aux2", "AuxLogits"):
        if hasattr(model, name):
            setattr(model, name, None)
            model.aux_logits = False  # type: ignore[assignment]  # a flag, no module
            # Set by the pre-trained weights alone: a run's network, built anew and filled, must not lack it.
            model.transform_input = True  # type: ignore[assignment]
    return model


def replace_last_linear(model: nn.Module, num_classes: int) -> None:
    """Puts a new linear layer in the place of the network's last one (or last 1x1 convolution, as in squeezenet)."""
    name = classifier_names(model)[-1]
    old = model.get_submodule(name)
    parent, _, leaf = name.rpartition(".")
    new: nn.Module
    if isinstance(old, nn.Linear):
        new = nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
    elif isinstance(old, nn.Conv2d):
        new = nn.Conv2d(old.in_channels, num_classes, kernel_size=1)
    else:
        raise BackboneError(f"The last layer {name!r} is a {type(old).__name__}.", "Only linear ones can be replaced.")
    setattr(model.get_submodule(parent), leaf, new)
