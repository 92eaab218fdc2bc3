"""How long start, pause, resume and stop take, from the page's message to the training thread and back to the page.

    python benchmarks/controls.py [--rounds 12] [--quick] [--write]

A kernel of its own holds a Studio on the bundled digits with the bundled network. This process plays the page: it sends
the commands of the buttons over the kernel's channels and listens for what a page would get. One round is a start, five
times a pause and a resume, and a stop, each after a random time of up to a second. Counted from the sending:

* shown: the page has a state that says what was asked for ("Starting", "Pausing", "Stopping");
* obeyed: the thread that trains has begun the run, waits, goes on, or has left its last batch;
* told: the page has the state that follows, "running", "paused" or "stopped". A run that is stopped is judged first.

The time of a batch is the middle one of the same runs. How long the kernel takes to answer while it does not train is
measured beside them: where others use the machine too, that is what no training could be faster than. The browser's own
part, to draw a word, is not in it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import queue
import random
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

RESULTS = Path(__file__).parent / "results"
PROMISED = 200  # ms
PATIENCE = 120.0
PAUSES = 5
WORKS = {
    "as the Studio begins: every stage learns, batches of 32": {},
    "the head learns, batches of 32": {"plan": {"*": "frozen", "head": "trainable"}},
    "every stage learns, batches of 256": {"batch_size": 256},
}
AFTER = {"start": "running", "pause": "paused", "resume": "running", "stop": "stopped"}
# A page takes these for an answer to what was asked; the first of both traits that says so counts.
SHOWN = {
    "start": {"starting", "running"},
    "pause": {"pause", "paused"},
    "resume": {"resume", "running"},
    "stop": {"stop", "stopped"},
}
OBEYED = {"start": "RunStarted", "pause": "Paused", "resume": "Resumed", "stop": "judged"}
BOUND = (
    "What bounds them: a start reads the network's weights first; a pause and a stop wait for the batch in work, at an "
    "epoch's end also for its checkpoint, and a stop for the rest of the validation images, so that the epoch counts; "
    "a stopped run is told as stopped only when the test images have been judged. The word is shown as soon as the "
    "kernel's main thread has its turn beside the one that trains."
)
SETUP = """
import json, os, time
os.chdir({folder!r})
import tlwidgets as tlw
from tlwidgets.training.session import TrainingSession
times = []
emit, judge = TrainingSession._emit, TrainingSession._judge
def _emit(self, event):
    times.append((type(event).__name__, time.monotonic()))
    emit(self, event)
def _judge(self, loop):
    times.append(("judged", time.monotonic()))
    return judge(self, loop)
TrainingSession._emit, TrainingSession._judge = _emit, _judge
studio = tlw.Studio("digits", epochs=100_000, **{settings!r})
print("ANSWER" + json.dumps(studio.dashboard.comm.comm_id))
"""
END_OF_ROUND = """
studio.wait()
print("ANSWER" + json.dumps(times))
times.clear()
"""


class Page:
    """What the page of a dashboard sends and hears, without a browser.

    Args:
        client: Of a running kernel.
    """

    def __init__(self, client: Any) -> None:
        self.client = client
        self.comm = ""

    def run(self, code: str) -> Any:
        """Runs code in the kernel and returns what it prints after ANSWER."""
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            printed.append(str(content.get("text", "\n".join(content.get("traceback", [])))))

        self.client.execute_interactive(code, output_hook=hear, timeout=PATIENCE)
        said = "".join(printed)
        if "ANSWER" not in said:
            raise SystemExit(said)
        return json.loads(said.split("ANSWER", 1)[1].splitlines()[0])

    def send(self, name: str, **args: Any) -> tuple[float, str]:
        """Sends a command; returns when, and its id."""
        command = {"t": "cmd", "id": f"{name}-{time.monotonic()}", "name": name, "args": args}
        data = {"method": "custom", "content": command}
        asked = time.monotonic()
        self.client.shell_channel.send(self.client.session.msg("comm_msg", {"comm_id": self.comm, "data": data}))
        return asked, command["id"]

    def answer_ms(self) -> float:
        """How long a command takes that only sets a number."""
        asked, request = self.send("set_learning_rate", value=0.01)
        next(True for _, content in self._updates(asked + PATIENCE) if content.get("id") == request)
        return 1000 * (time.monotonic() - asked)

    def press(self, name: str) -> tuple[float, dict[str, float]]:
        """Sends a button's command; returns when, and when the page had the answer, the word and the new state."""
        asked, request = self.send(name)
        found: dict[str, float] = {}
        for state, content in self._updates(asked + PATIENCE):
            now = time.monotonic()
            if content.get("id") == request:
                if not content["ok"]:
                    raise SystemExit(content["error"])
                found["acknowledged"] = now
            if SHOWN[name] & {state.get("status"), state.get("asked")}:
                found.setdefault("shown", now)
            if state.get("status") == AFTER[name]:
                found["told"] = now
            if "told" in found and "acknowledged" in found:
                return asked, found
        raise SystemExit(f"{name}: no answer within {PATIENCE:.0f} seconds, only {found}")

    def _updates(self, end: float) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """New values of traits, and messages of our own protocol, as they come."""
        while time.monotonic() < end:
            try:
                message = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            data = message["content"].get("data", {})
            if message["header"]["msg_type"] == "comm_msg" and message["content"]["comm_id"] == self.comm:
                yield data.get("state", {}), data.get("content", {})


