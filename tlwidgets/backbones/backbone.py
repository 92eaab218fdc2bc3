"""A pre-trained network together with its stages and the preprocessing that belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from tlwidgets.backbones.preprocessing import Preprocessing
from tlwidgets.backbones.stages import Stage, classifier_names, find_stages
from tlwidgets.backbones.tokenising import TextPreprocessing

Images = np.ndarray | Sequence[np.ndarray]
Inputs = Images | Sequence[str]


@dataclass
class Backbone:
    """A network, its ordered stages and its own preprocessing.

    Attributes:
        name: The name it was loaded by.
        model: The network itself; a plain ``nn.Module``.
        preprocessing: How it wants its images, or its texts.
        classes: What its outputs mean, if known; empty otherwise.
    """

    name: str
    model: nn.Module
    preprocessing: Preprocessing | TextPreprocessing
    classes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.stages: tuple[Stage, ...] = find_stages(self.model)

    def __repr__(self) -> str:
        parameters = sum(parameter.numel() for parameter in self.model.parameters())
        names = ", ".join(stage.name for stage in self.stages)
        head = f"{self.num_classes} classes" if self.num_classes else "no head"
        return f"Backbone({self.name}: {parameters:,} parameters, {head}, stages {names})"

    @property
    def num_features(self) -> int:
        """Length D of the feature vector in front of the classifier."""
        for attribute in ("head_hidden_size", "num_features"):
            if isinstance(size := getattr(self.model, attribute, None), int):
                return size
        with evaluating(self.model), torch.inference_mode():
            return int(self._pooled(self.example()).flatten(1).shape[1])

    @property
    def num_classes(self) -> int:
        """Number of outputs of the head; 0 without one."""
        for name in reversed(classifier_names(self.model)):
            layer = self.model.get_submodule(name)
            if (size := getattr(layer, "out_features", getattr(layer, "out_channels", None))) is not None:
                return int(size)
        return int(getattr(self.model, "num_classes", 0) or 0)

    def example(self) -> torch.Tensor:
        """One image, or short text, where the network is, to see what it does with one."""
        like, example = next(self.model.parameters()), self.preprocessing.example()
        return example.to(like) if example.is_floating_point() else example.to(like.device)

    def features(self, images: Inputs, batch_size: int = 64) -> np.ndarray:
        """Describes images, or texts, by the numbers in front of the classifier.

        Args:
            images: uint8 (N, H, W, 3) or a sequence of (H, W, 3), any sizes; preprocessed the backbone's way. A
                backbone made with ``in_chans=4`` takes four channels, one with ``in_chans=1`` also a single one.
                For a text encoder a sequence of texts.
            batch_size: Images a forward pass; change it only when memory is short.

        Returns:
            float32 (N, D).
        """
        return self._run(images, batch_size, self._pooled)

    def logits(self, images: Inputs, batch_size: int = 64) -> np.ndarray:
        """Scores images by the classes of the present head: float32 (N, num_classes)."""
        return self._run(images, batch_size, self.model)

    def _pooled(self, batch: torch.Tensor) -> torch.Tensor:
        if hasattr(self.model, "forward_head"):
            features = self.model.forward_features(batch)  # type: ignore[operator]
            pooled: torch.Tensor = self.model.forward_head(features, pre_logits=True)  # type: ignore[operator]
            return pooled
        caught: list[torch.Tensor] = []
        head = self.model.get_submodule(classifier_names(self.model)[-1])
        handle = head.register_forward_pre_hook(lambda _module, inputs: caught.append(inputs[0]))
        try:
            self.model(batch)
        finally:
            handle.remove()
        return caught[0]

    def _run(self, images: Inputs, batch_size: int, function: Callable[[torch.Tensor], torch.Tensor]) -> np.ndarray:
        self.preprocessing.check(images)
        device = next(self.model.parameters()).device
        outputs = []
        with evaluating(self.model), torch.inference_mode():
            for start in range(0, len(images), batch_size):
                batch = self.preprocessing.prepare_all(images[start : start + batch_size])
                outputs.append(function(self.preprocessing.normalise(batch.to(device))).float().cpu())
        return torch.cat(outputs).flatten(1).numpy()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Puts every module into evaluation mode for a while, then each back into the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    for module, _ in modes:
        module.training = False
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
