"""CPU seconds of single training epochs, in one process and in turn, where per cents are to be told apart."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch.nn import functional

from side_by_side.job import Job
from side_by_side.torch_parts import network, optimiser, rest_frozen
from tlwidgets.backbones.loading import load_backbone
from tlwidgets.data.images import ImageData
from tlwidgets.training import BatchEnded, EpochEnded, Event


class EpochClock:
    """A listener that measures our training epochs, from the end of one epoch to the last batch of the next.

    CPU seconds of the whole process count, so that work in other threads is not hidden.

    Args:
        between: Called after each epoch, outside the measured time.
    """

    def __init__(self, between: Callable[[], None] = lambda: None) -> None:
        self.between = between
        self.seconds: list[float] = []
        self._began = self._latest = time.process_time()

    def __call__(self, event: Event) -> None:
        """Hears of an event."""
        if isinstance(event, BatchEnded):
            self._latest = time.process_time()
        elif isinstance(event, EpochEnded):
            self.seconds.append(self._latest - self._began)
            self.between()
            self._began = time.process_time()


class BareEpochs:
    """The loop written by hand, on the prepared pictures of the training split, all in memory."""

    def __init__(self, job: Job, data: ImageData) -> None:
        preprocessing = load_backbone(f"local-dir:{job.backbone}").preprocessing
        train = data.indices("train")
        self.images = preprocessing.prepare_all(data.images(train))
        self.labels = torch.from_numpy(data.labels[train])
        self.job, self.model, self.normalise = job, network(job), preprocessing.normalise
        self.optimiser = optimiser(job, self.model)
        self.seconds: list[float] = []

    def run(self) -> None:
        """One epoch."""
        began = time.process_time()
        self.model.train()
        rest_frozen(self.model)
        for some in torch.randperm(len(self.labels)).split(self.job.batch_size):
            logits = self.model(self.normalise(self.images[some]))
            loss = functional.cross_entropy(logits, self.labels[some])
            loss.backward()
            self.optimiser.step()
            self.optimiser.zero_grad()
        self.seconds.append(time.process_time() - began)
