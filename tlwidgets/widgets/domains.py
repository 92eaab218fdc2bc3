"""Domains: source and target as a frozen network describes them, in two dimensions, with sliders that move them apart.

The target's images are other images of the same classes, made darker, flatter or noisier as the sliders say. A logistic
regression learns from the source's features alone and is judged on both domains; the target's labels serve for nothing
else. Adaptation is on features: AdaBN's standardisation (Li et al. 2016, arXiv 1603.04779) and CORAL (Sun, Feng, Saenko
2016, arXiv 1511.05547), both without a label of the target.
"""

from __future__ import annotations

import base64
import io
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import traitlets

from tlwidgets.errors import DataError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.pictures import thumbnail

if TYPE_CHECKING:
    from tlwidgets.data import ImageData

ADAPTATIONS = {"none": "none", "standardise": "standardise each domain", "coral": "CORAL: align covariances"}
RANGES = {"brightness": (-0.6, 0.6), "contrast": (0.2, 2.0), "noise": (0.0, 0.4)}
_FEWEST = 20
_SHOWN = 6
AS_IT_IS = {"brightness": 0.0, "contrast": 1.0, "noise": 0.0}
# A feature that hardly varies on the source would turn a trifle on the target into a distance of thousands.
_LEAST_SPREAD = 0.1


