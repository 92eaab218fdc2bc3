"""What a network is really given: each image prepared the backbone's way, then changed by each augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tlwidgets.training.previews import mixture, preview

if TYPE_CHECKING:
    import torch

    from tlwidgets.backbones import Preprocessing
    from tlwidgets.data import ImageData


@dataclass(frozen=True)
class NetworkViews:
    """Images as a network gets them.

    Args:
        data: Where they come from.
        indices: Which ones.
        preprocessing: The backbone's own.
    """

    data: ImageData
    indices: Sequence[int]
    preprocessing: Preprocessing

    def rows(self, changes: Sequence[str], augmentation: str, seed: int) -> dict[str, list[np.ndarray]]:
        """Pictures by row: "original", "prepared", one row a change, and "run" where the run changes anything.

        Args:
            changes: Some of ``augmentations.CHANGES``.
            augmentation: That of the recipe.
            seed: Of the draws.

        Returns:
            uint8 images (H, W, 3), as many in each row.
        """
        originals = [self.data.image(index) for index in self.indices]
        prepared = self.preprocessing.prepare_all(originals).float() / 255
        found = {"original": originals, "prepared": _pictures(prepared)}
        found |= {change: _pictures(preview(prepared, change, seed)) for change in changes}
        if augmentation != "none":
            found["run"] = _pictures(preview(prepared, augmentation, seed))
        return found

    def captions(self, row: str, seed: int) -> list[str]:
        """One short text a picture: its class, and in a mixture both with their shares."""
        names = [self.data.classes[int(self.data.labels[index])] for index in self.indices]
        if row != "mixup":
            return names
        shares = mixture(len(names), seed).tolist()
        others = [*names[1:], *names[:1]]
        return [
            f"{share:.0%} {name} + {1 - share:.0%} {other}"
            for name, other, share in zip(names, others, shares, strict=True)
        ]

    def numbers(self) -> dict[str, Any]:
        """Size, mean and standard deviation of the preprocessing, and the range of the numbers that come of it."""
        batch = self.preprocessing.prepare_all([self.data.image(index) for index in self.indices])
        values = self.preprocessing.normalise(batch)
        return {
            "size": list(self.preprocessing.input_size[1:]),
            "mean": [round(float(value), 3) for value in self.preprocessing.mean],
            "std": [round(float(value), 3) for value in self.preprocessing.std],
            "low": float(values.min()),
            "high": float(values.max()),
        }


def _pictures(batch: torch.Tensor) -> list[np.ndarray]:
    """Float (N, C, H, W) in 0..1 as uint8 (H, W, 3); grey is repeated, of more channels the first three are shown."""
    shown = batch.repeat(1, 3, 1, 1) if batch.shape[1] == 1 else batch[:, :3]
    pixels = (255 * shown).round().clamp(0, 255).byte()
    return list(np.ascontiguousarray(pixels.permute(0, 2, 3, 1).numpy()))
