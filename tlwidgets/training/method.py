"""The contract between the loop and a transfer method: batch in, ``StepResult`` out."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from tlwidgets.augmentations import changes_in
from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.recipe import Recipe
from tlwidgets.training.options import check_options
from tlwidgets.training.second_data import second_data

METHODS = Path(__file__).parent.parent / "methods"


@dataclass(frozen=True)
class Batch:
    """What a step sees.

    Attributes:
        images: float (N, C, H, W), normalised the backbone's way; of texts int64 (N, L) token numbers. For
            a ``cacheable`` method it may be what crosses the cut of the prefix cache instead; the model that ``step``
            is given takes either.
        labels: int64 (N,); of mixed images the class of the larger part.
        indices: int64 (N,), positions in the data set.
        step: Optimiser steps before this one; with the seed, all that further draws may depend on.
        share: The same as a share of the run's steps, in [0, 1).
        soft: float (N, classes), the shares of the classes in images that mixup has mixed; None where nothing is.
    """

    images: Any
    labels: torch.Tensor
    indices: np.ndarray
    step: int = 0
    share: float = 0.0
    soft: torch.Tensor | None = None

    @property
    def targets(self) -> torch.Tensor:
        """What cross-entropy takes: the labels, or the shares of the classes in mixed images."""
        return self.labels if self.soft is None else self.soft

    def first(self, n: int) -> Batch:
        """The first n images of a batch of images."""
        soft = None if self.soft is None else self.soft[:n]
        some = {"images": self.images[:n], "labels": self.labels[:n], "indices": self.indices[:n], "soft": soft}
        return dataclasses.replace(self, **some)


@dataclass(frozen=True)
class StepResult:
    """What a step says.

    Attributes:
        loss: Scalar to differentiate, the mean over the batch.
        count: Images that it is the mean of.
        correct: How many of them were classified rightly.
        extras: More numbers, by name: the same names at every step, nan where one is not known. The history, and the
            dashboard's table, get a column of each: the mean over the epoch's images, without those that are nan.
    """

    loss: torch.Tensor
    count: int
    correct: int
    extras: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """What a method is made for: the network still has its pre-trained weights, and a new head.

    Attributes:
        backbone: The network that will be trained.
        data: The images, or texts.
        recipe: The run as data.
        base: Folder that relative paths among the options start from: the run's, where one is taken up.
    """

    backbone: Backbone
    data: ImageData
    recipe: Recipe
    base: Path | None = None


class Method(Protocol):
    """A transfer method; one that does nothing with images but call the model says ``cacheable = True``.

    One whose loss takes ``Batch.targets``, so that images may be mixed, says ``takes_mixtures = True``.

    Its module in ``tlwidgets.methods`` has ``make(setting, **options) -> Method``. Options that are data sets (anything
    that ``load_data`` takes, a mapping of its arguments, or bare images without labels) are named in the module's
    ``DATA_OPTIONS``, such as ``("target",)``: ``make`` gets them as ``ImageData``, and the run's folder keeps a copy of
    what only memory holds. ``Stream`` deals their batches. The module's ``PLAN``, where it has one, is the plan of a
    recipe that names none.

    ``step`` is all that a method must have. Where it has any of these, the loop uses them:

    - ``modules``: an ``nn.Module`` with parts of its own, such as a domain discriminator, a projection head or a
      teacher. The loop moves it to the device, optimises what has ``requires_grad`` at the head's rate, and saves and
      restores it, buffers and optimiser state too, with the run's checkpoints.
    - ``start_epoch(model, epoch)``: before the first batch of an epoch (from 1), for instance to label anew.
    - ``after_step(model)``: after the optimiser's step, for instance to let a teacher follow.
    - ``solved(model)``: after the last batch of an epoch and before validation, to find weights that no gradient step
      leads to. A method that only does that says ``by_steps = False``: its losses are told and not differentiated.
    - ``end_epoch(model) -> Mapping[str, float]``: after validation; more columns for the epoch's row of the history, or
      others in their place.
    - ``select(row) -> float``: how good the epoch of this row was; the highest is kept as the best (nan: the latest).
      Without it validation accuracy decides.
    - ``result(model) -> nn.Module``: the network whose weights are kept as the best, for instance a teacher; one like
      the model. Without it the model itself.
    - ``finish(model) -> Mapping[str, Mapping[str, float]]``: once, when the run has ended or was stopped, with the best
      epoch's weights: it may change the network in place, also what the plan holds frozen, and the changed weights are
      kept and judged; the run's ``audit.json`` names what of the frozen part has changed. What it returns joins the
      run's metrics.

    A run that was killed goes on from its last complete epoch: beside ``modules``, a method remembers nothing from one
    epoch to the next, and what it draws depends on the recipe's seed and ``Batch.step`` alone.
    """

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Computes the loss of one batch; the loop differentiates and updates."""


