"""The processes of the contenders: started when first asked, asked one at a time."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

from side_by_side.job import Job


class Workers:
    """One process a contender.

    Args:
        threads: Threads that each computes with.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._running: dict[str, subprocess.Popen[str]] = {}

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._running):
            self.end(name)

    def ask(self, name: str, job: Job) -> dict[str, Any]:
        """Lets a contender do a job and waits for its figures."""
        return self._answer(name, dataclasses.asdict(job))

    def prepare(self, *arguments: object) -> dict[str, Any]:
        """Makes pictures and weights where they do not exist yet; see ``worlds.prepare``."""
        return self._answer("ours", {"prepare": arguments})

    def end(self, name: str) -> None:
        """Ends a contender's process; the next question starts a fresh one."""
        worker = self._running.pop(name)
        assert worker.stdin is not None
        worker.stdin.close()
        worker.wait()

    def _answer(self, name: str, question: dict[str, Any]) -> dict[str, Any]:
        if name not in self._running:
            self._running[name] = self._start(name)
        worker = self._running[name]
        assert worker.stdin is not None
        assert worker.stdout is not None
        print(json.dumps(question), file=worker.stdin, flush=True)
        if not (line := worker.stdout.readline()):
            raise RuntimeError(f"{name} ended with status {worker.wait()}; what it said is above.")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _start(self, name: str) -> subprocess.Popen[str]:
        number = str(self.threads)
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "side_by_side.worker", name, number],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "OMP_NUM_THREADS": number, "MKL_NUM_THREADS": number},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
