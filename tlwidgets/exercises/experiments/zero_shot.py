"""Lesson 15: classes recognised by their description alone, what prefers the known ones, and what a lie does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tlwidgets.data import ImageData, load_data
from tlwidgets.data.generated.coloured_shapes import CLASSES, HUES, PARTS, SHAPES, shape_attributes
from tlwidgets.evaluation.zero_shot import ZeroShot, zero_shot
from tlwidgets.exercises.experiments.describing import network
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore

LESSON = "15_zero_shot"
METHODS = ("attributes", "eszsl", "ridge", "contrastive")
CHANCE = 0.25
OFF = 0.5  # how much seen classes are held back, in standard deviations of the scores


def hidden_pairs(seed: int = 0) -> tuple[list[str], list[str]]:
    """Draw two colours and two shapes; their four pairs are the classes that nobody shows.

    Returns:
        The two colours and the two shapes. Each is still seen, in other pairs.
    """
    draw = np.random.default_rng(seed)
    colours, shapes = draw.permutation(list(HUES))[:2], draw.permutation(SHAPES)[:2]
    return [str(colour) for colour in colours], [str(shape) for shape in shapes]


def hidden(seed: int = 0) -> list[str]:
    """Names of the four classes that nobody shows."""
    colours, shapes = hidden_pairs(seed)
    return [f"{colour} {shape}" for colour in colours for shape in shapes]


@remembered
def pieces(seed: int = 0) -> ImageData:
    """Draw twenty pieces of each of the sixteen classes; 30 % are for testing."""
    return load_data("coloured_shapes", seed=seed, per_class=20, val=0.0, test=0.3)


def descriptions(kind: str = "true", seed: int = 0) -> np.ndarray:
    """Describe the sixteen classes by eight parts: int64 (16, 8), 0 or 1.

    Args:
        kind: ``"true"``; ``"lie"``: the two hidden shapes change places in the rows of the hidden classes; ``"other
            order"``: the same parts in another order, for all classes alike; ``"shuffled"``: each class has the row
            of some other one.
        seed: of the hidden classes and of orders.
    """
    table, draw = shape_attributes(), np.random.default_rng(seed)
    if kind == "other order":
        return np.asarray(table[:, draw.permutation(len(PARTS))])
    if kind == "shuffled":
        return np.asarray(table[draw.permutation(len(table))])
    if kind == "lie":
        rows = [CLASSES.index(name) for name in hidden(seed)]
        columns = [PARTS.index(shape) for shape in hidden_pairs(seed)[1]]
        table[np.ix_(rows, columns)] = table[np.ix_(rows, columns[::-1])]
    return table


@remembered
def recognised(method: str = "eszsl", kind: str = "true", seed: int = 0, *, pretrained: bool = True) -> ZeroShot:
    """Learn from twelve classes, and recognise the four hidden ones by their descriptions.

    Args:
        method: what ``tlw.zero_shot`` takes.
        kind: what ``descriptions`` takes.
        seed: of pieces, hidden classes and the random network.
        pretrained: False asks a network of random weights.
    """
    backbone = network(pretrained=pretrained, seed=seed)
    return zero_shot(pieces(seed), descriptions(kind, seed), hidden(seed), backbone, method=method)


def held_back(method: str = "ridge", seed: int = 0) -> dict[str, float]:
    """Hold the seen classes back by half a standard deviation of all scores; accuracy among all sixteen classes.

    Returns:
        ``unseen``, ``seen`` and their ``harmonic`` mean, 0 to 1, as ``ZeroShot.among_all`` has them.
    """
    data, found = pieces(seed), recognised(method, seed=seed)
    new = np.flatnonzero(np.isin(CLASSES, hidden(seed)))
    is_new = np.isin(data.labels, new)
    rows = np.flatnonzero(is_new | (data.split == "test"))
    scores = found.scores(data.images(rows), descriptions())
    seen = ~np.isin(np.arange(16), new)
    right = (scores - OFF * scores.std() * seen).argmax(axis=1) == data.labels[rows]
    by_class = np.array([right[data.labels[rows] == number].mean() for number in range(16)])
    unseen, known = float(by_class[~seen].mean()), float(by_class[seen].mean())
    both = unseen + known
    return {"unseen": unseen, "seen": known, "harmonic": 2 * unseen * known / both if both else 0.0}


def four_methods(seed: int = 0) -> dict[str, dict[str, float]]:
    """For each method: ``alone`` (hidden classes, only these to choose from), and ``unseen``, ``seen`` among all."""
    found = {method: recognised(method, seed=seed) for method in METHODS}
    return {method: {"alone": each.accuracy, **each.among_all} for method, each in found.items()}


def explore_methods(found: Mapping[str, Mapping[str, float]]) -> Any:
    """Show ``four_methods`` one at a time; see ``explorer.explore``."""

    def describe(method: str) -> str:
        values = {name: f"{100 * value:.0f}" for name, value in found[method].items()}
        return (
            f"{method}: of 100 pieces of hidden classes {values['alone']} are named rightly when only the hidden ones "
            f"may be named, {values['unseen']} when any class may; of known classes {values['seen']}."
        )

    return explore("method", list(found), describe)


def above_chance(seed: int, sabotaged: bool) -> float:
    """Hidden classes recognised minus chance; sabotaged, every class has the description of another."""
    return recognised(kind="shuffled" if sabotaged else "true", seed=seed).accuracy - CHANCE


def above_random(seed: int, sabotaged: bool) -> float:
    """Hidden classes recognised on pre-trained features minus on random ones; sabotaged, two random networks."""
    ours = recognised(seed=seed, pretrained=not sabotaged).accuracy
    return ours - recognised(seed=seed, pretrained=False).accuracy


def preference(seed: int, sabotaged: bool) -> float:
    """Hidden pieces recognised among four classes minus among all; sabotaged, the seen ones are held back."""
    found = recognised("ridge", seed=seed)
    among_all = held_back(seed=seed) if sabotaged else found.among_all
    return found.accuracy - among_all["unseen"]


def lift(seed: int, sabotaged: bool) -> float:
    """Harmonic mean with the seen classes held back minus without; sabotaged, a method with little preference."""
    method = "eszsl" if sabotaged else "ridge"
    return held_back(method, seed)["harmonic"] - recognised(method, seed=seed).among_all["harmonic"]


def cost_of_a_lie(seed: int, sabotaged: bool) -> float:
    """Hidden pieces recognised with true descriptions minus with a lie; sabotaged, the parts in another order."""
    other = recognised(kind="other order" if sabotaged else "lie", seed=seed)
    return recognised(seed=seed).accuracy - other.accuracy


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "classes never seen are recognised by their description", 0.55, above_chance),
    MeasuredClaim(LESSON, "C2", "the pre-trained network does so better than a random one", 0.2, above_random),
    MeasuredClaim(LESSON, "C3", "among all classes the hidden ones are recognised less often", 0.2, preference),
    MeasuredClaim(LESSON, "C4", "holding the known classes back raises the harmonic mean", 0.06, lift),
    MeasuredClaim(LESSON, "C5", "with two words exchanged the hidden classes are lost", 0.5, cost_of_a_lie),
)
