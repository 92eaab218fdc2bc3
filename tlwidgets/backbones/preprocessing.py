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

from tlwidgets.errors import BackboneError


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

    def check(self, images: Any) -> None:
        """Looks at the first of several images.

        Raises:
            BackboneError: There is none, or it is no uint8 image with a number of channels that the network takes.
        """
        if len(images) == 0:
            raise BackboneError("There are no images to look at.", "Pass at least one image, uint8 (N, H, W, 3).")
        first = np.asarray(images[0])
        if first.ndim != 3 or first.shape[-1] not in self.channels_taken or first.dtype != np.uint8:
            raise BackboneError(
                f"An image has shape {first.shape} and type {first.dtype}.",
                f"Pass uint8 images, (N, H, W, {self.channels_taken[-1]}); load_data(...).images(...) gives RGB.",
            )

    def example(self) -> torch.Tensor:
        """One grey image, float32 (1, C, height, width) as if normalised, to see what the network does with one."""
        return torch.zeros((1, *self.input_size))

    def prepare(self, image: np.ndarray) -> torch.Tensor:
        """Resizes and crops one image.

        Args:
            image: uint8 (H, W, 3), or (H, W, C) for a backbone of C channels. Colour becomes grey for one of one
                channel (luma of ITU-R 601-2, which leaves repeated grey as it is).

        Returns:
            uint8 tensor (C, height, width).

        Raises:
            BackboneError: The image has another number of channels.
        """
        channels = self.input_size[0]
        if image.ndim != 3 or image.shape[2] not in self.channels_taken:
            raise BackboneError(
                f"An image has shape {image.shape}; this backbone takes {channels} channels.",
                f"Pass uint8 images, (H, W, {channels}).",
            )
        if image.shape[2] == 3:
            picture = Image.fromarray(image)
            return self._resized(picture.convert("L") if channels == 1 else picture)
        # Plane by plane, because PIL would take a fourth channel for transparency and weight the colours with it.
        return torch.cat(
            [self._resized(Image.fromarray(np.ascontiguousarray(plane))) for plane in np.moveaxis(image, 2, 0)]
        )

    @property
    def channels_taken(self) -> tuple[int, ...]:
        """Numbers of channels that an image may have."""
        return (1, 3) if self.input_size[0] == 1 else (self.input_size[0],)

    def _resized(self, picture: Image.Image) -> torch.Tensor:
        prepared: torch.Tensor = torch.as_tensor(self._geometry(picture))
        return prepared

    def prepare_all(self, images: Iterable[Any]) -> torch.Tensor:
        """Resizes and crops many images into one uint8 tensor (N, C, height, width)."""
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