def hook(method: Method, name: str, *arguments: Any) -> Any:
    """Calls what a method may have; None where it does not."""
    function = getattr(method, name, None)
    return None if function is None else function(*arguments)


def by_steps(method: Method) -> bool:
    """Whether gradient steps train the network."""
    return bool(getattr(method, "by_steps", True))


def own_modules(method: Method) -> nn.Module:
    """The parts that belong to the method and not to the network; empty for most methods."""
    modules = getattr(method, "modules", None)
    return modules if isinstance(modules, nn.Module) else nn.ModuleList()


def make_method(setting: Setting) -> Method:
    """Makes the method that a recipe names: a module of ``tlwidgets.methods`` that has ``make``.

    Raises:
        RecipeError: There is no such method, it does not train in the loop, or it does not take these options or mixed
            images.
    """
    name = setting.recipe.method
    options = load_options(setting.recipe, setting.base).method_options
    method: Method = _module(name).make(setting, **options)
    if "mixup" in changes_in(setting.recipe.augmentation) and not getattr(method, "takes_mixtures", False):
        raise RecipeError(
            f"The method {name!r} needs one label for each image, and mixup mixes them.",
            "Leave mixup out of the augmentation, or use fine_tuning.",
        )
    return method


def planned(recipe: Recipe) -> Recipe:
    """The recipe with the plan that its method stands for, the module's ``PLAN``, where it names none.

    Not with random weights: holding those still is no transfer, and has to be asked for by a plan.

    Raises:
        RecipeError: There is no such method.
    """
    plan = getattr(_module(recipe.method), "PLAN", None)
    return recipe.replace(plan=plan) if plan and recipe.plan is None and recipe.pretrained else recipe


def check_method(recipe: Recipe) -> None:
    """Refuses a method that there is not, and options that it does not take; nothing is loaded or made for that.

    Raises:
        RecipeError: As said.
    """
    check_options(recipe.method, _module(recipe.method).make, recipe.method_options)


def load_options(recipe: Recipe, base: Path | None = None) -> Recipe:
    """The recipe with those options of its method loaded that are data sets, after all of them were checked.

    Args:
        recipe: The run as data.
        base: Folder that relative paths of a mapping start from.

    Raises:
        RecipeError: There is no such method, or an option that it needs, does not know or cannot use.
        DataError: Data cannot be used.
    """
    check_method(recipe)
    given = {name: value for name, value in recipe.method_options.items() if value is not None}
    names = [name for name in getattr(_module(recipe.method), "DATA_OPTIONS", ()) if name in given]
    loaded = {name: second_data(given[name], base) for name in names}
    return recipe.replace(method_options={**recipe.method_options, **loaded}) if loaded else recipe


def trains_head(name: str) -> bool:
    """Whether a method trains the head; where it does not (``TRAINS_HEAD = False``), no accuracy says anything.

    Of a method that nobody knows any more it is taken to be so.
    """
    return name not in method_names() or bool(getattr(_module(name), "TRAINS_HEAD", True))


def _module(name: str) -> ModuleType:
    _check_method(name)
    return importlib.import_module(f"tlwidgets.methods.{name}")


def _check_method(name: str) -> None:
    known = method_names()
    if name in known:
        return
    if name.isidentifier() and not name.startswith("_") and (METHODS / f"{name}.py").is_file():
        raise RecipeError(
            f"{name!r} does not train in the loop.",
            f"See the docstring of tlwidgets.methods.{name} for its own functions. Methods: {', '.join(known)}.",
        )
    near = difflib.get_close_matches(name, known, n=1)
    offer = f"Did you mean {near[0]!r}? " if near else ""
    raise RecipeError(f"There is no method named {name!r}.", f"{offer}Methods: {', '.join(known)}.")


@cache
def method_names() -> tuple[str, ...]:
    """Names of the methods that a recipe can name: the modules of ``tlwidgets.methods`` that define ``make``."""
    # Methods stand above the loop, as plug-ins: looked up by name, and only the one that is asked for is imported.
    files = sorted(METHODS.glob("[!_]*.py"))
    return tuple(path.stem for path in files if "\ndef make(" in path.read_text("utf-8"))
