"""The pretraining loop: name the drawing, describe the picture; checkpoints that lose nothing."""

from __future__ import annotations

import csv
import json
import time
from pathlib import Path
from typing import Any

import safetensors.torch
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm.auto import tqdm

from tlwidgets.backbones.pretraining import statistics
from tlwidgets.backbones.pretraining.batches import DrawnImages, normalise
from tlwidgets.backbones.pretraining.recipes import PretrainingRecipe
from tlwidgets.errors import TrainingError

CHECKPOINT = "checkpoint.safetensors"
CHECKPOINT_EVERY = 60.0
"""Seconds between two checkpoints."""
BLOCK = 8
"""Batches drawn at once: many small tensor operations cost more than few large ones."""
LOG_EVERY = 100
"""Steps between two rows of log.csv."""


class Learner(nn.Module):
    """A timm network with two more linear heads that read the picture's statistics from the pooled features.

    Attributes:
        backbone: the network that is kept; its own head names the drawing.
        describer: features -> standardised statistics; thrown away after pretraining.
        painter: features -> scores of 64 colours; thrown away too.
        target_mean, target_std: (statistics.COUNT,), from images drawn before the first step.
    """

    backbone: Any
    target_mean: Tensor
    target_std: Tensor

    def __init__(self, recipe: PretrainingRecipe, data: DrawnImages, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.backbone = timm.create_model(
            recipe.architecture, pretrained=False, num_classes=len(data.class_names), **recipe.model_args
        )
        self.describer = nn.Linear(self.backbone.num_features, statistics.COUNT)
        self.painter = nn.Linear(self.backbone.num_features, statistics.COLOURS)
        sample = statistics.describe(data.batch(1024, (seed, 2**31))[0])
        self.register_buffer("target_mean", sample.mean(0))
        self.register_buffer("target_std", sample.std(0) + 0.02)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Images (N, 3, H, W) in [0, 1] -> scores (N, classes), statistics (N, COUNT), scores of colours (N, 64)."""
        pooled = self.backbone.forward_head(self.backbone.forward_features(normalise(images)), pre_logits=True)
        return self.backbone.get_classifier()(pooled), self.describer(pooled), self.painter(pooled)

    def loss(self, images: Tensor, labels: Tensor, recipe: PretrainingRecipe) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy of the name, smooth L1 error of the statistics and cross-entropy of the colours, summed.

        Returns:
            The loss, and what to log: its parts and the accuracy.
        """
        target = (statistics.describe(images) - self.target_mean) / self.target_std
        # Attention written out is here three times as fast as the fused one, whose backward is slow in bfloat16.
        with torch.autocast("cpu", torch.bfloat16), sdpa_kernel(SDPBackend.MATH):
            scores, described, painted = self(images.contiguous(memory_format=torch.channels_last))
        naming = F.cross_entropy(scores.float(), labels, label_smoothing=recipe.label_smoothing)
        describing = F.smooth_l1_loss(described.float(), target)
        painting = F.cross_entropy(painted.float(), statistics.palette(images))
        loss = naming + recipe.statistics_weight * describing + recipe.palette_weight * painting
        accuracy = (scores.argmax(1) == labels).float().mean()
        figures = {"loss": loss, "naming": naming, "describing": describing, "painting": painting}
        return loss, {name: value.item() for name, value in figures.items()} | {"accuracy": accuracy.item()}


def draw(recipe: PretrainingRecipe, seed: int, progress: bool) -> DrawnImages:
    """Draw the source of a recipe."""
    excluded = recipe.excluded_classes
    return DrawnImages(recipe.families, recipe.image_size, seed=seed, excluded_classes=excluded, progress=progress)


def make_optimiser(learner: Learner, recipe: PretrainingRecipe) -> torch.optim.AdamW:
    """AdamW whose weight decay spares norms and biases."""
    named = list(learner.named_parameters())
    groups = [
        {"params": [p for _, p in named if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for _, p in named if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)


class Pretraining:
    """One pretraining run that can be stopped and resumed; in steps it is repeatable to the bit on the same machine.

    Args:
        recipe: what to train on what.
        out: folder for the checkpoint and log.csv.
        seed: of the weights, the drawings and the order of images.
        steps: length of the run; the recipe's if None.
        minutes: length by the clock, instead of `steps`.
        after: the finished run of the recipe that this one follows; its drawings and weights are taken over.
        progress: show progress bars.
    """

    def __init__(
        self,
        recipe: PretrainingRecipe,
        out: Path,
        *,
        seed: int,
        steps: int | None = None,
        minutes: float | None = None,
        after: Pretraining | None = None,
        progress: bool = True,
    ) -> None:
        self.recipe, self.out, self.seed = recipe, out, seed
        self.steps, self.minutes = recipe.steps if steps is None else steps, minutes
        self.progress, self.after = progress, after
        self.data: DrawnImages = after.data.with_shares(recipe.families) if after else draw(recipe, seed, progress)
        self.learner = Learner(recipe, self.data, seed).to(memory_format=torch.channels_last)
        if after:
            self.learner.load_state_dict(after.learner.state_dict())
        self.optimiser = make_optimiser(self.learner, recipe)
        self.step, self.seconds, self.cpu_seconds = 0, 0.0, 0.0
        self._block: tuple[int, list[tuple[Tensor, Tensor]]] = (-1, [])
        out.mkdir(parents=True, exist_ok=True)

    @property
    def has_checkpoint(self) -> bool:
        """Whether a checkpoint lies in the run's folder."""
        return (self.out / CHECKPOINT).exists()

    @property
    def parts(self) -> list[Pretraining]:
        """This run and those before it, the first one first."""
        return [*(self.after.parts if self.after else []), self]

    @property
    def done(self) -> float:
        """Share of the run that is over, 0 to 1."""
        return min(1.0, self.step / self.steps if self.minutes is None else self.seconds / (60 * self.minutes))

    def run(self) -> None:
        """Train to the end, writing a checkpoint every minute.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        saved = time.monotonic()
        with tqdm(total=100, initial=round(100 * self.done), unit="%", disable=not self.progress) as bar:
            while self.done < 1:
                row = self.advance()
                if self.step % LOG_EVERY == 0:
                    self._log(row)
                    bar.set_postfix(loss=f"{row['loss']:.3f}", accuracy=f"{row['accuracy']:.3f}", step=self.step)
                    bar.update(round(100 * self.done) - bar.n)
                if time.monotonic() - saved > CHECKPOINT_EVERY:
                    self.save()
                    saved = time.monotonic()
            bar.update(100 - bar.n)
        self.save()
        self.learner.eval()

    def advance(self) -> dict[str, float]:
        """Take one step; returns its loss, the parts of it and the accuracy.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        started, cpu_started = time.monotonic(), time.process_time()
        rate = self.recipe.learning_rate * min(1.0, (self.step + 1) / self.recipe.warmup_steps) * (1 - self.done)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        images, labels = self._next_batch()
        self.learner.train()
        loss, figures = self.learner.loss(images, labels, self.recipe)
        if not torch.isfinite(loss):
            raise TrainingError(f"The loss became {figures['loss']} at step {self.step}.", "Lower the learning rate.")
        self.optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.learner.parameters(), self.recipe.gradient_clip)
        self.optimiser.step()
        self.step += 1
        self.seconds += time.monotonic() - started
        self.cpu_seconds += time.process_time() - cpu_started
        return figures

    def _next_batch(self) -> tuple[Tensor, Tensor]:
        block, within = divmod(self.step, BLOCK)
        if self._block[0] != block:
            size = self.recipe.batch_size
            images, labels = self.data.batch(BLOCK * size, (self.seed, block, len(self.parts) - 1))
            parts = zip(torch.split(images, size), torch.split(labels, size), strict=True)
            self._block = (block, list(parts))
        return self._block[1][within]

    def _log(self, row: dict[str, float]) -> None:
        path = self.out / "log.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "seconds", *row])
            writer.writerow([self.step, round(self.seconds, 1), *(round(value, 4) for value in row.values())])

    def save(self) -> None:
        """Write the checkpoint: weights, optimiser moments, step and seconds; the old one stays until then."""
        tensors = {f"learner.{name}": tensor.contiguous() for name, tensor in self.learner.state_dict().items()}
        for index, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{index}.{key}": value.contiguous() for key, value in state.items()}
        facts = {"seed": self.seed, "recipe": self.recipe.to_dict(), "step": self.step}
        facts |= {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        temporary = self.out / "checkpoint.tmp"
        safetensors.torch.save_file(tensors, temporary, metadata={"facts": json.dumps(facts)})
        temporary.replace(self.out / CHECKPOINT)

    def restore(self) -> None:
        """Continue from the checkpoint in `out`.

        Raises:
            TrainingError: there is none, or it was made by another recipe or seed.
        """
        if not self.has_checkpoint:
            raise TrainingError(f"No checkpoint lies in {self.out}.", hint="Start without --resume.")
        path = self.out / CHECKPOINT
        with safetensors.safe_open(path, framework="pt") as file:
            facts = json.loads(file.metadata()["facts"])
        if facts["seed"] != self.seed or facts["recipe"] != json.loads(json.dumps(self.recipe.to_dict())):
            raise TrainingError(f"The checkpoint in {self.out} is of another recipe or seed.", "Use another --out.")
        tensors = safetensors.torch.load_file(path)
        self.learner.load_state_dict(_part(tensors, "learner."))
        parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in _part(tensors, "optimiser.").items():
            index, key = name.split(".")
            like = parameters[int(index)] if tensor.ndim else tensor
            # The fused optimiser walks memory in order, so a moment must be laid out like its parameter.
            moments.setdefault(int(index), {})[key] = torch.empty_like(like).copy_(tensor)
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": moments})
        self.step, self.seconds, self.cpu_seconds = facts["step"], facts["seconds"], facts["cpu_seconds"]


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
