"""tlwidgets: the recipe that a user would write, run by the session that a notebook runs."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from side_by_side.epochs import BareEpochs, EpochClock
from side_by_side.job import Job
from tlwidgets.data.images import ImageData
from tlwidgets.data.load import load_data
from tlwidgets.recipe import Recipe
from tlwidgets.training import Listener, Note, TrainingSession
from tlwidgets.widgets.dashboard import TrainingDashboard


def recipe_of(job: Job) -> Recipe:
    """The job as a recipe: one rate for all that learns, and constant, as the others have it."""
    return Recipe(
        data=job.data,
        backbone=f"local-dir:{job.backbone}",
        plan=dict.fromkeys(job.stages, "frozen"),
        epochs=job.epochs,
        batch_size=job.batch_size,
        learning_rate=job.learning_rate,
        backbone_scale=1.0,
        weight_decay=job.weight_decay,
        schedule="constant",
        augmentation="flip" if job.augment else "none",
        seed=job.seed,
        **job.settings,
    )


def train(job: Job, data: ImageData, *listeners: Listener, watched: bool = False) -> dict[str, Any]:
    """Trains and judges, with a dashboard attached if it shall be watched."""
    clock = EpochClock()
    with tempfile.TemporaryDirectory() as folder:
        session = TrainingSession(recipe_of(job), Path(folder) / "run", [clock, *listeners], data=data)
        if watched:
            TrainingDashboard(session)
        run = session.start().wait()
        accuracy = run.metrics["test"]["accuracy"]
    notes = [event.text for event in session.events if isinstance(event, Note)]
    return {"accuracy": accuracy, "notes": notes, "epoch_cpu_seconds": clock.seconds, "predicted": predicted(notes)}


def predicted(notes: list[str]) -> float:
    """How many times faster the prefix cache said that an epoch would be; 1 where it is off."""
    said = [re.search(r"should run ([0-9.]+) times faster", note) for note in notes]
    return next((float(found[1]) for found in said if found), 1.0)


def overhead(job: Job, data: ImageData) -> dict[str, Any]:
    """CPU seconds of epochs in our loop and in a bare one, in turn; the first of each is left out."""
    bare = BareEpochs(job, data)
    clock = EpochClock(bare.run)
    train(job, data, clock)
    return {"ours": clock.seconds[1:], "bare": bare.seconds[:-1]}


def dashboard(job: Job, data: ImageData) -> dict[str, Any]:
    """CPU seconds of epochs with a dashboard (and no page) and without, run by run in turn."""
    seconds: dict[str, list[float]] = {"without": [], "with": []}
    for _ in range(3):
        for name, found in seconds.items():
            clock = EpochClock()
            train(job, data, clock, watched=name == "with")
            found += clock.seconds[1:]
    return seconds


def run(job: Job) -> dict[str, Any]:
    """Does what the job asks."""
    data = load_data(job.data, progress=False)
    return {"train": train, "overhead": overhead, "dashboard": dashboard}[job.task](job, data)
