"""An explanation as a picture: what the network saw, and what spoke for and against its answer."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's blue and vermilion: told apart by colour-blind people.
FOR, AGAINST = np.array([0, 114, 178]), np.array([213, 94, 0])


@dataclass(frozen=True)
class Explanation:
    """What one method says of one image.

    Attributes:
        method: Name of the method.
        target: Name of the class that is explained.
        probability: What the network gives that class, in [0, 1].
        predicted: Name of the class that the network gives the most.
        seen: uint8 (H, W, 3), the image as it enters the network: resized and cropped.
        heat: float32 (H, W) in [-1, 1]: above 0 speaks for the target, below against it; 0 everywhere where the
            method found nothing.
    """

    method: str
    target: str
    probability: float
    predicted: str
    seen: np.ndarray
    heat: np.ndarray

    def __repr__(self) -> str:
        return f"Explanation by {self.alt}"

    def _repr_html_(self) -> str:
        return f'<img src="data:image/png;base64,{self._picture()}" alt="{escape(self.alt, quote=True)}">'

    @property
    def alt(self) -> str:
        """The picture in words, for those who do not see it."""
        if not self.heat.any():
            return f"{self.method}: no part of the image speaks for or against {self.target!r}."
        row, column = np.unravel_index(int(self.heat.argmax()), self.heat.shape)
        up = _third(int(row), self.heat.shape[0], "top", "bottom")
        across = _third(int(column), self.heat.shape[1], "left", "right")
        return (
            f"{self.method}: what speaks most for {self.target!r} ({self.probability:.0%}) lies at the {up}, {across}."
        )

    def overlay(self) -> np.ndarray:
        """uint8 (H, W, 3): the image in grey, blue where it speaks for the target, vermilion where against it."""
        grey = np.repeat(self.seen.mean(axis=2, keepdims=True), 3, axis=2)
        strength = 0.85 * np.abs(self.heat)[..., None]
        colour = np.where(self.heat[..., None] > 0, FOR, AGAINST)
        blended: np.ndarray = (grey * (1 - strength) + colour * strength).round().astype(np.uint8)
        return blended

    def figure(self) -> Figure:
        """Image and explanation side by side; not a pyplot figure, so that it may be drawn in a callback."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 3.2), layout="constrained")
        left, right = figure.subplots(1, 2)
        left.imshow(self.seen)
        left.set_title(f"predicted: {self.predicted}", parse_math=False)
        right.imshow(self.overlay())
        right.set_title(f"{self.method}: {self.target} ({self.probability:.0%})", parse_math=False)
        for axes in (left, right):
            axes.set_axis_off()
        return figure

    def _picture(self) -> str:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        buffer = io.BytesIO()
        FigureCanvasAgg(self.figure()).print_png(buffer)
        return base64.b64encode(buffer.getvalue()).decode("ascii")


def _third(place: int, size: int, low: str, high: str) -> str:
    return low if 3 * place < size else high if 3 * place >= 2 * size else "middle"
