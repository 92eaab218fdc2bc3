"""One notebook in a process of its own, watched from outside: time, memory, and how it ends."""

from __future__ import annotations

import json
import math
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import psutil

from tlwidgets.errors import TlwError
from tlwidgets.exercises.grading.plan import Step
from tlwidgets.lessons.checking import Outcome

ATTEMPTS = 3
"""A cell that ends its process is left out and the rest tried again, so often."""
_TICK, _GRACE = 0.2, 10.0  # seconds between two looks; seconds to a cell that was interrupted, before its process ends
_LONGEST_LINE, _LONGEST_TEXT = 2**20, 300
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE")
_LIMITED = {
    "cell": "a cell's seconds",
    "total": "a notebook's seconds",
    "cpu": "processor seconds",
    "memory": "memory",
    "disk": "a file's size",
}
Said = tuple[str, str]


@dataclass(frozen=True)
class Limits:
    """What one notebook may take.

    Attributes:
        cell: Seconds by the clock for a cell, and for a check.
        total: Seconds by the clock for a notebook, new attempts included.
        cpu: Seconds of processor time for one process.
        memory: Megabytes, of a process and all that it starts.
        disk: Megabytes for each file that it writes.

    Raises:
        TlwError: A limit is not above 0: it would end every notebook, or none.
    """

    cell: float = 120
    total: float = 900
    cpu: int = 600
    memory: int = 4000
    disk: int = 1000

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 < value < math.inf:
                raise TlwError(f"The limit of {_LIMITED[name]} is {value}.", "Give a number above 0.")


def run_steps(steps: Sequence[Step], limits: Limits, stop: Event | None = None) -> dict[str, Outcome]:
    """Carry out the steps of one notebook in fresh processes.

    Args:
        steps: From :func:`steps_of`.
        limits: What they may take.
        stop: Once it is set, the process is ended, and what this returns is worth nothing.

    Returns:
        The outcome of each exercise that the steps ask.
    """
    end = time.monotonic() + limits.total
    ended: dict[int, Said] = {}
    found: dict[str, Said] = {}
    with TemporaryDirectory(prefix="tlwidgets-", ignore_cleanup_errors=True) as home:
        for _ in range(ATTEMPTS):
            attempt = Attempt(steps, limits, end, stop or Event())
            attempt.run(ended, Path(home))
            found |= attempt.found
            if attempt.finished:
                break
            ended[attempt.step] = attempt.reason
            if attempt.step < 0 or attempt.out_of_time:
                break
    last = next(reversed(ended.values()), ("kernel died", ""))
    return {step.exercise: _outcome(step.exercise, found.get(step.exercise, last)) for step in steps if step.asks}


def _outcome(name: str, said: Said) -> Outcome:
    return Outcome(name, said[0], " ".join(said[1].split())[:_LONGEST_TEXT])


