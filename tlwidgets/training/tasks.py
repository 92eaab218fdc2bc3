"""Small tasks drawn from a run's images, to learn learning from; and tasks of classes that no step has seen.

A task is an episode (Vinyals et al. 2016, arXiv 1606.04080): ``n_way`` classes, ``n_shot`` support images of each to
learn from, ``n_query`` others to be judged by. Which output stands for which class is dealt anew in every task: were it
always the same, the network could answer without the support set, and would learn no learning (Yin et al. 2020, ICLR,
arXiv 1912.03820).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch

from tlwidgets.data import TextData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.augmentation import numbers_for
from tlwidgets.training.batches import DECODERS
from tlwidgets.training.inner_loop import Task
from tlwidgets.training.inputs import prepare_inputs
from tlwidgets.training.method import Batch, Setting
from tlwidgets.training.options import at_least

SHARE = 1 / 3  # of the classes, held out where the recipe names none
_FAR = 2**44  # its own range of seeds
Pool = tuple[np.ndarray, np.ndarray]
"""Positions of a class that support and query images are drawn from."""


class TaskSampler:
    """Deals tasks of training images. Which come at a step depends on the seed and the step alone.

    Args:
        setting: The run; its augmentation varies the images that are learned from.
        n_way: Classes a task, at least 2; as many outputs of the head take part, the first ones.
        n_shot: Support images of each.
        n_query: Query images of each.
        n_tasks: Tasks a step.
        held_out: Names of the classes that no step sees, at least n_way; by default a third of all, the same for the
            same data whatever the seed.

    Attributes:
        held_out: Those names.

    Raises:
        RecipeError: A number makes no sense, or too few classes are left or held out.
        DataError: There is no such class, a class has too few images, or the data are texts.
    """

    def __init__(
        self, setting: Setting, n_way: int, n_shot: int, n_query: int, n_tasks: int, held_out: Sequence[str] | None
    ) -> None:
        at_least(2, n_way=n_way)
        at_least(1, n_shot=n_shot, n_query=n_query, n_tasks=n_tasks)
        if isinstance(setting.data, TextData):
            raise DataError(f"{setting.data.name!r} holds texts.", "Give images: tasks are not drawn from texts.")
        self.n_way, self.n_shot, self.n_query, self.n_tasks = n_way, n_shot, n_query, n_tasks
        self.prepared, self.recipe = prepare_inputs(setting), setting.recipe
        self.held_out = self._held_out(setting.data.classes, held_out)
        self._known = self._pools([name for name in setting.data.classes if name not in self.held_out], "train")
        self._new = {split: self._pools(self.held_out, split) for split in ("val", "test")}

    def beside(self, batch: Batch) -> list[Task]:
        """The tasks of a batch's step; of the batch itself nothing else is looked at."""
        seed = self.recipe.seed * 100_003 + _FAR + batch.step
        rows = self._draw(self._known, self.n_tasks, np.random.default_rng(seed))
        kind, draw = self.recipe.augmentation, None
        if kind != "none":
            draw = torch.rand(rows.size, numbers_for(kind), generator=torch.Generator().manual_seed(seed))
        return self._tasks(rows, batch.labels.device, draw)

    def of_new_classes(self, split: str, n: int, device: torch.device) -> list[Task]:
        """Tasks of the held-out classes, the same at every call.

        Args:
            split: Whose images are asked, "val" or "test"; support images come from "train". Where a class has too few
                images in the split, both come from "train".
            n: How many.
            device: Where they go.
        """
        rng = np.random.default_rng([_FAR, len(split)])
        return self._tasks(self._draw(self._new[split], n, rng), device)

    def _held_out(self, classes: Sequence[str], names: Sequence[str] | None) -> tuple[str, ...]:
        if isinstance(names, str):
            raise RecipeError(f"held_out is {names!r}.", "Give a list of names.")
        if names is None:
            n = max(self.n_way, round(SHARE * len(classes)))
            chosen = {classes[at] for at in np.random.default_rng(0).permutation(len(classes))[:n]}
        else:
            chosen = {str(name) for name in names}
        for name in sorted(chosen - set(classes)):
            raise DataError(f"There is no class {name!r} to hold out.", f"Classes: {', '.join(classes)}.")
        if not self.n_way <= len(chosen) <= len(classes) - self.n_way:
            raise RecipeError(
                f"n_way is {self.n_way!r}, and of {len(classes)} classes {len(chosen)} are held out.",
                "Tasks need n_way classes on either side: lower n_way, or name others in held_out.",
            )
        return tuple(name for name in classes if name in chosen)

    def _pools(self, names: Sequence[str], split: str) -> list[Pool]:
        data = self.prepared.data
        pools = []
        for name in names:
            ours = np.flatnonzero(data.labels == data.classes.index(name))
            learned, asked = (ours[data.split[ours] == part] for part in ("train", split))
            asked = asked if len(asked) >= self.n_query else learned
            needed = self.n_shot + (self.n_query if split == "train" or asked is learned else 0)
            if len(learned) < needed:
                raise DataError(
                    f"Class {name!r} has {len(learned)} training images, and a task takes {needed}.",
                    "Lower n_shot or n_query, or give more images.",
                )
            pools.append((learned, asked))
        return pools

    def _draw(self, pools: list[Pool], n: int, rng: np.random.Generator) -> np.ndarray:
        """Positions (n, n_way, n_shot + n_query); no image stands twice in a task."""
        tasks = []
        for _ in range(n):
            chosen = [pools[at] for at in rng.choice(len(pools), self.n_way, replace=False)]
            support = [rng.choice(learned, self.n_shot, replace=False) for learned, _ in chosen]
            others = [np.setdiff1d(asked, some) for (_, asked), some in zip(chosen, support, strict=True)]
            query = [rng.choice(some, self.n_query, replace=False) for some in others]
            tasks.append(np.concatenate([support, query], 1))
        return np.stack(tasks)

    def _tasks(self, rows: np.ndarray, device: torch.device, draw: torch.Tensor | None = None) -> list[Task]:
        with ThreadPoolExecutor(DECODERS) as pool:
            images: Any = self.prepared.load(rows.reshape(-1), pool, device, self.recipe.augmentation, draw)
        images = images.unflatten(0, rows.shape)
        support, query = (
            torch.arange(self.n_way, device=device).repeat_interleave(each) for each in (self.n_shot, self.n_query)
        )
        return [
            (task[:, : self.n_shot].flatten(0, 1), support, task[:, self.n_shot :].flatten(0, 1), query)
            for task in images
        ]
