"""Where a run's network is cut, for training and for validation, and what is kept there."""

from __future__ import annotations

from torch import nn

from tlwidgets.augmentations import changes_in
from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.freezing import fingerprint, moved, plain_names
from tlwidgets.recipe import Recipe
from tlwidgets.training.batches import Batches
from tlwidgets.training.events import CacheChosen
from tlwidgets.training.gains import WORTH_IT, epoch_gain, run_gain
from tlwidgets.training.numerics import Numerics
from tlwidgets.training.prefix_cache import PrefixCache, PrefixShelf, memory_budget
from tlwidgets.training.text_prefix import AnyPartition, partition_of
from tlwidgets.training.tracing import NotCacheableError


def reason_against(recipe: Recipe) -> str:
    """Why what a recipe does to its images leaves nothing to keep; "" where something is left."""
    if "mixup" in changes_in(recipe.augmentation):
        return "mixup mixes each image with another one every time"
    if recipe.augmentation != "none" and recipe.views is None:
        return "augmentation draws new views every epoch; views=4 would keep four of each image"
    return ""


class Tail(nn.Module):
    """The trained half of a network as a network of its own: takes what crosses the cut, gives logits."""

    def __init__(self, partition: AnyPartition) -> None:
        super().__init__()
        self.partition = partition

    def forward(self, stored: object) -> object:
        """Logits (N, classes) of stored values, a list of tensors (N, rows, ...)."""
        return self.partition.run_tail(stored)  # type: ignore[arg-type]


class Cuts:
    """Keeps the caches of a run in step with its plan.

    Args:
        recipe: Says whether to cache at all.
        backbone: The network.
        method: The transfer method; only one that does nothing with images but call the network says ``cacheable``.
        train: Training batches.
        val: Validation batches.
        shelf: What other runs on the same images share with this one; both kinds of batches must be shared then.

    Attributes:
        train: What is kept of the training images; None where nothing is.
        val: The same of the validation images.
    """

    def __init__(
        self,
        recipe: Recipe,
        backbone: Backbone,
        method: object,
        train: Batches,
        val: Batches,
        shelf: PrefixShelf | None = None,
    ) -> None:
        self.recipe, self.backbone, self._train, self._val = recipe, backbone, train, val
        self.train: PrefixCache | None = None
        self.val: PrefixCache | None = None
        self._shelf = shelf if train.shared and val.shared else None
        self._guard: dict[str, str] = {}
        self._surroundings: tuple[object, ...] = ()
        self._reason = ""
        if not getattr(method, "cacheable", False):
            self._reason = f"the method {recipe.method!r} looks at the images themselves"
        elif train.shard[1] > 1:
            self._reason = "several processes share the work"
        else:
            self._reason = reason_against(recipe)

    def renew(self, epochs_left: int, frozen: bool, numerics: Numerics) -> CacheChosen | None:
        """Cuts anew, after the plan has been applied.

        Args:
            epochs_left: Epochs that will still be trained.
            frozen: Whether the plan freezes anything; without, there is nothing to say.
            numerics: What the run computes in.

        Returns:
            What was chosen, and why; None where nobody asked.
        """
        self.close()
        if self.recipe.cache == "off" or not frozen:
            return None
        try:
            with numerics.active(self._train.device):
                return self._cut(epochs_left, numerics)
        except NotCacheableError as error:
            self.close()
            return CacheChosen(on=False, text=f"Prefix cache off: {error}.")

    def _cut(self, epochs: int, numerics: Numerics) -> CacheChosen:
        if self._reason:
            raise NotCacheableError(self._reason)
        model = self.backbone.model
        model.train()
        train = partition_of(model, self._train.first_image())
        runs = self._shelf.runs if self._shelf is not None else 1
        gain = run_gain(train.share, epochs * runs, self._train.views or 1)
        if self.recipe.cache == "auto" and gain < WORTH_IT:
            raise NotCacheableError(f"it would make the run only {gain:.2f} times faster")
        val = None
        if len(self._val.indices):
            with evaluating(model):
                val = partition_of(model, self._val.first_image())
        # Training and validation mostly read the same tensors: hashed once for both.
        names = dict.fromkeys((*self._names(train), *(self._names(val) if val is not None else ())))
        self._guard = fingerprint(model, names)
        self._surroundings = self._look_around(numerics)
        room = memory_budget()
        self.train = self._cache(train, self._train, room)
        if val is not None:
            self.val = self._cache(val, self._val, room - (self.train.bytes if self._shelf is None else 0))
        return self._describe(train.share, gain)

    def _cache(self, partition: AnyPartition, batches: Batches, room: int) -> PrefixCache:
        made_with = (batches.transform, *((name, self._guard[name]) for name in self._names(partition)))
        return PrefixCache(partition, batches.n_slots, self.recipe.cache, room, self._shelf, made_with)

    def _names(self, partition: AnyPartition) -> list[str]:
        """Full names of what a prefix reads; below a layer that an adapter wraps they are told without the wrapper."""
        plain = plain_names(self.backbone.model)
        return [plain.get(name) or name for name in partition.names]

    def _describe(self, share: float, gain: float) -> CacheChosen:
        size = sum(cache.bytes for cache in self._caches())
        place = "disk" if any(cache.kind == "disk" for cache in self._caches()) else "memory"
        each = epoch_gain(share)
        text = (
            f"Prefix cache on: {share:.0%} of the forward pass is computed once ({size / 2**20:.0f} MB "
            f"{'in memory' if place == 'memory' else 'in a temporary file'}); "
            f"epochs after the first should run {min(each, 99):.1f} times faster."
        )
        return CacheChosen(on=True, text=text, share=share, epoch_gain=each, run_gain=gain, size=size, place=place)

    def outdated(self, numerics: Numerics) -> str:
        """Why what is kept no longer holds; "" where it does, or where nothing is kept."""
        if self.train is None:
            return ""
        if self._surroundings != self._look_around(numerics):
            return "preprocessing, augmentation or precision have changed"
        return "a frozen weight or buffer has changed" if moved(self._guard, self.backbone.model) else ""

    def close(self) -> None:
        """Gives all memory and files back."""
        for cache in self._caches():
            cache.close()
        self.train = self.val = None

    def _caches(self) -> list[PrefixCache]:
        return [cache for cache in (self.train, self.val) if cache is not None]

    def _look_around(self, numerics: Numerics) -> tuple[object, ...]:
        return (numerics, self._train.transform, self._val.transform)
