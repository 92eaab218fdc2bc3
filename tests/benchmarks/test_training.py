from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training.py"


@pytest.mark.slow  # three processes that import torch
def test_the_bare_loop_and_ours_stand_side_by_side(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--quick", "--works", "features", "overhead", "--peers", "bare"]
    done = subprocess.run([*command, "--networks", "resnet18"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "| bare PyTorch loop |" in done.stdout
    assert '| ours, precision="auto" |' in done.stdout
    assert "whole loop beside a bare one" in done.stdout
    assert not list(tmp_path.iterdir())
