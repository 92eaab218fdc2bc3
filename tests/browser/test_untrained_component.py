"""What the pages show of a run whose method trains no head: its own measure and why, and no accuracy anywhere."""

from __future__ import annotations

from typing import Any

import comm
import pytest
from fake_comm import FakeComm

from tlwidgets.training import events
from tlwidgets.widgets import TrainingDashboard

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
CAUTION = "masked_images trains no head, so an accuracy would be that of an untrained one and say nothing."
STEPS = 20


def told(epochs: int = 5, **own: float) -> TrainingDashboard:
    """A dashboard that has heard of a run of masked_images."""
    from types import SimpleNamespace

    told_events: list[Any] = []
    session = SimpleNamespace(
        recipe=SimpleNamespace(method="masked_images"), data=None, path=None, status="new", alive=False,
        subscribe=lambda listener, *, from_start: (told_events.append(listener), lambda: None)[1], wait=lambda: None,
    )  # fmt: skip
    dashboard = TrainingDashboard(session)  # type: ignore[arg-type]
    hear = dashboard.feed
    total = STEPS * epochs
    started = {"run_id": "r", "name": HOSTILE, "epochs": epochs, "steps_per_epoch": STEPS, "total_steps": total}
    hear(events.RunStarted(classes=("a", "b"), **started))
    for step in range(1, total + 1):
        numbers = {"loss": 0.2 + 1 / step, "accuracy": 0.375, "learning_rate": 0.01, "images_per_second": 90.0}
        hear(events.BatchEnded(time=step / 10, step=step, epoch=(step - 1) // STEPS + 1, **numbers))
        if step % STEPS == 0:
            scores = dict.fromkeys(("train_accuracy", "val_accuracy", "val_loss"), 0.375)
            row = {"train_loss": 0.2 + 1 / step, **scores, "learning_rate": 0.01, "seconds": 2.0}
            measured = {"filled_in": 0.1 + 3 / step, **own}
            hear(events.EpochEnded(time=step / 10, epoch=step // STEPS, row=row | measured))
    hear(events.RunFinished(metrics={}))
    dashboard._flush()
    return dashboard


@THEMES
def test_a_dashboard_draws_the_methods_own_measure_where_the_accuracy_would_stand(
    bare: Any, audit: Any, screenshot: Any, dark: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    dashboard = told(**{HOSTILE: 0.5})
    root = bare.show(dashboard, dark=dark, width=1000)
    bare.pass_on(dashboard)
    assert root.get_by_text(CAUTION).is_visible()
    charts = root.locator(".tlw-chart:visible h4")
    assert charts.all_inner_texts() == ["Loss", "filled in"]
    own = root.get_by_role("img", name="filled in, ")
    assert "Train 0.130" in str(own.get_attribute("aria-label"))
    facts = root.locator("dl div:visible").all_inner_texts()
    assert "filled in\n0.130" in facts
    assert not any("over validation" in fact or "Best" in fact for fact in facts)
    assert root.get_by_text("Validation images: confusion").is_hidden()
    root.get_by_text("Show as table").click()
    heads = root.locator("thead th").all_inner_texts()
    assert heads == ["Epoch", "Train loss", "Learning rate", "Seconds", "filled in", HOSTILE]
    assert len(root.locator("tbody tr").first.locator("td").all()) == len(heads)
    assert "37.5" not in root.inner_text()
    assert "%" not in root.inner_text()
    assert root.locator("img").count() == 0
    bare.page.wait_for_timeout(300)
    assert own.locator("canvas").count() == 1
    screenshot(bare.page, f"untrained-dashboard-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")


def test_the_next_run_with_a_head_has_its_accuracy_back(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    dashboard = told()
    root = bare.show(dashboard)
    bare.pass_on(dashboard)
    bare.set("caution", "")
    assert root.locator(".tlw-chart:visible h4").all_inner_texts() == ["Loss", "Accuracy"]
    assert root.get_by_text("Validation images: confusion").is_visible()
    assert root.locator("dl").get_by_text("Best validation").is_visible()
    assert root.get_by_text(CAUTION).count() == 0


def test_a_screen_reader_hears_of_no_accuracy(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    dashboard = told()
    root = bare.show(dashboard)
    bare.pass_on(dashboard)
    bare.set("status", "stopped")
    news = str(root.locator(".tlw-hidden-label[role=status]").last.text_content())
    assert news == "Stopped. Epoch 5 of 5."


@THEMES
def test_results_show_what_was_learned(bare: Any, audit: Any, screenshot: Any, dark: bool) -> None:
    row = {"run": HOSTILE, "backbone": "tlw_vit", "learns": "6 of 6 stages", "epochs": 5, "seconds": 12.0, "mark": ""}
    row |= {"accuracy": None, "learned": "filled in 0.13 after epoch 5"}
    card = {
        "card": "r", "title": "digits with tlw_vit", "caution": f"{CAUTION} {HOSTILE}", "note": "", "verdict": "",
        "learned": row["learned"], "accuracy": None, "right": None, "n": None, "majority": None, "classes": ["a", "b"],
        "confusion": [], "wrongest": [],
    }  # fmt: skip
    root = bare.mount("results", {"runs": [row], "card": card, "note": ""}, dark=dark)
    assert root.locator("tbody td").last.inner_text() == "filled in 0.13 after epoch 5"
    assert root.get_by_text("Filled in 0.13 after epoch 5.").is_visible()
    assert root.get_by_text(CAUTION).is_visible()
    assert root.locator("table").count() == 1
    assert "%" not in root.inner_text()
    assert root.locator("img").count() == 0
    screenshot(bare.page, f"untrained-results-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")


@THEMES
def test_runs_side_by_side_offer_the_methods_own_measure(bare: Any, audit: Any, screenshot: Any, dark: bool) -> None:
    common = {"backbone": "tlw_vit", "data": "digits", "status": "finished", "epochs": 2, "date": "2026-11-21 10:00"}
    found = [
        {"run": "filled", "accuracy": None, "learned": "filled in 0.13 after epoch 2", **common},
        {"run": "tuned", "accuracy": 0.9, "learned": "", **common},
    ]
    curves = [
        {"run": "filled", "epochs": [1, 2], "values": [0.3, 0.13]},
        {"run": "tuned", "epochs": [1, 2], "values": [None, None]},
    ]
    state = {
        "folder": "runs", "found": found, "chosen": ["filled", "tuned"], "measure": "filled_in", "curves": curves,
        "measures": ["val_accuracy", "filled_in"], "cautions": [f"filled: {CAUTION} {HOSTILE}"], "differences": [],
        "metrics": [{"metric": "accuracy", "values": [None, [0.9, 0.8, 0.95]]}], "verdicts": ["No comparison."],
    }  # fmt: skip
    root = bare.mount("run_compare", state, dark=dark)
    assert root.get_by_label("Curve").locator("option").all_inner_texts() == ["Validation accuracy", "filled in"]
    assert root.get_by_label("Curve").input_value() == "filled_in"
    assert "filled ends at 0.13" in str(root.get_by_role("img").first.get_attribute("aria-label"))
    rows = root.locator(".tlw-compare-list tbody tr")
    assert "filled in 0.13 after epoch 2" in rows.nth(0).inner_text()
    assert "90.0%" in rows.nth(1).inner_text()
    assert root.get_by_text(CAUTION).is_visible()
    assert root.locator("img").count() == 0
    screenshot(bare.page, f"untrained-compare-{'dark' if dark else 'light'}")
    audit(bare.page, "#widget")
