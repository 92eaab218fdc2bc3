"""A network that is a running mean of another's weights, with statistics of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, decay: float) -> None:
    """Moves every parameter of the teacher to decay * teacher + (1 - decay) * student.

    Buffers stay: running statistics of BatchNorm belong to the weights that made them, and the student's, beside
    averaged weights, would be those of another network. The teacher counts its own; see ``in_the_mode_of``.
    """
    for weight, present in zip(teacher.parameters(), student.parameters(), strict=True):
        weight.lerp_(present, 1 - decay)


@contextmanager
def in_the_mode_of(teacher: nn.Module, student: nn.Module) -> Iterator[None]:
    """Puts every part of the teacher into the mode, training or evaluation, of the student's part, for a while.

    As in the code of Tarvainen and Valpola, BatchNorm then normalises by batch and counts statistics in the teacher
    where it does in the student; where a frozen part of the student keeps its statistics, so does the teacher's.
    """
    before = [(part, part.training) for part in teacher.modules()]
    for (part, _), example in zip(before, student.modules(), strict=True):
        part.training = example.training
    try:
        yield
    finally:
        for part, training in before:
            part.training = training
