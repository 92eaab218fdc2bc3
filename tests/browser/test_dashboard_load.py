"""A run of very many batches: what the page keeps of 100,000, and that a reload in the middle of a flood loses none."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "tlwidgets/frontend"
START_MS = 240_000  # a kernel imports everything first
COLUMNS = {"batch_columns": ["step", "loss", "accuracy"], "epoch_columns": ["step", "epoch", "train_loss", "val_loss"]}
TAKE = """
async ({ module, messages }) => {
  const { Curves } = await import(URL.createObjectURL(new Blob([module], { type: "text/javascript" })));
  const curves = new Curves();
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const answers = messages.map(({ rows, epochs, ...message }) => curves.take(message, [bytes(rows), bytes(epochs)]));
  const { x, batchLoss, valLoss, epochs, points } = curves;
  return { answers, x, batchLoss, valLoss, epochs: epochs.length, points };
}
"""
PAINTED = (ROOT / "benchmarks/page/painted.js").read_text("utf-8")
# The page's axis of the loss reaches 8 because one batch of the flood has a loss of 9; all others are below 3.
SPIKE_DRAWN = "() => Math.max(...window.painted.map(Number).filter(Number.isFinite)) >= 8"


@pytest.fixture(scope="module")
def curves_module() -> str:
    """The page's copy of a run, as a module of its own."""
    command = [FRONTEND / "node_modules/.bin/esbuild", FRONTEND / "src/shared/stream.ts", "--bundle", "--format=esm"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def message(kind: str, seq: int, first: int, losses: np.ndarray, points: int) -> dict[str, Any]:
    """As the kernel sends it, with an epoch of 1,000 batches wherever one ends."""
    steps = np.arange(first, first + len(losses))
    ends = steps[steps % 1000 == 0]
    tables = {"rows": [steps, losses, 0 * losses], "epochs": [ends, ends // 1000, 0 * ends, ends]}
    encoded = {name: b64encode(np.column_stack(table).astype("<f4").tobytes()) for name, table in tables.items()}
    return {"t": kind, "run": 1, "seq": seq, "points": points, **COLUMNS} | {
        name: text.decode("ascii") for name, text in encoded.items()
    }


def test_of_a_hundred_thousand_batches_the_page_keeps_the_extremes(page: Any, curves_module: str) -> None:
    losses = 1 + np.random.default_rng(0).normal(0, 0.1, 100_000)
    high, low = [7, 33_333, 60_001, 99_990], [11, 41_234, 99_000]
    losses[high], losses[low] = 9.0, -9.0
    parts = np.split(losses, np.arange(20_000, 100_000, 5000))
    first = np.cumsum([1, *map(len, parts)])
    messages = [
        message("append" if at else "snapshot", at + 1, int(first[at]), part, int(first[at + 1]) - 1)
        for at, part in enumerate(parts)
    ]
    kept = page.evaluate(TAKE, {"module": curves_module, "messages": messages})
    assert kept["answers"] == ["snapshot", *["append"] * (len(parts) - 1)]
    assert kept["points"] == 100_000
    assert 10_000 <= len(kept["x"]) <= 40_000
    assert kept["x"] == sorted(kept["x"])
    found = dict(zip(kept["x"], kept["batchLoss"], strict=True))
    assert {step for step, loss in found.items() if abs(loss) == 9} == {index + 1 for index in (*high, *low)}
    assert kept["epochs"] == 100
    # Every epoch is still drawn, beside the batch at which it ended or the one kept before it.
    placed = [(x, val) for x, val in zip(kept["x"], kept["valLoss"], strict=True) if val is not None]
    assert [val for _, val in placed] == [1000.0 * epoch for epoch in range(1, 101)]
    assert all(0 <= val - x < 20 for x, val in placed)


def test_the_page_notices_rows_that_did_not_come(page: Any, curves_module: str) -> None:
    whole = message("snapshot", 1, 1, np.ones(10), 10)
    messages = [whole, message("append", 2, 11, np.ones(5), 15), message("append", 3, 16, np.ones(4), 20)]
    assert page.evaluate(TAKE, {"module": curves_module, "messages": messages})["answers"] == [
        "snapshot",
        "append",
        "gap",
    ]


@pytest.mark.slow
def test_a_reload_in_a_flood_of_batches_loses_none(lab: Any, page: Any) -> None:
    page.add_init_script(PAINTED)
    code = f"""
        import sys; sys.path.insert(0, {str(ROOT / "benchmarks")!r})
        import tlwidgets as tlw
        from page.firehose import Firehose
        hose = Firehose(rate=1500)
        dashboard = tlw.TrainingDashboard(hose)
        dashboard
    """
    lab.open(page, lab.write_notebook("flood.ipynb", dedent(code), "_ = hose.start()"))
    lab.run_all(page)
    more = "(n) => Number(document.querySelector('.tlw-dashboard')?.dataset.points) > n"
    page.wait_for_function(more, arg=6000, timeout=START_MS)
    page.wait_for_function(SPIKE_DRAWN)
    lab.save(page)
    for _ in range(2):
        page.reload()
        page.wait_for_function(more, arg=8000)
        page.wait_for_function(SPIKE_DRAWN)
    dashboard = page.locator(".tlw-dashboard")
    dashboard.get_by_role("button", name="Stop").click()
    page.locator(".tlw-chip").get_by_text("Stopped", exact=True).wait_for()
    page.wait_for_timeout(500)
    told = page.locator(".tlw-bar[aria-label='Progress of the run']").get_attribute("aria-valuetext").split()[0]
    assert int(dashboard.get_attribute("data-points")) == int(told)
    page.get_by_text("Show as table").click()
    cells = dashboard.locator("details tbody tr td:first-child").all_inner_texts()
    assert [int(text.replace(",", "")) for text in cells] == list(range(1, int(told) // 1000 + 1))
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")
