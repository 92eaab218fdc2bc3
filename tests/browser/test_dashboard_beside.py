"""The dashboard in a bare page: levels to beat, runs beside it, the overfitting gap and the mistakes of each epoch."""

from __future__ import annotations

import comm
import numpy as np
import pytest
from fake_comm import FakeComm

from tlwidgets.training import events
from tlwidgets.widgets import TrainingDashboard

pytestmark = pytest.mark.browser
NAMES = ("<b>owl</b>", "cat", "dog")


def told(epochs=6, per_epoch=20):
    """A dashboard that has heard of a plausible run, and of what stands beside it."""
    import tlwidgets as tlw

    dashboard = TrainingDashboard()
    rng = np.random.default_rng(0)
    dashboard.session = tlw.TrainingSession(
        tlw.Recipe(data="digits"),
        data=tlw.load_data(
            (rng.integers(0, 255, (30, 16, 16, 3)).astype(np.uint8), np.array(NAMES)[np.arange(30) % 3])
        ),
    )
    total = epochs * per_epoch
    started = {"run_id": "r", "name": "r-3", "epochs": epochs, "steps_per_epoch": per_epoch, "total_steps": total}
    dashboard.feed(events.RunStarted(classes=NAMES, **started))
    for step in range(1, total + 1):
        fall = np.exp(-step / 40)
        numbers = {
            "loss": 0.2 + 2 * fall + rng.normal(0, 0.1),
            "accuracy": 0.95 - 0.8 * fall,
            "images_per_second": 300.0,
        }
        dashboard.feed(events.BatchEnded(time=step / 10, step=step, epoch=1, learning_rate=0.01, **numbers))
        if step % per_epoch == 0:
            row = {"train_loss": 0.2 + 2 * fall, "val_loss": 0.4 + 1.6 * fall, "train_accuracy": 0.95 - 0.8 * fall}
            row |= {"val_accuracy": 0.85 - 0.7 * fall, "learning_rate": 0.01, "seconds": 2.0}
            judged = events.Judged(confusion=((8, 2, 0), (1, 9, 0), (0, 3, 7)), wrongest=((1, 0, 0.97), (2, 1, 0.8)))
            dashboard.feed(events.EpochEnded(time=step / 10, epoch=step // per_epoch, row=row, judged=judged))
    dashboard._flush()
    dashboard.show_baselines({"from scratch": 0.61, "linear probe": 0.63, "majority class": 0.34})
    beside = {"epochs": [1, 2, 3, 4, 5, 6], "val_loss": [1.5, 1.2, 1.0, 0.9, 0.8, None]}
    dashboard.others = [
        {"name": "r-2", "val_accuracy": [0.2, 0.4, 0.5, 0.55, 0.6, None], **beside},
        {"name": "r-1 <img src=x>", "val_accuracy": [0.3, 0.5, 0.6, 0.68, 0.7, 0.72], **beside},
    ]
    return dashboard


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_what_stands_beside_a_run_is_drawn_and_told_in_words(bare, screenshot, dark, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    dashboard = told()
    root = bare.show(dashboard, dark=dark, width=1000)
    chart = root.get_by_role("img").nth(1)
    bare.page.wait_for_function("() => document.querySelectorAll('canvas').length === 2")
    bare.page.wait_for_timeout(300)
    said = chart.get_attribute("aria-label")
    for words in ("from scratch 61.0% (test)", "majority class 34.0% (test)", "r-2 60.0%", "r-1 <img src=x> 72.0%"):
        assert words in said
    assert root.locator("dl div").filter(has_text="Train over validation").locator("dd").inner_text() == "+9.5 points"
    assert root.get_by_text("2 r-1 <img src=x>").is_visible()
    root.get_by_text("Validation images: confusion").click()
    bare.page.wait_for_function("() => model.sent.some((m) => m.t === 'watch' && m.on)")
    bare.pass_on(dashboard)
    root.get_by_text("After epoch 6").wait_for()
    table = root.get_by_role("group", name="Confusion matrix")
    assert table.locator("tbody tr").nth(2).locator("td").all_inner_texts() == ["", "3", "7"]
    assert root.locator("figure img").count() == 2
    assert root.get_by_text("cat, taken for <b>owl</b> (97%)").is_visible()
    bare.page.set_viewport_size({"width": 1100, "height": 1100})
    screenshot(bare.page, f"dashboard-beside-{'dark' if dark else 'light'}")


def test_lines_are_really_drawn(bare, monkeypatch):
    monkeypatch.setattr(comm, "create_comm", FakeComm)
    dashboard = told()
    bare.show(dashboard)
    painted = "() => document.querySelectorAll('canvas')[1].toDataURL()"
    bare.page.wait_for_timeout(300)
    pictures = [bare.page.evaluate(painted)]
    for change in ({"baselines": []}, {"others": []}):
        for key, value in change.items():
            bare.set(key, value)
        bare.page.wait_for_timeout(200)
        pictures.append(bare.page.evaluate(painted))
    assert len(set(pictures)) == 3