class Attempt:
    """One process, from its start to its end.

    Attributes:
        found: What was said of the exercises asked so far.
        step: Number of the step that it was at; -1 before the first.
        finished: Whether it came to the end of the steps.
        reason: Otherwise, why not.
        out_of_time: Whether trying again would find no time left, or nobody waits for it.
    """

    def __init__(self, steps: Sequence[Step], limits: Limits, end: float, stop: Event) -> None:
        self.found: dict[str, Said] = {}
        self.step, self.finished, self.reason, self.out_of_time = -1, False, ("kernel died", ""), False
        self._steps, self._limits, self._end, self._stop = steps, limits, end, stop
        self._token = secrets.token_hex(16)
        self._began = time.monotonic()
        self._rest, self._deaf = b"", False

    def run(self, ended: dict[int, Said], home: Path) -> None:
        """Start the process in an empty folder and watch it until it ends."""
        reader, writer = os.pipe()
        with TemporaryDirectory(dir=home, ignore_cleanup_errors=True) as folder:
            process = subprocess.Popen(
                [sys.executable, "-m", "tlwidgets.exercises.grading.worker"],
                cwd=folder,
                env=_environment(Path(folder), home),
                pass_fds=[writer],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            os.close(writer)
            try:
                _hand_over(process, self._job(writer, ended))
                self._watch(process, reader)
            finally:
                end_all(process)
                os.close(reader)

    def _job(self, pipe: int, ended: dict[int, Said]) -> dict[str, Any]:
        limits = self._limits
        own = {"pipe": pipe, "token": self._token, "ended": ended, "steps": [step.as_json() for step in self._steps]}
        return {**own, "cell": limits.cell, "cpu": limits.cpu, "memory": limits.memory, "disk": limits.disk}

    def _watch(self, process: subprocess.Popen[bytes], reader: int) -> None:
        while not self.finished:
            self._listen(reader)
            if process.poll() is not None:
                while self._listen(reader, patience=0):
                    pass
                return self._bury(process.returncode)
            if reason := self._too_much(process):
                self.reason = (reason, "")
                return None
        return None

    def _listen(self, reader: int, patience: float = _TICK) -> bool:
        """Take in what is there, or wait a little; whether there may be more at once."""
        if self._deaf:  # the notebook closed the pipe: nothing more will come, and its process may still run
            time.sleep(patience)
            return False
        if not select.select([reader], [], [], patience)[0]:
            return False
        chunk = os.read(reader, 65536)
        self._deaf = not chunk
        self._read(chunk)
        return not self._deaf

    def _read(self, chunk: bytes) -> None:
        """Take in what the process wrote; lines without the token are not from our code."""
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[-_LONGEST_LINE:]
        for line in lines:
            with suppress(ValueError):
                facts = json.loads(line)
                if isinstance(facts, dict) and facts.get("token") == self._token:
                    self._note(facts)

    def _note(self, facts: dict[str, Any]) -> None:
        self._began = time.monotonic()
        if facts["event"] == "done":
            self.finished = True
        elif facts["event"] == "full":
            self.reason = ("memory limit", "")
        elif facts["event"] == "begins":
            self.step = int(facts["number"])
        elif facts["said"] is not None:
            self.found[self._steps[self.step].exercise] = tuple(facts["said"])

    def _bury(self, code: int) -> None:
        """Say why a process ended that we did not end."""
        if code == -signal.SIGXCPU:
            self.reason, self.out_of_time = ("time limit", ""), True

    def _too_much(self, process: subprocess.Popen[bytes]) -> str:
        """What the process has used up, or ""."""
        now = time.monotonic()
        if now > self._end or self._stop.is_set():
            self.out_of_time = True
            return "time limit"
        if self.step >= 0 and now > self._began + self._limits.cell + _GRACE:
            return "time limit"
        return "memory limit" if memory_of(process.pid) > self._limits.memory else ""


def _hand_over(process: subprocess.Popen[bytes], job: dict[str, Any]) -> None:
    """Write the job to the process and close its input; one that died meanwhile is noticed by whoever watches it."""
    assert process.stdin is not None  # noqa: S101 - for mypy: it was asked for
    with suppress(BrokenPipeError), process.stdin as pipe:
        pipe.write(json.dumps(job).encode())


def memory_of(pid: int) -> float:
    """Megabytes that a process and all that it started hold."""
    total = 0
    for each in _family(pid):
        with suppress(psutil.Error):
            total += each.memory_info().rss
    return total / 2**20


def end_all(process: subprocess.Popen[bytes]) -> None:
    """End a process with all that it started."""
    family = _family(process.pid)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for each in family:
        with suppress(psutil.Error):
            each.kill()
    process.wait()


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _environment(folder: Path, home: Path) -> dict[str, str]:
    """What the process is told of this machine: what it needs, and no secret that lies in the environment."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "MKL", "OPENBLAS")}
    offline = {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "MPLBACKEND": "agg"}
    folders = {"HOME": folder, "TMPDIR": folder, "IPYTHONDIR": home, "JUPYTER_CONFIG_DIR": home, "MPLCONFIGDIR": home}
    own = {name: str(path) for name, path in folders.items()}
    return {**kept, **threads, **offline, **own, "PYTHONDONTWRITEBYTECODE": "1"}
