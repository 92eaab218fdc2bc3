"""The contract between the loop and a transfer method: batch in, ``StepResult`` out."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.recipe import Recipe

METHODS = Path(__file__).parent.parent / "methods"


@dataclass(frozen=True)
class Batch:
    """What a step sees.

    Attributes:
        images: float (N, C, H, W), normalised the backbone's way; of texts int64 (N, L) token numbers. For
            a ``cacheable`` method it may be what crosses the cut of the prefix cache instead; the model that ``step``
            is given takes either.
        labels: int64 (N,).
        indices: int64 (N,), positions in the data set.
    """

    images: Any
    labels: torch.Tensor
    indices: np.ndarray

    def first(self, n: int) -> Batch:
        """The first n images of a batch of images."""
        return Batch(self.images[:n], self.labels[:n], self.indices[:n])


@dataclass(frozen=True)
class StepResult:
    """What a step says.

    Attributes:
        loss: Scalar to differentiate, the mean over the batch.
        count: Images that it is the mean of.
        correct: How many of them were classified rightly.
        extras: More numbers for the history, by name.
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
    """

    backbone: Backbone
    data: ImageData
    recipe: Recipe


class Method(Protocol):
    """A transfer method; one that does nothing with images but call the model says ``cacheable = True``.

    Its module in ``tlwidgets.methods`` has ``make(setting, **options) -> Method``.
    """

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Computes the loss of one batch; the loop differentiates and updates."""


def make_method(setting: Setting) -> Method:
    """Makes the method that a recipe names: a module of ``tlwidgets.methods`` that has ``make``.

    Raises:
        RecipeError: There is no such method, it does not train in the loop, or it does not take these options.
    """
    name, options = setting.recipe.method, setting.recipe.method_options
    _check_method(name)
    try:
        method: Method = importlib.import_module(f"tlwidgets.methods.{name}").make(setting, **options)
    except TypeError as error:
        raise RecipeError(f"The method {name!r} does not take these options: {error}.", "See its docstring.") from error
    return method


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
