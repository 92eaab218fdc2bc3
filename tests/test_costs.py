from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
from costs import run_measured


def test_memory_is_that_of_the_command_and_not_of_the_process_that_starts_it(tmp_path: Path) -> None:
    ballast = np.ones(200 * 2**17)  # 200 MB
    little, much = (
        run_measured([sys.executable, "-c", f"some = bytearray({size} * 2**20)"], dict(os.environ), tmp_path, 60)
        for size in (1, 64)
    )
    assert little[0] == much[0] == 0
    assert little[2].megabytes < 100 < ballast.nbytes / 2**20
    assert 50 < much[2].megabytes - little[2].megabytes < 80


def test_output_and_exit_code_are_those_of_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print('said'); sys.exit(3)"]
    code, said, _ = run_measured(command, dict(os.environ), tmp_path, 60)
    assert (code, said) == (3, "said\n")


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    began = time.monotonic()
    code, _, _ = run_measured([sys.executable, "-c", "import time; time.sleep(60)"], dict(os.environ), tmp_path, 1.0)
    assert code != 0
    assert time.monotonic() - began < 30
