from __future__ import annotations

from pathlib import Path

import pytest
import torch

import tlwidgets as tlw
from tlwidgets.training import EpochEnded, Event, saving
from tlwidgets.training.checkpoint import load_model, load_state, snapshot_model
from tlwidgets.training.saving import Saver


class _Slow:
    """A clock by which every writing takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def network() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))


def _epoch_on_disk(path: Path, network: torch.nn.Module) -> int:
    return int(load_state(path / "last.safetensors", network)[0]["epoch"])


def test_writing_takes_at_most_a_twentieth_of_the_time_and_flush_writes_the_rest(
    network: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Slow()
    monkeypatch.setattr(saving, "time", clock)
    saver, optimiser = Saver(tmp_path), torch.optim.SGD(network.parameters(), 0.1)
    written = []
    for epoch in range(40):
        saver.keep_last(network, optimiser, {"epoch": epoch}, ())
        written.append(_epoch_on_disk(tmp_path, network))
    assert written[0] == 0
    assert len(set(written)) == 3  # forty looks at the clock and a second for each writing
    saver.flush()
    assert _epoch_on_disk(tmp_path, network) == 39


def test_what_waits_is_not_changed_by_further_training(network: torch.nn.Module, tmp_path: Path) -> None:
    saver, before = Saver(tmp_path), network[1].weight.detach().clone()
    saver.keep_best(network, {"0.weight", "0.bias"})
    with torch.no_grad():
        network[1].weight.add_(1)
    saver.flush()
    load_model(tmp_path / "best.safetensors", network)
    assert torch.equal(network[1].weight, before)


def test_what_does_not_learn_is_not_copied(network: torch.nn.Module) -> None:
    snapshot = snapshot_model(network, {"0.weight"})
    assert snapshot.tensors["model/0.weight"].data_ptr() == network[0].weight.data_ptr()
    assert snapshot.tensors["model/1.weight"].data_ptr() != network[1].weight.data_ptr()


def test_tied_weights_are_saved_under_both_names(network: torch.nn.Module, tmp_path: Path) -> None:
    network[1].weight = network[0].weight
    snapshot_model(network, {"0.weight", "1.weight"}).write(tmp_path / "tied.safetensors")
    load_model(tmp_path / "tied.safetensors", network)


def test_a_stopped_run_leaves_its_last_epoch_and_its_best_one_on_disk(recipe: tlw.Recipe, tmp_path: Path) -> None:
    session = tlw.TrainingSession(recipe.replace(epochs=9), tmp_path / "run")

    def stopper(event: Event) -> None:
        if isinstance(event, EpochEnded) and event.epoch == 5:
            session.stop()

    session.subscribe(stopper)
    run = session.start().wait(120)
    progress, _ = load_state(run.path / "last.safetensors", run.backbone.model)
    assert progress["epoch"] == 5
