"""What a run feeds its network with: images for image backbones, texts for text encoders, and nothing across."""

from __future__ import annotations

from tlwidgets.augmentations import CHANGES, PRESETS, TEXT_AUGMENTATIONS
from tlwidgets.backbones import TextPreprocessing
from tlwidgets.data import TextData
from tlwidgets.errors import BackboneError, RecipeError
from tlwidgets.training.batches import Prepared, PreparedImages
from tlwidgets.training.method import Setting
from tlwidgets.training.text_batches import PreparedTexts


def prepare_inputs(setting: Setting) -> Prepared:
    """The data as the backbone wants them; nothing is read yet.

    Raises:
        BackboneError: Texts for a network that reads images, or images for one that reads texts.
        RecipeError: The augmentation is made for the other kind.
    """
    data, preprocessing, augmentation = setting.data, setting.backbone.preprocessing, setting.recipe.augmentation
    if isinstance(preprocessing, TextPreprocessing):
        if not isinstance(data, TextData):
            raise _mismatch(setting, "images", "texts", "tlw_resnet")
        _refuse(augmentation, "texts", TEXT_AUGMENTATIONS, augmentation not in TEXT_AUGMENTATIONS)
        return PreparedTexts(data, preprocessing)
    if isinstance(data, TextData):
        raise _mismatch(setting, "texts", "images", "minilm")
    _refuse(augmentation, "images", (*PRESETS, *CHANGES), augmentation == "eda")
    return PreparedImages(data, preprocessing)


def _mismatch(setting: Setting, held: str, read: str, other: str) -> BackboneError:
    return BackboneError(
        f"{setting.data.name!r} holds {held}, and {setting.backbone.name!r} reads {read}.",
        f"Choose a backbone for {held}, such as {other!r}.",
    )


def _refuse(augmentation: str, kind: str, choices: tuple[str, ...], wrong: bool) -> None:
    if wrong:
        raise RecipeError(f"augmentation={augmentation!r} is not made for {kind}.", f"Choices: {', '.join(choices)}.")
