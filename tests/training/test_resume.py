from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tlwidgets as tlw
from tlwidgets.errors import RunError
from tlwidgets.training import EpochEnded, Event

NUMBERS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate"]


def _stop_after(epoch: int, recipe: tlw.Recipe, path: Path) -> None:
    session = tlw.TrainingSession(recipe, path)

    def stopper(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == epoch:
            session.stop()

    session.subscribe(stopper)
    session.start().wait(120)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_stopped_run_goes_on_to_the_numbers_of_one_never_stopped(
    recipe: tlw.Recipe, tmp_path: Path, optimizer: str
) -> None:
    recipe = recipe.replace(epochs=4, augmentation="light", optimizer=optimizer, plan={"stem": "frozen"})
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    _stop_after(2, recipe, tmp_path / "halved")
    assert len(tlw.Run.load(tmp_path / "halved").history) == 2
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert resumed.status == "finished"
    assert whole.history[NUMBERS].equals(resumed.history[NUMBERS])
    assert whole.metrics == resumed.metrics


def test_a_killed_run_goes_on_to_the_same_numbers(tiny: str, picture_folder: Path, tmp_path: Path) -> None:
    recipe = tlw.Recipe(data=picture_folder, backbone=tiny, epochs=40, batch_size=8, learning_rate=0.01)
    code = (
        "import sys, tlwidgets as tlw\n"
        "recipe = tlw.Recipe.from_yaml(open(sys.argv[1]).read())\n"
        "tlw.fit(recipe, sys.argv[2], progress=False)\n"
    )
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "recipe.yaml"), str(tmp_path / "killed")])
    history = tmp_path / "killed" / "history.csv"
    deadline = time.monotonic() + 120
    while not (history.is_file() and len(history.read_text().splitlines()) > 2):
        assert child.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert 1 < len(tlw.Run.load(tmp_path / "killed").history) < 40
    resumed = tlw.resume(tmp_path / "killed", progress=False)
    whole = tlw.fit(recipe, tmp_path / "whole", progress=False)
    assert whole.history[NUMBERS].equals(resumed.history[NUMBERS])


def test_arrays_are_kept_in_the_folder_so_that_resume_needs_nothing_else(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _stop_after(1, recipe, Path("run"))
    assert Path("run/data.npz").is_file()
    assert tlw.resume("run", progress=False).status == "finished"


def test_resuming_a_finished_run_changes_nothing(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run = tlw.fit(recipe, tmp_path / "run", progress=False)
    before = (run.path / "last.safetensors").stat().st_mtime_ns
    assert tlw.resume(run.path).status == "finished"
    assert (run.path / "last.safetensors").stat().st_mtime_ns == before


def test_a_damaged_checkpoint_is_told_and_left_alone(recipe: tlw.Recipe, tmp_path: Path) -> None:
    _stop_after(1, recipe, tmp_path / "run")
    (tmp_path / "run" / "last.safetensors").write_bytes(b"half a file")
    with pytest.raises(RunError, match="cannot be read"):
        tlw.resume(tmp_path / "run", progress=False)
    assert (tmp_path / "run" / "last.safetensors").read_bytes() == b"half a file"
