"""Do two losses pull the same way?"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn


def gradient_cosine(first: torch.Tensor, second: torch.Tensor, parameters: Sequence[nn.Parameter]) -> float:
    """Cosine between the gradients of two losses; the graph is kept. nan where one of them is zero."""
    flat = []
    for loss in (first, second):
        found = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        parts = [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]
        flat.append(torch.cat([part.flatten() for part in parts]))
    lengths = flat[0].norm() * flat[1].norm()
    return float(flat[0] @ flat[1] / lengths) if lengths > 0 else math.nan
