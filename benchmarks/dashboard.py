"""The dashboard under load: a thousand batches a second, three reloads, and 100,000 points on the page.

    python benchmarks/dashboard.py [--seconds 600] [--write]

A JupyterLab of its own and Chromium (software rendering; Debian's, or what TLW_CHROMIUM names). Load: a session in a
kernel tells 1,000 batches and one epoch a second; the page is reloaded three times. Overhead is the kernel's CPU time
less that of a second kernel, which has the same session without a dashboard at the same time, per second; page memory
the JavaScript heap after garbage collection; points are those that came to the page, counted there, beside those told.
One batch in the first minute has a loss far above all others, and the axis of the loss, read from what is painted, must
still reach it. Frames: 100,000 points in a bare page, ten appends a second, counted over ten seconds by
requestAnimationFrame; beside an empty page of the same browser.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from page.jupyter import chromium, heap, kernel, lab, nodes, run_all, write_notebook

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "dashboard.md"
RELOADS = 3
SETUP = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
import json, time
import tlwidgets as tlw
from page.firehose import Firehose, resident
hose = Firehose()
"""
LOOKS_BETWEEN_RELOADS = 5
SPIKE_AT_LEAST = 8
SHOW = "dashboard = tlw.TrainingDashboard(hose); dashboard"
START = "memory = resident(); began, spent = time.monotonic(), time.process_time(); _ = hose.start()"
LOOK = "print('FIGURES' + json.dumps({'grown': resident() - memory}))"
END = """
hose.stop(); seconds = time.monotonic() - began
cost, memory = (time.process_time() - spent) / seconds, resident() - memory
time.sleep(1)
print("FIGURES" + json.dumps({"steps": hose.step, "seconds": seconds, "cost": cost, "kernel": memory}))
"""
PAINTED = (Path(__file__).parent / "page/painted.js").read_text("utf-8")
HIGHEST = "() => Math.max(...window.painted.map(Number).filter(Number.isFinite))"
EPOCHS = """async () => {
  document.querySelector(".tlw-dashboard details.tlw-details:last-of-type").open = true;
  await new Promise((resolve) => setTimeout(resolve, 500));
  const cells = [...document.querySelectorAll(".tlw-dashboard details tbody tr td:first-child")];
  return cells.map((cell) => Number(cell.textContent.replace(/[^0-9]/g, "")));
}"""
POINTS = "() => Number(document.querySelector('.tlw-dashboard')?.dataset.points ?? 0)"
SHOWN = "() => document.querySelector('.tlw-dashboard')?.dataset.points > 0"
FRAMES = """
async ({ esm, seconds, loaded }) => {
  const listeners = new Map();
  const progress = { name: "", epoch: 1, epochs: 9, step: 1, steps_per_epoch: 1000, total_steps: 2e5, seconds: 1,
                     seconds_left: 1, images_per_second: 1, learning_rate: 1, best_val_accuracy: 0.5 };
  const state = { status: "running", learning_rate: 1, can_start: true, error_text: "", progress };
  const model = { get: (key) => state[key], set() {}, save_changes() {}, send() {}, off() {},
                  on: (event, f) => listeners.set(event, [...(listeners.get(event) ?? []), f]) };
  let seq = 0, step = 0;
  const say = (t, rows) => {
    const table = new Float32Array(rows * 5);
    for (let i = 0; i < rows; i++) table.set([++step, 2 / (1 + step / 9e3) + Math.sin(step) / 10, 0.5, 1, 1], 5 * i);
    const batch_columns = ["step", "loss", "accuracy", "learning_rate", "images_per_second"];
    const message = { t, run: 1, seq: ++seq, points: step, batch_columns, epoch_columns: [] };
    const buffers = [new DataView(table.buffer), new DataView(new ArrayBuffer(0))];
    for (const f of listeners.get("msg:custom") ?? []) f(message, buffers);
  };
  if (loaded) {
    const module = await import(URL.createObjectURL(new Blob([esm], { type: "text/javascript" })));
    module.default.render({ model, el: document.querySelector("#widget") });
    say("snapshot", 20000);
    for (let i = 0; i < 8; i++) { say("append", 10000); await new Promise(requestAnimationFrame); }
  }
  const times = [], end = performance.now() + 1000 * seconds;
  let last = performance.now(), next = last;
  while (performance.now() < end) {
    if (loaded && performance.now() >= next) { next += 100; say("append", 100); }
    await new Promise(requestAnimationFrame);
    times.push(performance.now() - last);
    last = performance.now();
  }
  times.sort((a, b) => a - b);
  return { fps: times.length / seconds, slowest: times[Math.floor(0.95 * times.length)], points: step };
}
"""