class Domains(TlwWidget):
    """Two domains, and what adaptation does to them.

    Args:
        data: What ``load_data`` takes; training images are the source, others of them the target.
        target: The target's images where they come from elsewhere, with the same classes.
        backbone: What ``load_backbone`` takes; it stays frozen.
        n: Images of each domain.

    Raises:
        DataError: A domain has too few images, the target has other classes, or the data are no images.
    """

    commands: ClassVar[dict[str, str]] = {"shift": "shift", "adapt": "adapt_by"}

    shifts: traitlets.Dict[str, float] = traitlets.Dict(dict(AS_IT_IS)).tag(sync=True)
    """What was done to the target: brightness added, contrast as a factor, sd of the noise; images are 0..1."""

    adaptation = traitlets.Enum(tuple(ADAPTATIONS), "none").tag(sync=True)
    """What is done to the features."""

    source_accuracy = traitlets.Float(0.0).tag(sync=True)
    """On source images that the classifier has not seen, 0..1."""

    target_accuracy = traitlets.Float(0.0).tag(sync=True)
    """On the target, 0..1."""

    sentence = traitlets.Unicode("").tag(sync=True)
    """Both in words."""

    def __init__(self, data: Any = "digits", target: Any = None, backbone: str = "tlw_resnet", n: int = 200) -> None:
        from tlwidgets.backbones import load_backbone

        source = _images(data)
        rest = source if target is None else _images(target)
        if rest.classes != source.classes:
            raise DataError("The target has other classes than the source.", "Give two domains of the same task.")
        # Shuffled: images may lie in the order of their writers, and the first of a part would come from the same few.
        shuffled = np.random.default_rng(0).permutation
        train, other = shuffled(source.indices("train")), shuffled(source.indices("test"))
        more = [train[n:], source.indices("val")] if target is None else [rest.indices("train")]
        far = shuffled(np.concatenate(more))
        if min(len(train[:n]), len(far[:n])) < _FEWEST or not len(other):
            raise DataError(f"A domain has fewer than {_FEWEST} images.", "Give more data, or another n.")
        self._classes = source.classes
        self._backbone = load_backbone(backbone, num_classes=0)
        self._images = [rest.image(index) / 255.0 for index in far[:n]]
        self._labels = source.labels[train[:n]], source.labels[other[:n]], rest.labels[far[:n]]
        self._near = [self._describe([source.image(index) for index in part[:n]]) for part in (train, other)]
        super().__init__()
        self._look()

    def shift(self, **shifts: float) -> None:
        """Moves the target.

        Args:
            shifts: ``brightness`` (-0.6..0.6), ``contrast`` (0.2..2) and ``noise`` (0..0.4); those left out stay.

        Raises:
            DataError: There is no such slider, or it does not go so far.
        """
        for name, value in shifts.items():
            low, high = RANGES.get(name, (0, -1))
            if not isinstance(value, int | float) or not low <= value <= high:
                ends = ", ".join(f"{each} {low}..{high}" for each, (low, high) in RANGES.items())
                raise DataError(f"{name} cannot be {value!r}.", f"There are: {ends}.")
        self.shifts = {**self.shifts, **{name: float(value) for name, value in shifts.items()}}
        self._look()

    def adapt_by(self, adaptation: str) -> None:
        """Adapts the features: "none", "standardise" or "coral".

        Raises:
            DataError: There is no such adaptation.
        """
        if adaptation not in ADAPTATIONS:
            raise DataError(f"There is no adaptation {adaptation!r}.", f"There are: {', '.join(ADAPTATIONS)}.")
        self.adaptation = adaptation
        self._judge()

    def receive(self, content: dict[str, Any]) -> None:
        """Sends the points to a page that has just drawn itself."""
        if content.get("t") == "ready":
            self._send_points()

    @property
    def png(self) -> bytes:
        """Both domains as a picture, for readers without a kernel."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.2, 4.0), dpi=100, layout="constrained")
        axes = figure.subplots()
        axes.plot(*self.points[0].T, "o", color="#0072B2", markersize=4, alpha=0.6, label="source")
        axes.plot(*self.points[1].T, "x", color="#D55E00", markersize=5, label="target")
        axes.set(xlabel="first principal component", ylabel="second", title=ADAPTATIONS[self.adaptation])
        axes.legend()
        buffer = io.BytesIO()
        FigureCanvasAgg(figure).print_png(buffer)
        return buffer.getvalue()

    def __repr__(self) -> str:
        return f"Domains: {self.sentence}"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        """The live view, and beside it the picture and the sentence that a saved notebook keeps."""
        bundle = super()._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle or {}, {})
        source = f"data:image/png;base64,{base64.b64encode(self.png).decode('ascii')}"
        html = f'<img style="max-width:100%" alt="{escape(self.sentence, quote=True)}" src="{source}">'
        return {**data, "text/plain": repr(self), "text/html": html}, metadata

    def _describe(self, images: list[np.ndarray]) -> np.ndarray:
        features: np.ndarray = self._backbone.features(images)
        return features.astype(np.float64)

    def _look(self) -> None:
        """Describes the shifted target anew."""
        noise = np.random.default_rng(0)
        bright, contrast, spread = (self.shifts[name] for name in RANGES)
        shifted = [
            (image - 0.5) * contrast + 0.5 + bright + spread * noise.standard_normal(image.shape)
            for image in self._images
        ]
        seen = [(255 * image.clip(0, 1)).round().astype(np.uint8) for image in shifted]
        self._pictures = [thumbnail(image, side=48) for image in seen[:_SHOWN]]
        self._far = self._describe(seen)
        self._judge()

    def _judge(self) -> None:
        from sklearn.linear_model import LogisticRegression

        train, other, far = self._adapted()
        model = LogisticRegression(max_iter=500).fit(train, self._labels[0])
        self.source_accuracy = float(model.score(other, self._labels[1]))
        self.target_accuracy = float(model.score(far, self._labels[2]))
        self.points = principal(train, far)
        self.sentence = (
            f"Adaptation: {ADAPTATIONS[self.adaptation]}. The classifier of the source is right on "
            f"{self.source_accuracy:.0%} of other source images and on {self.target_accuracy:.0%} of the target."
        )
        self._send_points()

    def _adapted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features of the source to learn from, of the source to judge on, and of the target."""
        from tlwidgets.methods import adabn, coral

        train, other = self._near
        mean, spread = train.mean(0), train.std(0)  # one scale for all: that of the source
        spread = np.maximum(spread, _LEAST_SPREAD * np.median(spread[spread > 0]))
        train, other, far = ((part - mean) / spread for part in (train, other, self._far))
        if self.adaptation == "standardise":
            return train, other, adabn.standardise(far)
        if self.adaptation == "coral":
            # CORAL aligns covariances; both means are taken away, as its authors do by standardising first.
            centred = far - far.mean(0)
            both = coral.align(np.concatenate([train, other]), centred)
            return both[: len(train)], both[len(train) :], centred
        return train, other, far

    def _send_points(self) -> None:
        """Both domains' points, float32, then pictures of the target with the names of their classes."""
        points = [part.astype(np.float32).tobytes() for part in self.points]
        names = [self._classes[label] for label in self._labels[2][:_SHOWN]]
        message = {"t": "points", "sizes": [len(part) for part in self.points], "names": names}
        self.send(message, buffers=[*points, *self._pictures])


def _images(data: Any) -> ImageData:
    from tlwidgets.data import TextData, load_data
    from tlwidgets.data.tabular import TableData

    loaded = load_data(data)
    if isinstance(loaded, TextData | TableData):
        raise DataError("These data are no images, so no slider can change them.", "Give images.")
    return loaded


def principal(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both domains along the first two principal components of the two together: (N, 2) and (M, 2)."""
    both = np.concatenate([source, target])
    centred = both - both.mean(0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # The sign of a component is arbitrary: the largest entry is positive, so that points do not jump.
    axes = axes[:2] * np.sign(axes[:2][np.arange(2), np.abs(axes[:2]).argmax(1)])[:, None]
    flat = centred @ axes.T
    return flat[: len(source)], flat[len(source) :]
