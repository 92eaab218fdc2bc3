"""What a run that has ended must beat, measured on its own test images: seconds instead of a training per seed.

``compare`` trains the recipe anew, several times. Here the run stands as it is, so there is one seed of it: an interval
tells of other test images, not of another training. Whether its transfer is positive or negative, only the same
training from random weights can say (see ``comparison``); the other baselines need none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from tlwidgets.errors import RecipeError, RunError, TlwError
from tlwidgets.evaluation.baselines import majority, pixel_regression, probe
from tlwidgets.evaluation.comparison import NAMES, TransferComparison, arms_of, with_method
from tlwidgets.training import BatchEnded, Event, Run, TrainingSession, recipe_data
from tlwidgets.training.method import load_options
from tlwidgets.training.run import as_run

if TYPE_CHECKING:
    from tlwidgets.data import ImageData
    from tlwidgets.recipe import Recipe

_SECONDS_BETWEEN_LOOKS = 0.1


@dataclass(frozen=True)
class BaselineProgress:
    """How far a comparison has come.

    Attributes:
        arm: What is being measured, one of ``comparison.NAMES``; "" when all is done.
        done: Baselines that have been dealt with.
        of: All of them.
        share: Of the one at work, 0..1.
        comparison: What is known by now.
    """

    arm: str
    done: int
    of: int
    share: float
    comparison: TransferComparison


Update = Callable[[BaselineProgress], "bool | None"]


class _EndedError(Exception):
    """Somebody who watches wants no more."""


def compare_with_baselines(
    run: Run | str | Path, data: ImageData | None = None, *, scratch: bool = False, update: Update | None = None
) -> TransferComparison:
    """Measures what a run that has ended must beat, on the test images by which it was judged.

    Args:
        run: The run, or its folder.
        data: Its images; loaded from its recipe where they are not given.
        scratch: Also train its recipe from random weights, with its seed and budget, and say whether transfer was
            positive or negative. That takes about as long as the run did, or longer where the run had frozen stages;
            twice that where it lets the backbone learn more slowly than the head, see ``compare``.
        update: Called often, in this thread; returns True to end the work there.

    Returns:
        The comparison, of one seed: the run itself is the arm "transfer". A baseline that could not be measured is left
        out, and ``notes`` say why.

    Raises:
        RunError: The run has no predictions of test images, its head was not trained, or the data are not those by
            which it was judged.
        RecipeError: ``scratch`` is asked for, and the run itself starts from random weights.
        DataError: The data cannot be read.
        TlwError: No baseline at all could be measured.
    """
    run = as_run(run)
    check_comparable(run, scratch=scratch)
    recipe = run.recipe
    data = recipe_data(recipe, run.path) if data is None else data
    work = _Work(recipe, data, _hits_of(run, data), update)
    arms: dict[str, Callable[[], np.ndarray]] = {
        "majority": partial(majority, recipe, data),
        "pixels": partial(pixel_regression, recipe, data),
        "linear_probe": partial(probe, recipe, data, watch=work.look),
    }
    if scratch:
        trained, notes = arms_of(load_options(recipe, run.path))
        work.notes += notes
        arms |= {arm: partial(work.train, trained[arm], arm) for arm in trained if arm != "transfer"}
    return work.through(arms)


def check_comparable(run: Run, *, scratch: bool = False) -> None:
    """Says why a run cannot be compared with baselines.

    Raises:
        RunError: It has no predictions of test images, or its head was not trained.
        RecipeError: ``scratch``, where the run itself starts from random weights.
    """
    if not run.head_trained:
        raise RunError(
            f"{run.recipe.method} trains no head, so the run has no answers to compare.",
            f"Take run:{run.path} as the backbone of another recipe, and compare that.",
        )
    if run.predictions.empty:
        failed = run.status == "failed"
        hint = "It failed before it had any: train once more." if failed else "Finish it, with a test split."
        raise RunError(f"The run {run.path.name!r} has no predictions of test images.", hint)
    if scratch and not run.recipe.pretrained:
        raise RecipeError("The run itself starts from random weights: nothing is transferred.", "Compare without it.")


class _Work:
    """One comparison under way."""

    def __init__(self, recipe: Recipe, data: ImageData, hits: np.ndarray, update: Update | None) -> None:
        self._recipe, self._data, self._update = recipe, data, update
        self._hits, self._seconds = {"transfer": hits[None]}, {"transfer": float("nan")}
        self.notes: list[str] = []
        self._arm, self._done, self._of = "", 0, 0

    @property
    def comparison(self) -> TransferComparison:
        """What is known by now."""
        return TransferComparison(dict(self._hits), dict(self._seconds), tuple(self.notes), self._recipe.backbone)

    def through(self, arms: dict[str, Callable[[], np.ndarray]]) -> TransferComparison:
        """Measures one arm after the other; one that fails is noted, and only where all do, raised."""
        self._of, errors = len(arms), []
        try:
            for number, (arm, measure) in enumerate(arms.items()):
                self._arm, self._done = arm, number
                self.look(0.0)
                if (error := self._measure(arm, measure)) is not None:
                    errors.append(error)
            self._arm, self._done = "", len(arms)
            self.look(0.0)
        except _EndedError:
            return self.comparison
        if len(errors) == len(arms):
            raise errors[0]
        return self.comparison

    def _measure(self, arm: str, measure: Callable[[], np.ndarray]) -> Exception | None:
        began = time.perf_counter()
        try:
            self._hits[arm] = measure()[None]
        except (TlwError, ValueError, OSError) as error:  # scikit-learn refuses data with ValueError
            self.notes.append(f"No comparison with {NAMES[arm]}: {error}")
            return error
        self._seconds[arm] = time.perf_counter() - began
        return None

    def look(self, share: float) -> None:
        """Tells how far it has come; a watcher who wants no more ends the work here."""
        if self._update is None:
            return
        if self._update(BaselineProgress(self._arm, self._done, self._of, share, self.comparison)):
            raise _EndedError

    def train(self, recipe: Recipe, arm: str) -> np.ndarray:
        """Which test images a recipe from random weights classifies rightly when it is trained, bool (N,)."""
        return with_method(recipe, self._train, arm, self.notes)

    def _train(self, recipe: Recipe, name: str) -> np.ndarray:
        steps = 0

        def count(event: Event) -> None:
            nonlocal steps
            steps += isinstance(event, BatchEnded)

        with TemporaryDirectory(prefix="tlwidgets-") as folder:
            session = TrainingSession(recipe, Path(folder) / name, [count], self._data)
            total = recipe.epochs * max(1, -(-len(self._data.indices("train")) // recipe.batch_size))
            session.start()
            try:
                while session.alive:
                    self.look(min(1.0, steps / total))
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
            except BaseException:  # also a key press in a terminal: the folder goes, so the training must
                session.stop("the comparison was ended")
                while session.alive:
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
                raise
            return _hits_of(session.wait(), self._data)


def _hits_of(run: Run, data: ImageData) -> np.ndarray:
    """Which test images a run classified rightly, bool (N,), in the order of the data's.

    Raises:
        RunError: They are not the ones by which it was judged.
    """
    table, indices = run.predictions.sort_values("index"), data.indices("test")
    labels = [data.classes[label] for label in data.labels[indices]]
    if table["index"].tolist() != indices.tolist() or table["label"].tolist() != labels:
        raise RunError(
            f"The test images are not those by which {run.path.name!r} was judged.",
            "Give the data that it was trained on, or train once more.",
        )
    hits: np.ndarray = (table["label"] == table["predicted"]).to_numpy()
    return hits
