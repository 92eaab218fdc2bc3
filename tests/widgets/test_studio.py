from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tlwidgets as tlw
from tlwidgets import Recipe
from tlwidgets.errors import BackboneError, PlanError, RecipeError, TrainingError
from tlwidgets.widgets import Studio
from tlwidgets.widgets.studio import CODE, RESULTS, SETTINGS, STAGES, TITLES, TRAIN


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


def test_a_run_that_fails_is_judged_by_what_it_keeps(studio: Studio, nan_at: Callable[[int], None]) -> None:
    nan_at(5)
    studio.start()
    with pytest.raises(TrainingError, match="nan"):
        studio.wait(120)
    (row,) = studio.results.runs
    assert row["mark"] == "failed, best epoch 1 kept"
    assert row["accuracy"] == studio.run.metrics["test"]["accuracy"]
    assert "failed, best epoch 1 kept" in repr(studio.results)
    note = studio.results.card["note"]
    assert note.startswith("The run failed: The loss became nan")
    assert note.endswith("epoch 1.")
    assert note in studio.card.text
    assert "The loss became nan" in studio.card.html
    assert studio.steps.summaries[RESULTS].endswith("right until it failed")
    assert studio.predictions is not None
    assert studio.predictions.name == studio.run.path.name
    assert "The best network until then is kept" in studio.dashboard.error_text
    assert studio.results.note == ""
    assert studio.baselines.why_not == ""
    compare = tlw.RunCompare(studio.run.path.parent)
    assert compare.found[0]["status"] == "failed, best epoch 1 kept"
    assert compare.found[0]["accuracy"] == row["accuracy"]


