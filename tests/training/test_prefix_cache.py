from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.freezing import audit
from tlwidgets.methods.fine_tuning import FineTuning
from tlwidgets.training import CacheChosen, EpochEnded, Event, Note, prefix_cache
from tlwidgets.training.batches import Batches, PreparedImages
from tlwidgets.training.building import build
from tlwidgets.training.control import Control
from tlwidgets.training.cuts import Cuts
from tlwidgets.training.gains import epoch_gain, run_gain
from tlwidgets.training.numerics import Numerics
from tlwidgets.training.prefix import Partition
from tlwidgets.training.prefix_cache import PrefixCache

NUMBERS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
HALF = {"stem": "frozen", "stage1": "frozen", "stage2": "frozen"}
HEAD_ONLY = {"stem": "frozen", **{f"stage{i}": "frozen" for i in (1, 2, 3, 4)}}


def _run(recipe: tlw.Recipe, path: Path) -> tuple[tlw.Run, list[str]]:
    session = tlw.TrainingSession(recipe, path)
    run = session.start().wait(120)
    return run, [event.text for event in session.events if isinstance(event, Note)]


def _frozen(name: str, until: str, **options: Any) -> tlw.Backbone:
    torch.manual_seed(0)
    backbone = tlw.load_backbone(name, pretrained=False, num_classes=3, **options)
    tlw.FreezePlan(backbone).freeze_until(until).apply()
    backbone.model.train()
    return backbone


@pytest.mark.parametrize("plan", [HALF, HEAD_ONLY], ids=["half", "head only"])
@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_the_history_is_that_of_a_run_without_a_cache(
    recipe: tlw.Recipe, tmp_path: Path, plan: dict[str, str], kind: str
) -> None:
    recipe = recipe.replace(plan=plan, epochs=4)
    plain, said = _run(recipe.replace(cache="off"), tmp_path / "plain")
    cached, notes = _run(recipe.replace(cache=kind), tmp_path / "cached")
    assert said == []
    assert len(notes) == 1
    assert "computed once" in notes[0]
    np.testing.assert_allclose(cached.history[NUMBERS], plain.history[NUMBERS], rtol=1e-5)
    assert cached.metrics["test"]["accuracy"] == plain.metrics["test"]["accuracy"]


