"""What ``tlwidgets doctor`` looks at: versions, whether torch loads, this machine, weights and built files.

torch is imported in a process of its own: a pair of torch and torchvision that does not fit can end the process that
imports it.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import Requirement

MISMATCH = "torchvision::nms does not exist"
MISMATCH_FIX = (
    "They were built for different versions of each other. Install both from the same index in one command: "
    "pip install --upgrade --force-reinstall torch torchvision"
)
GIB = 2**30

PROBE = """
import json, torch, torchvision
torchvision.ops.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
print(json.dumps({
    "threads": torch.get_num_threads(),
    "cuda": torch.version.cuda,
    "gpus": [[gpu.name, gpu.total_memory] for gpu in gpus],
    "mps": torch.backends.mps.is_available(),
}))
"""


class Finding(NamedTuple):
    """One thing that was looked at."""

    status: str
    """"ok", "warning" (works, but worse than it could) or "broken" (keeps tlwidgets from working)."""
    subject: str
    found: str
    fix: str = ""
    """What to do about it; empty where nothing is to be done."""


def examine() -> list[Finding]:
    """Look at everything; takes some seconds, nearly all of them to import torch. Changes nothing."""
    python = Finding("ok", "Python", f"{platform.python_version()} at {sys.executable}")
    return [
        python,
        *check_packages(),
        *check_torch(*probe_torch()),
        check_memory(),
        check_disk(),
        check_front_end(),
        check_lessons(),
        *check_weights(),
    ]


def report(findings: list[Finding]) -> str:
    """The findings as lines for a terminal, the fix under each one that has a fix."""
    width = max(len(finding.subject) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.status:8} {finding.subject:{width}}  {finding.found}")
        if finding.fix:
            lines.append(f"{'':8} {'':{width}}  -> {finding.fix}")
    broken = sum(finding.status == "broken" for finding in findings)
    lines.append(f"\n{broken} thing{'s' * (broken != 1)} to repair." if broken else "\nReady.")
    return "\n".join(lines)


def check_packages() -> list[Finding]:
    """The installed version of every package that tlwidgets requires, against the version it asks for."""
    try:
        required = [Requirement(text) for text in metadata.requires("tlwidgets") or []]
    except metadata.PackageNotFoundError:
        return [Finding("warning", "tlwidgets", "runs from a folder, not installed", "pip install . in its folder")]
    return [check_package(item) for item in required if not item.marker or item.marker.evaluate({"extra": ""})]


def check_package(requirement: Requirement) -> Finding:
    """One package against the version asked for."""
    wanted = f"pip install --upgrade '{requirement.name}{requirement.specifier}'"
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return Finding("broken", requirement.name, "not installed", wanted)
    if not requirement.specifier.contains(version, prereleases=True):
        return Finding("broken", requirement.name, f"{version}, needs {requirement.specifier}", wanted)
    return Finding("ok", requirement.name, version)


def probe_torch() -> tuple[dict[str, Any], str]:
    """Import torch and torchvision in a process of its own.

    Returns:
        What torch says of the machine, and an empty text; or nothing, and the error text of the process.
    """
    result = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return json.loads(result.stdout.splitlines()[-1]), ""
    return {}, result.stderr.strip() or f"the process ended with code {result.returncode}"


def check_torch(facts: dict[str, Any], error: str) -> list[Finding]:
    """Whether torch and torchvision load together; if so the threads and the GPU.

    Args:
        facts: What the probe printed; empty where it failed.
        error: The error text of the probe; empty where it did not fail.
    """
    subject = "torch + torchvision"
    if MISMATCH in error:
        return [Finding("broken", subject, f"do not fit together: operator {MISMATCH}", MISMATCH_FIX)]
    if error:
        fix = "pip install --upgrade --force-reinstall torch torchvision"
        return [Finding("broken", subject, f"do not load: {error.splitlines()[-1]}", fix)]
    return [Finding("ok", subject, "load together"), check_threads(facts["threads"]), check_gpu(facts)]


def check_threads(threads: int) -> Finding:
    """The threads of torch against the cores that this process may use."""
    cores = available_cores()
    found = f"{threads} of torch on {cores:g} core{'s' * (cores != 1)}"
    if threads > max(1, cores):
        return Finding("warning", "threads", found, f"set OMP_NUM_THREADS={max(1, int(cores))}: more are slower")
    return Finding("ok", "threads", found)


def available_cores() -> float:
    """The cores that this process may use: its affinity and, in a container, the share of time it was given."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    quota, _, period = read_text("/sys/fs/cgroup/cpu.max").partition(" ")
    return min(cores, int(quota) / int(period)) if quota.isdigit() else cores


