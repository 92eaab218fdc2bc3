"""A network whose predictions are corrected for other shares of the classes than those that it learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import softmax
from torch import nn

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.stages import classifier_names
from tlwidgets.errors import BackboneError
from tlwidgets.training.class_shares import reweighted

LOWEST = 1e-6  # a class that is not there at all counts so much, for the logarithm of 0 is none


@dataclass(frozen=True)
class ReweightedPredictor:
    """A classifier that knows the target's shares of the classes.

    Attributes:
        backbone: The network, unchanged.
        shares: (C,) of the classes on the target, as estimated.
        weights: (C,) those shares over the source's.
    """

    backbone: Backbone
    shares: np.ndarray
    weights: np.ndarray

    def predict_proba(self, images: Sequence[Any]) -> np.ndarray:
        """Class probabilities (N, C)."""
        return reweighted(softmax(self.backbone.logits(images).astype(np.float64), axis=1), self.weights)


def head_biases(backbone: Backbone) -> list[torch.Tensor]:
    """The biases (C,) of a network's head, of each where it is the mean of several.

    Raises:
        BackboneError: A head has none.
    """
    found = []
    for name in classifier_names(backbone.model):
        layers = [m for m in backbone.model.get_submodule(name).modules() if isinstance(m, nn.Linear | nn.Conv2d)]
        if not layers or layers[-1].bias is None:
            raise BackboneError(f"The head of {backbone.name!r} has no bias.", "Use another network.")
        found.append(layers[-1].bias)
    return found


def reweight_head(backbone: Backbone, weights: Any) -> None:
    """Lets a network itself give what ``reweighted`` makes of its probabilities: log(weight) joins the head's bias."""
    shift = torch.from_numpy(np.log(np.maximum(np.asarray(weights, dtype=np.float64), LOWEST)))
    with torch.no_grad():
        for bias in head_biases(backbone):
            bias.add_(shift.to(bias))
