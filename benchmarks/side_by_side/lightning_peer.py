"""Lightning: its Trainer without logger, checkpoints, summary and progress bar, which would only cost it time."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import lightning
import torch
from torch import nn
from torch.nn import functional

from side_by_side.job import Job
from side_by_side.torch_parts import accuracy, loaders, network, optimiser, rest_frozen

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class Classifier(lightning.LightningModule):
    """The network as Lightning wants it."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job, self.network = job, network(job)

    def on_train_epoch_start(self) -> None:
        """Keeps frozen norms at rest."""
        self.network.train()
        rest_frozen(self.network)

    def training_step(self, batch: list[torch.Tensor], _index: int) -> torch.Tensor:
        """The loss of a batch."""
        return functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch: list[torch.Tensor], _index: int) -> None:
        """Accuracy, kept for the epoch."""
        hits = (self.network(batch[0]).argmax(1) == batch[1]).float().mean()
        self.log("val_accuracy", hits, batch_size=len(batch[1]))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return optimiser(self.job, self.network)


def run(job: Job) -> dict[str, Any]:
    """Trains and judges."""
    batches = loaders(job)
    module = Classifier(job)
    trainer = lightning.Trainer(
        max_epochs=job.epochs,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(module, batches["train"], batches["val"])
    judged: nn.Module = module.network
    return {"accuracy": accuracy(judged, batches["test"])}
