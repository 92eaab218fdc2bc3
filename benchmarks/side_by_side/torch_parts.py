"""What the bare loop, Lightning and Keras have in common: torchvision's pictures and timm's network."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

from side_by_side.job import Job

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)


def loaders(job: Job) -> dict[str, DataLoader]:
    """Batches of train (shuffled, augmented), val and test, decoded anew every time as torchvision does."""
    size = [v2.Resize(job.side, antialias=True), v2.CenterCrop(job.side)]
    values = [v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(job.mean, job.std)]
    # The same kinds and strengths as the recipe's augmentation "flip".
    views = [v2.RandomHorizontalFlip(), v2.RandomAffine(10, (0.1, 0.1), (0.9, 1.1))] if job.augment else []
    made = {}
    for split in ("train", "val", "test"):
        steps = v2.Compose([*size, *(views if split == "train" else []), *values])
        images = ImageFolder(Path(job.data) / split, steps)
        made[split] = DataLoader(images, job.batch_size, shuffle=split == "train")
    return made


def network(job: Job) -> nn.Module:
    """The network with a new head, frozen as asked."""
    torch.manual_seed(job.seed)
    n_classes = sum(path.is_dir() for path in (Path(job.data) / "train").iterdir())
    model: nn.Module = timm.create_model(f"local-dir:{job.backbone}", pretrained=True, num_classes=n_classes)
    frozen = set(job.parameters)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return model


def rest_frozen(model: nn.Module) -> None:
    """Keeps frozen norms in evaluation mode: ``requires_grad=False`` alone lets their statistics move."""
    for module in model.modules():
        if isinstance(module, NORMS) and not any(parameter.requires_grad for parameter in module.parameters()):
            module.eval()


def optimiser(job: Job, model: nn.Module) -> torch.optim.Optimizer:
    """AdamW over what learns."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(learning, job.learning_rate, weight_decay=job.weight_decay)


def accuracy(model: nn.Module, batches: DataLoader) -> float:
    """Share of pictures classified rightly."""
    device = next(model.parameters()).device
    hits = total = 0
    model.eval()
    with torch.no_grad():
        for images, labels in batches:
            hits += int((model(images.to(device)).argmax(1).cpu() == labels).sum())
            total += len(labels)
    return hits / total
