"""Figures as JSON that later measurements add to, and as a page for people."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from side_by_side.works import PEERS, RECIPES, WORKS

PACKAGES = ("torch", "torchvision", "timm", "accelerate", "fastai", "lightning", "keras")
FEATURES = ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16")
Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Network -> work or check -> figures."""

HOW = """\
Written by `benchmarks/training.py`, which says how. Every contender: the same network from the same random weights
(fit for speed; accuracy is low for all alike), the same JPEG files of 160 x 160 pixels, batches, epochs, AdamW at a
constant rate; timed from the folder to the accuracy on the test files, one contender after the other in processes of
their own. CPU seconds are those of all threads of a contender's process: on a machine that others use too, the clock
measures the others. "Times faster" is the median over the rounds of the ratio to the fastest peer. Peers run without
logger, checkpoints and progress bar, which they have by default; ours writes its run's folder as always. The recipe of
"defaults" computes in fp32, as the peers do; `precision="auto"` is one word more. Keras trains the same torch network
in its `TorchModuleWrapper`. Peers draw new augmented views every epoch; ours keeps four of each picture.
"""


def machine() -> dict[str, Any]:
    """The machine in general words, and the versions."""
    try:
        known = Path("/proc/cpuinfo").read_text().split()
    except OSError:
        known = []
    versions = {name: metadata.version(name) for name in PACKAGES if _installed(name)}
    return {
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
        "features": [feature for feature in FEATURES if feature in known],
        "system": platform.system(),
        "python": platform.python_version(),
        **versions,
    }


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def remember(folder: Path, network: str, work: str, row: Mapping[str, Any], where: Mapping[str, Any]) -> None:
    """Puts a row beside those of the same machine and versions, or begins anew; writes training.json and .md."""
    path = folder / "training.json"
    found = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    rows = found.get("rows", {}) if found.get("machine") == where else {}
    rows.setdefault(network, {})[work] = row
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": where, "rows": rows}, indent=1) + "\n", "utf-8")
    remarks = folder / "training-remarks.md"
    end = "\n" + remarks.read_text("utf-8") if remarks.is_file() else ""
    told = ", ".join(f"{key} {' '.join(value) if isinstance(value, list) else value}" for key, value in where.items())
    (folder / "training.md").write_text(f"# Training side by side\n\n{HOW}\n{told}.\n\n{text(rows)}{end}", "utf-8")


def text(rows: Rows) -> str:
    """All figures as Markdown: goals, then every contender, then the checks."""
    parts = [_goals(rows), *(_contenders(network, works) for network, works in rows.items()), _checks(rows)]
    return "\n".join(part for part in parts if part)


def _table(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    cells = [list(head), *map(list, lines)]
    cells.insert(1, ["---"] * len(cells[0]))
    return "".join(f"| {' | '.join(line)} |\n" for line in cells) if len(cells) > 2 else ""


def _goals(rows: Rows) -> str:
    lines = []
    for name, work in WORKS.items():
        for network, works in rows.items():
            if name in works:
                faster = [works[name]["faster"][recipe] for recipe in RECIPES]
                reached = "yes" if faster[0]["cpu_seconds"] >= work.goal else "no"
                figures = [f"{some['cpu_seconds']:.1f} ({some['seconds']:.1f})" for some in faster]
                lines.append([network, work.title, f"{work.goal:g}", *figures, reached])
    head = ["network", "work", "goal", *(f"{recipe}: times faster (on the clock)" for recipe in RECIPES), "reached"]
    return _table(head, lines)


def _contenders(network: str, works: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, row in works.items():
        for contender, found in row.get("contenders", {}).items():
            accuracy = "" if math.isnan(found["accuracy"]) else f"{100 * found['accuracy']:.0f} %"
            shown = [f"{found['cpu_seconds']:.1f}", f"{found['seconds']:.1f}", accuracy]
            note = " ".join(row["notes"].get(contender, []))
            lines.append([_settings(name, row), PEERS.get(contender, contender), *shown, note])
    head = ["work", "contender", "CPU seconds", "seconds on the clock", "test accuracy", "what the run said"]
    table = _table(head, lines)
    return f"## {network}\n\n{table}" if table else ""


def _settings(name: str, row: Mapping[str, Any]) -> str:
    return f"{name}: {row['images']} pictures, {row['epochs']} epochs, {row['rounds']} rounds"


def _checks(rows: Rows) -> str:
    lines = []
    for network, works in rows.items():
        if "overhead" in works:
            found = works["overhead"]
            what = "whole loop beside a bare one, all stages, fp32, pictures in memory: CPU seconds more"
            lines.append([network, what, "<= 1 %", f"{100 * found['share']:+.1f} % ({found['pairs']} pairs of epochs)"])
        if "dashboard" in works:
            found = works["dashboard"]
            what = "dashboard attached, last stage, cached: CPU seconds more"
            lines.append([network, what, "<= 1 %", f"{100 * found['share']:+.1f} % ({found['pairs']} pairs of epochs)"])
        for learning, found in works.get("gain", {}).items():
            if isinstance(found, Mapping):
                what = f"prefix cache, {learning}: an epoch after the first is so many times faster than without"
                lines.append([network, what, f"predicted {found['predicted']:.2f}", f"{found['measured']:.2f}"])
        for learning, found in works.get("memory", {}).items():
            if isinstance(found, Mapping):
                what = f"peak memory above imports, {learning} learns: ours, bare loop"
                lines.append([network, what, "", f"{found['ours']:.0f} MB, {found['bare']:.0f} MB"])
        lines += _precision(network, works)
    table = _table(["network", "what", "goal", "measured"], lines)
    return f"## Checks\n\n{table}" if table else ""


def _precision(network: str, works: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    automatic, plain = RECIPES
    pairs = [
        [100 * row["contenders"][recipe]["accuracy"] for recipe in (automatic, plain)]
        for row in works.values()
        if "contenders" in row
    ]
    if not pairs:
        return []
    means = [sum(column) / len(pairs) for column in zip(*pairs, strict=True)]
    what = 'precision="auto" beside fp32: mean test accuracy of all works'
    return [[network, what, "within noise", f"{means[0]:.1f} %, {means[1]:.1f} %"]]
