"""DataView: what is in the data, what is wrong with them, and what the network will really see of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from tlwidgets.augmentations import CHANGES, TEXT_AUGMENTATIONS, changes_in, checked
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.data_checks import check_data
from tlwidgets.widgets.pictures import thumbnail
from tlwidgets.widgets.receiving import Receiver

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone
    from tlwidgets.data import ImageData
    from tlwidgets.widgets.network_views import NetworkViews

_CLASSES_LISTED = 50
_SAMPLES = 20
_RELOADED = 1.5  # seconds of silence after which a page that draws itself anew has left its uploads behind
_SEEN = 6
_SIDE = 72  # pixels of a picture in the page


class DataView(TlwWidget):
    """A calm first look at the data; more can be uploaded from the page.

    Args:
        data: What ``load_data`` takes.
        backbone: Whose preprocessing to show: a name or a backbone.
        augmentation: The augmentation of the run, as in ``Recipe``.
        upload_to: Folder in which each upload that is used gets a folder of its own: ``1``, ``2`` ...

    Attributes:
        data: The images; those uploaded once they are used.

    Raises:
        DataError: The data cannot be read.
        BackboneError: No backbone has this name.
    """

    commands: ClassVar[dict[str, str]] = {
        "set_changes": "set_changes",
        "train_with_changes": "train_with_changes",
        "draw_again": "draw_again",
        "upload_part": "_take_part",
        "upload_end": "_end_upload",
        "upload_cancel": "_cancel_upload",
        "use_uploads": "use_uploads",
        "clear_uploads": "clear_uploads",
    }

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

    checks = traitlets.Dict().tag(sync=True)
    """What ``data_checks.check_data`` found."""

    changes: traitlets.List[str] = traitlets.List(["rotation", "mirror", "colour"]).tag(sync=True)
    """Changes that are shown, some of ``augmentations.CHANGES``."""

    every_change: traitlets.List[str] = traitlets.List().tag(sync=True)
    """All changes that can be shown."""

    augmentation = traitlets.Unicode("none").tag(sync=True)
    """The augmentation of the run, as in ``Recipe``."""

    parts: traitlets.List[str] = traitlets.List().tag(sync=True)
    """The changes that the run's augmentation makes."""

    draw = traitlets.Int(0).tag(sync=True)
    """Seed of the changes shown."""

    seen = traitlets.Dict().tag(sync=True)
    """Whose preprocessing is shown and what it does: backbone, size, mean, std, low and high; empty for texts."""

    uploaded = traitlets.Dict().tag(sync=True)
    """Number of pictures uploaded and not yet used, by class."""

    def __init__(
        self,
        data: Any,
        backbone: str | Backbone = "tlw_resnet",
        *,
        augmentation: str = "none",
        upload_to: str | Path = "uploads",
    ) -> None:
        from tlwidgets.data import load_data

        self.data: ImageData = load_data(data)
        self._backbone = _loaded(backbone)
        self._receiver = Receiver(upload_to)
        self._before_data: list[Callable[[ImageData], None]] = []
        self._seen_by_a_page = False  # pictures are drawn only for somebody
        super().__init__(every_change=list(CHANGES), augmentation=augmentation)
        self.show(self.data)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{split} {size:,}" for split, size in self.splits.items())
        return f"DataView of {self.name}: {len(self.data.classes)} classes; images: {sizes}"

    def show(self, data: ImageData) -> None:
        """Shows other data."""
        self.data = data
        self.name = data.name
        self.classes = _class_counts(data)
        self.more_classes = max(0, len(data.classes) - _CLASSES_LISTED)
        self.splits = dict(data.splits)
        self.set_aside = [{"path": str(entry.path), "reason": entry.reason} for entry in data.set_aside]
        self.checks = check_data(data)
        self._describe()
        self._send_everything()

    def see(self, backbone: str | Backbone) -> None:
        """Shows the data as another backbone gets them."""
        self._backbone = _loaded(backbone)
        self._describe()
        self._send_views()

    def set_changes(self, changes: Sequence[str]) -> None:
        """Shows these changes, a row each.

        Raises:
            RecipeError: There is no such change.
        """
        for change in changes:
            if change not in self.every_change:
                raise RecipeError(f"There is no change named {change!r}.", f"Changes: {', '.join(self.every_change)}.")
        self.changes = [change for change in self.every_change if change in changes]
        self._send_views()

    def train_with_changes(self) -> None:
        """Makes the changes that are shown the augmentation of the run."""
        self.augmentation = checked(self.changes)

    def draw_again(self) -> None:
        """Draws every change anew, with the next seed."""
        self.draw += 1
        self._send_views()

    def views(self) -> dict[str, list[np.ndarray]]:
        """What the page shows, by row: uint8 images (H, W, 3); see ``NetworkViews.rows``."""
        return self._views().rows(self.changes, self.augmentation, self.draw)

    def before_data(self, callback: Callable[[ImageData], None]) -> None:
        """Registers what is called with uploaded data before they are shown; what it raises refuses them."""
        self._before_data.append(callback)

    def use_uploads(self) -> None:
        """Takes what was uploaded as the data from now on.

        Raises:
            DataError: Nothing was uploaded, or it cannot be used.
        """
        from tlwidgets.data import load_data

        if not self._receiver.counts:
            raise DataError("Nothing has been uploaded.", "Choose pictures, or a zip file whose folders are classes.")
        data = load_data(self._receiver.uploads.folder, progress=False)
        for callback in self._before_data:
            callback(data)
        self._receiver.close()
        self.uploaded = {}
        self.show(data)

    def clear_uploads(self) -> None:
        """Takes everything that was uploaded and not used away."""
        self._receiver.clear()
        self.uploaded = {}

    def receive(self, content: dict[str, Any]) -> None:
        """Sends pictures to a page that has just drawn itself."""
        if content.get("t") == "ready":
            self._seen_by_a_page = True
            self._send_everything()
            if names := self._receiver.interrupted(_RELOADED):
                told = f"The upload of {', '.join(names)} was broken off; nothing of it was kept."
                self.show_error(DataError(told, "Choose it again."))

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

    def _take_part(self, upload: str, data: str, start: int, name: str) -> None:
        self._receiver.take_part(upload, data, start, name)

    def _cancel_upload(self, upload: str) -> None:
        self._receiver.cancel(upload)

    def _end_upload(self, upload: str, name: str, label: str, size: int) -> None:
        self._receiver.finish(upload, name, label, size)
        self.uploaded = self._receiver.counts

    def _views(self) -> NetworkViews:
        from tlwidgets.backbones import Preprocessing
        from tlwidgets.data import TextData
        from tlwidgets.widgets.network_views import NetworkViews

        preprocessing = self._backbone.preprocessing
        if isinstance(self.data, TextData) or not isinstance(preprocessing, Preprocessing):
            raise DataError("Texts are not changed as images are.", "Show images, and a backbone for images.")
        return NetworkViews(self.data, self.samples(_SEEN), preprocessing)

    def _describe(self) -> None:
        try:
            self.seen = {"backbone": self._backbone.name, **self._views().numbers()}
        except DataError:
            self.seen = {}

    @traitlets.validate("augmentation")
    def _known(self, proposal: Any) -> str:
        return fitting(proposal["value"], self.data)

    @traitlets.observe("augmentation")
    def _augmentation_changed(self, change: Any) -> None:
        self.parts = list(changes_in(change["new"]))
        self._send_views()

    def _send_everything(self) -> None:
        if not self._seen_by_a_page:
            return
        indices = self.samples()
        labels = [self.data.classes[self.data.labels[index]] for index in indices]
        pictures = [thumbnail(self.data.image(index), side=64) for index in indices]
        self.send({"t": "samples", "labels": labels}, buffers=pictures)
        copies = [thumbnail(self.data.image(each["index"]), 48) for group in self.checks["groups"] for each in group]
        self.send({"t": "copies"}, buffers=copies)
        self._send_views()

    def _send_views(self) -> None:
        if not self._seen_by_a_page or not self.seen:  # texts are not changed as images are
            return
        views, rows = self._views(), self.views()
        captions = [{"row": row, "captions": views.captions(row, self.draw)} for row in rows]
        pictures = [thumbnail(picture, _SIDE) for row in rows.values() for picture in row]
        self.send({"t": "views", "rows": captions}, buffers=pictures)


