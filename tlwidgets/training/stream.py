"""Batches of a second data set, dealt beside those of the run."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from tlwidgets.backbones import TextPreprocessing
from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.batches import DECODERS, Batches
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.method import Batch, Setting
from tlwidgets.training.strong_views import DRAWS, strong_view

VIEWS = ("none", "weak", "strong")
_FAR = 2**41  # its own range of seeds, far from those of the run's own batches


class Stream:
    """An endless row of shuffled batches. Which one comes at a step depends on the seed and the step alone.

    Args:
        setting: The run; its backbone says how the images are prepared.
        data: The second data set; it may be the run's own, for its unlabelled images.
        splits: Which of its images take part. Labels are handed out with the images; where they are hidden from the
            method, it is for the method to use them for nothing but telling how well it does.
        batch_size: Images a step; the recipe's by default. Fewer where there are not so many.

    Raises:
        RecipeError: The batch size is below two, from which no statistics can be computed.
        DataError: There are fewer than two images in these splits.
    """

    def __init__(
        self,
        setting: Setting,
        data: ImageData,
        splits: tuple[str, ...] = ("train", "unlabelled"),
        batch_size: int | None = None,
    ) -> None:
        self.prepared = prepare_inputs(dataclasses.replace(setting, data=data))
        self.indices = np.flatnonzero(np.isin(data.split, splits))
        self.batch_size = min(batch_size or setting.recipe.batch_size, len(self.indices))
        self.seed = setting.recipe.seed
        if len(self.indices) < 2:
            raise DataError(
                f"{data.name!r} has {len(self.indices)} images in {' and '.join(splits)}.",
                "Give at least two; for unlabelled images of the run's own data set labels_per_class.",
            )
        if min(self.batch_size, setting.recipe.batch_size) < 2:
            raise RecipeError("One image has no statistics to compare.", "Give a batch_size of at least 2.")
        self._pass, self._order = -1, self.indices

    def __len__(self) -> int:
        """Steps until every image has been seen once, but for those that fill no batch."""
        return len(self.indices) // self.batch_size

    def beside(self, batch: Batch, *views: str) -> Batch:
        """The images that belong to the step of another batch.

        Args:
            batch: The run's own; tells the step and the device.
            *views: One or more of "none" (as it is), "weak" (shifted and turned a little) and "strong" (changed much);
                of texts "none", or "strong" for synonyms and left-out words. "none" by default.

        Returns:
            Images (V N, ...), view after view; labels and indices (N,).
        """
        indices = self._indices(batch.step)
        seen = [self._view(indices, batch, number, view) for number, view in enumerate(views or ("none",))]
        labels = torch.from_numpy(self.prepared.data.labels[indices]).to(batch.labels.device)
        return dataclasses.replace(batch, images=self.joined(*seen), labels=labels, indices=indices)

    def joined(self, *parts: torch.Tensor) -> torch.Tensor:
        """Several batches as one; texts are filled up to the longest."""
        preprocessing = self.prepared.preprocessing
        if not isinstance(preprocessing, TextPreprocessing):
            return torch.cat(parts)
        rows = [row for part in parts for row in part.cpu()]
        return preprocessing.pad(rows).to(parts[0].device)

    def held_out(self, split: str, device: torch.device) -> Batches:
        """The images of another split, in order, to judge by."""
        return Batches(self.prepared, split, max(self.batch_size, 32), device)

    def all_in_order(self, device: torch.device) -> Iterator[Batch]:
        """Every image that takes part, once, in order, as it is."""
        n_chunks = -(-len(self.indices) // max(self.batch_size, 32))
        with ThreadPoolExecutor(DECODERS) as pool:
            for part in np.array_split(self.indices, n_chunks):
                labels = torch.from_numpy(self.prepared.data.labels[part]).to(device)
                yield Batch(self.prepared.load(part, pool, device), labels, part)

    def _indices(self, step: int) -> np.ndarray:
        number, place = divmod(step, len(self))
        if number != self._pass:
            generator = torch.Generator().manual_seed(self.seed * 100_003 + _FAR + number)
            order = torch.randperm(len(self.indices), generator=generator).numpy()
            self._pass, self._order = number, self.indices[order]
        return self._order[place * self.batch_size : (place + 1) * self.batch_size]

    def _view(self, indices: np.ndarray, batch: Batch, number: int, view: str) -> torch.Tensor:
        if view not in VIEWS:
            raise RecipeError(f"There is no view {view!r}.", f"Choices: {', '.join(VIEWS)}.")
        text = isinstance(self.prepared.preprocessing, TextPreprocessing)
        kind = {"weak": "none" if text else "light", "strong": "eda" if text else "none"}.get(view, "none")
        seed = (self.seed * 100_003 + batch.step) * len(VIEWS) + number + 2 * _FAR
        draw = torch.rand(len(indices), DRAWS, generator=torch.Generator().manual_seed(seed))
        with ThreadPoolExecutor(DECODERS) as pool:
            small = draw[:, :5] if kind != "none" else None
            images = self.prepared.load(indices, pool, batch.labels.device, kind, small)
        return strong_view(images, draw) if view == "strong" and not text else images