def check_gpu(facts: dict[str, Any]) -> Finding:
    """The accelerator that torch would use."""
    if facts["gpus"]:
        return Finding("ok", "GPU", ", ".join(f"{name}, {memory / GIB:.0f} GiB" for name, memory in facts["gpus"]))
    if facts["mps"]:
        return Finding("ok", "GPU", "Apple's, through Metal")
    return Finding("ok", "GPU", "none that torch can use; everything here runs on the processor")


def check_memory() -> Finding:
    """Free memory, within the limit of the container if there is one."""
    import psutil

    free = float(psutil.virtual_memory().available)
    limit = read_text("/sys/fs/cgroup/memory.max")
    if limit.isdigit():
        free = min(free, int(limit) - int(read_text("/sys/fs/cgroup/memory.current") or 0))
    if free < 1.5 * GIB:
        return Finding(
            "warning", "memory", f"{free / GIB:.1f} GiB free", "close other notebooks: a run takes about 1 GiB"
        )
    return Finding("ok", "memory", f"{free / GIB:.1f} GiB free")


def check_disk() -> Finding:
    """Free space where runs are written."""
    free = shutil.disk_usage(Path.cwd()).free
    if free < GIB:
        return Finding("warning", "disk", f"{free / GIB:.1f} GiB free in {Path.cwd()}", "a run keeps two checkpoints")
    return Finding("ok", "disk", f"{free / GIB:.0f} GiB free in {Path.cwd()}")


def check_front_end() -> Finding:
    """Whether the JavaScript of the widgets has been built."""
    static = Path(__file__).parent / "static"
    built = sorted(path.name for path in static.glob("*.js"))
    if not built:
        fix = "install tlwidgets again; in a checkout: python hatch_build.py"
        return Finding("broken", "front end", f"not built: no JavaScript in {static}", fix)
    return Finding("ok", "front end", f"{len(built)} modules built")


def check_lessons() -> Finding:
    """Whether the notebooks are at hand."""
    from tlwidgets.errors import TlwError
    from tlwidgets.lessons import list_lessons

    try:
        return Finding("ok", "lessons", f"{len(list_lessons())} notebooks")
    except TlwError as error:
        return Finding("broken", "lessons", error.message, error.hint)


def check_weights() -> list[Finding]:
    """Which weights can be loaded with no network: those in the package, and those fetched before."""
    bundled = sorted(path.parent.name for path in Path(__file__).parent.glob("backbones/weights/*/model.safetensors"))
    fix = "" if bundled else "install tlwidgets again: the bundled weights are missing"
    fetched = sorted({*huggingface_weights(), *torch_weights()})
    return [
        Finding("ok" if bundled else "broken", "bundled weights", ", ".join(bundled) or "none", fix),
        Finding("ok", "fetched weights", ", ".join(fetched) or "none yet; other backbones need the network once"),
    ]


def huggingface_weights() -> list[str]:
    """The timm models in the cache of the Hugging Face hub."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub"))
    return [path.name.removeprefix("models--timm--") for path in cache.glob("models--timm--*")]


def torch_weights() -> list[str]:
    """The checkpoint files in torch's own cache, where torchvision keeps what it fetches."""
    home = Path(os.environ.get("TORCH_HOME", Path.home() / ".cache" / "torch"))
    return [path.name for path in home.glob("hub/checkpoints/*.pth")]


def read_text(path: str) -> str:
    """The content of a small file of the kernel, or an empty text where there is none."""
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""
