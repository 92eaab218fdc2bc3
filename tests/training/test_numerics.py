from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.training import Note, numerics
from tlwidgets.training.numerics import CANDIDATES, Numerics, fastest


def test_measuring_leaves_weights_buffers_gradients_and_random_numbers_as_they_were(tiny: str) -> None:
    model = tlw.load_backbone(tiny, num_classes=3).model
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.randn(8, 3, 16, 16)
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    choice, seconds = fastest(model, torch.device("cpu"), lambda: model(images).logsumexp(1).mean())
    assert torch.equal(torch.rand(2), expected)
    assert set(seconds) == set(CANDIDATES)
    assert choice in CANDIDATES
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_what_a_network_computes_for_the_size_of_its_images_is_not_overwritten() -> None:
    class Late(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.head = nn.Linear(4, 2)
            self.register_buffer("distances", torch.zeros(1), persistent=False)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if len(self.distances) != x.shape[1]:
                self.distances = torch.arange(x.shape[1]).float()
            return self.head(x + self.distances)

    model = Late()
    fastest(model, torch.device("cpu"), lambda: model(torch.ones(2, 4)).sum())
    assert model.distances.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [([1, 1, 1, 0.5], CANDIDATES[3]), ([1, 0.97, 2, 2], Numerics()), ([1, 0.8, 2, 2], CANDIDATES[1])],
)
def test_the_fastest_is_taken_only_where_it_gains_enough(
    tiny: str, monkeypatch: pytest.MonkeyPatch, seconds: list[float], chosen: Numerics
) -> None:
    times = dict(zip(CANDIDATES, seconds, strict=True))
    monkeypatch.setattr(numerics, "_step_seconds", lambda candidate, device, loss: times[candidate])
    model = tlw.load_backbone(tiny, num_classes=3).model
    choice, _ = fastest(model, torch.device("cpu"), lambda: torch.zeros(()))
    assert choice == chosen
    assert model.conv1[0].weight.is_contiguous(memory_format=torch.channels_last) == chosen.channels_last


def test_a_candidate_far_behind_is_asked_once(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Numerics] = []
    times = dict(zip(CANDIDATES, (1.0, 5.0, 1.5, 0.9), strict=True))
    monkeypatch.setattr(
        numerics, "_step_seconds", lambda candidate, device, loss: asked.append(candidate) or times[candidate]
    )
    model = tlw.load_backbone(tiny, num_classes=3).model
    seconds = numerics._race(model, torch.device("cpu"), lambda: torch.zeros(()))
    assert seconds == times
    assert [asked.count(candidate) for candidate in CANDIDATES] == [3, 1, 2, 3]


def test_a_candidate_whose_gradients_are_no_numbers_is_passed_over(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = dict(zip(CANDIDATES, (1.0, 0.8, 0.5, 0.4), strict=True))
    monkeypatch.setattr(numerics, "_race", lambda model, device, loss: dict(times))
    model, images = tlw.load_backbone(tiny, num_classes=3).model, torch.randn(4, 3, 16, 16)

    def loss() -> torch.Tensor:
        return model(images).float().sum() * (math.nan if torch.is_autocast_enabled("cpu") else 1)

    choice, seconds = fastest(model, torch.device("cpu"), loss)
    assert choice == CANDIDATES[1]
    assert list(seconds.values()) == [1.0, 0.8, math.inf, math.inf]
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.fixture
def recipe(recipe: tlw.Recipe, tmp_path: Path) -> tlw.Recipe:
    """The run of a second at 32 pixels: bf16 kernels fail on the maps of 2 x 2 that 16 pixels leave."""
    source = Path(recipe.backbone.removeprefix("local-dir:"))
    shutil.copytree(source, tmp_path / "larger")
    config = (source / "config.json").read_text()
    changed = json.loads(config)
    changed["pretrained_cfg"]["input_size"] = [3, 32, 32]
    (tmp_path / "larger" / "config.json").write_text(json.dumps(changed))
    return recipe.replace(backbone=f"local-dir:{tmp_path / 'larger'}")


@pytest.mark.parametrize("precision", ["bf16", "auto"])
def test_a_run_learns_in_every_precision_and_says_which(recipe: tlw.Recipe, tmp_path: Path, precision: str) -> None:
    session = tlw.TrainingSession(recipe.replace(epochs=6, precision=precision), tmp_path / "run")
    run = session.start().wait(120)
    assert run.metrics["test"]["accuracy"] == 1.0
    notes = [event.text for event in session.events if isinstance(event, Note)]
    assert [note.startswith("Computing in") for note in notes] == ([True] if precision == "auto" else [])


def test_bf16_really_computes_in_bf16(recipe: tlw.Recipe, tmp_path: Path) -> None:
    plain = tlw.fit(recipe, tmp_path / "plain", progress=False).history["train_loss"]
    short = tlw.fit(recipe.replace(precision="bf16"), tmp_path / "short", progress=False).history["train_loss"]
    assert 0 < abs(plain[0] - short[0]) < 0.05


def test_a_plain_script_is_printed_for_fp32_only(recipe: tlw.Recipe) -> None:
    with pytest.raises(RecipeError, match="precision='auto'"):
        recipe.replace(precision="auto").to_script()
