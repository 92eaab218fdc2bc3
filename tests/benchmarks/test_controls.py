from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "controls.py"


@pytest.mark.slow  # a kernel that imports torch and trains
def test_every_button_is_timed_from_the_page_to_the_training_thread_and_back(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--quick"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [line.split(" | ")[:5] for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows[2:]] == ["| start", "| pause", "| resume", "| stop"]
    assert all(times.count(" / ") == 2 for row in rows[2:] for times in row[2:5])
    assert "95 of 100 within 200 ms" in done.stdout
    assert not list(tmp_path.iterdir())
