"""Lesson 04: which stages should learn, and what freezing has to hold still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import torch

from tlwidgets.exercises.experiments.describing import network
from tlwidgets.exercises.experiments.feature_extraction import notes
from tlwidgets.exercises.experiments.measured import MeasuredClaim, accuracy_of, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.freezing import FreezePlan
from tlwidgets.freezing.audit import fingerprint, moved
from tlwidgets.recipe import Recipe

LESSON = "04_freeze_board"
STAGES = ("stem", "stage1", "stage2", "stage3", "stage4")
STEPS = 40


def recipe(wanted: str, learning: Sequence[str] = (), seed: int = 0) -> Recipe:
    """Write the run of this lesson: forty steps, the same rate wherever something learns.

    Args:
        wanted: ``"ink"`` or ``"digit"``: what the label of a slip is.
        learning: stages that learn besides the head.
        seed: of slips, head and order.
    """
    data = notes(wanted, seed)
    plan = {"*": "frozen", "head": "trainable", **dict.fromkeys(learning, "trainable")}
    batches = -(-data.splits["train"] // 32)
    return Recipe(data=data, plan=plan, epochs=-(-STEPS // batches), learning_rate=1e-2, backbone_scale=1.0, seed=seed)


@remembered
def reading(wanted: str, learning: tuple[str, ...] = (), seed: int = 0) -> float:
    """Accuracy, 0 to 1, on new slips after the run of :func:`recipe`."""
    return accuracy_of(recipe(wanted, learning, seed))


def one_stage_each(wanted: str = "ink", seed: int = 0) -> pd.DataFrame:
    """Let the head learn, then the head with one stage, each in turn, then everything.

    Returns:
        One row a plan, named by what learns besides the head: ``learns`` (scalars, the head's included) and
        ``accuracy`` on new slips.
    """
    plans = {"nothing": (), **{stage: (stage,) for stage in STAGES}, "everything": STAGES}
    data = notes(wanted, seed)
    with torch.random.fork_rng(devices=[]):
        sizes = {stage.name: stage.n_parameters for stage in network().stages[:-1]}
    head = (network().num_features + 1) * len(data.classes)
    rows = {
        name: {"learns": head + sum(sizes[each] for each in stages), "accuracy": reading(wanted, stages, seed)}
        for name, stages in plans.items()
    }
    table: pd.DataFrame = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "besides the head"
    return table.astype({"learns": int})


def explore_plans(table: pd.DataFrame) -> Any:
    """Show a table of ``one_stage_each`` one plan at a time; see ``explorer.explore``."""
    rows = table.to_dict("index")

    def describe(name: str) -> str:
        found = rows[name]
        return (
            f"Head and {name} learn: {int(found['learns']):,} numbers; "
            f"of 100 new slips {100 * found['accuracy']:.0f} are named correctly."
        )

    return explore("what learns besides the head", list(table.index), describe)


def moved_numbers(*, by_plan: bool, seed: int = 0) -> int:
    """Freeze the stages below the head, show the network some slips in training mode, and see what has moved.

    Args:
        by_plan: freeze with a ``FreezePlan``; otherwise only switch the gradients off, as many a script does.
        seed: of the slips.

    Returns:
        How many of the frozen stages' tensors (weights, running statistics, counters) are no longer what they were.
    """
    backbone = network()
    body = [name for stage in backbone.stages[:-1] for name in (*stage.parameter_names, *stage.buffer_names)]
    if by_plan:
        FreezePlan(backbone, {"*": "frozen", "head": "trainable"}).apply()
    else:
        for parameter in backbone.model.parameters():
            parameter.requires_grad = False
    before = fingerprint(backbone.model, body)
    backbone.model.train()
    data = notes("ink", seed)
    batch = backbone.preprocessing.prepare_all(data.images(data.indices("train")))
    with torch.no_grad():
        backbone.model(backbone.preprocessing.normalise(batch))
    return len(moved(before, backbone.model))


def gain_of_the_stem(seed: int, sabotaged: bool) -> float:
    """Accuracy with stem and head minus accuracy with the head alone; sabotaged, the digit is wanted."""
    wanted = "digit" if sabotaged else "ink"
    return reading(wanted, ("stem",), seed) - reading(wanted, (), seed)


def stem_over_last_stage(seed: int, sabotaged: bool) -> float:
    """Accuracy where the stem learns minus accuracy where stage4 does; sabotaged, the digit is wanted."""
    wanted = "digit" if sabotaged else "ink"
    return reading(wanted, ("stem",), seed) - reading(wanted, ("stage4",), seed)


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "letting the stem learn brings the ink back", 0.35, gain_of_the_stem),
    MeasuredClaim(LESSON, "C2", "for the ink, the stem is worth more than stage4", 0.2, stem_over_last_stage),
    MeasuredClaim(
        LESSON,
        "C3",
        "tensors that moved although their gradients were off",
        20.0,
        lambda seed, sabotaged: float(moved_numbers(by_plan=sabotaged, seed=seed)),
    ),
    MeasuredClaim(
        LESSON,
        "C4",
        "tensors that moved under a freeze plan: none",
        0.0,
        lambda seed, sabotaged: -float(moved_numbers(by_plan=not sabotaged, seed=seed)),
    ),
)
