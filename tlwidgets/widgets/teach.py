"""Teach: draw, upload or film a few examples of each class, and see at once what a frozen network makes of them.

The idea is that of Carney et al. (2020), "Teachable Machine: approachable web-based tool for exploring machine learning
classification", CHI Extended Abstracts. Here nothing leaves the kernel: a frozen backbone describes the examples, and a
logistic regression on those descriptions is trained anew after each change.
"""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from tlwidgets.errors import DataError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.pictures import thumbnail

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from tlwidgets.backbones import Backbone
    from tlwidgets.data import ImageData
    from tlwidgets.widgets.studio import Studio

LARGEST = 8 * 2**20  # characters of one picture in base64, four for three bytes of its file
_LARGEST_FILE = LARGEST // 4 * 3
SIDE = 96  # pixels that are kept of one: more than the bundled networks look at
MOST = 200  # examples


@dataclass(frozen=True)
class Example:
    """One picture that somebody has given.

    Attributes:
        number: Its own, never used again.
        label: Name of its class.
        image: uint8 (H, W, 3).
        features: float32 (D,), what the backbone says of it.
    """

    number: int
    label: str
    image: np.ndarray
    features: np.ndarray


class Teach(TlwWidget):
    """A classifier that is taught by examples.

    Args:
        classes: Names to begin with.
        backbone: What ``load_backbone`` takes.

    Attributes:
        examples: What has been given, in order.
    """

    commands: ClassVar[dict[str, str]] = {
        "add_class": "add_class",
        "rename_class": "rename_class",
        "remove_class": "remove_class",
        "add": "_add_file",
        "remove": "remove",
        "undo": "undo",
        "look": "_look_at_file",
    }

    classes: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the classes."""

    counts: traitlets.List[int] = traitlets.List(traitlets.Int()).tag(sync=True)
    """How many examples each class has."""

    answer: traitlets.List[float] = traitlets.List(traitlets.Float()).tag(sync=True)
    """Probability of each class for the latest picture that was looked at; empty before there are two classes."""

    note = traitlets.Unicode("").tag(sync=True)
    """What is missing, or what was learned, in a few words."""

    def __init__(self, classes: tuple[str, ...] = ("Class 1", "Class 2"), backbone: str = "tlw_resnet") -> None:
        self.examples: list[Example] = []
        self._past: list[tuple[list[str], list[Example]]] = []
        self._name = backbone
        self._backbone: Backbone | None = None
        self._model: Pipeline | None = None
        self._next = 0
        self._picture: np.ndarray | None = None
        super().__init__()
        for name in classes:
            self.add_class(name)
        self._past.clear()

    def __repr__(self) -> str:
        given = ", ".join(f"{name} ({count})" for name, count in zip(self.classes, self.counts, strict=False))
        return f"Teach: examples of {given or 'nothing'}"

    def add_class(self, name: str) -> None:
        """Adds a class.

        Raises:
            DataError: The name is empty, or another class has it.
        """
        clean = self._new_name(name)
        self._remember()
        self.classes = [*self.classes, clean]
        self._learn()

    def rename_class(self, name: str, new: str) -> None:
        """Gives a class another name."""
        self._check(name)
        if new.strip() == name:
            return
        clean = self._new_name(new)
        self._remember()
        self.classes = [clean if label == name else label for label in self.classes]
        self.examples = [
            Example(e.number, clean if e.label == name else e.label, e.image, e.features) for e in self.examples
        ]
        self._learn()
        self._send_examples()

    def remove_class(self, name: str) -> None:
        """Takes a class away, with its examples."""
        self._check(name)
        self._remember()
        self.classes = [label for label in self.classes if label != name]
        self.examples = [example for example in self.examples if example.label != name]
        self._learn()
        self._send_examples()

    def add(self, label: str, image: Any) -> None:
        """Gives an example.

        Args:
            label: Its class.
            image: uint8 (H, W, 3) or (H, W), or the path of a picture file.

        Raises:
            DataError: There is no such class, there are ``MOST`` examples already, or it is no picture.
        """
        from tlwidgets.data.picture import as_picture

        self._check(label)
        if len(self.examples) >= MOST:
            raise DataError(f"{MOST} examples are enough here.", "Open them in the Studio: teach.studio().")
        pixels = as_picture(image, max_side=SIDE)
        features = self._describe(pixels)
        self._remember()
        self.examples = [*self.examples, Example(self._next, label, pixels, features)]
        self._next += 1
        self._learn()
        self._send_examples()

    def remove(self, number: int) -> None:
        """Takes an example away.

        Raises:
            DataError: There is no such example.
        """
        if all(example.number != number for example in self.examples):
            raise DataError(f"There is no example {number!r}.", "See example.number of teach.examples.")
        self._remember()
        self.examples = [example for example in self.examples if example.number != number]
        self._learn()
        self._send_examples()

    def undo(self) -> None:
        """Takes the latest change of classes or examples back; does nothing where there is none."""
        if self._past:
            classes, self.examples = self._past.pop()
            self.classes = classes
            self._learn()
            self._send_examples()

    def look(self, image: Any) -> dict[str, float]:
        """What the classifier makes of a picture: the probability of each class; empty where it knows too little.

        Args:
            image: As ``add`` takes it.

        Raises:
            DataError: It is no picture.
        """
        from tlwidgets.data.picture import as_picture

        self._picture = as_picture(image, max_side=SIDE)
        self._answer()
        return dict(zip(self.classes, self.answer, strict=False))

    @property
    def data(self) -> ImageData:
        """The examples as data, for a recipe or the Studio.

        Raises:
            DataError: A class has fewer than two examples.
        """
        from tlwidgets.data import load_data

        images = [example.image for example in self.examples]
        sides = max((max(image.shape[:2]) for image in images), default=1)
        # One array of one size: padded with the colour of the first corner, so that nothing is stretched.
        stacked = np.stack([_padded(image, sides) for image in images]) if images else np.zeros((0, 1, 1, 3), np.uint8)
        return load_data((stacked, [example.label for example in self.examples]))

    def studio(self) -> Studio:
        """The same examples in the Studio, where more can be done with them."""
        from tlwidgets.widgets.studio import Studio

        return Studio(self.data, backbone=self._name)

    def receive(self, content: dict[str, Any]) -> None:
        """Sends the examples to a page that has just drawn itself."""
        if content.get("t") == "ready":
            self._send_examples()

    def _add_file(self, label: str, picture: str) -> None:
        self.add(label, _decoded(picture))

    def _look_at_file(self, picture: str) -> None:
        self.look(_decoded(picture))

    def _describe(self, image: np.ndarray) -> np.ndarray:
        if self._backbone is None:
            from tlwidgets.backbones import load_backbone

            self._backbone = load_backbone(self._name, num_classes=0)
        features: np.ndarray = self._backbone.features([image])[0]
        return features

    def _learn(self) -> None:
        self.counts = [sum(example.label == name for example in self.examples) for name in self.classes]
        known = [name for name, count in zip(self.classes, self.counts, strict=True) if count]
        self._model = None
        if len(known) < 2:
            self.note = "Give at least one example of two classes."
        else:
            from sklearn.linear_model import LogisticRegression
            from sklearn.pipeline import make_pipeline
            from sklearn.preprocessing import StandardScaler

            self._model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))
            self._model.fit(np.stack([e.features for e in self.examples]), [e.label for e in self.examples])
            self.note = f"Learned from {len(self.examples)} examples of {len(known)} classes."
        self._answer()

    def _answer(self) -> None:
        model = self._model
        if model is None or self._picture is None:
            self.answer = []
            return
        found = dict(zip(model.classes_, model.predict_proba(self._describe(self._picture)[None])[0], strict=True))
        self.answer = [float(found.get(name, 0.0)) for name in self.classes]

    def _remember(self) -> None:
        self._past.append((list(self.classes), list(self.examples)))

    def _check(self, name: str) -> None:
        if name not in self.classes:
            raise DataError(f"There is no class {name!r}.", f"Classes: {', '.join(self.classes)}.")

    def _new_name(self, name: str) -> str:
        clean = " ".join(str(name).split())[:80]
        if not clean or clean in self.classes:
            raise DataError(f"A class cannot be called {clean!r}.", "Give a name that no other class has.")
        return clean

    def _send_examples(self) -> None:
        content = {
            "t": "examples",
            "numbers": [example.number for example in self.examples],
            "labels": [example.label for example in self.examples],
        }
        self.send(content, buffers=[thumbnail(example.image, side=48) for example in self.examples])


def _decoded(picture: str) -> np.ndarray:
    """A picture of the page, base64 of a PNG or JPEG file, as uint8 (H, W, 3) of at most ``SIDE`` pixels a side.

    Raises:
        DataError: It is none.
    """
    from tlwidgets.data.decode import decode_image

    if len(picture) > LARGEST:
        raise DataError(
            f"This picture file is too big: more than {_LARGEST_FILE >> 20} MB.",
            "Make it smaller, or take a screenshot of it and give that.",
        )
    try:
        file = io.BytesIO(base64.b64decode(picture, validate=True))
        return decode_image(file, max_side=SIDE)  # type: ignore[arg-type]  # Pillow opens a file as it does a path
    except (binascii.Error, OSError, ValueError) as error:
        raise DataError(f"This is no picture that can be read: {error}.", "Give a PNG or JPEG file.") from error


def _padded(image: np.ndarray, side: int) -> np.ndarray:
    height, width = image.shape[:2]
    padded = np.empty((side, side, 3), np.uint8)
    padded[:] = image[0, 0]
    top, left = (side - height) // 2, (side - width) // 2
    padded[top : top + height, left : left + width] = image
    return padded
