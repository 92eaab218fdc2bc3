from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tlwidgets.errors import RunError
from tlwidgets.training.checkpoint import load_model, snapshot_model


def network(width: int = 4, depth: int = 3) -> nn.Module:
    return nn.Sequential(nn.BatchNorm1d(width), *[nn.Linear(width, width) for _ in range(depth)])


@pytest.mark.parametrize("piece", [1, 100, 2**24])  # bytes: a tensor at a time, a few, all
def test_a_network_is_whole_however_small_the_pieces(
    piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tlwidgets.training.checkpoint.PIECE", piece)
    written, read = network(), network()
    snapshot_model(written).write(tmp_path / "best.safetensors")
    load_model(tmp_path / "best.safetensors", read)
    for name, tensor in written.state_dict().items():
        assert torch.equal(read.state_dict()[name], tensor), name


@pytest.mark.parametrize("other", [network(width=5), network(depth=2), network(depth=4)])
def test_the_weights_of_another_network_are_refused(other: nn.Module, tmp_path: Path) -> None:
    snapshot_model(network()).write(tmp_path / "best.safetensors")
    with pytest.raises(RunError, match="of another network"):
        load_model(tmp_path / "best.safetensors", other)


def test_an_empty_file_is_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "best.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="cannot be read"):
        load_model(tmp_path / "best.safetensors", network())
