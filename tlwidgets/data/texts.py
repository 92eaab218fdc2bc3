"""TextData: labelled texts in three splits, the counterpart of ImageData."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

from tlwidgets.data.assemble import Deal, check_counts, check_train, encode_labels
from tlwidgets.data.images import ImageData
from tlwidgets.data.splits import split_samples
from tlwidgets.data.text_groups import near_identical_texts
from tlwidgets.errors import DataError

PICTURE = (128, 128)  # height and width of the picture of a text, pixels


class TextData(ImageData):
    """Labelled texts, each in one split.

    Images show the first words of a text, so that whatever lists samples shows it too; networks read ``texts``.
    """

    def text(self, index: int | np.integer[Any]) -> str:
        """Return text ``index``. It is text from outside: show it as text."""
        return str(self._reader.texts[int(index)])  # type: ignore[attr-defined]  # a TextReader

    def texts(self, indices: Iterable[int] | np.ndarray) -> list[str]:
        """Return several texts."""
        return [self.text(index) for index in indices]

    def inputs(self, indices: Iterable[int] | np.ndarray) -> list[Any]:
        """Return the texts."""
        return list(self.texts(indices))

    def __repr__(self) -> str:
        return super().__repr__().replace("ImageData(", "TextData(", 1).replace(" images,", " texts,", 1)

    def save(self, folder: str | Path) -> dict[str, Any]:
        """Write what is needed to load the same texts again, with the same splits, to ``data.csv``.

        Named data write nothing, since their description says it all.

        Args:
            folder: Made if missing.

        Returns:
            A source for ``data_from_source``; its path is relative to ``folder``.
        """
        if "name" in self.source:
            return dict(self.source)
        Path(folder).mkdir(parents=True, exist_ok=True)
        names = [self.classes[label] for label in self.labels]
        table = pd.DataFrame({"text": self.texts(range(len(self))), "label": names, "split": self.split})
        table.to_csv(Path(folder) / "data.csv", index=False)
        return {"table": "data.csv", **self._final()}


class TextReader:
    """Texts in memory.

    Args:
        texts: (N,) texts.
        name: Prefix of the sample ids: "reviews" gives "reviews/17".
        numbers: (N,) the number in each sample id. Counts from 0 by default.
    """

    def __init__(self, texts: Sequence[str], name: str, numbers: np.ndarray | None = None) -> None:
        self.texts = list(texts)
        self.name = name
        self.numbers = np.arange(len(self.texts)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.texts)

    def read(self, index: int, max_side: int = 2048) -> np.ndarray:  # noqa: ARG002  its size is what it is
        """Return a picture of the first words of text ``index``, uint8 (*PICTURE, 3)."""
        return draw_text(self.texts[index])

    def sample_id(self, index: int) -> str:
        """Return the collection's name and the text's number in it."""
        return f"{self.name}/{self.numbers[index]}"

    def take(self, indices: np.ndarray) -> TextReader:
        """Return the collection of these texts only."""
        return TextReader([self.texts[i] for i in indices], self.name, self.numbers[indices])


def load_texts(
    texts: Any,
    labels: Any,
    deal: Deal,
    classes: Sequence[str] | None = None,
    *,
    name: str = "texts",
    source: Mapping[str, Any] | None = None,
    given: np.ndarray | None = None,
) -> TextData:
    """Group the near-identical among texts and deal them into splits.

    Args:
        texts: (N,) texts.
        labels: (N,) whole numbers or strings.
        deal: How to split.
        classes: Class names. By default the sorted distinct labels.
        name: Short name of the data.
        source: What to record as the data's source; by default that they live in memory.
        given: (N,) splits that are decided already, see ``split_samples``.

    Raises:
        DataError: A text is missing or empty, or texts and labels do not fit.
    """
    texts = list(texts)
    numbers, names = encode_labels(labels, classes)
    if len(texts) != len(numbers):
        raise DataError(f"There are {len(texts)} texts but {len(numbers)} labels.", "Give one label a text.")
    empty = [at for at, text in enumerate(texts) if not isinstance(text, str) or not text.strip()]
    if empty:
        raise DataError(f"{len(empty)} texts are empty (first at index {empty[0]}).", "Fill them in or drop them.")
    check_counts(name, numbers, names, what="text")
    groups = near_identical_texts(texts)
    split = split_samples(numbers, groups, given, deal.val, deal.test, deal.seed, deal.labels_per_class)
    check_train(name, numbers, names, split, deal, "text")
    source = {"memory": "texts", "options": deal.options()} if source is None else source
    return TextData(name, names, numbers, split, groups, TextReader(texts, name), source)


def are_texts(values: Any) -> bool:
    """Whether something is a list, column or array of texts."""
    if hasattr(values, "dtype"):
        return values.dtype.kind in "OUT" and values.ndim == 1 and len(values) > 0 and isinstance(values[:1][0], str)
    return isinstance(values, list | tuple) and len(values) > 0 and isinstance(values[0], str)


def draw_text(text: str) -> np.ndarray:
    """Draw the first words of a text, dark on white: uint8 (*PICTURE, 3)."""
    picture = Image.new("RGB", PICTURE[::-1], "white")
    lines = textwrap.wrap(text[:400], 20, max_lines=9, placeholder=" ...")
    ImageDraw.Draw(picture).multiline_text((4, 3), "\n".join(lines), fill="black", font=_font(), spacing=2)
    return np.array(picture)


@cache
def _font() -> Any:
    return ImageFont.load_default(11)
