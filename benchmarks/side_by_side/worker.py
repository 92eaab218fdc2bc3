"""One contender in a process of its own: a job a line on standard input, its figures a line on standard output."""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
from typing import Any

import psutil
import torch

from side_by_side.job import Job


def measured(contender: Any, job: Job) -> dict[str, Any]:
    """What the contender finds, and what it took: seconds, CPU seconds and bytes above those before.

    ``peak_bytes`` means something for the first job of a process only: the highest mark never falls.
    """
    gc.collect()
    before = psutil.Process().memory_info().rss
    wall, processor = time.perf_counter(), time.process_time()
    found = contender.run(job)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - processor}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before  # Linux counts in KiB
    return {**found, **took, "peak_bytes": peak}


def main(name: str, threads: int) -> None:
    """Answers jobs until standard input ends."""
    # Libraries print: what they say goes to standard error, and only answers to whoever asked.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(threads)
    contender = importlib.import_module(f"side_by_side.{name}")
    for line in sys.stdin:
        asked = json.loads(line)
        if "prepare" in asked:
            found = importlib.import_module("side_by_side.worlds").prepare(*asked["prepare"])
        else:
            found = measured(contender, Job(**asked))
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
