"""What a recipe may do to the images or texts that it trains on, by name."""

from __future__ import annotations

from collections.abc import Iterable

from tlwidgets.errors import RecipeError

CHANGES = ("rotation", "scale", "shift", "mirror", "crop", "colour", "mixup")
"""Changes of images; an augmentation joins some of them by "+"."""

PRESETS = {"none": (), "light": ("rotation", "scale", "shift"), "flip": ("rotation", "scale", "shift", "mirror")}
"""Changes that have a name together."""

TEXT_AUGMENTATIONS = ("none", "eda")


def checked(value: str | Iterable[str]) -> str:
    """The one spelling of an augmentation: a preset's name, "eda", or changes in the order of ``CHANGES``.

    Args:
        value: Such a name, names joined by "+" ("light+crop"), or several names.

    Raises:
        RecipeError: One of them is no augmentation.
    """
    if isinstance(value, str) and value in TEXT_AUGMENTATIONS:
        return value
    wanted: set[str] = set()
    for name in _names(value):
        if name not in PRESETS and name not in CHANGES:
            raise RecipeError(
                f"augmentation is {value!r}: there is no {name!r}.",
                f'Choices: {", ".join(PRESETS)}; changes joined by "+": {", ".join(CHANGES)}; of texts eda.',
            )
        wanted |= set(PRESETS.get(name, (name,)))
    same = [name for name, parts in PRESETS.items() if set(parts) == wanted]
    return same[0] if same else "+".join(change for change in CHANGES if change in wanted)


def _names(value: str | Iterable[str]) -> list[str]:
    if isinstance(value, str):
        return [name.strip() for name in value.split("+")]
    if isinstance(value, Iterable):
        return [str(name) for name in value]
    raise RecipeError(f"augmentation is {value!r}.", 'Give a name such as "light", or several.')


def changes_in(augmentation: str) -> tuple[str, ...]:
    """The changes of images that an augmentation makes, in the order of ``CHANGES``; of "eda" none."""
    known = PRESETS.get(augmentation)
    return known if known is not None else tuple(part for part in augmentation.split("+") if part in CHANGES)