def test_a_run_that_fails_in_its_first_epoch_says_what_to_do_next(
    studio: Studio, nan_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    nan_at(2)
    studio.start()
    with pytest.raises(TrainingError, match="nan"):
        studio.wait(120)
    assert studio.results.runs == []
    assert studio.card is studio.predictions is None
    assert "left nothing to judge" in studio.results.note
    assert "start again" in studio.results.note
    assert studio.results.note in repr(studio.results)
    assert "nothing was kept" in studio.dashboard.error_text
    assert "failed before it had any" in studio.baselines.why_not
    monkeypatch.undo()
    studio.start()
    studio.wait(120)
    assert studio.results.note == ""
    assert studio.results.runs[0]["mark"] == ""


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


RUN_EACH = """
import json, sys
for name, code in json.load(sys.stdin).items():
    print("##", name)
    exec(compile(code, name, "exec"), {"__name__": "__main__"})
"""


@pytest.mark.slow
def test_the_code_of_every_step_runs_as_it_stands(tmp_path: Path, tiny: str, picture_folder: Path) -> None:
    studio = Studio(picture_folder, tiny, epochs=1)
    studio.board.head_only()
    codes = {title: studio.code_of(title) for title in TITLES}
    studio.start()
    run = studio.wait(120)
    codes["Results of a run"] = studio.code_of("Results")
    studio.show_code()
    codes["Python"] = studio.code.python
    done = subprocess.run(
        [sys.executable, "-c", RUN_EACH],
        input=json.dumps(codes), cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = dict(part.split("\n", 1) for part in done.stdout.split("## ")[1:])
    assert list(said) == list(codes)
    assert "('across', 'down', 'plain')" in said["Data"]
    assert "'head'" in said["Backbone"]
    assert said["Stages"].startswith("FreezePlan(stem=frozen")
    assert said["Stages"].rstrip().endswith("head=trainable)")
    printed = Recipe.from_yaml(said["Settings"])
    assert (printed.epochs, printed.backbone, printed.plan["stage4"]) == (1, tiny, "frozen")
    assert "import tlwidgets" not in codes["Code"]
    accuracy = run.metrics["test"]["accuracy"]
    assert float(said["Train"]) == float(said["Python"]) == accuracy
    assert str(accuracy) in said["Results"]
    assert str(accuracy) in said["Results of a run"]


def test_the_code_of_a_step_is_written_while_it_is_shown_and_follows_the_widgets(
    command: Callable[..., dict[str, Any]], tiny: str
) -> None:
    studio = Studio("digits", tiny, epochs=2)
    shown = studio.step_code
    assert shown.code == ""
    assert command(shown, "show", opened=True)["ok"]
    assert shown.code == studio.code_of("Data")
    studio.steps.selected = STAGES
    assert (shown.title, shown.code) == ("Stages", studio.code_of(STAGES))
    studio.board.freeze_until("stage1")
    assert '"stage1": "frozen", "stage2": "trainable"' in shown.code
    studio.steps.selected = SETTINGS
    studio.settings.epochs = 9
    assert "epochs=9" in shown.code
    command(shown, "show", opened=False)
    assert shown.code == ""
    with pytest.raises(RecipeError, match="no step 'Freeze'"):
        studio.code_of("Freeze")


def test_code_that_cannot_be_written_says_why(studio: Studio) -> None:
    studio.step_code.show()
    assert studio.step_code.code == ""
    assert "only in memory" in studio.step_code.error_text


def test_a_recipe_file_brings_every_widget_back(
    tmp_path: Path, tiny: str, picture_folder: Path, command: Callable[..., dict[str, Any]]
) -> None:
    studio = Studio(picture_folder, tiny, epochs=3, learning_rate=0.02, augmentation="flip", patience=2)
    studio.board.freeze_until("stage1")
    file = tmp_path / "kept.yaml"
    assert command(studio.code, "save", path=str(file))["ok"]
    assert str(file) in studio.code.note
    other = Studio("digits", epochs=9)
    assert command(other.code, "open", path=str(file))["ok"]
    assert other.recipe.to_dict() == studio.recipe.to_dict()
    assert other.data.classes == ("across", "down", "plain")
    assert other.panel.name == studio.panel.name
    assert other.board.states == studio.board.states
    assert other.steps.summaries == studio.steps.summaries


def test_what_no_widget_shows_is_kept_from_a_restored_recipe(tiny: str) -> None:
    studio = Studio("digits", tiny)
    recipe = Recipe(data="digits", backbone=tiny, plan={"stem": "frozen"}, warmup=0.2, method="l2_sp")
    studio.restore(recipe)
    assert (studio.recipe.warmup, studio.recipe.method) == (0.2, "l2_sp")
    assert studio.recipe.plan["stem"] == "frozen"
    assert studio.recipe.learning_rate is not None


def test_a_studio_begins_with_whatever_a_recipe_can_say(stripes: tuple[np.ndarray, np.ndarray], tiny: str) -> None:
    plan = {"*": "frozen", "head": "trainable"}
    said = {
        "method": "l2_sp",
        "method_options": {"alpha": 0.5},
        "layer_decay": 0.5,
        "warmup": 0.1,
        "views": 2,
        "cache": "off",
    }
    recipe = Studio(stripes, tiny, plan=plan, epochs=3, **said).recipe
    assert list(recipe.plan.values()) == ["frozen"] * 5 + ["trainable"]
    assert {name: getattr(recipe, name) for name in said} == said
    assert recipe.epochs == 3
    head_only = Studio(stripes, tiny, method="feature_extraction").board.states
    assert list(head_only.values()) == ["frozen"] * 5 + ["trainable"]


def test_a_recipe_that_does_not_fit_is_refused_before_anything_changes(
    tmp_path: Path, tiny: str, command: Callable[..., dict[str, Any]]
) -> None:
    studio = Studio("digits", tiny)
    before = studio.recipe.to_dict()
    bad = {
        "no.yaml": None,
        "broken.yaml": "epochs: [",
        "plan.yaml": Recipe(data="digits", backbone=tiny, plan={"nowhere": "frozen"}, epochs=7).to_yaml(),
        "data.yaml": Recipe(data="/no/such/folder", backbone=tiny, epochs=7).to_yaml(),
        "net.yaml": Recipe(data="digits", backbone="tlw_resnett", epochs=7).to_yaml(),
    }
    for name, text in bad.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        answer = command(studio.code, "open", path=str(tmp_path / name))
        assert not answer["ok"], name
        assert studio.code.error_text == answer["error"]
        assert studio.recipe.to_dict() == before, name


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


def test_an_emptied_rate_is_suited_to_the_backbone_again(
    studio: Studio, command: Callable[..., dict[str, Any]]
) -> None:
    studio.settings.learning_rate = 0.5
    assert command(studio.settings, "set", name="learning_rate", value=None)["ok"]
    suited = studio.settings.learning_rate
    assert 0 < suited < 0.5
    assert studio.dashboard.learning_rate == suited
    assert not command(studio.settings, "set", name="epochs", value=None)["ok"]
    assert command(studio.settings, "set", name="epochs", value=4)["ok"]
    assert studio.recipe.epochs == 4


def test_an_augmentation_of_texts_is_refused_for_images_before_it_is_kept(
    studio: Studio, command: Callable[..., dict[str, Any]]
) -> None:
    answer = command(studio.settings, "set", name="augmentation", value="eda")
    assert "changes texts" in answer["error"]
    assert studio.settings.augmentation == studio.panel.augmentation == studio.recipe.augmentation == "none"
    assert command(studio.settings, "set", name="epochs", value=4)["ok"]
    with pytest.raises(RecipeError, match="changes texts"):
        studio.restore(studio.recipe.replace(augmentation="eda", epochs=9))
    assert studio.recipe.epochs == 4


def test_only_settings_change_the_settings(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that is shown, or a widget that is closed, is none."""
    told: list[None] = []
    monkeypatch.setattr(studio, "_expect", lambda: told.append(None))
    studio.settings.error_text = "shown"
    studio.settings.close()
    assert told == []


@pytest.fixture
def running(studio: Studio, fake_session: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run of the Studio that only tells what the test makes it tell."""
    fake_session.data = studio.data
    monkeypatch.setattr("tlwidgets.training.TrainingSession", lambda *args, **options: fake_session)
    studio.start()
    yield fake_session
    fake_session.finish()


def test_another_backbone_during_a_run_is_for_the_next_one(studio: Studio, running: Any) -> None:
    studio.board.freeze_until("stage1")
    assert "next epoch" in studio.board.note
    studio.picker.value = "tlw_resnet"
    assert studio.board.note == "For the next run."
    asked = len(running.asked)
    studio.board.freeze_until("stage1")
    assert studio.board.note == "For the next run."
    assert len(running.asked) == asked


def test_states_that_a_run_refuses_are_not_shown(
    studio: Studio, running: Any, command: Callable[..., dict[str, Any]]
) -> None:
    def refuse(states: dict[str, str]) -> None:
        raise PlanError("Nothing would learn.")

    running.set_plan = refuse
    before = studio.board.states
    assert command(studio.board, "set_state", stage="head", state="frozen")["error"] == "Nothing would learn."
    assert studio.board.states == before
    assert not studio.board.can_undo


def test_every_display_of_a_studio_shows_the_card(studio: Studio, places: list[Any]) -> None:
    for _ in range(2):
        studio._ipython_display_()
    studio._place.show("the card")
    studio._ipython_display_()
    assert places == ["the card"] * 3


def test_baselines_are_compared_in_the_studio_and_the_verdict_is_put_on_the_card(
    studio: Studio, places: list[Any], command: Callable[..., dict[str, Any]]
) -> None:
    studio._ipython_display_()
    assert "Train first" in command(studio.baselines, "compare")["error"]
    studio.start()
    studio.wait(120)
    assert studio.baselines.why_not == ""
    studio.picker.value = "tlw_resnet"  # for the next run: what is compared is the run that has ended
    assert command(studio.baselines, "compare", scratch=False)["ok"]
    found = studio.baselines.wait(120)
    assert found.backbone == studio.run.recipe.backbone != "tlw_resnet"
    assert studio.card.content["verdict"] == studio.results.card["verdict"] == found.sentence
    assert found.sentence in places[0].text
    assert "linear probe" in {line["name"] for line in studio.dashboard.baselines}
    assert "tlw.compare_with_baselines(run)" in studio.code_of("Results")


def test_uploaded_data_change_nothing_about_the_run_that_is_compared(studio: Studio) -> None:
    studio.start()
    studio.wait(120)
    run, data = studio.run, studio.dashboard.session.data
    studio._show_data(tlw.load_data("digits"))
    studio.baselines.compare()
    found = studio.baselines.wait(120)
    assert found.hits["transfer"].shape == (1, len(data.indices("test")))
    assert found.hits["transfer"].mean() == pytest.approx(run.metrics["test"]["accuracy"])