def fitting(augmentation: str | Sequence[str], data: ImageData) -> str:
    """The one spelling of an augmentation that these data can have.

    Raises:
        RecipeError: It is none, or is made for the other kind of data.
    """
    from tlwidgets.data import TextData

    kind = checked(augmentation)
    if isinstance(data, TextData):
        if kind not in TEXT_AUGMENTATIONS:
            raise RecipeError(f"{kind!r} changes images, and these data are texts.", "Give 'eda', or 'none'.")
    elif kind == "eda":
        raise RecipeError(
            "'eda' changes texts, and these data are images.", "Give 'light', or other changes of images."
        )
    return kind


def _loaded(backbone: str | Backbone) -> Backbone:
    """The network that a name means, without its weights: only its preprocessing is asked for."""
    if not isinstance(backbone, str):
        return backbone
    import torch

    from tlwidgets.backbones import load_backbone

    with torch.random.fork_rng(devices=[]):
        return load_backbone(backbone, pretrained=False)


def _class_counts(data: ImageData) -> list[dict[str, Any]]:
    size = len(data.classes)
    counts = {
        split: np.bincount(data.labels[data.indices(split)], minlength=size) for split in ("train", "val", "test")
    }
    listed = enumerate(data.classes[:_CLASSES_LISTED])
    return [{"name": name, **{split: int(count[label]) for split, count in counts.items()}} for label, name in listed]
