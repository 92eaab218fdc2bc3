"""TransferClassifier: a recipe behind scikit-learn's fit, predict and score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from tlwidgets.data import ImageData, load_data
from tlwidgets.data.collections import image_array
from tlwidgets.data.decode import decode_image
from tlwidgets.data.readers import to_rgb
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.recipe import Recipe
from tlwidgets.training import fit

NOT_OF_THE_RECIPE = ("validation_fraction", "random_state", "progress")
HALF_LABELLED = ("pseudo_labels", "fixmatch", "mean_teacher")  # methods for which the label -1 means none
UNLABELLED = -1  # as in sklearn.semi_supervised


class ImagesError(DataError, ValueError):
    """Images or labels that an estimator cannot use; scikit-learn's tools expect a ValueError."""


class TransferClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """A pre-trained network as a scikit-learn classifier of images.

    The same engine as ``fit(recipe)``: the same arguments and images give the same network. X is an array of images
    (N, H, W) or (N, H, W, C) with C = 1, 3 or 4, uint8 or floats from 0 to 1, or N paths of picture files.

    The classes of the run are called as the labels are (``str(label)``), in the order of ``classes_``: a method that
    adapts takes labelled target data of the same labels, ``method_options={"target": load_data((images, labels))}``,
    or bare target images. With "pseudo_labels", "fixmatch" and "mean_teacher" the label -1 means, as in scikit-learn's
    own semi-supervised classifiers, that an image of an array has none; with every other method it is a class.

    Args:
        backbone: What ``load_backbone`` takes.
        pretrained: False starts from random weights.
        plan: State of each stage, such as ``{"*": "frozen", "head": "trainable"}``; stages left out learn.
        method: Name of the transfer method.
        method_options: Options of the method.
        epochs: Passes over the training images.
        learning_rate: Rate of the head; None suits it to the network.
        backbone_scale: Rate of the stages before the head, as a share of ``learning_rate``.
        optimizer: "adamw" or "sgd".
        weight_decay: Decay of weight matrices.
        schedule: "cosine", "constant" or "one_cycle".
        unfreezing: "none", "gradual" or "probe_first".
        batch_size: Images a step.
        augmentation: As in a recipe: "none", "light", "flip", or changes such as ["rotation", "crop"].
        patience: Stop after so many epochs without a better validation accuracy.
        validation_fraction: Share of the training images that choose the best epoch, 0 to 1; 0 takes the last epoch.
        random_state: Seed of the head, of the order of images, of augmentation and of the validation images; None
            draws one.
        progress: Show a progress bar.

    Attributes:
        classes_: (C,) labels in the order of ``predict_proba``'s columns.
        backbone_: The trained network.
        history_: One row an epoch, as ``Run.history``.
        recipe_: What was run, without the images.
    """

    def __init__(
        self,
        backbone: str = "tlw_resnet",
        *,
        pretrained: bool = True,
        plan: Mapping[str, str] | None = None,
        method: str = "fine_tuning",
        method_options: Mapping[str, Any] | None = None,
        epochs: int = 5,
        learning_rate: float | None = None,
        backbone_scale: float = 0.1,
        optimizer: str = "adamw",
        weight_decay: float = 0.01,
        schedule: str = "cosine",
        unfreezing: str = "none",
        batch_size: int = 32,
        augmentation: str | Sequence[str] = "none",
        patience: int | None = None,
        validation_fraction: float = 0.15,
        random_state: int | np.random.RandomState | None = None,
        progress: bool = False,
    ) -> None:
        self.backbone = backbone
        self.pretrained = pretrained
        self.plan = plan
        self.method = method
        self.method_options = method_options
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.backbone_scale = backbone_scale
        self.optimizer = optimizer
        self.weight_decay = weight_decay
        self.schedule = schedule
        self.unfreezing = unfreezing
        self.batch_size = batch_size
        self.augmentation = augmentation
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.random_state = random_state
        self.progress = progress

    def fit(self, X: Any, y: Any) -> TransferClassifier:
        """Trains on images and their labels.

        Args:
            X: Images or paths, see the class.
            y: (N,) labels, numbers or names; -1 for images without one, see the class.

        Raises:
            ImagesError: Images or labels cannot be used; also a ValueError.
            RecipeError: ``random_state`` is neither a whole number nor a generator, or the fraction no share.
            TlwError: As ``tlwidgets.fit`` raises.
        """
        images, labels = _images(X), _labels(y)
        if len(images) != len(labels):
            raise ImagesError(f"There are {len(images)} images but {len(labels)} labels.", "Give one label an image.")
        images, labels, method_options = self._set_apart(images, labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ImagesError(
                f"Classifier can't train when only one class is present: {self.classes_[0]!r}.", "Give two or more."
            )
        seed = _seed(self.random_state)
        _check_share(self.validation_fraction)
        try:
            data = _data(images, numbers, class_names(self.classes_), seed, self.validation_fraction)
        except DataError as error:
            raise ImagesError(error.message, error.hint) from error
        options = {name: value for name, value in self.get_params(deep=False).items() if name not in NOT_OF_THE_RECIPE}
        recipe = Recipe(data=data, seed=seed, **{**options, "method_options": method_options})
        with TemporaryDirectory(prefix="tlwidgets-") as folder:
            run = fit(recipe, Path(folder) / "run", progress=self.progress)
            self.backbone_, self.history_ = run.backbone, run.history
        self.recipe_ = recipe.replace(data="", method_options=self.method_options or {})
        return self

    def _set_apart(
        self, images: np.ndarray | list[str], labels: np.ndarray
    ) -> tuple[np.ndarray | list[str], np.ndarray, dict[str, Any]]:
        """Takes images that have no label out, where the method learns from such; also gives the method's options."""
        options = dict(self.method_options or {})
        bare = labels == UNLABELLED if labels.dtype.kind == "i" else np.zeros(len(labels), bool)
        if self.method not in HALF_LABELLED or not bare.any():
            return images, labels, options
        if isinstance(images, list) or "unlabelled" in options:
            raise ImagesError(
                f"The label -1 says of {bare.sum()} images that they have none, which goes with an array of images and "
                f"without the option unlabelled.",
                'Leave those images out of X, and give method_options={"unlabelled": images}.',
            )
        if bare.all():
            raise ImagesError("No image has a label: all are -1.", "Label at least two images of every class.")
        return images[~bare], labels[~bare], {**options, "unlabelled": images[bare]}

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probability of each class for each image, float64 (N, C).

        Raises:
            NotFittedError: ``fit`` has not been called.
            ImagesError: The images cannot be used.
        """
        check_is_fitted(self)
        probabilities: np.ndarray = softmax(self.backbone_.logits(_Pixels(_images(X))).astype(np.float64), axis=1)
        return probabilities

    def predict(self, X: Any) -> np.ndarray:
        """The most probable label of each image, (N,); errors as ``predict_proba``."""
        probabilities = self.predict_proba(X)
        labels: np.ndarray = self.classes_[probabilities.argmax(1)]
        return labels

    def transform(self, X: Any) -> np.ndarray:
        """Describes images by what the trained network has in front of its head, float32 (N, D).

        Errors as ``predict_proba``.
        """
        check_is_fitted(self)
        features: np.ndarray = self.backbone_.features(_Pixels(_images(X)))
        return features

    @property
    def _n_features_out(self) -> int:
        return int(self.backbone_.num_features)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True  # paths
        tags.transformer_tags.preserves_dtype = []  # features are float32 whatever the images are
        tags.non_deterministic = self.random_state is None
        return tags


class _Pixels(Sequence[np.ndarray]):
    """Images as uint8 (H, W, 3), files decoded when they are asked for."""

    def __init__(self, images: np.ndarray | list[str]) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        image = self._images[index]
        if not isinstance(image, str):
            return to_rgb(image)
        try:
            return decode_image(image)
        except (OSError, ValueError) as error:
            raise ImagesError(f"{image} cannot be read: {error}.", "Give paths of picture files.") from error


def _images(X: Any) -> np.ndarray | list[str]:
    """Checks images: uint8 (N, H, W[, C]), or N paths."""
    if sparse.issparse(X):
        raise ImagesError("X is a sparse matrix.", "Give images, (N, H, W) or (N, H, W, C), or paths.")
    if isinstance(X, str | Path):
        raise ImagesError(f"X is one path, {str(X)!r}.", "Give a list: [path] for one picture.")
    entries = list(X) if isinstance(X, list | tuple | pd.Series) else X
    if isinstance(X, np.ndarray) and X.ndim == 1 and X.dtype.kind in "OUT":
        entries = X.tolist()
    if isinstance(entries, list) and entries and all(isinstance(entry, str | Path) for entry in entries):
        return [str(entry) for entry in entries]
    try:
        images = image_array(entries)
    except DataError as error:
        raise ImagesError(error.message, error.hint) from error
    if images.ndim == 3 and images.shape[2] in (1, 3, 4):
        raise ImagesError(
            f"X has shape {images.shape}, which looks like one picture with {images.shape[2]} channels.",
            f"Give X[None] for one picture, or X[..., None] for {len(images)} grey ones that are so narrow.",
        )
    return images


def _labels(y: Any) -> np.ndarray:
    """Checks labels (N,) as scikit-learn's own classifiers do."""
    if y is None:
        raise ImagesError(
            "The classifier requires y to be passed, but the target y is None.", "Give one label an image."
        )
    labels: np.ndarray = column_or_1d(y, warn=True)
    if pd.isna(labels).any():
        raise ImagesError(f"{pd.isna(labels).sum()} labels are missing.", "Fill them in or drop those images.")
    check_classification_targets(labels)
    return labels


def class_names(labels: np.ndarray) -> list[str]:
    """What a run calls classes: the labels as text, and as ``load_data`` calls them where they are whole floats."""
    return [str(int(label) if labels.dtype.kind == "f" else label) for label in labels]


def _data(
    images: np.ndarray | list[str], numbers: np.ndarray, names: Sequence[str], seed: int, val: float
) -> ImageData:
    """The training images, with some of them set apart for validation; ``names`` count as ``numbers`` do."""
    if not isinstance(images, list):
        return load_data((images, numbers), classes=names, val=val, test=0, seed=seed)
    table = pd.DataFrame({"path": images, "label": numbers})
    data = load_data(table, val=val, test=0, seed=seed, progress=False)
    if data.set_aside:
        first = data.set_aside[0]
        raise ImagesError(
            f"{len(data.set_aside)} files cannot be read, the first: {first.path} ({first.reason}).", "Leave them out."
        )
    # A table sorts its classes by itself: numbers keep the order, and only then get their names.
    return ImageData(**{**data.parts(), "classes": tuple(names)})


def _check_share(validation_fraction: Any) -> None:
    """Refuses a share of the training images that cannot be set apart.

    Raises:
        RecipeError: It is none.
    """
    number = isinstance(validation_fraction, int | float | np.number) and not isinstance(validation_fraction, bool)
    if not number or not 0 <= validation_fraction < 1:
        raise RecipeError(
            f"validation_fraction is {validation_fraction!r}.", "Give a share from 0 up to, and not, 1, such as 0.15."
        )


def _seed(random_state: Any) -> int:
    """A whole number as it is; else one drawn from a generator, or anew.

    Raises:
        RecipeError: It is none of them.
    """
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    generator = np.random.default_rng() if random_state is None else random_state
    if not isinstance(generator, np.random.Generator | np.random.RandomState):
        raise RecipeError(f"random_state is {random_state!r}.", "Give a whole number, a numpy generator, or None.")
    draw = generator.integers if isinstance(generator, np.random.Generator) else generator.randint
    return int(draw(2**31 - 1))
