"""What a lesson takes of a machine: processor seconds and memory of its process and all that it starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile


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


# A process starts with the largest resident set of the one that it was forked from. A test's process has gigabytes, so
# a small one stands between: it starts the command, waits for it and writes down what it took.
BETWEEN = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
with open(sys.argv[1], "w") as file:
    print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss, file=file)
"""


def run_measured(command: list[str], env: dict[str, str], cwd: Path, timeout: float) -> tuple[int, str, Cost]:
    """Run a command to its end: exit code, what it printed, what it took."""
    with TemporaryFile("w+") as said, NamedTemporaryFile("r") as told:
        whole = [sys.executable, "-c", BETWEEN, told.name, *command]
        process = subprocess.Popen(
            whole, env=env, cwd=cwd, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        patience = threading.Timer(timeout, os.killpg, (process.pid, signal.SIGKILL))
        patience.start()
        process.wait()
        patience.cancel()
        said.seek(0)
        code, seconds, peak = (told.read() or "-9 0 0").split()  # nothing is told where patience came to its end
        unit = 2**20 if sys.platform == "darwin" else 2**10  # ru_maxrss is in bytes there, in kilobytes elsewhere
        return int(code), said.read(), Cost(float(seconds), float(peak) / unit)
