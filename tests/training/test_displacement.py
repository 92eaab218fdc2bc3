from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from tlwidgets import FreezePlan, TrainingSession, load_backbone
from tlwidgets.training import events
from tlwidgets.training.displacement import Displacement


def test_a_stage_that_was_scaled_has_moved_by_that_share(tiny: str) -> None:
    backbone = load_backbone(tiny)
    displacement = Displacement(backbone, whole=True)
    with torch.no_grad():
        for name in backbone.stages[2].parameter_names:
            backbone.model.get_parameter(name).mul_(1.25)
    found = displacement.measure()
    assert found.pop("stage2") == pytest.approx(0.25, rel=1e-5)
    assert set(found.values()) == {0.0}


def test_what_began_at_zero_cannot_be_compared(tiny: str) -> None:
    backbone = load_backbone(tiny)
    head = [backbone.model.get_parameter(name) for name in backbone.stages[-1].parameter_names]
    with torch.no_grad():
        for parameter in head:
            parameter.zero_()
        displacement = Displacement(backbone, whole=True)
        head[0].add_(1)
    assert displacement.measure()["head"] is None


def test_what_adapters_add_counts_as_part_of_the_weights(tiny: str) -> None:
    backbone = load_backbone(tiny)
    displacement = Displacement(backbone)
    applied = FreezePlan(backbone, {"*": "frozen", "stage3": "lora", "head": "trainable"}).apply()
    displacement.follow()
    assert displacement.measure()["stage3"] == 0
    with torch.no_grad():
        for name, parameter in backbone.model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.05)
    with_adapters = displacement.measure()["stage3"]
    applied.merge()
    assert with_adapters is not None
    assert with_adapters > 0
    assert displacement.measure()["stage3"] == pytest.approx(with_adapters, rel=1e-4)


def test_frozen_weights_are_not_held_twice_and_count_from_where_they_thawed(tiny: str) -> None:
    backbone = load_backbone(tiny)
    displacement = Displacement(backbone)
    head, stage = backbone.stages[-1].parameter_names, backbone.stages[2].parameter_names
    for states, copied in (({}, head), ({"stage2": "trainable"}, (*stage, *head))):
        FreezePlan(backbone, {"*": "frozen", "head": "trainable", **states}).apply()
        displacement.follow()
        assert set(displacement._start) == set(copied)
    with torch.no_grad():
        for name in stage:
            backbone.model.get_parameter(name).mul_(1.5)
    displacement.follow()  # a second time: what is kept stays as it was
    found = displacement.measure()
    assert found["stage2"] == pytest.approx(0.5, rel=1e-5)
    assert found["stage1"] == 0


def test_a_network_that_is_too_large_is_not_copied(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlwidgets.training.displacement.MOST_PARAMETERS", 100)
    displacement = Displacement(load_backbone(tiny))
    assert displacement.measure() == {}
    assert not displacement.due


def test_measuring_takes_at_most_a_hundredth_of_the_time(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 15.0, 15.0, 15.0 + 499.0, 15.0 + 501.0])
    monkeypatch.setattr("tlwidgets.training.displacement.time.perf_counter", lambda: next(clock))
    displacement = Displacement(load_backbone(tiny))
    assert displacement.due
    displacement.measure()  # takes five seconds of this clock
    assert not displacement.due
    assert displacement.due


def test_a_run_tells_how_far_it_went_also_after_it_was_taken_up_again(recipe: Any, tmp_path: Path) -> None:
    heard: list[events.Event] = []
    session = TrainingSession(recipe.replace(epochs=3), tmp_path / "run", [heard.append])
    session.subscribe(lambda event: session.stop() if isinstance(event, events.EpochEnded) else None)
    session.start().wait(60)
    assert isinstance(heard[-1], events.RunStopped)
    first = [event for event in heard if isinstance(event, events.StagesMoved)][-1]
    backbone = load_backbone(recipe.backbone)
    again: list[events.Event] = []
    follow = TrainingSession(session.run.recipe, tmp_path / "run", [again.append], data=recipe.data, take_up=True)
    follow.start().wait(60)
    last = [event for event in again if isinstance(event, events.StagesMoved)][-1]
    assert set(last.distances) == {stage.name for stage in backbone.stages}
    # Measured from the pre-trained weights, not from those that the second part began with.
    assert last.distances["stem"] > first.distances["stem"] > 0
