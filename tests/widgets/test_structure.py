"""Planning with a network needs its shapes and not its weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch

from tlwidgets import backbones
from tlwidgets.backbones import load_backbone
from tlwidgets.errors import BackboneError
from tlwidgets.widgets import FreezeBoard, Studio
from tlwidgets.widgets.structure import structure, with_numbers


class Memory(NamedTuple):
    available: int


def test_a_structure_is_described_as_the_network_itself_and_holds_no_numbers(tiny: str) -> None:
    hollow = structure(tiny, 3)
    assert all(each.is_meta for each in hollow.model.parameters())
    real = load_backbone(tiny, pretrained=False, num_classes=3)
    assert FreezeBoard(hollow).stages == FreezeBoard(real).stages
    assert hollow.num_features == real.num_features


def test_what_a_plan_takes_is_measured_on_a_copy_with_numbers(tiny: str) -> None:
    board = FreezeBoard(structure(tiny, 3))
    assert board.measure(60)["status"] == "about"
    assert all(each.is_meta for each in board.plan.backbone.model.parameters())
    real = load_backbone(tiny)
    assert with_numbers(real) is real


def test_a_network_that_computes_its_shapes_with_numbers_is_built(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = load_backbone

    def load(*args: Any, **options: Any) -> Any:
        if torch.tensor(0.0).is_meta:
            raise NotImplementedError
        return real(*args, **options)

    monkeypatch.setattr(backbones, "load_backbone", load)
    assert not next(structure(tiny, 3).model.parameters()).is_meta


def test_a_network_whose_weights_do_not_fit_is_refused_in_words(
    tiny: str, monkeypatch: pytest.MonkeyPatch, command: Callable[..., dict[str, Any]]
) -> None:
    studio = Studio("digits", tiny)
    monkeypatch.setattr("tlwidgets.widgets.structure.psutil.virtual_memory", lambda: Memory(1000))
    answer = command(studio.picker, "choose", name="tlw_vit")
    assert "too large for this machine" in answer["error"]
    assert (studio.picker.value, studio.board.backbone_name) == (tiny, tiny)
    with pytest.raises(BackboneError, match="Choose a smaller one"):
        structure("tlw_vit", 3)
