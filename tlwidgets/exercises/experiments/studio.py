"""Lesson 00: what freezing keeps, and what pre-trained stages are worth."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from tlwidgets.backbones import load_backbone
from tlwidgets.data import load_data
from tlwidgets.exercises.experiments.measured import MeasuredClaim, accuracy_of
from tlwidgets.recipe import Recipe
from tlwidgets.training import fit

LESSON = "00_studio"
STAGES = ("stem", "stage1", "stage2", "stage3", "stage4")


def head_only(seed: int = 0) -> Recipe:
    """The lesson's first run: twenty labels a class, only the new head learns."""
    data = load_data("digits", seed=seed, labels_per_class=20)
    return Recipe(data=data, plan=dict.fromkeys(STAGES, "frozen"), epochs=8, learning_rate=1e-2, seed=seed)


def frozen_numbers_moved(seed: int, sabotaged: bool) -> float:
    """Minus the number of frozen tensors that differ from the bundled backbone after training; 0 when none does."""
    before = load_backbone("tlw_resnet").model.state_dict()
    with TemporaryDirectory() as folder:
        run = fit(head_only(seed).replace(pretrained=not sabotaged, epochs=1), Path(folder) / "run", progress=False)
        after = run.backbone.model.state_dict()
    frozen = [name for stage in run.backbone.stages[:-1] for name in (*stage.parameter_names, *stage.buffer_names)]
    return -float(sum(not before[name].equal(after[name]) for name in frozen))


def worth_of_the_stages(seed: int, sabotaged: bool) -> float:
    """Accuracy of a head on pre-trained stages minus that of a head on random ones."""
    on_random = accuracy_of(head_only(seed).replace(pretrained=False))
    other = head_only(seed).replace(pretrained=False, seed=seed + 1000)
    return accuracy_of(other if sabotaged else head_only(seed)) - on_random


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "frozen numbers that moved: none", 0.0, frozen_numbers_moved),
    MeasuredClaim(LESSON, "C2", "a head on pre-trained stages beats a head on random ones", 0.4, worth_of_the_stages),
)
