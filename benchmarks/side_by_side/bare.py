"""The loop that everybody writes by hand."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from side_by_side.job import Job
from side_by_side.torch_parts import accuracy, loaders, network, optimiser, rest_frozen


def run(job: Job) -> dict[str, Any]:
    """Trains and judges."""
    batches, model = loaders(job), network(job)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device)
    optimizer = optimiser(job, model)
    for _ in range(job.epochs):
        model.train()
        rest_frozen(model)
        for images, labels in batches["train"]:
            loss = functional.cross_entropy(model(images.to(device)), labels.to(device))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        accuracy(model, batches["val"])
    return {"accuracy": accuracy(model, batches["test"])}
