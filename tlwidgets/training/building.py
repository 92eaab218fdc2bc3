"""Puts a run together: data, network, folder, loop. Nothing is written before everything fits together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, PlanError, RecipeError, RunError
from tlwidgets.freezing import FreezePlan
from tlwidgets.recipe import Recipe
from tlwidgets.training.checkpoint import load_adapters, load_own, load_state, restore_optimiser
from tlwidgets.training.control import Control
from tlwidgets.training.displacement import Displacement
from tlwidgets.training.events import Event
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.loop import Loop
from tlwidgets.training.method import Method, Setting, load_options, make_method, own_modules, planned
from tlwidgets.training.optimisation import known_rate, with_rate
from tlwidgets.training.prefix_cache import PrefixShelf
from tlwidgets.training.progress import Progress
from tlwidgets.training.run import FILES
from tlwidgets.training.run_folder import RunFolder
from tlwidgets.training.schedules import scheduled_states
from tlwidgets.training.second_data import any_data

HELD = ("frozen", "norm")  # states in which the classifier's weights stay as they are


def recipe_data(recipe: Recipe, base: Path | None = None) -> ImageData:
    """Loads the images of a recipe.

    Args:
        recipe: Its data may be anything that ``load_data`` takes, or a mapping as in a run's folder.
        base: Folder that relative paths of a mapping start from.

    Raises:
        DataError: The data cannot be used.
    """
    return any_data(recipe.data, base)


def build(
    recipe: Recipe,
    data: ImageData,
    path: Path | None,
    control: Control,
    emit: Callable[[Event], None],
    *,
    take_up: bool = False,
    shelf: PrefixShelf | None = None,
) -> Loop:
    """Makes the loop of a new run, or of one that is taken up again.

    Args:
        recipe: The run as data.
        data: The images, or texts.
        path: The run's folder; None chooses a new one under ``runs/``.
        control: Commands from other threads.
        emit: Takes each event.
        take_up: Whether ``path`` holds a run that shall go on.
        shelf: What other runs on the same images share with this one.

    Raises:
        TlwError: Something does not fit; no folder is made then.
    """
    if not len(data.indices("train")):
        raise DataError("There are no training images.", "Give more images, or smaller val and test shares.")
    base = path if take_up else None
    recipe = load_options(planned(recipe), base)
    backbone = starting_network(recipe, len(data.classes))
    recipe = with_rate(recipe, backbone)
    plan = FreezePlan(backbone, recipe.plan)
    plan.apply().undo()
    scheduled_states(recipe, plan.states, [])
    setting = Setting(backbone, data, recipe, base)
    prepare_inputs(setting)
    method = make_method(setting)
    if take_up:
        return _take_up(setting, method, RunFolder(path or Path()), control, emit)
    _check_head(backbone, plan.states, method)
    folder = RunFolder.create(path or _new_path(recipe, data), recipe, data)
    return Loop(setting, method, folder, control, emit, shelf=shelf)


def starting_network(recipe: Recipe, num_classes: int) -> Backbone:
    """The network that a run starts from: with pre-trained weights its new linear head holds zeros.

    A head of random numbers answers at random, and with few labels much of that noise is never unlearned; the first
    steps would also send it back into what was learned before. A random network needs the random head: behind zeros
    nothing would tell its features apart.

    A run's network ("run:<folder>") keeps its head where the plan holds it, since new zeros would let nothing learn.

    Raises:
        RecipeError: The head that shall stay is one for another number of classes.
    """
    # Weights are drawn from this seed, and nothing else is drawn in between: the script of a run does the same.
    torch.manual_seed(recipe.seed)
    backbone = load_backbone(recipe.backbone, pretrained=recipe.pretrained, num_classes=num_classes)
    if recipe.pretrained and _keeps_head(recipe, backbone):
        kept = load_backbone(recipe.backbone)
        if kept.num_classes != num_classes:
            raise RecipeError(
                f"The frozen head of {recipe.backbone!r} has {kept.num_classes} classes, the data {num_classes}.",
                "Let the head learn.",
            )
        return kept
    for name in classifier_names(backbone.model) if recipe.pretrained else ():
        head = backbone.model.get_submodule(name)
        if isinstance(head, nn.Linear):  # a convolution may stand before a ReLU, through which zeros never learn
            for parameter in head.parameters():
                nn.init.zeros_(parameter)
    return backbone


def _keeps_head(recipe: Recipe, backbone: Backbone) -> bool:
    if not recipe.backbone.startswith("run:"):
        return False
    return FreezePlan(backbone, recipe.plan).states.get("head") in HELD


def _check_head(backbone: Backbone, states: Mapping[str, str], method: Method) -> None:
    """Refuses a plan that holds a head of zeros: no gradient passes it, so nothing before it would learn.

    A method with learnable parts of its own, such as a projection head, sends gradients past the classifier.

    Raises:
        PlanError: Nothing would learn.
    """
    state, heads = states.get("head"), [backbone.model.get_submodule(name) for name in classifier_names(backbone.model)]
    passes = any(not isinstance(head, nn.Linear) or bool(head.weight.any()) for head in heads)
    if state not in HELD or passes or any(part.requires_grad for part in own_modules(method).parameters()):
        return
    raise PlanError(
        f"The plan has the head {state!r}, and a new head holds zeros that pass no gradient: nothing would learn.",
        'Let the head learn, "trainable" or "lora", or start from a run whose head fits: backbone="run:<folder>".',
    )


def rate_for(recipe: Recipe) -> float:
    """The learning rate that a run of this recipe will begin with; builds the network where it must be asked."""
    if recipe.learning_rate is None:
        with torch.random.fork_rng(devices=[]):
            recipe = with_rate(recipe, load_backbone(recipe.backbone, pretrained=False))
    return known_rate(recipe)


def _take_up(
    setting: Setting, method: Method, folder: RunFolder, control: Control, emit: Callable[[Event], None]
) -> Loop:
    last = folder.path / FILES["last"]
    if not last.is_file():
        raise RunError(f"The run in {str(folder.path)!r} has no checkpoint yet.", "Run its recipe again.")
    start = Displacement(
        setting.backbone, whole=True
    )  # before the checkpoint's weights take the pre-trained ones' place
    values, state = load_state(last, setting.backbone.model)
    loop = Loop(setting, method, folder, control, emit, Progress(**values), displacement=start)
    load_adapters(last, setting.backbone.model)
    load_own(last, loop.learner.own)
    restore_optimiser(loop.learner.optimiser, setting.backbone.model, state, loop.learner.own)
    folder.write_status("running", setting.data.classes)
    return loop


def _new_path(recipe: Recipe, data: ImageData) -> Path:
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", f"{data.name}-{Path(recipe.backbone).name}").strip("-.") or "run"
    number = 1
    while (path := Path("runs") / f"{stem}-{number}").exists():
        number += 1
    return path
