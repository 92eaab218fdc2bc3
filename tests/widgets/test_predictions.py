"""PredictionView: pages of mistakes, corrections that can be taken back, explanations side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tlwidgets as tlw
from tlwidgets.data.changes import FILE
from tlwidgets.errors import DataError, RunError
from tlwidgets.widgets import PredictionView
from tlwidgets.widgets.predictions import PAGE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two colours, and every tenth picture in the wrong folder."""
    root, rng = tmp_path_factory.mktemp("view") / "colours", np.random.default_rng(0)
    for name, light in (("<b>dark</b>", 70), ("light", 180)):
        (root / name).mkdir(parents=True)
        for number in range(120):
            wrong = number % 10 == 0
            pixels = rng.integers(-60, 60, (32, 32, 3)) + (250 - light if wrong else light)
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number:03d}.png")
    return root


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tlw.Run:
    recipe = tlw.Recipe(data=tlw.load_data(folder, test=0.5), plan={"*": "frozen", "head": "trainable"}, epochs=3)
    return tlw.fit(recipe, tmp_path_factory.mktemp("view run") / "run", progress=False)


@pytest.fixture
def view(run: tlw.Run, folder: Path) -> PredictionView:
    yield PredictionView(run)
    (folder / FILE).unlink(missing_ok=True)
    (folder / f"{FILE}.removed").unlink(missing_ok=True)


def test_the_surest_mistakes_come_first(view: PredictionView, run: tlw.Run) -> None:
    confidences = [row["confidence"] for row in view.rows]
    assert view.total == sum(run.predictions["label"] != run.predictions["predicted"]) > 4
    assert confidences == sorted(confidences, reverse=True)
    assert all(row["label"] != row["predicted"] for row in view.rows)
    planted = [int(Path(row["sample_id"]).stem) % 10 == 0 for row in view.rows]
    assert np.mean(planted) > 0.8


def test_pages_and_filters(view: PredictionView, command: Callable[..., dict[str, Any]]) -> None:
    assert command(view, "show", showing="all")["ok"]
    assert (view.total, view.pages, len(view.rows)) == (120, 5, PAGE)
    command(view, "turn_to", page=99)
    assert view.page == 4
    command(view, "show", of_class="light")
    assert (view.page, view.total, {row["label"] for row in view.rows}) == (0, 60, {"light"})
    command(view, "show", showing="unsure", of_class="")
    confidences = [row["confidence"] for row in view.rows]
    assert confidences == sorted(confidences)
    assert not command(view, "show", showing="nonsense")["ok"]


def test_pictures_follow_the_page(view: PredictionView, receive: Callable[..., None]) -> None:
    receive(view, {"t": "ready"})
    message = view.comm.custom("pictures")[-1]
    assert message.content["ids"] == [row["sample_id"] for row in view.rows]
    assert all(picture.startswith(b"\x89PNG") for picture in message.buffers)


def test_corrections_are_a_list_until_they_are_applied(
    view: PredictionView, folder: Path, command: Callable[..., dict[str, Any]]
) -> None:
    first, second = (row["sample_id"] for row in view.rows[:2])
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    other = view.rows[0]["predicted"]
    assert command(view, "relabel", sample_id=first, label=other)["ok"]
    assert command(view, "exclude", sample_id=second)["ok"]
    assert [(row["action"], row["new_label"]) for row in view.rows[:2]] == [("relabel", other), ("exclude", "")]
    assert (view.n_changes, view.can_undo, view.applied) == (2, True, False)
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == files
    assert len(view.changed_data) == len(view.data) - 1
    command(view, "undo")
    assert view.n_changes == 1
    command(view, "redo")
    assert command(view, "apply")["ok"]
    assert view.applied
    assert len(tlw.load_data(folder, test=0.5)) == len(view.data) - 1
    command(view, "show", showing="changed")
    assert {row["sample_id"] for row in view.rows} == {first, second}
    command(view, "keep", sample_id=second)
    assert [row["sample_id"] for row in view.rows] == [first]
    assert not view.applied


def test_what_was_applied_is_found_again_and_reverted(view: PredictionView, folder: Path, run: tlw.Run) -> None:
    name = view.rows[0]["sample_id"]
    view.exclude(name)
    view.apply()
    again = PredictionView(run, view.data)
    assert (again.n_changes, again.applied) == (1, True)
    again.revert()
    assert (again.n_changes, again.applied, (folder / FILE).exists()) == (0, True, False)
    assert len(tlw.load_data(folder, test=0.5)) == 240
    again.undo()
    assert again.n_changes == 1


def test_an_answer_is_explained_by_every_method(view: PredictionView, command: Callable[..., dict[str, Any]]) -> None:
    name = view.rows[0]["sample_id"]
    assert command(view, "explain", sample_id=name)["ok"]
    view.wait(60)
    assert view.explained["sample_id"] == name
    assert [each["method"] for each in view.explained["methods"]] == ["lime", "occlusion", "integrated_gradients"]
    message = view.comm.custom("explanation")[-1]
    assert len(message.buffers) == 4


def test_the_page_is_answered_before_an_explanation_is_found(
    view: PredictionView, command: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel is free for Stop and Pause while LIME tries its hundreds of images."""
    found = threading.Event()

    def slow(sample_id: str) -> Any:
        assert found.wait(20)
        if sample_id == second:
            raise DataError("It cannot be explained.")
        return {"sample_id": sample_id, "methods": []}, []

    monkeypatch.setattr(view, "_explanation", slow)
    first, second = (row["sample_id"] for row in view.rows[:2])
    assert command(view, "explain", sample_id=first)["ok"]
    assert view.explained == {"sample_id": first}
    found.set()
    view.wait(20)
    assert view.explained == {"sample_id": first, "methods": []}
    command(view, "explain", sample_id=second)
    view.wait(20)
    assert (view.explained, view.error_text) == ({}, "It cannot be explained.")


def test_answers_for_training_images_are_computed(run: tlw.Run) -> None:
    view = PredictionView(run, split="train")
    view.show("all")
    assert view.total == len(view.data.indices("train"))


def test_what_cannot_be_done_is_refused(view: PredictionView, command: Callable[..., dict[str, Any]]) -> None:
    assert "no image 'nowhere'" in command(view, "exclude", sample_id="nowhere")["error"]
    assert "no class 'cat'" in command(view, "relabel", sample_id=view.rows[0]["sample_id"], label="cat")["error"]
    assert view.n_changes == 0


def test_data_that_are_no_folder_give_changed_data_only(tmp_path: Path) -> None:
    recipe = tlw.Recipe(data="digits", plan={"*": "frozen", "head": "trainable"}, epochs=1)
    view = PredictionView(tlw.fit(recipe, tmp_path / "run", progress=False))
    view.exclude(view.rows[0]["sample_id"])
    assert not view.can_apply
    with pytest.raises(DataError, match="no folder"):
        view.apply()
    assert len(view.changed_data) == len(view.data) - 1
    (tmp_path / "run" / "predictions.csv").unlink()
    with pytest.raises(RunError, match="no predictions"):
        PredictionView(tlw.Run.load(tmp_path / "run"))
