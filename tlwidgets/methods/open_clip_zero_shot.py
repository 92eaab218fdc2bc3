"""Zero-shot with a model that was trained on images and their captions, where open_clip is installed.

Radford et al. (2021), "Learning transferable visual models from natural language supervision", ICML, arXiv
2103.00020; Ilharco et al., open_clip. Both towers of the model end in one space: an image belongs to the class whose
sentence points the same way. The paper averages several sentences a class ("a photo of a ...", "a drawing of a ...").
The package is optional and its weights, hundreds of megabytes, come from the network.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

from tlwidgets.errors import BackboneError, DataError

INSTALL = "pip install open_clip_torch"


@dataclass
class OpenClipClassifier:
    """Classifies images by sentences.

    Attributes:
        model: open_clip's model, in evaluation mode.
        transform: Its preprocessing of a PIL image.
        directions: (C, E) of length 1, one a class.
        classes: Names of the classes.
    """

    model: Any
    transform: Any
    directions: torch.Tensor
    classes: tuple[str, ...]

    def predict_proba(self, images: Sequence[np.ndarray], batch_size: int = 32) -> np.ndarray:
        """Probability (N, C) of each class for uint8 images (H, W, 3)."""
        found = [np.zeros((0, len(self.classes)))]
        with torch.inference_mode():
            for start in range(0, len(images), batch_size):
                some = images[start : start + batch_size]
                batch = torch.stack([self.transform(Image.fromarray(image)) for image in some])
                seen = functional.normalize(self.model.encode_image(batch), dim=1)
                logits = self.model.logit_scale.exp() * seen @ self.directions.T
                found.append(logits.softmax(1).numpy())
        return np.concatenate(found)

    def predict(self, images: Sequence[np.ndarray]) -> list[str]:
        """The class of each image, by name."""
        return [self.classes[number] for number in self.predict_proba(images).argmax(1)]


def open_clip_classifier(
    classes: Sequence[str],
    templates: Sequence[str] = ("a photo of a {}.",),
    model: str = "ViT-B-32",
    pretrained: str = "laion2b_s34b_b79k",
) -> OpenClipClassifier:
    """Makes a classifier from names of classes.

    Args:
        classes: At least two names.
        templates: Sentences with ``{}`` where the name goes; their directions are averaged.
        model: open_clip's name of the architecture.
        pretrained: open_clip's name of the weights.

    Raises:
        BackboneError: open_clip is not installed, or the weights cannot be had.
        DataError: Fewer than two classes, or a template without ``{}``.
    """
    if len(set(classes)) < 2 or not templates or not all("{}" in template for template in templates):
        raise DataError("Names or templates cannot be used.", 'Give two or more names, and templates such as "a {}".')
    try:
        package: Any = importlib.import_module("open_clip")
    except ImportError as error:
        raise BackboneError("open_clip is not installed.", f"{INSTALL}; or use text_alignment.") from error
    try:
        network, transform = package.create_model_from_pretrained(model, pretrained=pretrained)
    except (OSError, RuntimeError, ValueError) as error:
        raise BackboneError(
            f"open_clip cannot load {model!r} with {pretrained!r}: {error}.", "Is there a network?"
        ) from error
    tokenise = package.get_tokenizer(model)
    network.eval()
    with torch.inference_mode():
        sentences = [[template.format(name) for template in templates] for name in classes]
        encoded = [functional.normalize(network.encode_text(tokenise(some)), dim=1).mean(0) for some in sentences]
        directions = functional.normalize(torch.stack(encoded), dim=1)
    return OpenClipClassifier(network, transform, directions, tuple(classes))
