"""Settings: the numbers of a recipe, as a form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import traitlets

from tlwidgets.augmentations import PRESETS
from tlwidgets.errors import RecipeError
from tlwidgets.recipe import OPTIMIZERS, SCHEDULES, Recipe
from tlwidgets.widgets.base import TlwWidget

FIELDS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "augmentation",
    "pretrained",
    "backbone_scale",
    "seed",
    "optimizer",
    "schedule",
    "weight_decay",
    "patience",
)


class _Field(traitlets.Any):
    """A value that is always validated: traitlets lets None past, which an emptied field of the page sends."""

    allow_none = False


class Settings(TlwWidget):
    """One field for each number of a recipe that a person may want to change; each means what ``Recipe`` says.

    Args:
        **values: Values to begin with; the recipe's own defaults otherwise.

    Raises:
        RecipeError: A value is not one that a run could use.
    """

    commands: ClassVar[dict[str, str]] = {"set": "set_value"}

    choices = traitlets.Dict().tag(sync=True)
    """What a field that is a choice can be."""

    epochs = _Field().tag(sync=True)
    """Passes over the training images, at least 1."""

    batch_size = _Field().tag(sync=True)
    """Images a step, at least 1."""

    learning_rate = _Field().tag(sync=True)
    """Rate of the head, above 0; None suits it to the network."""

    augmentation = _Field().tag(sync=True)
    """One of ``tlwidgets.augmentations.PRESETS``, or changes joined as in a recipe."""

    pretrained = _Field().tag(sync=True)
    """Whether to start from the pre-trained weights."""

    backbone_scale = _Field().tag(sync=True)
    """Rate of the stages before the head, as a share of the learning rate."""

    seed = _Field().tag(sync=True)
    """Seed of the run, 0 or more."""

    optimizer = _Field().tag(sync=True)
    """One of ``tlwidgets.recipe.OPTIMIZERS``."""

    schedule = _Field().tag(sync=True)
    """One of ``tlwidgets.recipe.SCHEDULES``."""

    weight_decay = _Field().tag(sync=True)
    """Decay of weight matrices, 0 or more."""

    patience = _Field().tag(sync=True)
    """Epochs without a better validation accuracy before the run stops, or None."""

    def __init__(self, **values: Any) -> None:
        self._checks: list[Callable[[Recipe], object]] = []
        defaults = Recipe(data="", **values)
        choices = {"augmentation": PRESETS, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}
        super().__init__(
            choices={name: list(options) for name, options in choices.items()},
            **{name: getattr(defaults, name) for name in FIELDS},
        )

    @property
    def values(self) -> dict[str, Any]:
        """The fields as a mapping: what ``Recipe`` takes."""
        return {name: getattr(self, name) for name in FIELDS}

    def set_value(self, name: str, value: Any) -> None:
        """Sets one field by name.

        Raises:
            RecipeError: There is no such field, or the value is not one that a run could use.
        """
        if name not in FIELDS:
            raise RecipeError(f"There is no setting {name!r}.", f"Settings: {', '.join(FIELDS)}.")
        setattr(self, name, value)

    def before_value(self, callback: Callable[[Recipe], object]) -> None:
        """Registers what looks at a recipe with each new value before it is kept; what it raises refuses the value."""
        self._checks.append(callback)

    @traitlets.validate(*FIELDS)
    def _checked(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        recipe = Recipe(data="", **{name: proposal["value"]})
        for check in self._checks:
            check(recipe)
        return getattr(recipe, name)
