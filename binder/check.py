"""Follow binder/ step by step as Binder does, in a clean copy and environment, then run and measure two notebooks.

``make binder-check``. Standard library only: it is started before anything is installed. The one line that is left
out is that of PyTorch's own index, which not every machine reaches; the larger CUDA build is installed in its place, so
the memory measured here is an upper bound of Binder's.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
OPTION = "--"  # requirements.txt has one, and it names that index
NOTEBOOKS = ("00_studio", "01_what_transfers")
LIMIT_MB = 2048  # of mybinder.org, for the server and all kernels together


def main() -> int:
    """Build and run; 1 where a notebook needs more memory than Binder gives."""
    with TemporaryDirectory(prefix="binder-") as folder:
        copy, python = Path(folder) / "repo", Path(folder) / "environment" / "bin" / "python"
        build(copy, python)
        results = {name: run(name, copy, python) for name in NOTEBOOKS}
    for name, found in results.items():
        print(f"{name}: peak {found['megabytes']:.0f} MB with JupyterLab's server, {found['seconds']:.0f} CPU seconds")
    return int(max(found["megabytes"] for found in results.values()) > LIMIT_MB)


def build(copy: Path, python: Path) -> None:
    """What repo2docker does: Python of runtime.txt, requirements.txt, a copy of the repository, postBuild."""
    wanted = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    print(f"runtime.txt: Python {wanted}" + (f"; here it is {here}" if here != wanted else ""), flush=True)
    step([sys.executable, "-m", "venv", str(python.parents[1])])
    lines = (ROOT / "binder" / "requirements.txt").read_text().splitlines()
    for line in lines:
        if line.startswith(OPTION):
            print(f"requirements.txt: left out: {line}", flush=True)
    kept = python.parents[2] / "requirements.txt"
    kept.write_text("\n".join(line for line in lines if not line.startswith(OPTION)))
    step([str(python), "-m", "pip", "install", "--quiet", "-r", str(kept)])
    copy_repository(copy)
    step(["bash", "binder/postBuild"], cwd=copy, env=environment(python))


def step(command: list[str], **options: object) -> None:
    """Run one step, and say which and how long it took; what fails ends the check."""
    began = time.monotonic()
    subprocess.run(command, check=True, **options)  # type: ignore[call-overload]
    print(f"{' '.join(command[-3:])}: {time.monotonic() - began:.0f} s", flush=True)


def copy_repository(copy: Path) -> None:
    """Copy what git knows, as a clone has it: nothing built, nothing installed."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)


def environment(python: Path) -> dict[str, str]:
    """The environment's programs come first, and no module of the checkout is seen."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "PATH": f"{python.parent}{os.pathsep}{kept['PATH']}", "HOME": str(python.parents[2])}


def run(name: str, copy: Path, python: Path) -> dict[str, float]:
    """Run a solved notebook through binder/start, with JupyterLab's server beside it as on Binder."""
    command = ["bash", "binder/start", "python", "binder/check.py", "--measure", f"notebooks/solutions/{name}.ipynb"]
    done = subprocess.run(command, cwd=copy, env=environment(python), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(notebook: str) -> int:
    """Run a notebook and print what it took: largest sum of resident memory, and processor seconds of its kernel."""
    import resource

    import psutil  # of the environment that was built

    assert os.environ["OMP_NUM_THREADS"] == "1", "binder/start sets one thread"
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0"], stderr=subprocess.DEVNULL
    )
    work = subprocess.Popen([sys.executable, "-m", "jupyter", "execute", "--timeout=900", notebook])
    peak, family = 0, psutil.Process()
    while work.poll() is None:
        peak = max(peak, sum(memory(each) for each in family.children(recursive=True)))
        time.sleep(0.2)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    server.terminate()
    server.wait()
    print(json.dumps({"megabytes": peak / 2**20, "seconds": used.ru_utime + used.ru_stime}))
    return work.returncode


def memory(process: object) -> int:
    """Resident bytes of a process; one that has just ended holds none."""
    import psutil

    try:
        return int(process.memory_info().rss)  # type: ignore[attr-defined]
    except psutil.Error:
        return 0


if __name__ == "__main__":
    sys.exit(measure(sys.argv[2]) if "--measure" in sys.argv else main())
