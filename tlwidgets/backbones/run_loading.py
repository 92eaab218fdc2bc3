"""The network of a finished run as a backbone: what was pre-trained here is the source of the next transfer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file

from tlwidgets.backbones.feature_heads import suit_head
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.errors import BackboneError

if TYPE_CHECKING:
    from tlwidgets.backbones.backbone import Backbone

PREFIX = "run:"


def load_run_backbone(name: str, pretrained: bool, num_classes: int | None, load: Callable[..., Backbone]) -> Backbone:
    """Loads ``run:<folder>``: the weights of a run's best epoch.

    Args:
        name: "run:" and the folder that ``fit(recipe, path=...)`` wrote.
        pretrained: False draws random weights of the same network.
        num_classes: Outputs of a new head; None keeps the run's.
        load: ``load_backbone``, for the network that the run began with.

    Raises:
        BackboneError: There is no run in the folder, it has no weights yet, or they are damaged.
    """
    folder = Path(name.removeprefix(PREFIX)).expanduser()
    source, classes = _described(name, folder)
    backbone = load(source, pretrained=False, num_classes=len(classes) if num_classes is None else num_classes)
    backbone.name = name
    if num_classes is None:
        backbone.classes = tuple(classes)
    if pretrained:
        _fill(backbone, folder, new_head=num_classes is not None)
    return backbone


def _described(name: str, folder: Path) -> tuple[str, list[str]]:
    """Name of the network that a run began with, and its classes."""
    try:
        recipe: dict[str, Any] = yaml.safe_load((folder / "recipe.yaml").read_text("utf-8"))
        status: dict[str, Any] = json.loads((folder / "status.json").read_text("utf-8"))
        return str(recipe["backbone"]), [str(name) for name in status["classes"]]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
        raise BackboneError(
            f"There is no run in {str(folder)!r}, which {name!r} asks for.", 'Give "run:" and a folder that fit wrote.'
        ) from error


def _fill(backbone: Backbone, folder: Path, new_head: bool) -> None:
    try:
        saved = {key.removeprefix("model/"): value for key, value in load_file(folder / "best.safetensors").items()}
    except (OSError, SafetensorError) as error:
        raise BackboneError(
            f"The run in {str(folder)!r} has no weights that can be read: {error}.", "Finish it, or run it again."
        ) from error
    if not new_head:
        suit_head(backbone, {name: tensor.shape for name, tensor in saved.items()})
    heads = tuple(f"{head}." for head in classifier_names(backbone.model)) if new_head else ()
    state = backbone.model.state_dict()
    kept = {key: value for key, value in saved.items() if not (heads and key.startswith(heads))}
    if set(kept) != {key for key in state if not (heads and key.startswith(heads))}:
        raise BackboneError(f"The weights in {str(folder)!r} are of another network.", "Run its recipe again.")
    backbone.model.load_state_dict({**state, **kept})
