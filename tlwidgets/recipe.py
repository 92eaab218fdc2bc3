"""Recipe: everything that one run needs, as data. Widgets edit one, ``fit`` runs one, YAML carries one."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from tlwidgets.augmentations import changes_in, checked
from tlwidgets.errors import RecipeError

OPTIMIZERS = ("adamw", "sgd")
SCHEDULES = ("cosine", "constant", "one_cycle")
UNFREEZINGS = ("none", "gradual", "probe_first")
PRECISIONS = ("fp32", "bf16", "auto")
CACHES = ("auto", "off", "memory", "disk")
OTHER_NAMES = {"lr": "learning_rate", "bs": "batch_size", "wd": "weight_decay", "model": "backbone", "dataset": "data"}
_Kind = TypeVar("_Kind", bound="Recipe")


def _refusing_unknown(kind: type[_Kind]) -> type[_Kind]:
    """Lets a mistaken name meet the same answer in Python as in YAML, instead of a bare TypeError."""
    made = kind.__init__

    @functools.wraps(made)  # help() and completion go on showing the fields
    def init(self: _Kind, *arguments: Any, **values: Any) -> None:
        _refuse_unknown(values)
        made(self, *arguments, **values)

    kind.__init__ = init  # type: ignore[method-assign, assignment]
    return kind


@_refusing_unknown
@dataclass(frozen=True)
class Recipe:
    """One run, as data.

    Attributes:
        data: What ``load_data`` takes: a bundled name, a folder, arrays, texts, a table, an ``ImageData``; or a mapping
            of name, folder, arrays or table and its arguments, such as ``{"name": "digits", "labels_per_class": 5}``.
        backbone: What ``load_backbone`` takes.
        pretrained: False starts from random weights ("from scratch").
        plan: State of each stage ("frozen", "norm", "lora" or "trainable"), as a mapping or a ``FreezePlan``; stages
            by name, place or pattern, as in ``{"*": "lora", "head": "trainable"}``; stages left out learn.
        method: Name of the transfer method, a module of ``tlwidgets.methods``.
        method_options: Options of the method; a second data set among them, such as a target domain, may be anything
            that ``data`` may be.
        epochs: Passes over the training images, at least 1.
        learning_rate: Rate of the head, above 0. None suits it to the network, see ``suited_rate``; the recipe that a
            run keeps has the number. Change it first when the loss jumps (lower) or crawls (higher).
        backbone_scale: Rate of the stages before the head, as a share of ``learning_rate``. Small values protect what
            was learned before; 1 suits training from scratch.
        layer_decay: Instead of ``backbone_scale``: every layer (a block, in most networks) learns at this share of the
            rate of the layer after it, in (0, 1]. 0.75 suits vision transformers, 0.5 protects the first layers most.
        optimizer: "adamw" or "sgd" (momentum 0.9).
        weight_decay: Decay of weight matrices; norms and biases are spared.
        schedule: "cosine" (to zero at the end), "constant" or "one_cycle" (up, then down to almost nothing).
        warmup: Share of the steps over which the rate rises at the beginning, in [0, 1). Raise it where the first
            steps do harm. "one_cycle" rises in any case: over this share, or over 0.3 where it is 0.
        unfreezing: "none": the plan holds from the first epoch. "gradual": the head alone learns first, then one more
            of the plan's stages after every ``unfreeze_every`` epochs; those that the epochs do not reach stay frozen.
            "probe_first": the head alone learns at a constant rate, then the plan, with the whole schedule.
        unfreeze_every: Epochs between two stages of "gradual", at least 1.
        probe_epochs: Epochs of the probe, fewer than ``epochs``; None probes until validation accuracy has not
            risen for 2 epochs, at most for half of them.
        batch_size: Images a step, at least 1.
        augmentation: "none"; of images "light" (shift, turn, scale), "flip" (light and mirrored), or any of the changes
            rotation, scale, shift, mirror, crop, colour and mixup, as a list or joined, "light+crop+mixup"; of texts
            "eda" (words replaced by synonyms, or left out).
        precision: "fp32"; "bf16" (autocast); or "auto": the first batch is tried in both, with channels first and last,
            and the fastest is taken and recorded. Only fp32 repeats a history to the bit on another day.
        views: Keep this many augmented views of each image and use them in turn, so that they can be cached; None draws
            new ones every epoch.
        cache: What to do with the part of the network that does not learn. "auto" computes it once for each image
            where that is exact and pays, in memory or in a temporary file; "memory", "disk" and "off" insist.
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
    learning_rate: float | None = None
    backbone_scale: float = 0.1
    layer_decay: float | None = None
    optimizer: str = "adamw"
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warmup: float = 0.0
    unfreezing: str = "none"
    unfreeze_every: int = 1
    probe_epochs: int | None = None
    batch_size: int = 32
    augmentation: Any = "none"
    precision: str = "fp32"
    views: int | None = None
    cache: str = "auto"
    patience: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_kinds()
        if self.learning_rate is not None:
            object.__setattr__(self, "learning_rate", self._number("learning_rate", zero=False))
        for name in ("backbone_scale", "weight_decay"):
            object.__setattr__(self, name, self._number(name, zero=True))
        for name in ("epochs", "batch_size"):
            self._at_least(name, 1)
        self._at_least("seed", 0)
        for name in ("patience", "probe_epochs", "views"):
            if getattr(self, name) is not None:
                self._at_least(name, 1)
        self._at_least("unfreeze_every", 1)
        self._check_shares()
        self._one_of("optimizer", OPTIMIZERS)
        self._one_of("schedule", SCHEDULES)
        self._one_of("unfreezing", UNFREEZINGS)
        object.__setattr__(self, "augmentation", checked(self.augmentation))
        if self.views is not None and "mixup" in changes_in(self.augmentation):
            raise RecipeError(
                f"views is {self.views}, and mixup mixes each image with another one every time.",
                "Leave views out, or mixup.",
            )
        self._one_of("cache", CACHES)
        self._one_of("precision", PRECISIONS)

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
        options = {name: _plain_option(value) for name, value in self.method_options.items()}
        return {"data": _plain_data(self.data), **self.settings(), "method_options": options}

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

    def to_script(self, path: str | Path | None = None) -> str:
        """The same run as a plain script of PyTorch and timm that does not import tlwidgets.

        There is one of ``fine_tuning`` and of ``feature_extraction`` without ``C``, on pictures that lie in files or
        come with scikit-learn or scikit-image, in fp32, with stages that are "frozen" or "trainable" from the first
        epoch on. It reads the data where they are.

        Args:
            path: Write the script there too, and beside it a folder with the weights of a bundled network, so that both
                can be taken elsewhere. By default nothing is written, and the script says where it looks for them.

        Raises:
            RecipeError: There is no plain script of this run, and why; or the script cannot be written.
        """
        # By name: the script is assembled by a layer above this one.
        text: str = importlib.import_module("tlwidgets.training.script").script_of(self, path)
        return text

    def _check_kinds(self) -> None:
        states = getattr(self.plan, "states", self.plan)
        options = {} if self.method_options is None else self.method_options
        for name, value, example in (
            ("plan", {} if states is None else states, '{"*": "frozen", "head": "trainable"}'),
            ("method_options", options, '{"label_smoothing": 0.1}'),
        ):
            if not isinstance(value, Mapping):
                raise RecipeError(f"{name} is {value!r}.", f"Give a mapping, such as {example}.")
        if named := [key for key in options if not isinstance(key, str)]:
            raise RecipeError(f"method_options has {named[0]!r} for a name.", "The names of options are text.")
        object.__setattr__(self, "plan", None if states is None else dict(states))
        object.__setattr__(self, "method_options", dict(options))
        for name, example in (("backbone", "tlw_resnet"), ("method", "fine_tuning")):
            if not isinstance(value := getattr(self, name), str) or not value:
                raise RecipeError(f"{name} is {value!r}.", f"Give a name, such as {example!r}, or leave it out.")
        if self.pretrained not in (True, False):
            raise RecipeError(f"pretrained is {self.pretrained!r}.", "Give true or false.")

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

    def _check_shares(self) -> None:
        object.__setattr__(self, "warmup", self._number("warmup", zero=True))
        if self.warmup >= 1:
            raise RecipeError(f"warmup is {self.warmup!r}.", "Give a share of the steps below 1, for example 0.1.")
        if self.layer_decay is not None:
            object.__setattr__(self, "layer_decay", self._number("layer_decay", zero=False))
            if self.layer_decay > 1:
                raise RecipeError(f"layer_decay is {self.layer_decay!r}.", "Give at most 1, for example 0.75.")
        if self.unfreezing == "probe_first" and (self.probe_epochs or 1) >= self.epochs:
            raise RecipeError(
                f"probe_epochs leaves none of the {self.epochs} epochs to fine-tune.", "Raise epochs, or probe less."
            )

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
            near = [OTHER_NAMES[key]] if key in OTHER_NAMES else difflib.get_close_matches(str(key), known, n=1)
            raise RecipeError(
                f"A recipe has no field {key!r}.",
                f"Did you mean {near[0]!r}?" if near else f"Fields: {', '.join(known)}.",
            )


def _on_disk(source: Mapping[str, Any]) -> bool:
    """Whether a source names something that another process can load."""
    places = [Path(str(source[kind])) for kind in ("arrays", "table") if kind in source]
    return "name" in source or "folder" in source or any(place.is_absolute() for place in places)


def _plain_option(value: Any) -> Any:
    """An option of a method; one that is a data set as the run's own data are."""
    arrays = hasattr(value, "dtype") or (isinstance(value, tuple) and any(hasattr(part, "dtype") for part in value))
    return _plain_data(value) if arrays or hasattr(value, "source") or isinstance(value, Path) else value


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
