"""Lesson 09: a sensor changes between laboratories, and nobody labels the new images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from tlwidgets.data import ImageData, load_data
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.methods import adabn, coral, label_shift
from tlwidgets.recipe import Recipe
from tlwidgets.training import Run, fit

LESSON = "09_domain_adaptation"
WORLDS = {"sensor": ("sensor_digits", "clean", "sensor"), "fog": ("fogged_digits", "clean", "fogged")}
SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0)
WAYS = ("as they are", "CORAL", "own numbers")
KEPT = (3, 8)


@remembered
def laboratories(change: str = "sensor", seed: int = 0, shift: float = 1.0) -> tuple[ImageData, ImageData]:
    """Load the digits of the old laboratory and of the new one; half of each is for testing.

    Args:
        change: what is new: its ``"sensor"``, or ``"fog"`` on the lens.
        seed: of the sensor and of the deal.
        shift: how much is new, from 0 (nothing) to 1.
    """
    world, old, new = WORLDS[change]
    deal: dict[str, Any] = {"seed": seed, "val": 0.05, "test": 0.5}
    return load_data(world, domain=old, **deal), load_data(world, domain=new, shift=shift, **deal)


def grey(data: ImageData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Write the images of a split as rows of pixels, float64 (N, 64) from 0 to 1, and their labels, int64 (N,)."""
    return _rows(data, data.indices(split))


