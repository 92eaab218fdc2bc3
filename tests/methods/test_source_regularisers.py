"""What the regularisers towards the source have in common."""

from __future__ import annotations

from pathlib import Path

import pytest

import tlwidgets as tlw
from tlwidgets.training import EpochEnded


@pytest.mark.parametrize("method", ["l2_sp", "delta", "bss"])
def test_a_stopped_run_pulls_towards_the_same_source_after_it_is_resumed(
    recipe: tlw.Recipe, tmp_path: Path, method: str
) -> None:
    recipe = recipe.replace(method=method, epochs=3, weight_decay=0, plan={"stem": "frozen"}, cache="off")
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(recipe, tmp_path / "halved")
    session.subscribe(lambda event: session.stop() if isinstance(event, EpochEnded) and event.epoch == 1 else None)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert list(whole.history["train_loss"]) == list(resumed.history["train_loss"])
    assert whole.metrics == resumed.metrics
