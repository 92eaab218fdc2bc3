"""A network that is a running mean of another's weights."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, decay: float) -> None:
    """Moves every parameter of the teacher to decay * teacher + (1 - decay) * student, and copies the buffers."""
    for weight, present in zip(teacher.parameters(), student.parameters(), strict=True):
        weight.lerp_(present, 1 - decay)
    for buffer, latest in zip(teacher.buffers(), student.buffers(), strict=True):
        buffer.copy_(latest)
