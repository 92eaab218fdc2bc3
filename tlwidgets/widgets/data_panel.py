"""DataPanel: what is in the data - classes, splits, samples, files that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.pictures import thumbnail

if TYPE_CHECKING:
    from tlwidgets.data import ImageData

_CLASSES_LISTED = 50
_SAMPLES = 20


class DataPanel(TlwWidget):
    """A calm first look at the data.

    Args:
        data: The images.

    Attributes:
        data: The images.
    """

    name = traitlets.Unicode("").tag(sync=True)
    """Name of the data."""

    classes: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a class: name and the number of train, val and test images. The first fifty classes."""

    more_classes = traitlets.Int(0).tag(sync=True)
    """Number of classes beyond those listed."""

    splits = traitlets.Dict().tag(sync=True)
    """Number of images in train, val and test."""

    set_aside: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a file that cannot be read: path and reason."""

    def __init__(self, data: ImageData) -> None:
        self.data = data
        super().__init__(
            name=data.name,
            classes=_class_counts(data),
            more_classes=max(0, len(data.classes) - _CLASSES_LISTED),
            splits=dict(data.splits),
            set_aside=[{"path": str(entry.path), "reason": entry.reason} for entry in data.set_aside],
        )

    def receive(self, content: dict[str, Any]) -> None:
        """Sends samples to a page that has just drawn itself."""
        if content.get("t") == "ready":
            indices = self.samples()
            labels = [self.data.classes[self.data.labels[index]] for index in indices]
            pictures = [thumbnail(self.data.image(index), side=64) for index in indices]
            self.send({"t": "samples", "labels": labels}, buffers=pictures)

    def samples(self, n: int = _SAMPLES) -> list[int]:
        """Indices of n training images, one of each class in turn; the same ones every time."""
        train = self.data.indices("train")
        labels = self.data.labels[train]
        # Rank of an image within its class: sorting by it takes the classes in turn.
        rank = np.zeros(len(train), np.int64)
        for label in np.unique(labels):
            members = np.flatnonzero(labels == label)
            rank[members] = np.arange(len(members))
        order = np.lexsort((labels, rank))
        return [int(index) for index in train[order[:n]]]


def _class_counts(data: ImageData) -> list[dict[str, Any]]:
    size = len(data.classes)
    counts = {
        split: np.bincount(data.labels[data.indices(split)], minlength=size) for split in ("train", "val", "test")
    }
    listed = enumerate(data.classes[:_CLASSES_LISTED])
    return [{"name": name, **{split: int(count[label]) for split, count in counts.items()}} for label, name in listed]
