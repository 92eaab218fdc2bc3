"""Batches of images or texts: prepared once, ordered and augmented by seed, one batch ahead of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

import numpy as np
import torch

from tlwidgets.augmentations import PRESETS, changes_in
from tlwidgets.backbones import Preprocessing, TextPreprocessing
from tlwidgets.data import ImageData
from tlwidgets.training.augmentation import augment, kept_share, mix, numbers_for, vary
from tlwidgets.training.decoded import room_for
from tlwidgets.training.method import Batch
from tlwidgets.training.prefix_cache import PrefixCache

DECODERS = 4  # threads; PIL releases the interpreter lock while it decodes and resizes


class PreparedImages:
    """Images of a data set after the backbone's geometry, each decoded once where there is room to keep them.

    Args:
        data: The images.
        preprocessing: The backbone's own.
    """

    def __init__(self, data: ImageData, preprocessing: Preprocessing) -> None:
        self.data = data
        self.preprocessing = preprocessing
        self._kept = room_for(len(data.labels), preprocessing.input_size)
        # Training reads a batch ahead in another thread, and a file has only one place to read at.
        self._lock = Lock()

    def get(self, indices: np.ndarray, pool: ThreadPoolExecutor) -> torch.Tensor:
        """uint8 (len(indices), 3, H, W)."""
        if self._kept is None:
            return self._decode(indices, pool)
        with self._lock:
            missing = self._kept.missing(indices)
            if not missing.any():
                return self._kept.take(indices)
            decoded = self._decode(indices[missing], pool)
            self._kept.keep(indices[missing], decoded)
            images = decoded.new_empty(len(indices), *decoded.shape[1:])
            images[torch.from_numpy(missing)] = decoded
            images[torch.from_numpy(~missing)] = self._kept.take(indices[~missing])
            return images

    def _decode(self, indices: np.ndarray, pool: ThreadPoolExecutor) -> torch.Tensor:
        return torch.stack(list(pool.map(self._prepare, indices)))

    def load(
        self,
        indices: np.ndarray,
        pool: ThreadPoolExecutor,
        device: torch.device,
        augmentation: str = "none",
        draw: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Batch (len(indices), C, H, W), normalised, and augmented where ``draw`` holds random numbers."""
        images = self.get(indices, pool).to(device)
        if draw is not None and augmentation not in PRESETS:
            return self.preprocessing.normalise(255 * vary(images.float() / 255, augmentation, draw))
        images = self.preprocessing.normalise(images)
        return images if draw is None else augment(images, augmentation, draw)

    def example(
        self,
        indices: np.ndarray,
        pool: ThreadPoolExecutor,
        device: torch.device,
        augmentation: str = "none",  # noqa: ARG002  changes no image's size
    ) -> torch.Tensor:
        """The first of some images, normalised (1, C, H, W)."""
        return self.load(indices[:1], pool, device)

    def _prepare(self, index: int) -> torch.Tensor:
        return self.preprocessing.prepare(self.data.image(int(index)))


