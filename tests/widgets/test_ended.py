"""What a dashboard says, and leaves in the notebook, when its run has ended."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tlwidgets as tlw
from tlwidgets.errors import RunError
from tlwidgets.training import events
from tlwidgets.widgets import TrainingDashboard
from tlwidgets.widgets.result_card import ResultCard


def end(dashboard: TrainingDashboard) -> None:
    """Waits until the thread that tells the page has ended."""
    assert dashboard._follower is not None
    dashboard._follower.join(20)
    assert not dashboard._follower.is_alive()


@pytest.fixture
def displayed(fake_session: Any, places: list[Any], receive: Callable[..., None]) -> TrainingDashboard:
    """A dashboard on a page."""
    dashboard = TrainingDashboard(fake_session)
    dashboard._ipython_display_()
    receive(dashboard, {"t": "ready"})
    return dashboard


def run_two_epochs(session: Any) -> None:
    session.begin()
    for step in range(1, 21):
        session.batch(step)


def test_a_dashboard_leaves_its_curves_in_the_notebook(
    displayed: TrainingDashboard, fake_session: Any, places: list[Any]
) -> None:
    run_two_epochs(fake_session)
    fake_session.finish()
    end(displayed)
    bundle = places[0]._repr_mimebundle_()
    assert bundle["text/plain"] == "TrainingDashboard: finished, best validation accuracy 80.0%"
    assert Image.open(io.BytesIO(bundle["image/png"])).size[0] > 500
    assert f'alt="{bundle["text/plain"]}"' in bundle["text/html"]


def test_a_run_that_was_judged_leaves_its_card_above_the_curves(
    recipe: Any, tmp_path: Path, places: list[Any], receive: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dashboard = TrainingDashboard(recipe=recipe)
    dashboard._ipython_display_()
    receive(dashboard, {"t": "ready"})
    dashboard.start()
    run = dashboard.wait(60)
    assert places[0].html.startswith(ResultCard(run, dashboard.session.data).html)
    assert f"test accuracy {run.metrics['test']['accuracy']:.1%}" in places[0].text
    dashboard._ipython_display_()
    assert places[1].card is not None


def test_an_executed_notebook_that_nobody_looked_at_is_left_as_it_is(fake_session: Any, places: list[Any]) -> None:
    dashboard = TrainingDashboard(fake_session)
    dashboard._ipython_display_()
    run_two_epochs(fake_session)
    fake_session.finish()
    end(dashboard)
    assert places[0].data == ""


def test_a_failed_run_says_how_to_go_on_with_what_it_kept(
    displayed: TrainingDashboard, fake_session: Any, tmp_path: Path, places: list[Any]
) -> None:
    (tmp_path / "recipe.yaml").write_text("data: digits\n")
    (tmp_path / "status.json").write_text('{"status": "failed", "kept_epoch": 2}')
    (tmp_path / "metrics.json").write_text('{"test": {"accuracy": 0.75}}')
    fake_session.path, fake_session.run = tmp_path, tlw.Run(tmp_path)
    run_two_epochs(fake_session)
    fake_session.tell(events.RunFailed(error="The loss became nan.", kind="TrainingError"))
    end(displayed)
    assert displayed.error_text.startswith("The loss became nan. The best network until then is kept:")
    assert f'tlw.Run.load("{tmp_path}").predict(images)' in displayed.error_text
    assert displayed.error_text.endswith("It is that of epoch 2, with 75.0% of the test images right.")
    assert places[0].curves


def test_a_failed_run_that_kept_nothing_says_so(
    displayed: TrainingDashboard, fake_session: Any, tmp_path: Path, places: list[Any]
) -> None:
    (tmp_path / "recipe.yaml").write_text("data: digits\n")
    (tmp_path / "status.json").write_text('{"status": "failed"}')
    fake_session.path, fake_session.run = tmp_path, tlw.Run(tmp_path)
    fake_session.begin()
    fake_session.tell(events.RunFailed(error="The loss became nan.", kind="TrainingError"))
    end(displayed)
    assert displayed.error_text.startswith("The loss became nan. No epoch was complete, so nothing was kept")
    assert places[0].card is None


def test_a_run_whose_folder_is_gone_does_not_keep_the_next_one_from_starting(fake_session: Any) -> None:
    class Gone(type(fake_session)):  # type: ignore[misc]
        @property
        def run(self) -> Any:
            raise RunError("There is no run in 'runs/r'.")

    first, second = Gone(path=Path("runs/r")), type(fake_session)()
    dashboard = TrainingDashboard(first)
    run_two_epochs(first)
    first.finish()
    end(dashboard)
    assert dashboard.run is None
    dashboard._make_session = lambda: second
    assert dashboard.start() is second
    assert dashboard.others == []
    second.finish()


def test_the_commonest_class_is_a_line_from_the_start_until_others_are_chosen(
    fake_session: Any, stripes: tuple[np.ndarray, np.ndarray]
) -> None:
    fake_session.data = tlw.load_data(stripes)
    dashboard = TrainingDashboard(fake_session)
    (line,) = dashboard.baselines
    assert (line["name"], line["on"]) == ("majority class", "validation")
    assert line["accuracy"] == pytest.approx(1 / 3, abs=0.1)
    dashboard.show_baselines({})
    other = type(fake_session)()
    other.data = tlw.load_data(stripes)
    dashboard.attach(other)
    assert dashboard.baselines == []
    for session in (fake_session, other):
        session.finish()
