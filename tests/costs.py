"""What a lesson takes of a machine: processor seconds and memory of its process and all that it starts."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile


@dataclass(frozen=True)
class Cost:
    """Of a process and of every process that it waited for.

    Attributes:
        seconds: Processor time.
        megabytes: Largest resident set of one process.
    """

    seconds: float
    megabytes: float

    def above(self, imports: Cost) -> Cost:
        """What is left once the imports are taken off."""
        return Cost(self.seconds - imports.seconds, self.megabytes - imports.megabytes)


def run_measured(command: list[str], env: dict[str, str], cwd: Path, timeout: float) -> tuple[int, str, Cost]:
    """Run a command to its end: exit code, what it printed, what it took."""
    with TemporaryFile("w+") as said:
        process = subprocess.Popen(command, env=env, cwd=cwd, stdout=said, stderr=subprocess.STDOUT)
        patience = threading.Timer(timeout, process.kill)
        patience.start()
        _, status, usage = os.wait4(process.pid, 0)
        patience.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes there, in kilobytes elsewhere
        cost = Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)
        return process.returncode, said.read(), cost