@contextmanager
def page() -> Iterator[Page]:
    """The page of a new kernel."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield Page(client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def measure(settings: dict[str, Any], rounds: int, pauses: int, most_seconds: float) -> dict[str, Any]:
    """Milliseconds of each command, and of a batch."""
    rng = random.Random(0)
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    batches: list[float] = []
    idle: list[float] = []
    with tempfile.TemporaryDirectory() as folder, page() as shown:
        shown.comm = shown.run(SETUP.format(folder=folder, settings=settings))
        for _ in range(rounds):
            idle += [shown.answer_ms() for _ in range(pauses)]
            pressed = []
            for name in ["start", *["pause", "resume"] * pauses, "stop"]:
                pressed.append((name, *shown.press(name)))
                time.sleep(rng.uniform(0, most_seconds))
            events = shown.run(END_OF_ROUND)
            for name, asked, at in pressed:
                at["obeyed"] = next(when for kind, when in events if kind == OBEYED[name] and when > asked)
                found[name].append({what: 1000 * (when - asked) for what, when in at.items()})
            batches += [1000 * (b[1] - a[1]) for a, b in pairwise(events) if a[0] == b[0] == "BatchEnded"]
    return {"batch": float(np.median(batches)), "idle": idle, "commands": dict(found)}


def figures(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and the longest."""
    return {
        "median": float(np.median(values)),
        "p95": float(np.percentile(values, 95)),
        "max": max(values),
        "n": len(values),
    }


def three(each: dict[str, float]) -> str:
    """Median / p95 / longest."""
    return " / ".join(f"{each[name]:.0f}" for name in ("median", "p95", "max"))


def summary(measured: dict[str, Any]) -> dict[str, Any]:
    """The figures of each command and moment."""
    moments = ("shown", "obeyed", "told")
    commands = {
        name: {what: figures([each[what] for each in found if what in each]) for what in moments}
        for name, found in measured["commands"].items()
    }
    return {"batch": measured["batch"], "idle": figures(measured["idle"]), "commands": commands}


def table(works: dict[str, dict[str, Any]]) -> str:
    """Markdown: median / p95 / longest, milliseconds."""
    lines = []
    for name, work in works.items():
        lines += [f"## {name[0].upper()}{name[1:]}", "", f"A batch takes {work['batch']:.1f} ms."]
        lines += [f"The kernel answers in {three(work['idle'])} ms while it does not train.", ""]
        lines += ["| | times | shown | obeyed | told | told, in batches |", "| --- | --- | --- | --- | --- | --- |"]
        for command, moments in work["commands"].items():
            cells = [three(each) for each in moments.values()]
            batches = moments["told"]["median"] / work["batch"]
            lines.append(f"| {command} | {moments['told']['n']} | {' | '.join(cells)} | {batches:.1f} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def verdict(works: dict[str, dict[str, Any]]) -> str:
    """Which of the 95th percentiles are within what is promised."""
    sentences = []
    for what in ("shown", "obeyed", "told"):
        slow = [
            f"{command} ({name}): {moments[what]['p95']:.0f} ms"
            for name, work in works.items()
            for command, moments in work["commands"].items()
            if moments[what]["p95"] > PROMISED
        ]
        sentences.append(f"* {what}: " + (f"not {'; '.join(slow)}." if slow else "all."))
    return f"95 of 100 within {PROMISED} ms:\n\n" + "\n".join(sentences) + f"\n\n{BOUND}"


def machine(before: float) -> str:
    """Where this was measured, and how busy it was."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    busy = f"load average {before:.1f} before and {os.getloadavg()[0]:.1f} after"
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores, {busy}."


def main() -> None:
    """Measures, prints, writes."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--rounds", type=int, default=12)
    made.add_argument("--quick", action="store_true", help="one short round of the first")
    made.add_argument("--write", action="store_true", help="also into results/controls.md and .json")
    options = made.parse_args()
    before, works = os.getloadavg()[0], {}
    for name in list(WORKS)[: 1 if options.quick else None]:
        how = (1, 1, 0.1) if options.quick else (options.rounds, PAUSES, 1.0)
        works[name] = summary(measure(WORKS[name], *how))
        print(table({name: works[name]}), file=sys.stderr, flush=True)
    parts = [machine(before), "Milliseconds from the page's message: median / 95th percentile / longest."]
    text = "\n\n".join([*parts, table(works), verdict(works)])
    print(text)
    if options.write:
        call = f"python benchmarks/controls.py --rounds {options.rounds}"
        (RESULTS / "controls.md").write_text(f"# Start, pause, resume, stop\n\n`{call}`\n\n{text}\n")
        (RESULTS / "controls.json").write_text(json.dumps({"machine": parts[0], "works": works}, indent=1) + "\n")


if __name__ == "__main__":
    main()
