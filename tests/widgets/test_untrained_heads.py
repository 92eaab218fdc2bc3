"""A run whose method trains no head: every widget shows what was learned and why, and none an accuracy."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.models import save_for_hf

import tlwidgets as tlw
from tlwidgets.cli import print_run
from tlwidgets.training import events
from tlwidgets.training.method import trains_head
from tlwidgets.widgets import RunCompare, Studio, TrainingDashboard
from tlwidgets.widgets.beside import ended_run, other_run
from tlwidgets.widgets.ended import draw_curves
from tlwidgets.widgets.result_card import for_page
from tlwidgets.widgets.run_compare import MEASURES
from tlwidgets.widgets.studio import RESULTS
from tlwidgets.widgets.untrained import caution, learned, own_measures


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of a vision transformer of four patches by four, with random weights."""
    torch.manual_seed(7)
    args: dict[str, Any] = {"img_size": 16, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    model = timm.create_model("vit_tiny_patch16_224", num_classes=5, pretrained=False, **args)
    model.pretrained_cfg |= {"input_size": (3, 16, 16), "crop_pct": 1.0, "fixed_input_size": True}
    folder = tmp_path_factory.mktemp("vit") / "tiny"
    save_for_hf(model, str(folder), model_args=args, safe_serialization=True)
    return f"local-dir:{folder}"


@pytest.fixture
def filling_in(recipe: Any, tiny_vit: str) -> tlw.Recipe:
    masked: tlw.Recipe = recipe.replace(backbone=tiny_vit, method="masked_images")
    return masked


@pytest.fixture
def run(filling_in: tlw.Recipe, tmp_path: Path) -> tlw.Run:
    return tlw.fit(filling_in, tmp_path / "runs" / "filled", progress=False)


def figures(run: tlw.Run) -> set[str]:
    """Every accuracy of the run as a widget would write it."""
    shares = [run.metrics[split]["accuracy"] for split in ("test", "val")]
    shares += [*run.history["val_accuracy"], *run.history["train_accuracy"]]
    return {f"{share:.1%}" for share in shares if not math.isnan(share)}


def test_a_method_says_whether_it_trains_the_head() -> None:
    assert not trains_head("masked_images")
    assert trains_head("fine_tuning")
    assert trains_head("of another day")


def test_what_it_learned_is_its_own_measure_in_words(run: tlw.Run) -> None:
    values = own_measures(run.history)["filled_in"]
    assert len(values) == 2
    assert learned(run) == f"filled in {values[-1]:.3g} after epoch 2"
    assert caution(run).startswith("masked_images trains no head")
    assert json.loads((run.path / "status.json").read_text("utf-8"))["head_trained"] is False
    history = run.history.drop(columns=["filled_in"])
    history.to_csv(run.path / "history.csv", index=False)
    assert learned(run) == f"train loss {history['train_loss'].iloc[-1]:.3g} after epoch 2"
    (run.path / "history.csv").write_text("\n")
    assert learned(run) == ""


def test_a_head_that_was_trained_has_neither(recipe: Any, tmp_path: Path) -> None:
    run = tlw.fit(recipe.replace(epochs=1), tmp_path / "run", progress=False)
    assert (learned(run), caution(run)) == ("", "")
    assert "head_trained" not in json.loads((run.path / "status.json").read_text("utf-8"))


def test_the_card_says_what_was_learned_and_nothing_that_the_head_says(run: tlw.Run, filling_in: tlw.Recipe) -> None:
    card = tlw.ResultCard(run, filling_in.data)
    own = learned(run)
    assert card.content["accuracy"] is card.content["majority"] is None
    assert (card.content["confusion"], card.content["wrongest"]) == ([], [])
    bundle = card._repr_mimebundle_()
    for shown in (bundle["text/plain"], bundle["text/html"]):
        assert own[1:] in shown
        assert "take run:" in shown
        assert not any(figure in shown for figure in figures(run))
    assert "Confusion" not in bundle["text/html"]
    assert Image.open(io.BytesIO(bundle["image/png"])).size[0] > 400
    card.content["classes"] = [str(number) for number in range(200)]
    assert for_page(card.content) is card.content


def test_the_studio_shows_it_in_its_row_and_offers_no_predictions(
    filling_in: tlw.Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    studio = Studio(filling_in.data, filling_in.backbone, method="masked_images", epochs=2, batch_size=16)
    studio.start()
    run = studio.wait(120)
    (row,) = studio.results.runs
    assert (row["accuracy"], row["learned"]) == (None, learned(run))
    assert learned(run) in repr(studio.results)
    assert studio.steps.summaries[RESULTS] == "no head trained"
    assert studio.predictions is None
    assert "trains no head" in studio.baselines.why_not
    for shown in (repr(studio.results), str(studio.results.card), repr(studio.dashboard), str(studio.steps.summaries)):
        assert not any(figure in shown for figure in figures(run))


def test_no_accuracy_of_it_reaches_the_page_of_a_dashboard(
    fake_session: Any, filling_in: tlw.Recipe, receive: Callable[..., None]
) -> None:
    fake_session.recipe, fake_session.data = filling_in, filling_in.data
    dashboard = TrainingDashboard(fake_session)
    receive(dashboard, {"t": "watch", "on": True})
    fake_session.begin(epochs=1, steps_per_epoch=2)
    numbers = {"accuracy": 0.375, "learning_rate": 0.01, "images_per_second": 9.0}
    fake_session.tell(events.BatchEnded(time=1, step=1, epoch=1, loss=0.5, **numbers))
    scores = dict.fromkeys(("train_accuracy", "val_accuracy", "val_loss"), 0.375)
    row = {"epoch": 1, "train_loss": 0.5, **scores, "learning_rate": 0.01, "seconds": 1.0, "filled_in": 0.25}
    judged = events.Judged(confusion=((3, 1), (0, 2)), wrongest=())
    fake_session.tell(events.EpochEnded(time=1, epoch=1, row=row, judged=judged))
    fake_session.finish()
    dashboard._follower.join(20)
    dashboard.snapshot()
    for message in dashboard.comm.messages:
        assert 0.375 not in np.concatenate([np.frombuffer(buffer, np.float32) for buffer in (*message.buffers, b"")])
        assert "0.375" not in str(message.content)
    (sent,) = dashboard.comm.custom("snapshot")[-1:]
    assert sent.content["extras"] == [{"filled_in": 0.25}]
    assert 0.5 in np.frombuffer(sent.buffers[1], np.float32)
    assert dashboard.comm.custom("judged") == []
    assert dashboard.baselines == []
    assert dashboard.progress["best_val_accuracy"] is None
    assert dashboard.caution.startswith("masked_images trains no head")
    assert repr(dashboard) == f"TrainingDashboard: finished, filled in 0.25 after epoch 1. {dashboard.caution}"


def test_a_run_with_a_head_after_one_without_is_shown_as_ever(
    fake_session: Any, filling_in: tlw.Recipe, recipe: Any
) -> None:
    other = type(fake_session)()
    fake_session.recipe, other.recipe = recipe, filling_in
    fake_session.data = other.data = recipe.data
    dashboard = TrainingDashboard(fake_session)
    assert len(dashboard.baselines) == 1
    dashboard.attach(other)
    assert (len(dashboard.baselines), bool(dashboard.caution)) == (0, True)
    third = type(fake_session)()
    third.recipe, third.data = recipe, recipe.data
    dashboard.attach(third)
    assert (len(dashboard.baselines), dashboard.caution) == (1, "")
    for session in (fake_session, other, third):
        session.finish()


def test_a_saved_notebook_keeps_its_own_measure_instead_of_an_accuracy(
    filling_in: tlw.Recipe, tmp_path: Path, places: list[Any], receive: Callable[..., None], monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    drawn: list[Any] = []
    monkeypatch.setattr(
        "tlwidgets.widgets.ended.draw_curves", lambda columns, own: drawn.append(own) or draw_curves(columns, own)
    )
    dashboard = TrainingDashboard(recipe=filling_in)
    dashboard._ipython_display_()
    receive(dashboard, {"t": "ready"})
    dashboard.start()
    run = dashboard.wait(120)
    assert list(drawn[0]) == ["filled_in"]
    assert len(drawn[0]["filled_in"]) == 2
    assert places[0].curves.startswith(b"\x89PNG")
    bundle = places[0]._repr_mimebundle_()
    for shown in (bundle["text/plain"], bundle["text/html"].split("base64")[0]):
        assert "trains no head" in shown
        assert not any(figure in shown for figure in figures(run))


def test_it_is_not_drawn_beside_the_next_run(run: tlw.Run) -> None:
    assert ended_run(run) == []
    assert (other_run(run)["val_accuracy"], other_run(run)["val_loss"]) == ([], [])


def test_runs_side_by_side_compare_what_can_be_compared(
    run: tlw.Run, recipe: Any, command: Callable[..., dict[str, Any]]
) -> None:
    tlw.fit(recipe, run.path.parent / "tuned", progress=False)
    view = RunCompare(run.path.parent, ["filled", "tuned"])
    rows = {row["run"]: row for row in view.found}
    assert (rows["filled"]["accuracy"], rows["filled"]["learned"]) == (None, learned(run))
    assert rows["tuned"]["accuracy"] is not None
    assert rows["tuned"]["learned"] == ""
    assert view.curves[0]["values"] == [None, None]
    assert None not in view.curves[1]["values"]
    assert all(row["values"][0] is None for row in view.metrics)
    assert all(row["values"][1] is not None for row in view.metrics)
    assert view.verdicts == ["First filled, second tuned. The head of filled learned nothing to compare."]
    assert len(view.cautions) == 1
    assert learned(run)[1:] in view.cautions[0]
    assert view.measures == [*MEASURES, "filled_in"]
    assert command(view, "measure", measure="filled_in")["ok"]
    assert view.curves[0]["values"] == own_measures(run.history)["filled_in"]
    assert view.curves[1]["values"] == [None, None]
    assert not any(figure in repr(view) for figure in figures(run))
    command(view, "choose", run="filled", chosen=False)
    assert (view.measure, view.measures, view.cautions) == ("val_accuracy", list(MEASURES), [])
    assert "no curve" in command(view, "measure", measure="filled_in")["error"]


def test_a_terminal_is_told_no_accuracy_either(run: tlw.Run, capsys: Any) -> None:
    print_run(run)
    said = capsys.readouterr().out
    assert "masked_images trains no head" in said
    assert "accuracy" not in said
