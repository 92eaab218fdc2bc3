"""Batches of images: decoded and resized once, ordered and augmented by seed, one batch ahead of the network."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from tlwidgets.backbones import Preprocessing
from tlwidgets.data import ImageData
from tlwidgets.training.augmentation import augment
from tlwidgets.training.method import Batch

MEMORY_BUDGET = 512 * 2**20  # bytes of decoded, resized images that are kept
DECODERS = 4  # threads; PIL releases the interpreter lock while it decodes and resizes


class PreparedImages:
    """Images of a data set after the backbone's geometry, kept in memory where they fit the budget.

    Args:
        data: The images.
        preprocessing: The backbone's own.
    """

    def __init__(self, data: ImageData, preprocessing: Preprocessing) -> None:
        self.data = data
        self.preprocessing = preprocessing
        size = (len(data.labels), *preprocessing.input_size)
        fits = int(np.prod(size)) <= MEMORY_BUDGET
        self._kept = torch.empty(size, dtype=torch.uint8) if fits else None
        self._ready = np.zeros(len(data.labels), bool)

    def get(self, indices: np.ndarray, pool: ThreadPoolExecutor) -> torch.Tensor:
        """uint8 (len(indices), 3, H, W)."""
        if self._kept is None:
            return torch.stack(list(pool.map(self._prepare, indices)))
        missing = indices[~self._ready[indices]]
        for index, image in zip(missing, pool.map(self._prepare, missing), strict=True):
            self._kept[index] = image
            self._ready[index] = True
        return self._kept[torch.from_numpy(indices)]

    def _prepare(self, index: int) -> torch.Tensor:
        return self.preprocessing.prepare(self.data.image(int(index)))


class Batches:
    """Batches of one split.

    Args:
        images: The prepared images of the whole data set.
        split: "train", "val" or "test".
        batch_size: Images a batch; a last batch of a single image is left out of training, where BatchNorm cannot
            use it.
        device: Where the batches go.
        augmentation: Kind of augmentation, for ``train_epoch`` only.
        seed: Of order and augmentation.
        shard: (rank, world size) of this process; each takes every n-th image of a batch.
    """

    def __init__(
        self,
        images: PreparedImages,
        split: str,
        batch_size: int,
        device: torch.device,
        augmentation: str = "none",
        seed: int = 0,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.images = images
        self.indices = images.data.indices(split)
        self.batch_size = batch_size
        self.device = device
        self.augmentation = augmentation
        self.seed = seed
        self.shard = shard

    def __len__(self) -> int:
        """Batches of a training epoch."""
        full, rest = divmod(len(self.indices), self.batch_size)
        return full + (rest > 1 or (rest == 1 and full == 0))

    def train_epoch(self, epoch: int) -> Iterator[Batch]:
        """Shuffled, augmented batches; the same for the same seed and epoch, whatever happened before."""
        generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
        order = torch.randperm(len(self.indices), generator=generator).numpy()
        chunks = [order[i * self.batch_size : (i + 1) * self.batch_size] for i in range(len(self))]
        for batch in self._load([self.indices[chunk] for chunk in chunks]):
            yield Batch(augment(batch.images, self.augmentation, generator), batch.labels, batch.indices)

    def in_order(self) -> Iterator[Batch]:
        """Every image of the split once, in order, as it is."""
        n_chunks = -(-len(self.indices) // self.batch_size)
        return self._load(np.array_split(self.indices, n_chunks) if n_chunks else [])

    def _load(self, chunks: list[np.ndarray]) -> Iterator[Batch]:
        rank, world = self.shard
        with ThreadPoolExecutor(DECODERS) as decoders, ThreadPoolExecutor(1) as ahead:
            mine = [chunk[rank::world] for chunk in chunks]
            waiting = [ahead.submit(self.images.get, chunk, decoders) for chunk in mine[:1]]
            for position, chunk in enumerate(mine):
                pixels = waiting.pop().result()
                waiting += [ahead.submit(self.images.get, c, decoders) for c in mine[position + 1 : position + 2]]
                images = self.images.preprocessing.normalise(pixels.to(self.device))
                labels = torch.from_numpy(self.images.data.labels[chunk]).to(self.device)
                yield Batch(images, labels, chunk)
