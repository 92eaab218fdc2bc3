"""Does transfer help here? The recipe beside what it must beat, over seeds, on the same test images.

Wang, Dai, Póczos, Carbonell (2019), "Characterizing and avoiding negative transfer", CVPR, arXiv 1811.09751: transfer
is negative when the same algorithm does better with the target's data alone. So the yardstick is the same recipe from
random weights. Better than pixels or than the majority is not enough, and worse than another recipe is not the point.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from tqdm import tqdm

from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.evaluation.baselines import majority, pixel_regression, probe
from tlwidgets.evaluation.intervals import paired_interval
from tlwidgets.evaluation.showing import as_html
from tlwidgets.recipe import Recipe
from tlwidgets.training import BatchEnded, Event, PrefixShelf, fit, recipe_data

NAMES = {
    "transfer": "the recipe",
    "scratch": "from scratch",
    "scratch_full_rate": "from scratch, full rate",
    "linear_probe": "linear probe",
    "pixels": "pixels",
    "majority": "majority class",
}
Trainer = Callable[[Recipe, str], np.ndarray]
"""Recipe and name of a run -> which test images it classifies rightly, bool (N,)."""


@dataclass(frozen=True)
class TransferComparison:
    """What transfer is worth on these data.

    Attributes:
        hits: By arm, bool (S, N): which of N test images were classified rightly with each of S seeds. Arms: those of
            ``NAMES``; "scratch_full_rate" only where the recipe slows the backbone down. Of ``compare_with_baselines``
            only those that were asked for and could be measured.
        seconds: By arm, of one seed.
        notes: What had to differ from the recipe besides the weights, in words.
        backbone: What was transferred.
    """

    hits: dict[str, np.ndarray]
    seconds: dict[str, float]
    notes: tuple[str, ...]
    backbone: str

    def __repr__(self) -> str:
        return f"TransferComparison: {self.sentence}"

    def _repr_html_(self) -> str:
        return as_html(self.sentence, self.table)

    @property
    def table(self) -> pd.DataFrame:
        """One row an arm.

        Columns: ``accuracy`` (mean over seeds), ``sd`` over seeds, ``gain`` of the recipe over the arm with ``low`` and
        ``high`` (95 % interval, paired by seed and image), and ``seconds`` of one seed.
        """
        rows = {}
        for arm, hits in self.hits.items():
            gain, low, high = self.gain_over(arm)
            spread = hits.mean(1).std(ddof=1) if len(hits) > 1 else np.nan
            figures = {"accuracy": hits.mean(), "sd": spread, "gain": gain, "low": low, "high": high}
            rows[arm] = {**figures, "seconds": self.seconds[arm]}
        table: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index")
        return table

    def gain_over(self, arm: str) -> tuple[float, float, float]:
        """Accuracy of the recipe less that of an arm, and both ends of its 95 % interval."""
        if arm == "transfer":  # less itself: no estimate, so no interval
            return 0.0, 0.0, 0.0
        return paired_interval(self.hits["transfer"].astype(float) - self.hits[arm])

    @property
    def verdict(self) -> str:
        """Which side of 0 the interval of the gain over scratch lies on: "positive", "negative", else "none".

        "unknown" where nothing was trained from scratch.
        """
        return self._verdict_over("scratch") if "scratch" in self.hits else "unknown"

    @property
    def sentence(self) -> str:
        """The verdict in words, with its size and what else stands beside it."""
        if "scratch" not in self.hits:
            return f"{self._against_others()} {self._one_seed()}{UNJUDGED}"
        gain = self.gain_over("scratch")[0]
        size = f"{100 * abs(gain):.1f} points"
        start = {
            "positive": f"Positive transfer: starting from {self.backbone} is {size} better than from random weights",
            "negative": f"Negative transfer: starting from {self.backbone} is {size} worse than from random weights",
            "none": f"No transfer can be shown: {self.backbone} gains {100 * gain:+.1f} points over random weights",
        }[self.verdict]
        others = [f"{NAMES[arm]} {100 * hits.mean():.1f} %" for arm, hits in self.hits.items() if arm in OTHERS]
        beside = f"For comparison: {', '.join(others)}." if others else ""
        return f"{start} ({self._basis('scratch')}). {self._one_seed()}{self._caution()}{beside}".strip()

    def plot(self) -> Figure:
        """Draws the accuracy of every arm, a point a seed; made without pyplot."""
        figure = Figure(figsize=(6.5, 1.0 + 0.42 * len(self.hits)), layout="constrained")
        axes = figure.subplots()
        for place, (arm, hits) in enumerate(self.hits.items()):
            colour = "#0072B2" if arm == "transfer" else "#555555"
            axes.plot(hits.mean(1), np.full(len(hits), place), "o", color=colour, alpha=0.5)
            axes.plot(hits.mean(), place, "D" if arm == "transfer" else "|", color=colour, markersize=11)
        axes.set_yticks(range(len(self.hits)), [NAMES[arm] for arm in self.hits])
        axes.invert_yaxis()
        axes.set_xlabel("accuracy on the test images: a dot a seed, a mark the mean")
        return figure

    def _verdict_over(self, arm: str) -> str:
        _, low, high = self.gain_over(arm)
        return "positive" if low > 0 else "negative" if high < 0 else "none"

    def _basis(self, arm: str) -> str:
        _, low, high = self.gain_over(arm)
        seeds, images = self.hits["transfer"].shape
        counted = f"{seeds} seed{'' if seeds == 1 else 's'}, {images} test images"
        return f"95 % interval {100 * low:+.1f} to {100 * high:+.1f}, {counted}"

    def _one_seed(self) -> str:
        """Says what an interval of one seed cannot know."""
        return ONE_SEED if len(self.hits["transfer"]) == 1 else ""

    def _against_others(self) -> str:
        """The accuracy, beside the best of what needs no training and then the rest."""
        reached = {arm: float(hits.mean()) for arm, hits in self.hits.items() if arm in OTHERS}
        own = f"{self.backbone} as trained here reaches {100 * self.hits['transfer'].mean():.1f} %"
        if not reached:
            return f"{own}; nothing was measured beside it."
        best, *rest = sorted(reached, key=lambda arm: -reached[arm])
        size = f"{100 * abs(self.gain_over(best)[0]):.1f} points"
        side = {"positive": f"{size} above", "negative": f"{size} below", "none": "not to be told from"}
        level = f"the best baseline, {NAMES[best]} with {100 * reached[best]:.1f} %"
        beside = f" Beside it: {', '.join(f'{NAMES[arm]} {100 * reached[arm]:.1f} %' for arm in rest)}." if rest else ""
        return f"{own}, {side[self._verdict_over(best)]} {level} ({self._basis(best)}).{beside}"

    def _caution(self) -> str:
        """Says whether the verdict is one about the learning rate of the backbone as much as about the source."""
        arm = "scratch_full_rate"
        if arm not in self.hits or self._verdict_over(arm) == self.verdict:
            return ""
        return (
            f"Beware: random weights that learn at the full rate reach {100 * self.hits[arm].mean():.1f} %, "
            f"and against them the verdict would be {self._verdict_over(arm)!r}. "
        )


OTHERS = ("linear_probe", "pixels", "majority")
ONE_SEED = "With one seed the interval tells of other test images, not of another training. "
UNJUDGED = "Whether transfer is positive or negative, only the same training from random weights can say."


def compare(
    recipe: Recipe,
    seeds: Sequence[int] = (0, 1, 2),
    *,
    progress: bool = True,
    update: Callable[[TransferComparison], bool | None] | None = None,
) -> TransferComparison:
    """Trains a recipe and what it must beat, and says whether transfer is positive or negative.

    From scratch everything is as in the recipe but the weights: the same images, steps, rates and seeds. Only what
    makes no sense on random weights is dropped, and noted: a plan that freezes them, and a method that needs a source.
    Where the recipe lets the backbone learn more slowly than the head, random weights are also trained at the full
    rate, so that a verdict that hangs on it is seen. The linear probe and pixels are logistic regressions (L2, C = 1)
    on standardised values of the training images.

    Args:
        recipe: The run as data, with a pre-trained backbone and test images. Its seed gives way to ``seeds``.
        seeds: Of head, order, augmentation and random weights; at least two.
        progress: Show a progress bar.
        update: Called after every seed with what is known by then; returns True to end the work there.

    Returns:
        The comparison. With one seed, as an early ``update`` has it, intervals know of test images only.

    Raises:
        RecipeError: The recipe transfers nothing, or there are fewer than two different seeds.
        DataError: There are no test images.
        TlwError: As ``fit`` raises.
    """
    data = recipe_data(recipe)
    _check(recipe, seeds, data)
    arms, notes = arms_of(recipe)
    hits: dict[str, list[np.ndarray]] = {arm: [] for arm in (*arms, *OTHERS)}
    seconds: dict[str, float] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tlwidgets-")))
        bar = stack.enter_context(tqdm(desc="Comparing", unit="step", disable=not progress))
        train = partial(_train, data=data, folder=folder, shelf=PrefixShelf(len(seeds)), bar=bar)
        fixed = {arm: _timed(partial(baseline, recipe, data)) for arm, baseline in BASELINES.items()}
        for seed in seeds:
            for arm, arm_recipe in arms.items():
                name = f"{arm}-{seed}"
                found, seconds[arm] = _timed(partial(with_method, arm_recipe.replace(seed=seed), train, name, notes))
                hits[arm].append(found)
            for arm, (found, seconds[arm]) in fixed.items():
                hits[arm].append(found)
            stacked = {arm: np.stack(rows) for arm, rows in hits.items()}
            comparison = TransferComparison(stacked, dict(seconds), tuple(notes), recipe.backbone)
            if update is not None and update(comparison):
                break
    return comparison


BASELINES: dict[str, Callable[[Recipe, ImageData], np.ndarray]] = {
    "linear_probe": probe,
    "pixels": pixel_regression,
    "majority": majority,
}


def scratch_recipe(recipe: Recipe) -> tuple[Recipe, list[str]]:
    """The same recipe from random weights, and in words what had to be dropped besides the pre-trained ones."""
    notes = []
    if recipe.plan and any(state != "trainable" for state in recipe.plan.values()):
        notes.append("From scratch all stages learn: random weights that stay as they are would be no fair yardstick.")
    if recipe.unfreezing != "none":
        notes.append(f"From scratch all stages learn from the first epoch, without unfreezing={recipe.unfreezing!r}.")
    return recipe.replace(pretrained=False, plan=None, unfreezing="none", probe_epochs=None), notes


def arms_of(recipe: Recipe) -> tuple[dict[str, Recipe], list[str]]:
    """What is trained for a verdict, by arm, and in words what had to be dropped from scratch."""
    scratch, notes = scratch_recipe(recipe)
    arms = {"transfer": recipe, "scratch": scratch}
    if recipe.backbone_scale < 1 or recipe.layer_decay is not None:
        arms["scratch_full_rate"] = scratch.replace(backbone_scale=1.0, layer_decay=None)
    return arms, notes


def _check(recipe: Recipe, seeds: Sequence[int], data: ImageData) -> None:
    if not recipe.pretrained:
        raise RecipeError("The recipe starts from random weights: nothing is transferred.", "Set pretrained=True.")
    if len(set(seeds)) < 2 or len(set(seeds)) < len(seeds):
        raise RecipeError(f"The seeds are {list(seeds)!r}.", "Give at least two, all different.")
    if not len(data.indices("test")):
        raise DataError("There are no test images to compare on.", "Give a test share above 0.")


def _train(recipe: Recipe, name: str, data: ImageData, folder: Path, shelf: PrefixShelf, bar: tqdm[Any]) -> np.ndarray:
    def count(event: Event) -> None:
        if isinstance(event, BatchEnded):
            bar.update()

    run = fit(recipe, folder / name, progress=False, data=data, listeners=[count], shelf=shelf)
    predictions = run.predictions.sort_values("index")
    right: np.ndarray = (predictions["label"] == predictions["predicted"]).to_numpy()
    return right


def with_method(recipe: Recipe, train: Trainer, name: str, notes: list[str]) -> np.ndarray:
    """Trains; from scratch with plain fine-tuning where the method cannot do without a source, and notes that."""
    try:
        return train(recipe, name)
    except RecipeError:
        if recipe.pretrained or recipe.method == "fine_tuning":
            raise
    note = f"From scratch the method is 'fine_tuning', because {recipe.method!r} needs a source."
    if note not in notes:
        notes.append(note)
    return train(recipe.replace(method="fine_tuning", method_options={}), name)


def _timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began
