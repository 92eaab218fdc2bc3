"""A run that fails after an epoch is judged by the best one until then; one that fails in its first keeps nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.errors import TrainingError
from tlwidgets.training import RunFailed
from tlwidgets.training.learner import Learner
from tlwidgets.training.session import TrainingSession

STEPS = 3  # 42 training images, 16 a batch


@pytest.fixture
def fail_at(recipe: Any, tmp_path: Path, nan_at: Callable[[int], None]) -> Callable[..., TrainingSession]:
    """A session that has failed: the loss becomes nan at a step."""

    def fail(step: int, data: Any = None) -> TrainingSession:
        nan_at(step)
        session = TrainingSession(recipe.replace(epochs=4), tmp_path / "run", data=data).start()
        with pytest.raises(TrainingError, match=f"became nan at step {step}"):
            session.wait(120)
        return session

    return fail


def test_the_best_epoch_until_then_is_judged_as_if_the_run_had_been_stopped(
    fail_at: Callable[..., TrainingSession], recipe: Any, tmp_path: Path
) -> None:
    session = fail_at(2 * STEPS + 2)
    run = session.run
    assert (run.status, len(run.history)) == ("failed", 2)
    best = int(run.history.sort_values(["val_accuracy", "val_loss"], ascending=[False, True])["epoch"].iloc[0])
    assert run.kept_epoch == best
    last = session.events[-1]
    assert isinstance(last, RunFailed)
    assert last.metrics == run.metrics
    assert run.metrics["val"]["accuracy"] == pytest.approx(run.history["val_accuracy"][best - 1])
    assert np.isfinite(run.metrics["test"]["loss"])
    assert len(run.predictions) == run.metrics["test"]["n"]
    images = recipe.data.images(run.predictions["index"])
    assert run.predict(images) == run.predictions["predicted"].tolist()
    audit = json.loads((run.path / "audit.json").read_text("utf-8"))
    assert "states" in audit
    assert "nan" in run.error


def test_a_run_that_fails_in_its_first_epoch_keeps_nothing_to_judge(fail_at: Callable[..., TrainingSession]) -> None:
    session = fail_at(STEPS)
    assert (session.run.kept_epoch, session.run.metrics, session.events[-1].metrics) == (None, {}, {})
    assert len(session.run.predictions) == 0
    assert not (session.run.path / "best.safetensors").exists()


def test_an_epoch_after_which_the_network_had_come_apart_is_not_kept(
    recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step of an epoch makes its weights nan: its loss was still a number, that of validation is not."""
    learn = Learner.learn

    def broken(learner: Learner, batch: Any, rate: float) -> Any:
        result = learn(learner, batch, rate)
        if batch.step + 1 == 2 * STEPS:
            with torch.no_grad():
                next(learner.backbone.model.parameters()).fill_(torch.nan)
        return result

    monkeypatch.setattr(Learner, "learn", broken)
    session = TrainingSession(recipe.replace(epochs=4), tmp_path / "run").start()
    with pytest.raises(TrainingError, match="became nan"):
        session.wait(120)
    run = session.run
    assert len(run.history) == 2
    assert run.kept_epoch == 1
    assert np.isfinite(run.metrics["test"]["loss"])


def test_without_validation_images_weights_that_are_no_numbers_are_not_judged(
    stripes: Any, recipe: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn = Learner.learn

    def broken(learner: Learner, batch: Any, rate: float) -> Any:
        result = learn(learner, batch, rate)
        if batch.step + 1 == len(learner.batches):
            with torch.no_grad():
                next(learner.backbone.model.parameters()).fill_(torch.nan)
        return result

    monkeypatch.setattr(Learner, "learn", broken)
    data = tlw.load_data(stripes, val=0.0)
    session = TrainingSession(recipe.replace(data=data, epochs=3), tmp_path / "run").start()
    with pytest.raises(TrainingError, match="became nan"):
        session.wait(120)
    assert (session.run.kept_epoch, session.run.metrics) == (None, {})


def test_a_judgement_that_fails_too_leaves_the_error_of_the_run(
    fail_at: Callable[..., TrainingSession], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def no_memory(*_: Any) -> None:
        raise MemoryError("none left")

    monkeypatch.setattr(TrainingSession, "_judge", no_memory)
    session = fail_at(STEPS + 1)
    assert "nan" in str(session.error)
    assert "could not be judged" in caplog.text
    assert (session.run.kept_epoch, session.run.metrics) == (1, {})


def test_a_failed_run_that_is_taken_up_again_ends_as_any_other(
    fail_at: Callable[..., TrainingSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = fail_at(STEPS + 1).run
    monkeypatch.undo()
    run = tlw.resume(failed.path, progress=False)
    assert (run.status, run.kept_epoch, len(run.history)) == ("finished", None, 4)