class Prepared(Protocol):
    """What a network reads, ready for it: ``PreparedImages`` or ``PreparedTexts``."""

    @property
    def data(self) -> ImageData:
        """The images, or texts, themselves."""
        ...

    @property
    def preprocessing(self) -> Preprocessing | TextPreprocessing:
        """The backbone's own."""
        ...

    def load(
        self,
        indices: np.ndarray,
        pool: ThreadPoolExecutor,
        device: torch.device,
        augmentation: str = "none",
        draw: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """One batch as the network takes it; augmented where ``draw`` holds random numbers."""
        ...

    def example(
        self, indices: np.ndarray, pool: ThreadPoolExecutor, device: torch.device, augmentation: str = "none"
    ) -> torch.Tensor:
        """A batch of one that takes as much room as any of these."""
        ...


@dataclass(frozen=True)
class Chunk:
    """One batch before its pixels are looked at.

    Attributes:
        indices: int64 (N,), positions in the data set.
        slots: int64 (N,), places in the cache: position in the split, further views behind all positions; position in
            the data set where the cache is shared with other runs.
        draw: (N, 5 or more) random numbers of the augmentation; None without one.
    """

    indices: np.ndarray
    slots: np.ndarray
    draw: torch.Tensor | None = None


class Batches:
    """Batches of one split.

    Args:
        images: The prepared images, or texts, of the whole data set.
        split: "train", "val" or "test".
        batch_size: Images a batch; a last batch of a single image is left out of training, where BatchNorm cannot
            use it.
        device: Where the batches go.
        augmentation: Kind of augmentation, for ``train_epoch`` only.
        views: Augmented views that are kept of each image, used in turn; None draws new ones every epoch.
        seed: Of order and augmentation.
        shard: (rank, world size) of this process; each takes every n-th image of a batch.
        shared: Whether runs with other splits of the same images use the same cache. Not together with augmentation.

    Attributes:
        interrupted: Asked while a cache is filled: True ends the epoch early.
    """

    def __init__(
        self,
        images: Prepared,
        split: str,
        batch_size: int,
        device: torch.device,
        augmentation: str = "none",
        views: int | None = None,
        seed: int = 0,
        shard: tuple[int, int] = (0, 1),
        *,
        shared: bool = False,
    ) -> None:
        self.images = images
        self.indices = images.data.indices(split)
        self.batch_size = batch_size
        self.device = device
        self.augmentation = augmentation
        self.views = views if augmentation != "none" else None
        self.seed = seed
        self.shard = shard
        self.shared = shared and augmentation == "none"
        self.interrupted: Callable[[], bool] = lambda: False
        self._numbers = numbers_for(augmentation)

    def __len__(self) -> int:
        """Batches of a training epoch."""
        full, rest = divmod(len(self.indices), self.batch_size)
        return full + (rest > 1 or (rest == 1 and full == 0))

    @property
    def n_slots(self) -> int:
        """Places that a cache of this split needs."""
        return len(self.images.data) if self.shared else len(self.indices) * (self.views or 1)

    @property
    def transform(self) -> tuple[object, ...]:
        """All that decides what the network sees of an image."""
        drawn = () if self.augmentation == "none" else (self.augmentation, self.views, self.seed)
        return (self.images.preprocessing, *drawn)

    def first_image(self) -> torch.Tensor:
        """The first image, normalised (1, C, H, W); of texts the longest."""
        with ThreadPoolExecutor(1) as pool:
            return self.images.example(self.indices, pool, self.device, self.augmentation)

    def train_epoch(self, epoch: int, cache: PrefixCache | None = None) -> Iterator[Batch]:
        """Shuffled, augmented batches; the same for the same seed and epoch, whatever happened before.

        With a cache, ``Batch.images`` holds what crosses the cut instead of pixels.
        """
        view = (epoch - 1) % self.views if self.views else 0
        chunks = self._chunks(epoch, view)[: len(self)]
        # Whole batches of the view's first epoch are what a cache computes at once: the last bits of a sum depend on
        # its company, and a run that is taken up must see the same ones.
        together = (self._all_in_order() if self.shared else self._chunks(view + 1, view)) if cache is not None else []
        return self._load(chunks, cache, together)

    def _chunks(self, epoch: int, view: int) -> list[Chunk]:
        """The batches of an epoch, and what the last one leaves over."""
        generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
        order = torch.randperm(len(self.indices), generator=generator).numpy()
        table = self._draw_view(view) if self.views else None
        chunks = []
        for start in range(0, len(order), self.batch_size):
            some = order[start : start + self.batch_size]
            draw = None
            if self.augmentation != "none":
                draw = table[some] if table is not None else torch.rand(len(some), self._numbers, generator=generator)
            slots = self.indices[some] if self.shared else some + view * len(self.indices)
            chunks.append(Chunk(self.indices[some], slots, draw))
        return chunks

    def in_order(self, cache: PrefixCache | None = None) -> Iterator[Batch]:
        """Every image of the split once, in order, as it is."""
        n_chunks = -(-len(self.indices) // self.batch_size)
        parts = np.array_split(np.arange(len(self.indices)), n_chunks) if n_chunks else []
        chunks = [Chunk(self.indices[part], self.indices[part] if self.shared else part) for part in parts]
        return self._load(chunks, cache, self._all_in_order() if self.shared else chunks)

    def _all_in_order(self) -> list[Chunk]:
        """Every image of the data set that is in a split, in batches that do not depend on the splits."""
        used = np.flatnonzero(self.images.data.split != "unlabelled")
        return [Chunk(part, part) for part in np.array_split(used, -(-len(used) // self.batch_size))]

    def _draw_view(self, view: int) -> torch.Tensor:
        # Its own range of seeds, far from those of the epochs.
        generator = torch.Generator().manual_seed(self.seed * 100_003 + 2**40 + view)
        return torch.rand(len(self.indices), self._numbers, generator=generator)

    def _load(self, chunks: list[Chunk], cache: PrefixCache | None, together: list[Chunk]) -> Iterator[Batch]:
        if cache is not None:
            return self._cached(chunks, cache, together)
        rank, world = self.shard
        return self._fresh([_every(chunk, rank, world) for chunk in chunks] if world > 1 else chunks)

    def _fresh(self, chunks: list[Chunk]) -> Iterator[Batch]:
        with ThreadPoolExecutor(DECODERS) as decoders, ThreadPoolExecutor(1) as ahead:
            waiting = [ahead.submit(self._pixels, chunk, decoders) for chunk in chunks[:1]]
            for position, chunk in enumerate(chunks):
                images = waiting.pop().result()
                waiting += [ahead.submit(self._pixels, c, decoders) for c in chunks[position + 1 : position + 2]]
                yield Batch(images, self._labels(chunk), chunk.indices, soft=self._soft(chunk))

    def _cached(self, chunks: list[Chunk], cache: PrefixCache, together: list[Chunk]) -> Iterator[Batch]:
        with ThreadPoolExecutor(DECODERS) as decoders:
            for chunk in chunks:
                missing = chunk.slots[cache.missing(chunk.slots)]
                for group in together if len(missing) else ():
                    if not np.isin(group.slots, missing).any():
                        continue
                    if self.interrupted():
                        return
                    cache.fill(group.slots, self._pixels(group, decoders))
                yield Batch(cache.read(chunk.slots, self.device), self._labels(chunk), chunk.indices)

    def _pixels(self, chunk: Chunk, decoders: ThreadPoolExecutor) -> torch.Tensor:
        return self.images.load(chunk.indices, decoders, self.device, self.augmentation, chunk.draw)

    def _labels(self, chunk: Chunk) -> torch.Tensor:
        return torch.from_numpy(self.images.data.labels[chunk.indices]).to(self.device)

    def _soft(self, chunk: Chunk) -> torch.Tensor | None:
        """The shares of the classes in mixed images, float (N, classes); None where nothing is mixed."""
        if chunk.draw is None or "mixup" not in changes_in(self.augmentation):
            return None
        one = torch.nn.functional.one_hot(self._labels(chunk), len(self.images.data.classes))
        return mix(one.float(), kept_share(chunk.draw))


def _every(chunk: Chunk, rank: int, world: int) -> Chunk:
    mine = slice(rank, None, world)
    return Chunk(chunk.indices[mine], chunk.slots[mine], None if chunk.draw is None else chunk.draw[mine])
