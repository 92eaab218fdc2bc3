"""Recipe: everything that one run needs, as data. Widgets edit one, ``fit`` runs one, YAML carries one."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tlwidgets.errors import RecipeError

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "constant")
AUGMENTATIONS = ("none", "light", "flip")


@dataclass(frozen=True)
class Recipe:
    """One run, as data.

    Attributes:
        data: What ``load_data`` takes: a bundled name, a folder, arrays, a table, an ``ImageData``; or a mapping of
            its arguments, such as ``{"name": "digits", "labels_per_class": 5}``.
        backbone: What ``load_backbone`` takes.
        pretrained: False starts from random weights ("from scratch").
        plan: State of each stage ("frozen" or "trainable"), as a mapping or a ``FreezePlan``; stages left out learn.
        method: Name of the transfer method, a module of ``tlwidgets.methods``.
        method_options: Options of the method.
        epochs: Passes over the training images, at least 1.
        learning_rate: Rate of the head, above 0. Change it first when the loss jumps (lower) or crawls (higher).
        backbone_scale: Rate of the stages before the head, as a share of ``learning_rate``. Small values protect what
            was learned before; 1 suits training from scratch.
        optimizer: "adamw" or "sgd" (momentum 0.9).
        weight_decay: Decay of weight matrices; norms and biases are spared.
        schedule: "cosine" (to zero at the end) or "constant".
        batch_size: Images a step, at least 1.
        augmentation: "none", "light" (shift, turn, scale) or "flip" (light and mirrored).
        patience: Stop after so many epochs without a better validation accuracy; None never does.
        seed: Of the head, of the order of images, of augmentation and dropout.
    """

    data: Any
    backbone: str = "tlw_resnet"
    pretrained: bool = True
    plan: Any = None
    method: str = "fine_tuning"
    method_options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = 5
    learning_rate: float = 1e-3
    backbone_scale: float = 0.1
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    schedule: str = "cosine"
    batch_size: int = 32
    augmentation: str = "none"
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        states = getattr(self.plan, "states", self.plan)
        object.__setattr__(self, "plan", None if states is None else dict(states))
        object.__setattr__(self, "method_options", dict(self.method_options))
        for name in ("learning_rate", "backbone_scale", "weight_decay"):
            object.__setattr__(self, name, self._number(name, zero=name != "learning_rate"))
        for name in ("epochs", "batch_size"):
            self._at_least(name, 1)
        self._at_least("seed", 0)
        if self.patience is not None:
            self._at_least("patience", 1)
        self._one_of("optimizer", OPTIMIZERS)
        self._one_of("schedule", SCHEDULES)
        self._one_of("augmentation", AUGMENTATIONS)

    def replace(self, **changes: Any) -> Recipe:
        """A copy with some fields changed."""
        _refuse_unknown(changes)
        return dataclasses.replace(self, **changes)

    def settings(self) -> dict[str, Any]:
        """The fields as plain values, without the data."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "data"}

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values.

        Raises:
            RecipeError: The data are arrays or a table in memory, which a text cannot hold.
        """
        return {"data": _plain_data(self.data), **self.settings()}

    def to_yaml(self) -> str:
        """The recipe as YAML; ``Recipe.from_yaml`` reads it back."""
        return str(yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Recipe:
        """Makes a recipe from plain values; unknown keys are refused."""
        _refuse_unknown(values)
        if "data" not in values:
            raise RecipeError("The recipe names no data.", "Add a line such as `data: digits`.")
        return cls(**values)

    @classmethod
    def from_yaml(cls, text: str) -> Recipe:
        """Reads a recipe.

        Raises:
            RecipeError: The text is not YAML, has a key that no recipe has, or a value that no run could use.
        """
        try:
            values = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise RecipeError(f"The recipe is not valid YAML: {error}", "Check indentation and colons.") from error
        if not isinstance(values, dict):
            raise RecipeError("The recipe is not a list of `key: value` lines.", "Start with `data: digits`.")
        return cls.from_dict(values)

    def to_script(self) -> str:
        """The same run as a self-contained PyTorch and timm script that does not import tlwidgets."""
        # By name: the script is assembled by a layer above this one.
        text: str = importlib.import_module("tlwidgets.training.script").script_of(self)
        return text

    def _number(self, name: str, *, zero: bool) -> float:
        value = getattr(self, name)
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
            bound = "0 or more" if zero else "above 0"
            raise RecipeError(f"{name} is {value!r}.", f"Give a finite number {bound}, for example 0.001.")
        return number

    def _at_least(self, name: str, bound: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < bound:
            raise RecipeError(f"{name} is {value!r}.", f"Give a whole number, {bound} or more.")

    def _one_of(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise RecipeError(f"{name} is {getattr(self, name)!r}.", f"Choices: {', '.join(choices)}.")


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    known = [f.name for f in dataclasses.fields(Recipe)]
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise RecipeError(
                f"A recipe has no field {key!r}.",
                f"Did you mean {near[0]!r}?" if near else f"Fields: {', '.join(known)}.",
            )


def _on_disk(source: Mapping[str, Any]) -> bool:
    """Whether a source names something that another process can load."""
    places = [Path(str(source[kind])) for kind in ("arrays", "table") if kind in source]
    return "name" in source or "folder" in source or any(place.is_absolute() for place in places)


def _plain_data(data: Any) -> Any:
    if isinstance(data, str):
        return data
    if isinstance(data, Path):
        return str(data)
    if isinstance(data, Mapping):
        return dict(data)
    source = getattr(data, "source", None)
    if isinstance(source, Mapping) and _on_disk(source):
        return dict(source)
    raise RecipeError(
        "The recipe's data live only in memory.",
        "Save them first, load_data(...).save(folder), or read the recipe of a finished run: its folder holds a copy.",
    )
