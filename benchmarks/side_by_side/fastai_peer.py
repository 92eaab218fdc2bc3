"""fastai: its data block, batch transforms and Learner; no progress bar, frozen norms at rest, no worker processes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from fastai.callback.training import BnFreeze
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.losses import CrossEntropyLossFlat
from fastai.metrics import accuracy
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageDataLoaders, Normalize
from fastai.vision.utils import get_image_files
from torch import nn

from side_by_side.job import Job
from side_by_side.torch_parts import network

warnings.filterwarnings("ignore", module="fastai")


def batches_of(job: Job) -> ImageDataLoaders:
    """Pictures from the folder; resized one by one, augmented and normalised batch by batch."""
    views = aug_transforms(max_rotate=10, max_zoom=1.1, max_lighting=0, max_warp=0) if job.augment else []
    return ImageDataLoaders.from_folder(
        job.data,
        train="train",
        valid="val",
        item_tfms=Resize(job.side),
        batch_tfms=[*views, Normalize.from_stats(job.mean, job.std)],
        bs=job.batch_size,
        num_workers=0,
    )


def frozen_and_learning(model: nn.Module) -> list[list[nn.Parameter]]:
    """Parameter groups; fastai freezes all but the last."""
    frozen = [parameter for parameter in model.parameters() if not parameter.requires_grad]
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [frozen, learning] if frozen else [learning]


def run(job: Job) -> dict[str, Any]:
    """Trains and judges."""
    batches = batches_of(job)
    learner = Learner(
        batches,
        network(job),
        loss_func=CrossEntropyLossFlat(),
        splitter=frozen_and_learning,
        metrics=accuracy,
        wd=job.weight_decay,
        cbs=BnFreeze(),
        train_bn=False,
    )
    learner.freeze() if job.parameters else learner.unfreeze()
    with learner.no_bar(), learner.no_logging():
        learner.fit(job.epochs, job.learning_rate)
        test: DataLoader = batches.test_dl(get_image_files(Path(job.data) / "test"), with_labels=True)
        return {"accuracy": float(learner.validate(dl=test)[1])}
