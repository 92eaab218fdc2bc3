"""Where a run's network is cut, for training and for validation, and what is kept there."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from tlwidgets.backbones import Backbone
from tlwidgets.backbones.backbone import evaluating
from tlwidgets.recipe import Recipe
from tlwidgets.training.batches import Batches
from tlwidgets.training.prefix import NotCacheableError, Partition
from tlwidgets.training.prefix_cache import PrefixCache, PrefixShelf


class Tail(nn.Module):
    """The trained half of a network as a network of its own: takes what crosses the cut, gives logits."""

    def __init__(self, partition: Partition) -> None:
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
        say: Takes one line for people.
        shelf: What other runs on the same images share with this one; both kinds of batches must be shared then.
    """

    def __init__(
        self,
        recipe: Recipe,
        backbone: Backbone,
        method: object,
        train: Batches,
        val: Batches,
        say: Callable[[str], None],
        shelf: PrefixShelf | None = None,
    ) -> None:
        self.recipe, self.backbone, self._train, self._val, self._say = recipe, backbone, train, val, say
        self.train: PrefixCache | None = None
        self.val: PrefixCache | None = None
        self._shelf = shelf if train.shared and val.shared else None
        self._reason = ""
        if not getattr(method, "cacheable", False):
            self._reason = f"the method {recipe.method!r} looks at the images themselves"
        elif train.shard[1] > 1:
            self._reason = "several processes share the work"
        elif recipe.augmentation != "none" and recipe.views is None:
            self._reason = "augmentation draws new views every epoch; views=4 would keep four of each image"

    def renew(self, epochs_left: int, frozen: bool) -> None:
        """Cuts anew, after the plan has been applied.

        Args:
            epochs_left: Epochs that will still be trained.
            frozen: Whether the plan freezes anything; without, there is nothing to say.
        """
        self.close()
        if self.recipe.cache == "off" or not frozen:
            return
        try:
            if self._reason:
                raise NotCacheableError(self._reason)
            self.train = self._cache(self._train, epochs_left, training=True)
            self.val = self._cache(self._val, epochs_left, training=False) if len(self._val.indices) else None
            self._say(self.train.describe())
        except NotCacheableError as error:
            self.close()
            self._say(f"Prefix cache off: {error}.")

    def refresh(self) -> None:
        """Forgets what no longer holds, if somebody changed a frozen weight."""
        for cache in (self.train, self.val):
            if cache is not None and cache.refresh():
                self._say("Prefix cache emptied: a frozen weight or buffer has changed.")

    def close(self) -> None:
        """Gives all memory and files back."""
        for cache in (self.train, self.val):
            if cache is not None:
                cache.close()
        self.train = self.val = None

    def _cache(self, batches: Batches, epochs: int, *, training: bool) -> PrefixCache:
        model, image = self.backbone.model, batches.first_image()
        if training:
            model.train()
            return PrefixCache(model, image, batches.n_slots, epochs, self.recipe.cache, self._shelf)
        with evaluating(model):
            return PrefixCache(model, image, batches.n_slots, epochs, self.recipe.cache, self._shelf)