def test_kept_views_give_the_same_history_with_and_without_a_cache(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(plan=HALF, epochs=5, augmentation="flip", views=2)
    plain, _ = _run(recipe.replace(cache="off"), tmp_path / "plain")
    cached, _ = _run(recipe, tmp_path / "cached")
    np.testing.assert_allclose(cached.history[NUMBERS], plain.history[NUMBERS], rtol=1e-5)
    fresh, notes = _run(recipe.replace(views=None), tmp_path / "fresh")
    assert "new views every epoch" in notes[0]
    assert not np.allclose(fresh.history["train_loss"], plain.history["train_loss"], rtol=1e-5)


def _cuts(recipe: tlw.Recipe, **options: Any) -> Cuts:
    backbone = _frozen(recipe.backbone, "stage2")
    images = PreparedImages(recipe.data, backbone.preprocessing)
    train, val = (Batches(images, split, 16, torch.device("cpu"), **options) for split in ("train", "val"))
    cuts = Cuts(recipe.replace(cache="memory"), backbone, FineTuning(), train, val)
    choice = cuts.renew(5, True, Numerics())
    assert choice is not None
    assert choice.on
    assert cuts.outdated(Numerics()) == ""
    return cuts


def test_a_changed_weight_buffer_or_dtype_outdates_what_is_kept(recipe: tlw.Recipe) -> None:
    def shift(tensor: torch.Tensor) -> None:
        with torch.no_grad():
            tensor += 1

    changes: list[Callable[[nn.Module], object]] = [
        lambda model: shift(model.conv1[0].weight),
        lambda model: shift(model.layer2[0].bn1.running_mean),
        lambda model: model.half(),
    ]
    for change in changes:
        cuts = _cuts(recipe)
        with torch.no_grad():
            cuts.backbone.model.fc.weight += 1
        assert cuts.outdated(Numerics()) == ""  # the head is not part of it
        change(cuts.backbone.model)
        assert cuts.outdated(Numerics()) == "a frozen weight or buffer has changed"


def test_other_pixels_or_another_precision_outdate_what_is_kept(recipe: tlw.Recipe) -> None:
    assert "precision" in _cuts(recipe).outdated(Numerics("bf16"))
    for change in ({"mean": (0.1,) * 3}, {"crop_pct": 0.5}):
        cuts = _cuts(recipe)
        images = cuts._train.images
        images.preprocessing = dataclasses.replace(images.preprocessing, **change)
        assert "preprocessing" in cuts.outdated(Numerics())
    for name, value in {"augmentation": "light", "views": 3, "seed": 1}.items():
        cuts = _cuts(recipe, augmentation="flip", views=2)
        setattr(cuts._train, name, value)
        assert "augmentation" in cuts.outdated(Numerics())


def test_what_both_splits_stand_for_is_hashed_once(recipe: tlw.Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    cuts = _cuts(recipe)
    hashed: list[torch.Tensor] = []
    monkeypatch.setattr(audit, "_hash", lambda tensor: hashed.append(tensor) or "")
    cuts.outdated(Numerics())
    assert len(hashed) == len({id(tensor) for tensor in hashed}) == len(cuts.train.partition.names)


def test_a_frozen_weight_changed_in_the_middle_is_computed_with(recipe: tlw.Recipe, tmp_path: Path) -> None:
    def losses(cache: str) -> list[float]:
        rows: list[float] = []

        def meddle(event: Event) -> None:
            if isinstance(event, EpochEnded):
                rows.append(event.row["train_loss"])
                with torch.no_grad():
                    loop.learner.backbone.model.conv1[0].weight.mul_(1.5)

        some = recipe.replace(plan=HALF, epochs=4, cache=cache)
        loop = build(some, some.data, tmp_path / cache, Control(), meddle)
        loop.run()
        return rows

    np.testing.assert_allclose(losses("off"), losses("memory"), rtol=1e-5)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_what_crosses_keeps_its_dtype_and_bits(tiny: str, kind: str) -> None:
    class Masked(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.head = nn.Linear(12, 5).requires_grad_(False), nn.Linear(5, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            features = self.body(x.flatten(1))
            return self.head(torch.where(features > 0, self.head.weight.sum(), features))

    model, images, slots = Masked(), torch.randn(3, 3, 2, 2), np.array([4, 0, 3])
    with torch.autocast("cpu", torch.bfloat16):
        expected = model(images)
        cache = PrefixCache(Partition(model, images[:1]), 5, kind)
        assert set(cache.partition.dtypes) == {torch.bool, torch.bfloat16}
        assert cache.bytes == 5 * (5 + 2 * 5)
        cache.fill(slots, images)
        stored = cache.read(slots, torch.device("cpu"))
        assert {values.dtype for values in stored} == {torch.bool, torch.bfloat16}
        assert torch.equal(cache.partition.run_tail(stored), expected)
    cache.close()


def test_a_plan_changed_in_the_middle_moves_the_cut(recipe: tlw.Recipe, tmp_path: Path) -> None:
    histories = []
    for cache in ("off", "memory"):
        session = tlw.TrainingSession(recipe.replace(plan=HALF, epochs=6, cache=cache), tmp_path / cache)

        def unfreeze(event: Any, session: tlw.TrainingSession = session) -> None:
            if isinstance(event, tlw.training.EpochEnded) and event.epoch == 3:
                session.set_plan({"stem": "frozen"})

        session.subscribe(unfreeze)
        histories.append(session.start().wait(120).history[NUMBERS])
    # The prefix sees other batches than the whole network, and a kernel may round differently for each size; six epochs
    # of Adam make 1e-7 of that into up to 5e-5. A stale cut is off by more than 1e-2.
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-3)


def test_it_stays_off_where_it_does_not_pay_and_says_so(recipe: tlw.Recipe, tmp_path: Path) -> None:
    _, notes = _run(recipe.replace(plan=HALF, epochs=1), tmp_path / "one")
    assert notes == ["Prefix cache off: it would make the run only 1.00 times faster."]
    _, notes = _run(recipe.replace(plan=None), tmp_path / "all")
    assert notes == []


def test_the_choice_and_its_predicted_gain_are_an_event(recipe: tlw.Recipe, tmp_path: Path) -> None:
    choices = []
    for cache, epochs in (("memory", 4), ("auto", 1), ("off", 4)):
        session = tlw.TrainingSession(recipe.replace(plan=HALF, epochs=epochs, cache=cache), tmp_path / cache)
        session.start().wait(120)
        choices.append([event for event in session.events if isinstance(event, CacheChosen)])
    (on,), (off,), none = choices
    assert on.on
    assert on.epoch_gain == pytest.approx(1 + on.share / (3 * (1 - on.share)))
    assert 1 < on.run_gain < on.epoch_gain
    # float32: 8 maps of 2 x 2, and what a shortcut makes of them, 8 of 1 x 1; 42 images to train on and 9 to validate.
    assert (on.place, on.size) == ("memory", 4 * (8 * 4 + 8) * (42 + 9))
    assert (off.on, off.epoch_gain, off.run_gain, off.size) == (False, 1.0, 1.0, 0)
    assert "1.00 times" in off.text
    assert none == []


def test_predicted_gains_follow_the_cost_of_forward_and_backward(tiny: str) -> None:
    p = Partition(_frozen(tiny, "stage2").model, torch.randn(1, 3, 16, 16)).share
    assert 0.3 < p < 0.9
    assert epoch_gain(p) == pytest.approx((3 - 2 * p) / (3 - 3 * p))
    assert run_gain(p, 1) == run_gain(p, 3, views=4) == pytest.approx(1)
    assert run_gain(p, 5, views=4) == pytest.approx(5 * (3 - 2 * p) / (4 * (3 - 2 * p) + 3 - 3 * p))
    assert run_gain(p, 10**6) == pytest.approx(epoch_gain(p), rel=1e-4)


def test_beyond_the_memory_budget_values_go_to_a_file_that_vanishes(
    tiny: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(prefix_cache, "MEMORY_BUDGET", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    backbone = _frozen(tiny, "stage2")
    images = torch.randn(4, 3, 16, 16)
    cache = PrefixCache(Partition(backbone.model, images[:1]), 4)
    assert cache.kind == "disk"
    cache.fill(np.arange(4), images)
    expected = cache.partition.run_prefix(images)[0]
    assert torch.equal(cache.read(np.arange(4), torch.device("cpu"))[0], expected)
    cache.close()
    assert list(tmp_path.iterdir()) == []


def test_training_and_validation_share_one_memory_budget(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []
    for spare in (0, -1):
        monkeypatch.setattr(prefix_cache, "MEMORY_BUDGET", 4 * (8 * 4 + 8) * (42 + 9) + spare)
        session = tlw.TrainingSession(recipe.replace(plan=HALF, epochs=9), tmp_path / str(spare))
        session.start().wait(120)
        (choice,) = [event for event in session.events if isinstance(event, CacheChosen)]
        places.append(choice.place)
    assert places == ["memory", "disk"]


def test_a_full_disk_turns_the_cache_off_and_the_run_goes_on(
    recipe: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    run, notes = _run(recipe.replace(plan=HALF, cache="disk"), tmp_path / "run")
    assert run.status == "finished"
    assert len(notes) == 1
    assert "the disk has no room" in notes[0]


def test_a_killed_run_leaves_no_file_behind(tiny: str, picture_folder: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    recipe = tlw.Recipe(data=picture_folder, backbone=tiny, plan=HALF, epochs=5000, cache="disk", batch_size=8)
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    code = (
        "import sys, tlwidgets as t; t.fit(t.Recipe.from_yaml(open(sys.argv[1]).read()), sys.argv[2], progress=False)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "recipe.yaml"), str(tmp_path / "run")],
        env={**os.environ, "TMPDIR": str(scratch), "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "run" / "best.safetensors").is_file():
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert [path for path in scratch.iterdir() if path.name.startswith("tlwidgets-")] == []


def test_the_audit_still_covers_what_the_cache_stood_for(recipe: tlw.Recipe, tmp_path: Path) -> None:
    run, _ = _run(recipe.replace(plan=HALF, cache="memory"), tmp_path / "run")
    assert "layer2.0.bn1.running_var" in json.loads((run.path / "audit.json").read_text())["unmoved"]


@pytest.mark.parametrize("augmentation", ["none", "flip"])
def test_images_are_computed_in_the_same_company_wherever_a_run_is_taken_up(
    recipe: tlw.Recipe, tiny: str, augmentation: str
) -> None:
    class Ledger:
        """Stands in for a cache and writes down which slots are computed together, and from which pixels."""

        def __init__(self) -> None:
            self.together: dict[tuple[int, ...], float] = {}

        def missing(self, slots: np.ndarray) -> np.ndarray:
            known = {slot for some in self.together for slot in some}
            return np.array([slot not in known for slot in slots])

        def fill(self, slots: np.ndarray, images: torch.Tensor) -> None:
            self.together[tuple(slots)] = float(images.sum())

        def read(self, slots: np.ndarray, device: torch.device) -> None:
            return None

    images = PreparedImages(recipe.data, tlw.load_backbone(tiny).preprocessing)
    batches = Batches(images, "train", 10, torch.device("cpu"), augmentation, views=2)
    whole, taken_up = Ledger(), Ledger()
    for ledger, epochs in ((whole, range(1, 7)), (taken_up, range(4, 7))):
        for epoch in epochs:
            assert len(list(batches.train_epoch(epoch, ledger))) == len(batches)  # type: ignore[arg-type]
    assert whole.together == taken_up.together
    assert {slot for some in whole.together for slot in some} == set(range(batches.n_slots))
