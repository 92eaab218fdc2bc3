"""The run's own validation images, to judge another network by than the one that is trained."""

from __future__ import annotations

import torch
from torch import nn

from tlwidgets.training.batches import Batches
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.judging import evaluate
from tlwidgets.training.method import Setting


class HeldOut:
    """Judges networks like the run's.

    Args:
        setting: The run.
    """

    def __init__(self, setting: Setting) -> None:
        self._n_classes = len(setting.data.classes)
        self._batches = Batches(prepare_inputs(setting), "val", setting.recipe.batch_size, torch.device("cpu"))

    def accuracy(self, model: nn.Module) -> float:
        """Share of the validation images that a network classifies rightly; nan without any."""
        self._batches.device = next(model.parameters()).device
        judged, _ = evaluate(model, self._batches, self._n_classes)
        return judged["accuracy"]
