"""Keras 3 on torch: the same torch network inside Keras' TorchModuleWrapper, trained by ``Model.fit``."""

from __future__ import annotations

import os
from typing import Any

os.environ["KERAS_BACKEND"] = "torch"

import keras
from torch import nn

from side_by_side.job import Job
from side_by_side.torch_parts import loaders, network, rest_frozen


class Resting(nn.Module):
    """Keeps frozen norms at rest: Keras calls ``train()`` before every batch."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def train(self, mode: bool = True) -> Resting:
        """Sets the mode of what learns."""
        super().train(mode)
        rest_frozen(self.network)
        return self

    def forward(self, images: Any) -> Any:
        """Logits (N, classes)."""
        return self.network(images)


class Wrapped(keras.layers.TorchModuleWrapper):
    """Keras asks for the shape of the output; the wrapper cannot know it."""

    def compute_output_shape(self, *_shapes: Any, **_named: Any) -> tuple[None, int]:
        """(N, classes)."""
        return (None, self.module.network.num_classes)


def run(job: Job) -> dict[str, Any]:
    """Trains and judges."""
    keras.utils.set_random_seed(job.seed)
    batches = loaders(job)
    # Channels first, as the pictures of the other contenders are.
    inputs = keras.Input((3, job.side, job.side))
    model = keras.Model(inputs, Wrapped(Resting(network(job)))(inputs))
    model.compile(
        optimizer=keras.optimizers.AdamW(job.learning_rate, weight_decay=job.weight_decay),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(batches["train"], validation_data=batches["val"], epochs=job.epochs, verbose=0)
    return {"accuracy": float(model.evaluate(batches["test"], verbose=0, return_dict=True)["accuracy"])}
