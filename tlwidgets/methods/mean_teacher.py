"""Mean teacher: agree with a steadier copy of yourself.

Tarvainen, Valpola (2017), "Mean teachers are better role models: weight-averaged consistency targets improve
semi-supervised deep learning results", NeurIPS, arXiv 1703.01780. The teacher's weights are a running mean of the
student's. On unlabelled images the student, seeing one view, must give the probabilities that the teacher gives of
another; the weight of that grows over the run. The teacher is what the run keeps; it counts statistics of BatchNorm of
its own, as in the authors' code. It needs long runs: sixty steps on digits, three labels a class, made no difference
(-0.4 ± 0.8 points of 90.2 %, at worst -2.2, five seeds: ``benchmarks/results/methods.md``).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tlwidgets.data import ImageData
from tlwidgets.errors import RecipeError
from tlwidgets.training.held_out import HeldOut
from tlwidgets.training.method import Batch, Setting, StepResult
from tlwidgets.training.ramps import sigmoid_ramp
from tlwidgets.training.running_mean import follow, in_the_mode_of
from tlwidgets.training.stream import Stream
from tlwidgets.training.unlabelled import hidden_accuracy, unlabelled_stream

DATA_OPTIONS = ("unlabelled",)


def consistency(student: torch.Tensor, teacher: torch.Tensor) -> torch.Tensor:
    """Mean squared distance of the probabilities of two logits (N, C); no gradient flows into the teacher's."""
    return functional.mse_loss(student.float().softmax(1), teacher.detach().float().softmax(1))


@dataclass
class MeanTeacher:
    """Cross-entropy on labels, and agreement with the teacher on unlabelled images.

    Attributes:
        stream: The unlabelled images.
        held_out: The run's own validation images, by which the teacher is judged.
        modules: The teacher.
        weight: Of the agreement at the end.
        decay: Of the teacher's memory.
        end: Share of the run after which the agreement counts in full.
        steps: Steps that the student has taken.
    """

    stream: Stream
    held_out: HeldOut
    modules: nn.ModuleDict
    weight: float
    decay: float
    end: float
    steps: int = 0

    def step(self, model: nn.Module, batch: Batch) -> StepResult:
        """Loss and hits of one batch of each kind."""
        self.steps = batch.step + 1
        n, other = len(batch.labels), self.stream.beside(batch, "weak", "weak")
        first, second = other.images.chunk(2)
        logits = model(self.stream.joined(batch.images, first)).float()
        with in_the_mode_of(self.modules["teacher"], model), torch.no_grad():
            teacher = self.modules["teacher"](second)
        apart = consistency(logits[n:], teacher)
        weight = self.weight * sigmoid_ramp(batch.share, self.end)
        loss = functional.cross_entropy(logits[:n], batch.labels) + weight * apart
        correct = int((logits[:n].argmax(1) == batch.labels).sum())
        extras = {"consistency_loss": apart.item(), "pseudo_accuracy": hidden_accuracy(teacher.argmax(1), other.labels)}
        return StepResult(loss, n, correct, extras)

    def after_step(self, model: nn.Module) -> None:
        """Lets the teacher follow: at first the plain mean of all students so far, later with a longer memory."""
        follow(self.modules["teacher"], model, min(1 - 1 / (self.steps + 1), self.decay))

    def end_epoch(self, model: nn.Module) -> Mapping[str, float]:  # noqa: ARG002  the student's is in the row
        """The teacher's accuracy on validation images."""
        return {"teacher_val_accuracy": self.held_out.accuracy(self.modules["teacher"])}

    def select(self, row: Mapping[str, float]) -> float:
        """The teacher's accuracy."""
        return row["teacher_val_accuracy"]

    def result(self, model: nn.Module) -> nn.Module:  # noqa: ARG002  the student
        """The teacher."""
        return self.modules["teacher"]


def make(
    setting: Setting,
    unlabelled: ImageData | None = None,
    weight: float = 10.0,
    decay: float = 0.99,
    end: float = 0.5,
    ratio: int = 1,
) -> MeanTeacher:
    """Makes the method from a recipe's options.

    Args:
        setting: The run.
        unlabelled: The unlabelled images; those of the run's own data by default.
        weight: Of the agreement at the end, 0 or more.
        decay: Of the teacher's memory, in [0, 1): about 1 / (1 - decay) steps. 0.99 suits some hundred steps, 0.999
            some thousand.
        end: Share of the run after which the agreement counts in full, above 0.
        ratio: Unlabelled images for each labelled one of a batch.

    Raises:
        RecipeError: An option makes no sense, or the plan has low-rank adapters, which the teacher cannot follow.
        DataError: There are no unlabelled images.
    """
    if weight < 0 or not 0 <= decay < 1 or not end > 0:
        raise RecipeError(f"weight {weight!r}, decay {decay!r}, end {end!r}.", "Give 0 or more, 0..1, and above 0.")
    if "lora" in (setting.recipe.plan or {}).values():
        raise RecipeError("The teacher cannot follow low-rank adapters.", "Give a plan without lora.")
    modules = nn.ModuleDict({"teacher": copy.deepcopy(setting.backbone.model).requires_grad_(False)})
    return MeanTeacher(unlabelled_stream(setting, unlabelled, ratio), HeldOut(setting), modules, weight, decay, end)
