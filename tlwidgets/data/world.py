"""World: data that has a name, ships with no download, and may come in several domains."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tlwidgets.errors import DataError


@dataclass(frozen=True)
class World:
    """The data sheet of a named data set, and how to make it.

    Attributes:
        name: What ``load_data`` calls it.
        summary: What it shows, one line.
        classes: Class names.
        shape: (height, width) of an image; of texts, of the picture that shows one.
        licence: Whose the pictures are and on what terms.
        draw: ``draw(**options)`` -> uint8 (N, H, W[, 3]) images, or (N,) texts, and int64 (N,) labels; its keyword
            arguments are the options ``load_data`` takes beside its own. A world that is drawn takes ``seed``.
        sha256: Of the images and then the labels that ``draw()`` returns, see ``digest``.
        domains: Names of its domains, the source first; empty when it has one only. Then ``draw`` takes ``domain``.
        held_out: ``held_out(**options)`` -> (N,) "train" or "test", where the test set is part of the world.
    """

    name: str
    summary: str
    classes: tuple[str, ...]
    shape: tuple[int, int]
    licence: str
    draw: Callable[..., tuple[np.ndarray, np.ndarray]]
    domains: tuple[str, ...] = ()
    sha256: str = ""
    held_out: Callable[..., np.ndarray] | None = None

    def digest(self) -> str:
        """Draw the default domain; return the SHA-256 of its images (or lines of text) and labels (int64)."""
        images, labels = self.draw()
        content = images.tobytes() if images.dtype.kind != "U" else "\n".join(images.tolist()).encode()
        return hashlib.sha256(content + labels.astype("<i8").tobytes()).hexdigest()

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the options that ``draw`` takes."""
        return tuple(inspect.signature(self.draw).parameters)

    def make(self, seed: int, options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
        """Draw the images.

        Args:
            seed: Given to ``draw`` if it takes one.
            options: Further keyword arguments of ``draw``.

        Raises:
            DataError: There is no such option or domain.
        """
        known = [option for option in self.options if option != "seed"]
        unknown = sorted(set(options) - set(known))
        if unknown:
            raise DataError(
                f"{self.name} has no option {unknown[0]!r}.",
                f"Its options are {', '.join(known)}." if known else "It has no options of its own.",
            )
        domain = options.get("domain")
        if domain is not None and domain not in self.domains:
            raise DataError(f"{self.name} has no domain {domain!r}.", f"Its domains are {', '.join(self.domains)}.")
        seeded = {"seed": seed} if "seed" in self.options else {}
        _check_number(self.name, "shift", options.get("shift", 1.0), 0, 1)
        _check_number(self.name, "per_class", options.get("per_class", 2), 2, 100_000)
        return self.draw(**seeded, **options)


def _check_number(name: str, option: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise DataError(f"{name} has {option}={value!r}.", f"Give a number from {low} to {high}.")