def load(seconds: float) -> dict[str, Any]:
    """Pours for some seconds in a real JupyterLab, with three reloads on the way."""
    with tempfile.TemporaryDirectory() as folder, kernel() as bare, lab(Path(folder)) as url, chromium() as page:
        page.add_init_script(PAINTED)
        bare(SETUP)
        write_notebook(Path(folder) / "load.ipynb", SETUP, SHOW, START)
        run_all(page, url, "load.ipynb")
        page.wait_for_function(SHOWN)
        bare(START)
        memory = []
        for part in range(RELOADS + 1):
            if part:
                page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
                page.reload()
                page.wait_for_function(SHOWN)
            for _ in range(LOOKS_BETWEEN_RELOADS):
                page.wait_for_timeout(1000 * seconds / (RELOADS + 1) / LOOKS_BETWEEN_RELOADS)
                look = {"points": page.evaluate(POINTS), "heap": heap(page), "nodes": nodes(page)}
                memory.append(look | {"part": part, "kernel": ask_kernel(page, LOOK)["grown"]})
                print(memory[-1], file=sys.stderr, flush=True)
        figures = ask_kernel(page, END) | {"bare": figures_in(bare(END))["cost"]}
        page.wait_for_timeout(3000)
        seen = {"shown": page.evaluate(POINTS), "highest": page.evaluate(HIGHEST), "epochs": page.evaluate(EPOCHS)}
        return {**figures, **seen, "memory": memory}


def ask_kernel(page: Any, code: str) -> dict[str, Any]:
    """Runs code in the notebook's kernel and returns what it prints after FIGURES."""
    run = """async (code) => {
      const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
      const future = kernel.requestExecute({ code });
      let text = "";
      future.onIOPub = (message) => { text += message.content.text ?? (message.content.traceback ?? []).join("\\n"); };
      await future.done;
      return text;
    }"""
    return figures_in(page.evaluate(run, code))


def figures_in(printed: str) -> dict[str, Any]:
    """What code in a kernel has printed after FIGURES."""
    if "FIGURES" not in printed:
        raise SystemExit(printed)
    return dict(json.loads(printed.split("FIGURES", 1)[1]))


def frames(seconds: float) -> dict[str, Any]:
    """Frames a second of a page with 100,000 points that grow, and of an empty one."""
    static = ROOT / "tlwidgets" / "static"
    found = {}
    with chromium() as page:
        for name, loaded in (("empty", False), ("full", True)):
            page.set_content('<!doctype html><body><div id="widget" style="width:1000px"></div>')
            page.add_style_tag(content=(static / "dashboard.css").read_text("utf-8"))
            module = (static / "dashboard.js").read_text("utf-8")
            found[name] = page.evaluate(FRAMES, {"esm": module, "seconds": seconds, "loaded": loaded})
    return found


def table(poured: dict[str, Any], drawn: dict[str, Any]) -> str:
    """Markdown."""
    overhead = poured["cost"] - poured["bare"]
    epochs = "all" if poured["epochs"] == list(range(1, poured["steps"] // 1000 + 1)) else "NOT all"
    spike = "is still drawn" if poured["highest"] >= SPIKE_AT_LEAST else "is LOST"
    rows = [
        ("seconds, batches a second", f"{poured['seconds']:.0f}, {poured['steps'] / poured['seconds']:.0f}"),
        ("kernel's CPU: events alone, with the dashboard", f"{poured['bare']:.2%}, {poured['cost']:.2%}"),
        ("overhead of the dashboard", f"{overhead:.2%}"),
        ("page's heap after collection, first and last look of each reload", of_parts(poured["memory"], "heap")),
        ("elements of the page, the same", of_parts(poured["memory"], "nodes", "")),
        ("kernel's memory above its start, the same", of_parts(poured["memory"], "kernel")),
        ("points told, points that came to the page", f"{poured['steps']:,}, {poured['shown']:,}"),
        ("one extreme batch; epochs in the table", f"{spike}; {epochs} of {poured['steps'] // 1000}"),
        ("frames a second: empty page", f"{drawn['empty']['fps']:.0f}"),
        (f"frames a second: {drawn['full']['points']:,} points, ten appends a second", f"{drawn['full']['fps']:.0f}"),
        ("19 frames of 20 there took at most", f"{drawn['full']['slowest']:.0f} ms"),
    ]
    return "\n".join(["| what | measured |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


def of_parts(memory: list[dict[str, Any]], name: str, unit: str = " MB") -> str:
    """First and last look between two reloads, for each part."""
    parts = [[row[name] for row in memory if row["part"] == part] for part in range(RELOADS + 1)]
    return "; ".join(f"{part[0]:,.0f} to {part[-1]:,.0f}{unit}" for part in parts)


def machine() -> str:
    """Where this was measured, in a line."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.0f} at the end"
    return f"{names[0] if names else platform.machine()}, {cores}, Python {platform.python_version()}."


def main() -> None:
    """Measures, prints, writes."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--seconds", type=float, default=600, help="how long to pour")
    made.add_argument("--write", action="store_true", help=f"also into {RESULTS.name}")
    options = made.parse_args()
    # Whoever ends this ends its JupyterLab and its browser too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    text = table(load(options.seconds), frames(10))
    print(text)
    if options.write:
        call = f"python benchmarks/dashboard.py --seconds {options.seconds:.0f}"
        RESULTS.write_text(f"# The dashboard under load\n\n`{call}`\n\n{machine()}\n\n{text}\n")


if __name__ == "__main__":
    main()
