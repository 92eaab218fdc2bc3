"""Memory of a run on 100,000 files, beside one on a tenth of them.

    python benchmarks/streaming.py [--files 10000 100000] [--write]

Each number of files has a process of its own, which loads the folder and trains the head of ``tlw_resnet`` for one
epoch, with nothing cached at the cut, so that every image passes the whole network. Peak memory is counted above what
the imports take. Files are JPEGs of 40 x 40 pixels with one of two textures.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

RESULTS = Path(__file__).parent / "results" / "streaming.md"
CLASSES = ("across", "along")


def write_files(folder: Path, n: int) -> None:
    """Stripes across or along, with noise of their own: no two files are alike."""
    rng = np.random.default_rng(0)
    rows = np.arange(40)[:, None] * np.ones((1, 40))
    for index in range(n):
        kind = index % len(CLASSES)
        place = folder / CLASSES[kind] / f"{index // 1000:03d}"
        place.mkdir(parents=True, exist_ok=True)
        wave = np.sin((rows if kind == 0 else rows.T) * rng.uniform(0.4, 1.2) + rng.uniform(0, 6))
        pixels = 128 + 60 * wave[..., None] + rng.normal(0, 30, (40, 40, 3)) + rng.uniform(-40, 40, 3)
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(place / f"{index}.jpg", quality=85)


def peak() -> float:
    """The most memory this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(folder: str) -> None:
    """Loads, trains, prints what it took."""
    import sklearn.metrics  # noqa: F401  imported now, or it would count as memory of the run

    import tlwidgets as tlw

    head_only = tlw.Recipe(
        data="digits", plan={"*": "frozen", "head": "trainable"}, epochs=1, cache="off", batch_size=64
    )
    with tempfile.TemporaryDirectory() as runs:
        tlw.fit(head_only, Path(runs) / "imports everything", progress=False)
        found, began = {"imports": peak()}, time.process_time()
        data = tlw.load_data(folder, progress=False)
        found |= {"files": len(data), "loaded": peak(), "load_seconds": time.process_time() - began}
        began = time.process_time()
        run = tlw.fit(head_only.replace(data=data), Path(runs) / "run", progress=False)
        found |= {"trained": peak(), "train_seconds": time.process_time() - began}
        print(json.dumps({**found, "accuracy": run.metrics["test"]["accuracy"]}))


def measure(n: int) -> dict[str, float]:
    """Writes n files, and lets another process train on them."""
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), n)
        command = [sys.executable, __file__, "--folder", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def table(rows: list[dict[str, float]]) -> str:
    """Markdown."""
    lines = ["| files | MB after loading | MB after training | CPU ms a file: loading, training | test accuracy |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for row in rows:
        each = [1000 * row[name] / row["files"] for name in ("load_seconds", "train_seconds")]
        above = [row[name] - row["imports"] for name in ("loaded", "trained")]
        cells = [f"{row['files']:,.0f}", *(f"{mb:.0f}" for mb in above), f"{each[0]:.1f}, {each[1]:.1f}"]
        lines.append(f"| {' | '.join(cells)} | {row['accuracy']:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Measures, prints, writes."""
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--files", nargs="+", type=int, default=[10_000, 100_000])
    made.add_argument("--folder", help="train on this folder and print figures, nothing else")
    made.add_argument("--write", action="store_true", help=f"also into {RESULTS.name}")
    options = made.parse_args()
    if options.folder:
        one(options.folder)
        return
    text = table([measure(n) for n in options.files])
    print(text)
    if options.write:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(f"# Memory above the imports\n\n`python benchmarks/streaming.py`\n\n{text}\n")


if __name__ == "__main__":
    main()
