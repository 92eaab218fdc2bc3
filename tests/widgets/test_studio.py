from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tlwidgets import Recipe
from tlwidgets.errors import BackboneError, RecipeError
from tlwidgets.widgets import Studio
from tlwidgets.widgets.studio import CODE, RESULTS, TRAIN


@pytest.fixture
def studio(
    stripes: tuple[np.ndarray, np.ndarray], tiny: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Studio:
    monkeypatch.chdir(tmp_path)
    return Studio(stripes, tiny, epochs=2, learning_rate=0.01, batch_size=16)


def test_the_recipe_is_what_the_widgets_say(studio: Studio, tiny: str) -> None:
    studio.board.freeze_until("stage1")
    studio.settings.epochs = 7
    recipe = studio.recipe
    assert (recipe.backbone, recipe.epochs, recipe.learning_rate) == (tiny, 7, 0.01)
    assert recipe.plan == studio.board.states
    assert recipe.data is studio.data


def test_training_goes_on_in_the_background_and_leaves_a_card(studio: Studio) -> None:
    studio.board.head_only()
    session = studio.start()
    assert session is studio.session
    run = studio.wait(120)
    assert run.metrics["test"]["accuracy"] == studio.card.content["accuracy"]
    assert studio.results.runs[0]["learns"] == "1 of 6 stages"
    assert studio.steps.done[TRAIN]
    assert studio.steps.done[RESULTS]
    assert run.recipe.plan["stage4"] == "frozen"


def test_a_second_run_gets_a_folder_of_its_own(studio: Studio) -> None:
    studio.start()
    first = studio.wait(120)
    studio.start()
    second = studio.wait(120)
    assert first.path != second.path
    assert [row["run"] for row in studio.results.runs] == [second.path.name, first.path.name]


def test_toggles_made_during_a_run_take_effect_at_the_next_epoch(studio: Studio) -> None:
    studio.settings.epochs = 3
    session = studio.start()
    session.pause()
    studio.board.freeze_until("stage2")
    assert "next epoch" in studio.board.note
    session.resume()
    studio.wait(120)
    changes = [event for event in session.events if type(event).__name__ == "PlanChanged"]
    assert changes[-1].states == studio.board.states


def test_a_failed_start_is_told_and_the_studio_can_start_again(studio: Studio) -> None:
    studio.board.states = dict.fromkeys(studio.board.states, "frozen")
    studio.start()
    with pytest.raises(Exception, match="learn"):
        studio.wait(120)
    assert studio.dashboard.status == "failed"
    assert "learn" in studio.dashboard.error_text
    studio.board.everything()
    studio.start()
    assert studio.wait(120).status == "finished"
    assert studio.dashboard.error_text == ""


def test_another_backbone_changes_the_board(studio: Studio) -> None:
    studio.picker.value = "tlw_resnet"
    assert studio.board.backbone_name == "tlw_resnet"
    assert studio.board.stages[-1]["parameters"] % len(studio.data.classes) == 0
    assert studio.recipe.backbone == "tlw_resnet"


def test_a_backbone_that_cannot_be_built_leaves_everything_as_it_was(
    studio: Studio, command: Callable[..., dict[str, Any]], tiny: str
) -> None:
    answer = command(studio.picker, "choose", name="local-dir:/no/such/folder")
    assert not answer["ok"]
    assert studio.picker.value == tiny
    assert studio.picker.error_text


def test_the_learning_rate_of_the_dashboard_is_that_of_the_settings(studio: Studio) -> None:
    studio.dashboard.set_learning_rate(0.3)
    assert studio.settings.learning_rate == 0.3
    studio.settings.learning_rate = 0.2
    assert studio.dashboard.learning_rate == 0.2


def test_the_steps_turn_the_pages(studio: Studio) -> None:
    studio.steps.selected = TRAIN
    assert studio.children[1].selected_index == TRAIN


def test_show_code_gives_the_script(picture_folder: Path) -> None:
    studio = Studio(picture_folder, epochs=2)
    script = studio.show_code()
    assert studio.steps.selected == CODE
    assert studio.code.error is None, studio.code.error_text
    assert "import tlwidgets" not in script
    assert Recipe.from_yaml(studio.code.recipe).epochs == 2


def test_code_for_data_in_memory_comes_with_the_copy_that_a_run_leaves(studio: Studio) -> None:
    studio.show_code()
    assert "only in memory" in studio.code.error_text
    studio.start()
    run = studio.wait(120)
    studio.show_code()
    assert str(run.path.resolve()) in studio.code.python
    assert Recipe.from_yaml(studio.code.recipe).data["arrays"].endswith("data.npz")


@pytest.mark.slow
def test_the_python_shown_runs_as_it_stands(tmp_path: Path, tiny: str, picture_folder: Path) -> None:
    studio = Studio(picture_folder, tiny, epochs=1)
    studio.board.head_only()
    studio.show_code()
    done = subprocess.run(
        [sys.executable, "-c", studio.code.python], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert 0 <= float(done.stdout) <= 1


def test_bad_input_is_refused_before_anything_is_shown(stripes: tuple[np.ndarray, np.ndarray], tiny: str) -> None:
    with pytest.raises(BackboneError, match="tlw_resnet"):
        Studio(stripes, "tlw_resnett")
    with pytest.raises(RecipeError, match="learning_rate"):
        Studio(stripes, tiny, learning_rate=-1)


def test_samples_of_every_class_go_to_the_page(studio: Studio, receive: Callable[..., None]) -> None:
    receive(studio.panel, {"t": "ready"})
    (message,) = studio.panel.comm.custom("samples")
    assert set(message.content["labels"][:3]) == {"across", "down", "plain"}
    assert all(buffer.startswith(b"\x89PNG") for buffer in message.buffers)


def test_the_random_numbers_of_the_notebook_are_left_alone(stripes: tuple[np.ndarray, np.ndarray], tiny: str) -> None:
    import torch

    torch.manual_seed(3)
    expected = torch.rand(1).item()
    torch.manual_seed(3)
    Studio(stripes, tiny)
    assert torch.rand(1).item() == expected
