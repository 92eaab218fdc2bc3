from __future__ import annotations

import pytest
import torch

from tlwidgets.backbones.sizes import Size, read_sizes
from tlwidgets.errors import BackboneError
from tlwidgets.training import pace as module
from tlwidgets.training.dry_run import StepCost
from tlwidgets.training.pace import TRIED, Pace, everything_learns, hollow, machine_pace, solve


def test_both_prices_are_found_from_two_networks() -> None:
    truth = Pace(2e-10, 5e-9)
    sizes = [Size(0, 1_800_000_000, 22_000_000), Size(0, 217_000_000, 44_000_000)]
    first, second = ((size, truth.seconds(size)) for size in sizes)
    found = solve(first, second)
    assert found.seconds_per_mac == pytest.approx(truth.seconds_per_mac)
    assert found.seconds_per_byte == pytest.approx(truth.seconds_per_byte)


@pytest.mark.parametrize("seconds", [(1.0, 0.01), (0.01, 1.0)])
def test_no_price_is_below_zero(seconds: tuple[float, float]) -> None:
    sizes = [Size(0, 1_800_000_000, 22_000_000), Size(0, 217_000_000, 44_000_000)]
    found = solve((sizes[0], seconds[0]), (sizes[1], seconds[1]))
    assert min(found.seconds_per_mac, found.seconds_per_byte) == 0
    assert max(found.seconds_per_mac, found.seconds_per_byte) > 0


def test_the_machine_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def tried(name: str) -> StepCost:
        asked.append(name)
        return StepCost(0, 0.2 if name == TRIED[0] else 0.1, 0.05)

    module._measured.cache_clear()
    monkeypatch.setattr(module, "everything_learns", tried)
    assert machine_pace() == machine_pace()
    assert asked == list(TRIED)
    assert set(TRIED) <= set(read_sizes())
    module._measured.cache_clear()


@pytest.mark.parametrize("name", ["tlw_resnet", "tlw_vit", "swin_tiny_patch4_window7_224.ms_in1k"])
def test_a_hollow_network_runs_and_nobodys_random_numbers_are_drawn(name: str) -> None:
    state = torch.get_rng_state()
    backbone = hollow(name)
    assert all(not parameter.is_meta for parameter in backbone.model.parameters())
    if name.startswith("tlw"):
        cost = everything_learns(name)
        table = read_sizes()[name].step_bytes
        assert cost.step_bytes == pytest.approx(table, rel=0.1)  # the table was measured with dropout and on no device
        assert 0 < cost.forward_seconds < cost.seconds < 5
    assert torch.equal(torch.get_rng_state(), state)


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(BackboneError):
        hollow("tlw_resnett")
