from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.training import Note, prefix_cache
from tlwidgets.training.batches import Batches, PreparedImages
from tlwidgets.training.prefix import NotCacheableError, Partition
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


@pytest.mark.parametrize(
    ("name", "until"),
    [
        ("resnet10t", "stage2"),
        ("test_vit", "stage3"),
        ("convnext_atto", "stage2"),
        ("swin_tiny_patch4_window7_224", "stage2"),
        ("levit_128s", "stage1"),
        ("torchvision/resnet18", "stage2"),
        ("mobilenetv3_small_050", "stage3"),
    ],
)
def test_prefix_and_tail_together_are_the_network_in_loss_and_gradient(name: str, until: str) -> None:
    backbone = _frozen(name, until)
    side = backbone.preprocessing.input_size[-1]
    images = torch.randn(3, 3, side, side)
    partition = Partition(backbone.model, images[:1])
    gradients = []
    for forward in (backbone.model, lambda x: partition.run_tail(partition.run_prefix(x))):
        torch.manual_seed(1)
        backbone.model.zero_grad()
        forward(images).logsumexp(1).sum().backward()
        gradients.append({n: p.grad.clone() for n, p in backbone.model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for key, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][key], rtol=1e-5, atol=1e-6)


def test_several_tensors_may_cross_the_cut() -> None:
    class Skip(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.low, self.high = nn.Conv2d(3, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)
            self.head = nn.Linear(2, 2)
            self.low.requires_grad_(False)
            self.high.requires_grad_(False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            low = self.low(x)
            return self.head((self.head(low.mean((2, 3))) + self.high(low).mean((2, 3))).view(x.shape[0], -1))

    model = Skip()
    images = torch.randn(5, 3, 8, 8)
    partition = Partition(model, images[:1])
    assert len(partition.shapes) == 2
    assert torch.equal(partition.run_tail(partition.run_prefix(images)), model(images))


def test_what_draws_or_remembers_is_never_in_the_prefix() -> None:
    frozen = nn.Conv2d(3, 4, 3).requires_grad_(False)
    head = nn.Linear(4, 2)
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), head]
    image = torch.randn(1, 3, 8, 8)
    dropped = Partition(nn.Sequential(frozen, nn.Dropout(0.5), *pooled), image)
    assert dropped.shapes == ((1, 4, 6, 6),)
    moving = Partition(nn.Sequential(frozen, nn.BatchNorm2d(4).requires_grad_(False), *pooled), image)
    assert moving.shapes == ((1, 4, 6, 6),)
    still = Partition(nn.Sequential(frozen, nn.BatchNorm2d(4).requires_grad_(False).eval(), *pooled), image)
    assert still.shapes == ((1, 4),)


def test_a_network_that_cannot_be_cut_says_why() -> None:
    image = torch.randn(1, 3, 8, 8)
    with pytest.raises(NotCacheableError, match="first layer already learns"):
        Partition(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), image)

    class Branching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x.mean((2, 3)) if x.sum() > 0 else x.amax((2, 3)))

    with pytest.raises(NotCacheableError, match="cannot be traced"):
        Partition(Branching(), image)

    class Mixing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(x.mean((0, 2, 3)))

    with pytest.raises(NotCacheableError, match="cross the cut"):
        Partition(Mixing(), image)


def test_a_changed_weight_or_buffer_empties_the_cache(tiny: str) -> None:
    backbone = _frozen(tiny, "stage2")
    images = torch.randn(4, 3, 16, 16)
    slots = np.arange(4)
    cache = PrefixCache(backbone.model, images[:1], 4, epochs=5, kind="memory")
    cache.fill(slots, images)
    before = cache.read(slots, torch.device("cpu"))[0]
    assert not cache.refresh()
    assert not cache.missing(slots).any()
    with torch.no_grad():
        backbone.model.bn1.running_mean += 1
    assert cache.refresh()
    assert cache.missing(slots).all()
    cache.fill(slots, images)
    assert not torch.equal(before, cache.read(slots, torch.device("cpu"))[0])


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


def test_predicted_gains_follow_the_cost_of_forward_and_backward(tiny: str) -> None:
    backbone = _frozen(tiny, "stage2")
    cache = PrefixCache(backbone.model, torch.randn(1, 3, 16, 16), 4, epochs=5)
    p = cache.share
    assert 0.3 < p < 0.9
    assert cache.epoch_gain == pytest.approx((3 - 2 * p) / (3 - 3 * p))
    assert cache.total_gain(1) == pytest.approx(1)
    assert cache.total_gain(10**6) == pytest.approx(cache.epoch_gain, rel=1e-4)


def test_beyond_the_memory_budget_values_go_to_a_file_that_vanishes(
    tiny: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(prefix_cache, "MEMORY_BUDGET", 100)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    backbone = _frozen(tiny, "stage2")
    images = torch.randn(4, 3, 16, 16)
    cache = PrefixCache(backbone.model, images[:1], 4, epochs=5)
    assert cache.kind == "disk"
    assert "temporary file" in cache.describe()
    cache.fill(np.arange(4), images)
    expected = cache.partition.run_prefix(images)[0]
    assert torch.equal(cache.read(np.arange(4), torch.device("cpu"))[0], expected)
    cache.close()
    assert list(tmp_path.iterdir()) == []


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
