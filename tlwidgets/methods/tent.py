"""Tent: while it is used, the network makes itself surer by adjusting its normalisation.

Wang, Shelhamer, Liu, Olshausen, Darrell (2021), "Tent: fully test-time adaptation by entropy minimization", ICLR, arXiv
2006.10726. BatchNorm uses the batch's own statistics; the scales and shifts of all norm layers, and nothing else, take
a step down the entropy of each batch's predictions. No source image and no label is needed. It can collapse to one
class on small or one-sided batches: ``reset`` brings the first weights back bit for bit.

Measured over five seeds (learning rate 0.01, ``benchmarks/results/methods.md``): accuracy on the target .98 on
``fogged_digits``, .12 before, worst gain +.80; .66 from .14 on ``sensor_digits``. In a recipe the network learns from
the source as in fine-tuning; ``adapt`` follows when that is over.
"""

from __future__ import annotations

import numpy as np
import torch

from tlwidgets.backbones import Backbone
from tlwidgets.data import ImageData
from tlwidgets.freezing.parts import norms_alone
from tlwidgets.training.after_training import AfterTraining, alone
from tlwidgets.training.batch_statistics import Images, copied, even_batches, own_statistics, settle_statistics
from tlwidgets.training.method import Setting
from tlwidgets.training.options import above, at_least
from tlwidgets.training.target import Target, entropies

DATA_OPTIONS = ("target",)


def mean_entropy(logits: torch.Tensor) -> torch.Tensor:
    """Mean entropy of predictions (N, C), nats."""
    return entropies(logits.float().softmax(1)).mean()


class Tent:
    """A copy of a network that adapts to what it is shown.

    Args:
        backbone: A trained network, such as ``run.backbone``; it stays as it is.
        learning_rate: Of Adam, above 0. The paper's is 0.001; lower it where classes vanish from the predictions.
        steps: Steps on each batch, at least 1.

    Attributes:
        backbone: The copy.

    Raises:
        BackboneError: The network has no norm layer that can learn.
        RecipeError: The rate or the number of steps is none.
    """

    def __init__(self, backbone: Backbone, learning_rate: float = 0.001, steps: int = 1) -> None:
        above(0, learning_rate=learning_rate)
        at_least(1, steps=steps)
        self.backbone, self.learning_rate, self.steps = copied(backbone), learning_rate, steps
        self.model, self.learning = self.backbone.model, norms_alone(self.backbone)
        self._first = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        self.reset()

    def predict_proba(self, images: Images, batch_size: int = 64) -> np.ndarray:
        """Class probabilities (N, C) of each batch as they are while it is adapted to, as in the paper.

        Raises:
            DataError: There is a batch of one image.
        """
        rows = []
        for batch in even_batches(self.backbone, images, batch_size):
            for _ in range(self.steps):
                logits = self._step(batch)
            rows.append(logits.detach().float().softmax(1).cpu().numpy())
        return np.concatenate(rows)

    def reset(self) -> None:
        """Forgets everything that was learned since it was made."""
        self.model.load_state_dict(self._first)
        self._optimiser = torch.optim.Adam(self.learning, lr=self.learning_rate)

    def _step(self, batch: torch.Tensor) -> torch.Tensor:
        with own_statistics(self.model), torch.enable_grad():
            logits: torch.Tensor = self.model(batch)
            self._optimiser.zero_grad(set_to_none=True)
            mean_entropy(logits).backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
        return logits


def adapt(
    backbone: Backbone, images: Images, *, learning_rate: float = 0.001, epochs: int = 1, batch_size: int = 64
) -> Backbone:
    """A copy of a trained network adapted to target images without labels, for later use; the given one stays.

    Its BatchNorm layers end with the statistics of all of the images.

    Args:
        backbone: A trained network, such as ``run.backbone``.
        images: Images of the target; at least two.
        learning_rate: See ``Tent``.
        epochs: Passes over the images, at least 1.
        batch_size: Images a step.

    Raises:
        TlwError: As ``Tent``; or there are fewer than two images.
    """
    tent = Tent(backbone, learning_rate)
    for _ in range(epochs):
        tent.predict_proba(images, batch_size)
    settle_statistics(tent.backbone, images, batch_size)
    return tent.backbone


def make(setting: Setting, target: ImageData, learning_rate: float = 0.001, epochs: int = 1) -> AfterTraining:
    """Makes the method from a recipe's options; see ``adapt`` for them, and ``Target``.

    Raises:
        TlwError: As ``Tent``.
    """
    at_least(1, epochs=epochs)
    Tent(setting.backbone, learning_rate)  # what it refuses, it refuses before anything is trained
    tuned = alone(adapt, learning_rate=learning_rate, epochs=epochs, batch_size=setting.recipe.batch_size)
    return AfterTraining(setting.backbone, Target(setting, target), tuned)
