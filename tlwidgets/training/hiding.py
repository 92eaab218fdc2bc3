"""A vision transformer that does not see some of its patches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def hidden_patches(vit: Any, mask: torch.Tensor, token: torch.Tensor) -> Iterator[list[torch.Tensor]]:
    """Puts a token in the place of patches while a network runs, and catches what comes out behind its last block.

    Args:
        vit: timm's vision transformer.
        mask: bool (N, L), which patches are hidden.
        token: (D,), stands for each of them.

    Yields:
        A list that gets the tokens (N, prefix + L, D) of each forward pass.
    """
    seen: list[torch.Tensor] = []

    def hide(_module: nn.Module, _inputs: Any, tokens: torch.Tensor) -> torch.Tensor:
        return torch.where(mask[..., None], token.to(tokens.dtype), tokens)

    handles = [
        vit.patch_embed.register_forward_hook(hide),
        vit.norm.register_forward_hook(lambda _module, _inputs, tokens: seen.append(tokens)),
    ]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
