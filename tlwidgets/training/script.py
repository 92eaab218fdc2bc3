"""Prints a recipe as a plain script: PyTorch, timm, numpy and Pillow, no tlwidgets.

What must agree to the bit (decoding, splitting, augmentation) is copied from our own source by ``inspect``; the rest is
a template that reads like a tutorial. A test runs the script and compares its history with ours.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any

from torch import nn

from tlwidgets.augmentations import PRESETS, changes_in
from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.data import ImageData, TextData, data_from_source, load_data
from tlwidgets.data.changes import FILE as CHANGES
from tlwidgets.data.collections import SEPARATORS
from tlwidgets.data.decode import decode_image, thumbnail
from tlwidgets.data.splits import near_identical_groups, split_samples
from tlwidgets.errors import RecipeError
from tlwidgets.freezing import check_states
from tlwidgets.recipe import Recipe
from tlwidgets.training.augmentation import augment, crop, kept_share, mix, numbers_for, recolour, vary
from tlwidgets.training.method import Setting, make_method, planned
from tlwidgets.training.optimisation import with_rate
from tlwidgets.training.schedules import layer_depths, rate_factor
from tlwidgets.training.script_parts import (
    ARRAYS,
    DIGITS,
    FACES,
    FOLDER,
    HEADER,
    LAYER_SCALES,
    STAGE_SCALES,
    START_AT_ZERO,
    TABLE,
    TRAINING,
)
from tlwidgets.training.script_weights import timm_name, weights_part, write_script

METHODS = ("fine_tuning", "feature_extraction")  # those whose step the template writes out


def script_of(recipe: Recipe, path: str | Path | None = None) -> str:
    """Assembles the script.

    Args:
        recipe: The run as data; its method must be one of ``METHODS``.
        path: Write the script there too, and beside it, in a folder ``<stem>_weights``, those of a bundled network. By
            default nothing is written, and the script names the folder in which this installation has them.

    Returns:
        Python source; run with an argument, it writes its history there as CSV.

    Raises:
        RecipeError: The data live only in memory or are drawn by this package, the method is another, the recipe
            unfreezes step by step or lets a stage learn in part, or the script cannot be written.
    """
    _refuse_unwritable(recipe)
    data = _data(recipe)
    if isinstance(data, TextData):
        raise RecipeError("There is no plain script of texts yet.", "Keep the recipe instead.")
    recipe = planned(recipe)
    backbone = load_backbone(recipe.backbone, pretrained=False, num_classes=len(data.classes))
    recipe = with_rate(recipe, backbone)
    make_method(Setting(backbone, data, recipe))  # refuses options and plans that a run would refuse
    place = None if path is None else Path(path)
    text = _text(recipe, data, backbone, place)
    if place is not None:
        write_script(text, recipe, place)
    return text


def _refuse_unwritable(recipe: Recipe) -> None:
    if recipe.method not in METHODS:
        raise RecipeError(
            f"There is no plain script of the method {recipe.method!r} yet, only of {' and '.join(METHODS)}.",
            "Keep its recipe instead.",
        )
    if recipe.method == "feature_extraction" and recipe.method_options.get("C") is not None:
        raise RecipeError("There is no plain script of feature_extraction with C yet.", "Keep its recipe instead.")
    if recipe.unfreezing != "none":
        raise RecipeError(
            f"There is no plain script of unfreezing={recipe.unfreezing!r} yet.", 'Keep its recipe, or choose "none".'
        )
    if recipe.precision != "fp32":
        raise RecipeError(f"There is no plain script of precision={recipe.precision!r} yet.", 'Choose "fp32".')
    if recipe.backbone.startswith("torchvision/"):
        raise RecipeError("There is no plain script of torchvision's models yet.", "Use timm's name of the model.")
    if recipe.backbone.startswith("run:"):
        raise RecipeError("There is no plain script of a network that a run left.", "Keep the recipes of both runs.")
    for state in ("norm", "lora"):
        if state in (recipe.plan or {}).values():
            raise RecipeError(f"There is no plain script of {state!r} stages yet.", 'Choose "frozen" or "trainable".')


def _text(recipe: Recipe, data: ImageData, backbone: Backbone, place: Path | None) -> str:
    return "\n\n".join(
        [
            Template(HEADER).substitute(_settings(recipe, data, backbone) | weights_part(recipe, place)).strip(),
            *_data_part(data),
            _sources(
                rate_factor,
                *_augmentation(recipe.augmentation),
                *([layer_depths] if recipe.layer_decay is not None else []),
            ),
            Template(TRAINING).substitute(_training(recipe, backbone)).strip(),
            "",
        ]
    )


def _data(recipe: Recipe) -> ImageData:
    return data_from_source(dict(recipe.data)) if isinstance(recipe.data, Mapping) else load_data(recipe.data)


def _sources(*functions: Callable[..., Any]) -> str:
    return "\n\n".join(inspect.getsource(function).strip() + "\n" for function in functions).strip()


def _settings(recipe: Recipe, data: ImageData, backbone: Backbone) -> dict[str, str]:
    unused = "layer_decay" if recipe.layer_decay is None else "backbone_scale"
    values = {name: value for name, value in recipe.settings().items() if name in _SHOWN and name != unused}
    lines = [f"{name.upper()} = {value!r}" for name, value in values.items()]
    return {
        "backbone": _as_comment(recipe.backbone),
        "data": _as_comment(data.name),
        "packages": PACKAGES.get(data.source.get("name", ""), "numpy and Pillow"),
        "settings": "\n".join(lines),
        "classes": repr(list(data.classes)),
        "stages": _stages(backbone),
        "states": repr(check_states(recipe.plan or {}, [stage.name for stage in backbone.stages])),
    }


_PLAIN = "normalise(prepared[torch.from_numpy(chunk)])"
PACKAGES = {"digits": "numpy, Pillow and scikit-learn", "faces": "numpy, Pillow and scikit-image"}
_DRAW = "draw = table[some] if VIEWS else torch.rand(len(some), $numbers, generator=generator)"
_VARIED = "normalise(255 * vary(prepared[torch.from_numpy(chunk)].float() / 255, AUGMENTATION, draw))"
_MIXED = "mix(functional.one_hot(targets[chunk], len(CLASSES)).float(), kept_share(draw))"
_SHOWN = (
    "epochs",
    "learning_rate",
    "backbone_scale",
    "layer_decay",
    "optimizer",
    "weight_decay",
    "schedule",
    "warmup",
    "batch_size",
    "augmentation",
    "views",
    "patience",
    "seed",
)


def _augmentation(kind: str) -> list[Callable[..., Any]]:
    """The functions that an augmentation needs."""
    if kind == "none":
        return []
    return [augment] if kind in PRESETS else [augment, crop, recolour, kept_share, mix, vary]


def _images_and_goal(kind: str) -> dict[str, str]:
    """The statements that give a batch its images, and what the loss compares the answers with."""
    numbers = str(numbers_for(kind))
    images = f"images = {f'augment({_PLAIN}, AUGMENTATION, draw)' if kind in PRESETS else _VARIED}"
    draw = _DRAW.replace("$numbers", numbers)
    lines = [f"images = {_PLAIN}"] if kind == "none" else [draw, images]
    goal = _MIXED if "mixup" in changes_in(kind) else "targets[chunk]"
    return {"images": "\n        ".join(lines), "goal": goal, "numbers": numbers}


def _as_comment(text: str) -> str:
    """Names from outside stand in a docstring: keep them from ending it."""
    return text.replace("\\", "/").replace('"', "'").replace("\n", " ")


def _stages(backbone: Backbone) -> str:
    """Each stage by the shortest module names that cover it, as a dictionary literal."""
    lines = []
    for stage in backbone.stages:
        owned = set(stage.module_names)
        top = [name for name in stage.module_names if name.rpartition(".")[0] not in owned]
        lone = [name for name in stage.parameter_names if name.rpartition(".")[0] not in owned]
        lines.append(f"    {stage.name!r}: {[*lone, *top]!r},")
    return "{\n" + "\n".join(lines) + "\n}"


def _data_part(data: ImageData) -> list[str]:
    """The statements that leave ``read(i)``, ``labels`` and ``split``, and the functions that they need."""
    options = {"val": 0.15, "test": 0.15, "seed": 0, "labels_per_class": None, **data.source.get("options", {})}
    deal = ", ".join(f"{name}={options[name]!r}" for name in ("val", "test", "seed", "labels_per_class"))
    functions = _sources(thumbnail, near_identical_groups, split_samples)
    if data.source.get("name") in ("digits", "faces"):
        part = DIGITS if data.source["name"] == "digits" else FACES
        return [functions, part.replace("$deal", deal).strip()]
    values = {"deal": deal, "path": ""}
    for kind, part in (("folder", FOLDER), ("table", TABLE), ("arrays", ARRAYS)):
        if kind in data.source and Path(str(data.source[kind])).exists():
            if kind == "folder" and (Path(str(data.source[kind])) / CHANGES).exists():
                raise RecipeError(
                    f"The folder has corrected labels, in {CHANGES}, which a script cannot read.",
                    "Move the corrected pictures to the folders of their classes, and the file away.",
                )
            values["path"] = repr(str(Path(str(data.source[kind])).resolve()))
            values["separator"] = repr(SEPARATORS.get(Path(str(data.source[kind])).suffix.lower(), ","))
            return [_sources(decode_image), functions, Template(part).substitute(values).strip()]
    raise RecipeError(
        f"The data {data.name!r} cannot be read without tlwidgets.",
        "Write them to files first: data.save(folder) for arrays and tables, or an image folder.",
    )


def _training(recipe: Recipe, backbone: Backbone) -> dict[str, str]:
    build = f"model = timm.create_model({timm_name(recipe)}, pretrained={recipe.pretrained}, num_classes=len(CLASSES))"
    if recipe.pretrained:
        heads = [n for n in classifier_names(backbone.model) if isinstance(backbone.model.get_submodule(n), nn.Linear)]
        build += START_AT_ZERO.replace("$heads", repr(heads))
    return {
        "build": build,
        **_images_and_goal(recipe.augmentation),
        "scales": (STAGE_SCALES if recipe.layer_decay is None else LAYER_SCALES).strip(),
        "smoothing": repr(float(recipe.method_options.get("label_smoothing", 0.0))),
    }
