"""How a backbone wants its images: size, crop, mean and standard deviation, taken from its own configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from PIL import Image
from timm.data import create_transform


@dataclass(frozen=True)
class Preprocessing:
    """A backbone's own preprocessing, split where it pays: geometry once per image, arithmetic once per batch.

    Attributes:
        input_size: (channels, height, width) that the network was pre-trained on, pixels.
        mean: Per-channel mean that is subtracted, of values in 0..1.
        std: Per-channel standard deviation that is divided by, of values in 0..1.
        interpolation: "bilinear", "bicubic" or "nearest".
        crop_pct: Share of the resized image that the centre crop keeps, in (0, 1].
        crop_mode: timm's crop mode: "center", "squash" or "border".
    """

    input_size: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str = "bicubic"
    crop_pct: float = 1.0
    crop_mode: str = "center"

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Preprocessing:
        """Reads timm's data configuration (``timm.data.resolve_model_data_config``)."""
        return cls(
            input_size=tuple(config["input_size"]),
            mean=tuple(config["mean"]),
            std=tuple(config["std"]),
            interpolation=config["interpolation"],
            crop_pct=config["crop_pct"],
            crop_mode=config["crop_mode"],
        )

    @cached_property
    def _geometry(self) -> Any:
        # use_prefetcher=True is timm's own way to stop before ToTensor and Normalize: uint8 in, uint8 out.
        return create_transform(
            input_size=self.input_size,
            interpolation=self.interpolation,
            mean=self.mean,
            std=self.std,
            crop_pct=self.crop_pct,
            crop_mode=self.crop_mode,
            is_training=False,
            use_prefetcher=True,
        )

    def prepare(self, image: np.ndarray) -> torch.Tensor:
        """Resizes and crops one image.

        Args:
            image: uint8 (H, W, 3).

        Returns:
            uint8 tensor (3, height, width).
        """
        prepared: torch.Tensor = self._geometry(Image.fromarray(image))
        return prepared

    def prepare_all(self, images: Iterable[np.ndarray]) -> torch.Tensor:
        """Resizes and crops many images into one uint8 tensor (N, 3, height, width)."""
        return torch.stack([self.prepare(image) for image in images])

    def normalise(self, batch: torch.Tensor) -> torch.Tensor:
        """Scales to 0..1, subtracts the mean and divides by the standard deviation.

        Args:
            batch: uint8 (N, C, H, W), or float already in 0..255.

        Returns:
            float32 (N, C, H, W).
        """
        mean = torch.tensor(self.mean, device=batch.device).view(1, -1, 1, 1)
        std = torch.tensor(self.std, device=batch.device).view(1, -1, 1, 1)
        return (batch.float() / 255 - mean) / std