def _rows(data: ImageData, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pixels = np.stack(data.images(indices))[..., 0].reshape(len(indices), -1) / 255
    return pixels, data.labels[indices]


def reader() -> LogisticRegression:
    """The simple model of this lesson; it is given pixels that were scaled beforehand, or not."""
    return LogisticRegression(max_iter=2000)


@remembered
def readings(seed: int = 0, *, shift: float = 1.0) -> dict[str, float]:
    """Learn from the old laboratory's labels and read the new one's digits, in four ways.

    Args:
        seed: of the sensor.
        shift: how much the sensor changed, from 0 to 1.

    Returns:
        Accuracy, 0 to 1: ``as they are``; ``CORAL``, the old pixels recoloured like the new ones, with the better of
        two regularisations; ``own numbers``, each laboratory standardised by itself; and ``new labels``, what the
        labels of the new laboratory would have given.
    """
    old, new = laboratories(seed=seed, shift=shift)
    (x, y), (u, w), (v, z) = grey(old, "train"), grey(new, "train"), grey(new, "test")
    recoloured = [float(reader().fit(coral.align(x, u, amount), y).score(v, z)) for amount in (0.03, 1.0)]
    own = reader().fit(adabn.standardise(x), y)
    return {
        "as they are": float(reader().fit(x, y).score(v, z)),
        "CORAL": max(recoloured),
        "own numbers": float(own.score(adabn.standardise(v, like=u), z)),
        "new labels": float(reader().fit(u, w).score(v, z)),
    }


def reading_curve(seed: int = 0) -> pd.DataFrame:
    """Read with sensors that changed more and more: a row a shift, a column a way."""
    rows = {shift: readings(seed, shift=shift) for shift in SHIFTS}
    return pd.DataFrame.from_dict(rows, orient="index")[list(WAYS)]


def explore_shifts(curve: pd.DataFrame) -> Any:
    """Show what ``reading_curve`` found, one shift at a time."""
    rows = curve.to_dict("index")

    def describe(shift: float) -> str:
        read = ", ".join(f"{way} {100 * rows[shift][way]:.0f}" for way in WAYS)
        return f"Sensor changed by {shift:g}: of 100 new digits, {read}."

    return explore("change of the sensor", list(curve.index), describe)


@remembered
def trained(change: str, seed: int = 0, method: str = "", epochs: int = 3) -> Run:
    """Fine-tune the bundled network on the old laboratory, alone or adapting to the new one.

    Args:
        change: see ``laboratories``.
        seed: of laboratories and run.
        method: a method of adaptation with its defaults; none by default.
        epochs: passes over the old laboratory's training images.
    """
    old, new = laboratories(change, seed)
    recipe = Recipe(data=old, seed=seed, epochs=epochs, cache="off")
    if method:
        recipe = recipe.replace(method=method, method_options={"target": new})
    with TemporaryDirectory() as folder:
        run = fit(recipe, Path(folder) / "run", progress=False)
        _ = run.backbone, run.metrics, run.history  # read while the folder is there
    return run


def named(backbone: Any, data: ImageData) -> float:
    """Share of the test images that a network names correctly."""
    test = data.indices("test")
    return float((backbone.logits(data.images(test)).argmax(1) == data.labels[test]).mean())


@remembered
def through_fog(seed: int = 0, *, foggy: bool = True) -> dict[str, float]:
    """Read fogged digits with a network that learned clear ones.

    Args:
        seed: of run and fog.
        foggy: False takes the fog away.

    Returns:
        Accuracy, 0 to 1: the network ``as it is``, and ``AdaBN``, with the statistics of the new images.
    """
    _, new = laboratories("fog", seed, 1.0 if foggy else 0.0)
    backbone = trained("fog", seed).backbone
    adapted = adabn.adapt(backbone, new.images(new.indices("train")))
    return {"as it is": named(backbone, new), "AdaBN": named(adapted, new)}


@remembered
def through_sensor(seed: int = 0, *, shown: str = "new") -> dict[str, float]:
    """Read the new sensor's digits with networks that learned the old one's.

    Args:
        seed: of laboratories and runs.
        shown: whose images AdaBN counts, the ``"new"`` laboratory's or the ``"old"`` one's.

    Returns:
        Accuracy, 0 to 1: ``MMD``, which saw the new images while it learned, and ``AdaBN``, which learned nothing.
    """
    laboratory = dict(zip(("old", "new"), laboratories(seed=seed), strict=True))
    new, images = laboratory["new"], laboratory[shown].images(laboratory[shown].indices("train"))
    adapted = adabn.adapt(trained("sensor", seed).backbone, images)
    return {"MMD": named(trained("sensor", seed, "mmd").backbone, new), "AdaBN": named(adapted, new)}


@remembered
def only_two(seed: int = 0, *, all_ten: bool = False) -> dict[str, float]:
    """Read digits of the same laboratory, of which only 3s and 8s come.

    Args:
        seed: of the deal and of what comes.
        all_ten: let all ten come, in equal shares.

    Returns:
        Accuracy, 0 to 1: ``old numbers`` (standardised by the training images), ``own numbers`` (by those that came)
        and ``EM`` (old numbers, corrected by the shares that EM estimates). Then the share of 3s and 8s: ``true``,
        ``counted`` among the answers, and ``estimated`` by EM.
    """
    old, _ = laboratories(seed=seed)
    x, y = grey(old, "train")
    v, z = _rows(old, _that_come(old, seed, tuple(range(10)) if all_ten else KEPT))
    model = reader().fit(adabn.standardise(x), y)
    answers, prior = model.predict_proba(adabn.standardise(v, like=x)), np.bincount(y, minlength=10) / len(y)
    shares = label_shift.em_shares(answers, prior)
    corrected = label_shift.reweighted(answers, shares / prior).argmax(1)
    return {
        "old numbers": float((answers.argmax(1) == z).mean()),
        "own numbers": float(model.score(adabn.standardise(v), z)),
        "EM": float((corrected == z).mean()),
        "true": float(np.isin(z, KEPT).mean()),
        "counted": float(np.isin(answers.argmax(1), KEPT).mean()),
        "estimated": float(shares[list(KEPT)].sum()),
    }


def _that_come(data: ImageData, seed: int, classes: Sequence[int], most: int = 80) -> np.ndarray:
    """Numbers of at most so many test images of some classes."""
    test = np.random.default_rng(seed).permutation(data.indices("test"))
    chosen: np.ndarray = test[np.isin(data.labels[test], list(classes))][:most]
    return chosen


def own_over_none(seed: int, sabotaged: bool) -> float:
    """Digits read with each laboratory's own numbers minus as they are; sabotaged, the sensor is the old one."""
    found = readings(seed, shift=0.0 if sabotaged else 1.0)
    return found["own numbers"] - found["as they are"]


def own_over_coral(seed: int, sabotaged: bool) -> float:
    """Digits read with each laboratory's own numbers minus with CORAL; sabotaged, the sensor is the old one."""
    found = readings(seed, shift=0.0 if sabotaged else 1.0)
    return found["own numbers"] - found["CORAL"]


def adabn_lifts_fog(seed: int, sabotaged: bool) -> float:
    """Digits read after AdaBN minus before; sabotaged, there is no fog."""
    found = through_fog(seed, foggy=not sabotaged)
    return found["AdaBN"] - found["as it is"]


def counting_over_learning(seed: int, sabotaged: bool) -> float:
    """New digits named after AdaBN minus with MMD; sabotaged, AdaBN counts old images."""
    found = through_sensor(seed, shown="old" if sabotaged else "new")
    return found["AdaBN"] - found["MMD"]


def harm_by_own_numbers(seed: int, sabotaged: bool) -> float:
    """Digits read with the old numbers minus with those of the 3s and 8s that came; sabotaged, all ten come."""
    found = only_two(seed, all_ten=sabotaged)
    return found["old numbers"] - found["own numbers"]


CLAIMS = (
    MeasuredClaim(
        LESSON, "C1", "standardising each laboratory by itself beats the images as they are", 0.2, own_over_none
    ),
    MeasuredClaim(LESSON, "C2", "standardising each by itself beats CORAL", 0.06, own_over_coral),
    MeasuredClaim(LESSON, "C3", "AdaBN lifts the fog", 0.25, adabn_lifts_fog),
    MeasuredClaim(LESSON, "C4", "AdaBN, which learns nothing, beats MMD", 0.08, counting_over_learning),
    MeasuredClaim(LESSON, "C5", "when only two classes come, their own numbers do harm", 0.2, harm_by_own_numbers),
)
