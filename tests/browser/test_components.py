"""Each widget alone in a bare page, with a model that only remembers: drawing, keys, commands, hostile text."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>"
STAGES: list[dict[str, Any]] = [
    {"name": "stem", "label": "conv1", "parameters": 2800, "share": 0.11, "norms": 1},
    {"name": "stage1", "label": "layer1", "parameters": 18_560, "share": 0.29, "norms": 4},
    {"name": "stage2", "label": "layer2", "parameters": 66_384, "share": 0.24, "norms": 5},
    {"name": "stage3", "label": "layer3", "parameters": 142_432, "share": 0.2, "norms": 5},
    {"name": "stage4", "label": "layer4", "parameters": 267_840, "share": 0.16, "norms": 5},
    {"name": "head", "label": HOSTILE, "parameters": 970, "share": 0.0001, "norms": 0},
]
for stage in STAGES:
    stage["learning"] = {"frozen": 0, "norm": 16, "lora": 400, "trainable": stage["parameters"]}
    stage["blocks"] = [
        {"name": f"{stage['label']}.{i}", "kind": "BasicBlock", "parameters": 900, "share": 0.02, "norms": 2 - 2 * i}
        for i in range(2 if stage["name"].startswith("stage") else 1)
    ]
COSTS = {
    "status": "about", "reason": "", "images": 1258, "batch_size": 32, "step_bytes": 312_000_000, "seconds": 8.14,
    "cached_seconds": 3.06, "share": 0.64, "cache": "",
}  # fmt: skip
LIVE = {
    "stem": {"rate": 0, "moved": 0},
    "stage1": {"rate": 0, "moved": 0},
    "stage2": {"rate": 0, "moved": 0},
    "stage3": {"rate": 1e-4, "moved": 0.0042},
    "stage4": {"rate": 1e-4, "moved": 0.031},
    "head": {"rate": 1e-3, "moved": None},
}
BATCH_COLUMNS = ["step", "loss", "accuracy", "learning_rate", "images_per_second"]
EPOCH_COLUMNS = [
    "step",
    "epoch",
    "train_loss",
    "val_loss",
    "train_accuracy",
    "val_accuracy",
    "learning_rate",
    "seconds",
]
PROGRESS = {
    "run": "r", "name": HOSTILE, "epoch": 4, "epochs": 6, "step": 140, "steps_per_epoch": 40, "total_steps": 240,
    "seconds": 21.0, "seconds_left": 14.7, "images_per_second": 213.4, "learning_rate": 0.00075,
    "best_val_accuracy": 0.914, "points": 140, "plan_epoch": 0,
}  # fmt: skip


def board_state(**changes: Any) -> dict[str, Any]:
    states = {
        stage["name"]: "frozen" if stage["name"] in {"stem", "stage1", "stage2"} else "trainable" for stage in STAGES
    }
    return {
        "backbone_name": "tlw_resnet", "stages": STAGES, "states": states, "trainable_parameters": 411_242,
        "total_parameters": 498_986, "can_undo": True, "note": "", **changes,
    }  # fmt: skip


def dashboard_state(**changes: Any) -> dict[str, Any]:
    return {"status": "running", "progress": PROGRESS, "learning_rate": 0.001, "can_start": True, **changes}


def curves(steps: int = 140, per_epoch: int = 40) -> tuple[list[list[float]], list[list[float]]]:
    """Batches and epochs of a plausible run."""
    rng = np.random.default_rng(0)
    fall = np.exp(-np.arange(1, steps + 1) / 45)
    loss = 0.25 + 2.0 * fall + rng.normal(0, 0.12, steps)
    accuracy = np.clip(0.95 - 0.85 * fall + rng.normal(0, 0.05, steps), 0, 1)
    batches = [[i + 1, loss[i], accuracy[i], 0.001, 200] for i in range(steps)]
    epochs = []
    for end in range(per_epoch, steps + 1, per_epoch):
        part = slice(end - per_epoch, end)
        epochs.append(
            [
                end,
                end // per_epoch,
                loss[part].mean(),
                loss[part].mean() + 0.08,
                accuracy[part].mean(),
                accuracy[part].mean() - 0.03,
                0.001,
                6.1,
            ]
        )
    return batches, epochs


def show_curves(bare: Any, **changes: Any) -> Any:
    root = bare.mount("dashboard", dashboard_state(**changes))
    snapshot(bare, *curves())
    return root


def snapshot(
    bare: Any, batches: list[list[float]], epochs: list[list[float]], seq: int = 1, extras: Any = (), run: int = 1
) -> None:
    message = {"t": "snapshot", "run": run, "seq": seq, "points": len(batches), "extras": list(extras)}
    bare.receive(message | {"batch_columns": BATCH_COLUMNS, "epoch_columns": EPOCH_COLUMNS}, batches, epochs)


def append(bare: Any, batches: list[list[float]], seq: int, points: int) -> None:
    message = {"t": "append", "run": 1, "seq": seq, "points": points}
    bare.receive(message | {"batch_columns": BATCH_COLUMNS, "epoch_columns": EPOCH_COLUMNS}, batches, [])


def points(root: Any) -> int:
    return int(root.get_attribute("data-points"))


class TestFreezeBoard:
    def test_a_click_asks_the_kernel_and_shows_at_once(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        toggle = root.get_by_role("switch", name="stage3 learns")
        toggle.click()
        assert toggle.inner_text() == "Frozen"
        command = bare.answer()
        assert (command["name"], command["args"]) == ("set_state", {"stage": "stage3", "state": "frozen"})

    def test_a_refused_change_goes_back_and_says_why(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        root.get_by_role("switch", name="head learns").click()
        bare.answer(ok=False, error="Nothing would learn.")
        root.get_by_role("alert").get_by_text("Nothing would learn.").wait_for()
        assert root.get_by_role("switch", name="head learns").inner_text() == "Trainable"

    def test_the_keyboard_alone_freezes_a_stage(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        root.get_by_role("switch", name="stage2 learns").focus()
        bare.page.keyboard.press("ArrowDown")
        bare.page.keyboard.press("Space")
        assert bare.answer()["args"] == {"stage": "stage3", "state": "frozen"}

    def test_what_was_taken_back_can_be_made_again_by_button_and_keyboard(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state(can_undo=True, can_redo=False))
        assert root.get_by_role("button", name="Redo").is_disabled()
        root.get_by_role("switch", name="stage2 learns").focus()
        bare.page.keyboard.press("Control+y")
        assert [message for message in bare.sent if message["t"] == "cmd"] == []
        for keys, name in (("Control+z", "undo"), ("Control+Shift+Z", "redo"), ("Control+y", "redo")):
            bare.set("can_redo", name == "redo")
            bare.page.keyboard.press(keys)
            assert bare.answer()["name"] == name
        root.get_by_role("button", name="Redo").click()
        assert bare.answer()["name"] == "redo"

    def test_a_stage_opens_to_its_blocks_and_the_line_goes_below_them(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        before = root.locator(".tlw-frost-line").bounding_box()["y"]
        opener = root.get_by_role("button", name="The 2 blocks of stage2")
        opener.press("Enter")
        assert opener.get_attribute("aria-expanded") == "true"
        rows = root.locator(".tlw-block-row")
        assert [row.split("\n")[0] for row in rows.all_inner_texts()] == [
            "layer2.0BasicBlock\t\t",
            "layer2.1BasicBlock\t\t",
        ]
        assert root.locator(".tlw-frost-line").bounding_box()["y"] >= before + 50
        line = root.get_by_role("slider")
        line.press("ArrowDown")
        assert bare.answer()["args"] == {"stage": "stage3"}
        root.get_by_role("button", name="The block of head").click()
        assert root.locator("img").count() == 0
        opener.click()
        assert rows.count() == 1

    def test_the_totals_say_what_a_run_takes_before_and_during_it(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state(costs={"status": "new"}))
        assert root.locator(".tlw-board-costs").is_hidden()
        assert {"t": "ready"} in bare.sent
        bare.set("costs", {"status": "measuring"})
        assert root.get_by_text("measuring …").count() == 3
        bare.set("costs", COSTS)
        words = root.locator(".tlw-board-costs").inner_text()
        assert "about 312 MB" in words
        assert "about 8.1 s" in words
        assert "1,258 images on this machine" in words
        assert "about 3.1 s an epoch after the first" in words
        bare.set("costs", COSTS | {"cached_seconds": None, "cache": HOSTILE})
        assert root.get_by_text(f"off: {HOSTILE}").is_visible()
        bare.set("costs", COSTS | {"status": "run", "seconds": 7.5, "cache": "Prefix cache on: so it is."})
        assert "7.5 s\nmeasured in this run" in root.locator(".tlw-board-costs").inner_text()
        assert root.get_by_text("Prefix cache on: so it is.").is_visible()
        bare.set("costs", {"status": "unknown", "reason": "Too large."})
        assert root.get_by_text("Too large.").is_visible()

    def test_labels_from_a_network_are_text(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        assert root.locator("img").count() == 0
        assert root.get_by_text(HOSTILE, exact=True).is_visible()

    def test_batchnorm_of_a_frozen_stage_is_fixed(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        cells = [row.locator("td").nth(3).inner_text() for row in root.locator("tbody tr").all()]
        assert cells == ["1 · fixed", "4 · fixed", "5 · fixed", "5 · move", "5 · move", "none"]
        bare.set("states", {stage["name"]: "frozen" for stage in STAGES} | {"stage1": "norm"})
        assert root.locator("tbody tr").nth(1).get_by_text("4 · weights").is_visible()

    def test_states_between_frozen_and_trainable_are_named_and_counted(self, bare: Any) -> None:
        states = {stage["name"]: "frozen" for stage in STAGES} | {"stage4": "lora", "head": "norm"}
        root = bare.mount("freeze_board", board_state(states=states))
        assert root.get_by_role("switch", name="stage4 learns").inner_text() == "LoRA"
        assert root.get_by_role("switch", name="head learns").inner_text() == "Norms only"
        assert root.locator(".tlw-board-total").inner_text().startswith("416 of")

    def test_every_state_can_be_chosen_but_where_it_would_let_nothing_learn(self, bare: Any) -> None:
        bare_head = STAGES[5] | {"learning": {"frozen": 0, "norm": 0, "lora": 400, "trainable": 970}}
        root = bare.mount("freeze_board", board_state(stages=[*STAGES[:5], bare_head]))
        root.get_by_label("State of stage2", exact=True).select_option("norm")
        command = bare.answer()
        assert (command["name"], command["args"]) == ("set_state", {"stage": "stage2", "state": "norm"})
        root.get_by_label("State of head").select_option("lora")
        assert bare.answer()["args"] == {"stage": "head", "state": "lora"}
        assert root.get_by_label("State of head").locator("option:disabled").all_inner_texts() == [
            "Norms only (nothing here for it)"
        ]

    def test_dragging_the_line_freezes_until_there(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        line = root.get_by_role("slider", name="Freeze from the input to here")
        assert line.get_attribute("aria-valuetext") == "Everything up to stage2 is frozen"
        grip = root.locator(".tlw-frost-grip").bounding_box()
        row = root.locator("tbody tr").nth(4).bounding_box()
        bare.page.mouse.move(grip["x"] + 12, grip["y"] + 12)
        bare.page.mouse.down()
        bare.page.mouse.move(grip["x"] + 40, row["y"] + row["height"] - 4, steps=8)
        assert root.get_by_role("switch", name="stage4 learns").inner_text() == "Frozen"
        assert [message for message in bare.sent if message["t"] == "cmd"] == []
        bare.page.mouse.up()
        command = bare.answer()
        assert (command["name"], command["args"]) == ("freeze_until", {"stage": "stage4"})

    def test_dragging_beyond_either_end_leaves_the_head_to_learn_or_everything(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        grip = root.locator(".tlw-frost-grip")
        for y, name, args in ((2000, "freeze_until", {"stage": "stage4"}), (-200, "everything", {})):
            box = grip.bounding_box()
            bare.page.mouse.move(box["x"] + 12, box["y"] + 12)
            bare.page.mouse.down()
            bare.page.mouse.move(box["x"] + 12, y, steps=4)
            bare.page.mouse.up()
            command = bare.answer()
            assert (command["name"], command["args"]) == (name, args)

    def test_the_keyboard_alone_moves_the_line(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        line = root.get_by_role("slider")
        line.press("ArrowDown")
        assert bare.answer()["args"] == {"stage": "stage3"}
        bare.set("states", board_state()["states"])
        line.press("ArrowUp")
        assert bare.answer()["args"] == {"stage": "stage1"}
        line.press("Home")
        assert bare.answer()["name"] == "everything"

    def test_a_run_shows_the_rate_and_the_way_of_each_stage(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state(live={}))
        assert root.get_by_role("columnheader", name="Moved").is_hidden()
        bare.set("live", LIVE)
        cells = [row.locator("td:visible").all_inner_texts()[4:6] for row in root.locator("tbody tr").all()]
        assert cells[0] == ["0", "0%"]
        assert cells[3] == ["0.0001", "0.42%"]
        assert cells[4] == ["0.0001", "3.1%"]
        assert cells[5] == ["0.001", "new"]

    def test_a_silent_kernel_is_noticed(self, bare: Any) -> None:
        root = bare.mount("freeze_board", board_state())
        root.get_by_role("button", name="Head only").click()
        root.get_by_role("alert").get_by_text("kernel is busy").wait_for()


class TestDashboard:
    def test_it_says_ready_and_draws_the_snapshot(self, bare: Any) -> None:
        root = show_curves(bare)
        assert bare.sent[0] == {"t": "ready"}
        assert points(root) == 140
        assert root.locator("canvas").count() == 2
        assert "Loss, 140 batches" in str(root.get_by_role("img").first.get_attribute("aria-label"))

    def test_appended_rows_extend_the_curves(self, bare: Any) -> None:
        root = show_curves(bare)
        append(bare, [[141, 0.3, 0.9, 0.001, 200]], seq=2, points=141)
        assert points(root) == 141
        assert [message["t"] for message in bare.sent] == ["ready"]

    def test_a_missing_message_is_asked_for_again(self, bare: Any) -> None:
        root = show_curves(bare)
        append(bare, [[150, 0.3, 0.9, 0.001, 200]], seq=4, points=150)
        assert bare.sent[-1] == {"t": "resync"}
        assert points(root) == 140
        snapshot(bare, *curves(150), seq=5)
        assert points(root) == 150

    def test_the_table_says_what_the_curves_draw(self, bare: Any) -> None:
        root = show_curves(bare)
        root.get_by_text("Show as table").click()
        assert root.locator("tbody tr").count() == 3
        assert root.locator("tbody tr").first.locator("td").first.inner_text() == "1"

    def test_the_table_has_the_columns_of_a_method_and_loses_them_with_the_next_run(self, bare: Any) -> None:
        root = show_curves(bare)
        root.get_by_text("Show as table").click()
        batches, epochs = curves()
        extras = [{"mask_rate": 0.25, "<b>odd": None}, {"mask_rate": 0.5, "<b>odd": 1}, {"mask_rate": 1, "<b>odd": 2}]
        snapshot(bare, batches, epochs, seq=2, extras=extras)
        assert root.locator("thead th").all_inner_texts()[-2:] == ["mask rate", "<b>odd"]
        assert [row.split("\t")[-2:] for row in root.locator("tbody tr").all_inner_texts()] == [
            ["0.250", "–"],
            ["0.500", "1.000"],
            ["1.000", "2.000"],
        ]
        snapshot(bare, batches, epochs, seq=1, run=2)
        assert root.locator("thead th").count() == 7
        assert root.locator("tbody tr").first.locator("td").count() == 7

    def test_what_was_asked_is_shown_until_the_run_has_come_to_it(self, bare: Any) -> None:
        root = show_curves(bare)
        chip, news = root.locator(".tlw-chip"), root.locator(".tlw-hidden-label[role=status]").last
        steps = [("pause", "Pausing", "paused"), ("resume", "Resuming", "running"), ("stop", "Stopping", "stopped")]
        words = {"paused": "Paused", "running": "Training", "stopped": "Stopped"}
        for asked, word, status in steps:
            bare.set("asked", asked)
            assert chip.inner_text() == word
            assert str(news.text_content()).startswith(word)
            bare.set("status", status)
            assert chip.inner_text() == words[status], "the state counts before the asking is taken back"
            bare.set("asked", "")
            assert chip.inner_text() == words[status]

    def test_pause_becomes_resume(self, bare: Any) -> None:
        root = show_curves(bare)
        root.get_by_role("button", name="Pause").click()
        assert bare.answer()["name"] == "pause"
        bare.set("status", "paused")
        root.get_by_role("button", name="Resume").click()
        assert bare.answer()["name"] == "resume"

    def test_a_learning_rate_is_sent_as_a_number_and_nonsense_is_refused(self, bare: Any) -> None:
        root = show_curves(bare)
        field = root.get_by_label("Learning rate", exact=True)
        field.fill("3e-4")
        bare.page.keyboard.press("Enter")
        assert bare.answer()["args"] == {"value": 3e-4}
        field.fill("-1")
        bare.page.keyboard.press("Enter")
        assert root.get_by_role("alert").get_by_text("above 0").is_visible()
        assert [message["t"] for message in bare.sent].count("cmd") == 1

    def test_a_silent_kernel_is_noticed(self, bare: Any) -> None:
        root = show_curves(bare)
        root.get_by_role("button", name="Stop").click()
        root.get_by_text("kernel is busy or was restarted").wait_for()

    def test_what_the_kernel_did_not_hear_is_said_again(self, bare: Any) -> None:
        root = show_curves(bare)
        append(bare, [[150, 0.3, 0.9, 0.001, 200]], seq=4, points=150)
        root.get_by_role("button", name="Pause").click()
        bare.page.wait_for_timeout(2500)
        assert [message["t"] for message in bare.sent].count("resync") > 1
        ids = [message["id"] for message in bare.sent if message["t"] == "cmd"]
        assert len(ids) == 2
        assert len(set(ids)) == 1

    def test_names_and_errors_are_text(self, bare: Any) -> None:
        root = show_curves(bare, status="failed", error_text=HOSTILE)
        assert root.locator("img").count() == 0
        assert root.get_by_role("alert").get_by_text(HOSTILE).is_visible()

    def test_cleanup_lets_go_of_the_model(self, bare: Any) -> None:
        show_curves(bare)
        bare.page.evaluate("cleanup()")
        assert bare.page.evaluate("model.count()") == 0
        assert bare.page.locator("canvas").count() == 0

    def test_a_second_render_replaces_the_first(self, bare: Any) -> None:
        show_curves(bare)
        bare.page.evaluate("render()")
        assert bare.page.locator(".tlw-root").count() == 1


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_widget_looks_right_in_both_themes(bare: Any, screenshot: Any, dark: bool) -> None:
    """Takes pictures to look at, and checks that no text is invisible."""
    mood = "dark" if dark else "light"
    root = bare.mount("freeze_board", board_state(live=LIVE, costs=COSTS, note="In force since epoch 2."), dark=dark)
    root.get_by_role("button", name="The 2 blocks of stage3").click()
    root.locator("tbody tr").nth(2).hover()
    table, frame = root.locator(".tlw-board-table").bounding_box(), root.bounding_box()
    assert table["x"] + table["width"] <= frame["x"] + frame["width"] + 1
    screenshot(bare.page.locator("#widget"), f"board-{mood}")
    root = bare.mount("dashboard", dashboard_state(progress=PROGRESS | {"name": "digits-001"}), dark=dark)
    snapshot(bare, *curves())
    bare.page.wait_for_timeout(200)
    screenshot(bare.page.locator("#widget"), f"dashboard-{mood}")


class TestPredictions:
    METHODS = [
        {"method": name, "alt": f"{name}: at the top, left.", "verdict": "Covering it costs the answer."}
        for name in ("lime", "occlusion", "integrated_gradients")
    ]

    def state(self, **changes: Any) -> dict[str, Any]:
        rows = [
            {
                "sample_id": f"{HOSTILE}/{i}.png", "label": HOSTILE if i == 1 else "cat", "predicted": "dog",
                "confidence": 0.99 - i / 50, "action": ["", "relabel", "exclude"][i % 3],
                "new_label": "dog" if i % 3 == 1 else "",
            }
            for i in range(10)
        ]  # fmt: skip
        return {
            "name": "pets-1", "classes": ["cat", "dog", HOSTILE], "showing": "mistakes", "of_class": "", "page": 0,
            "pages": 3, "total": 58, "rows": rows, "n_changes": 6, "can_undo": True, "can_redo": False,
            "can_apply": True, "applied": False, "explained": {}, **changes,
        }  # fmt: skip

    def mount(self, bare: Any, *, dark: bool = False, **changes: Any) -> Any:
        state = self.state(**changes)
        root = bare.mount("predictions", state, dark=dark)
        ids = [row["sample_id"] for row in state["rows"]]
        bare.receive_files({"t": "pictures", "ids": ids}, *[png(i) for i in range(len(ids))])
        return root

    def test_corrections_are_asked_of_the_kernel(self, bare: Any) -> None:
        root = self.mount(bare)
        card = root.get_by_role("listitem").nth(0)
        card.get_by_role("combobox").select_option("dog")
        assert bare.answer()["args"] == {"sample_id": f"{HOSTILE}/0.png", "label": "dog"}
        card.get_by_role("button", name="Exclude").click()
        assert bare.answer()["name"] == "exclude"
        root.get_by_role("listitem").nth(2).get_by_role("button", name="Keep").click()
        assert (bare.answer()["name"], bare.sent[-1]["args"]) == ("keep", {"sample_id": f"{HOSTILE}/2.png"})
        for word, name in (("Undo", "undo"), ("Apply", "apply"), ("Revert all", "revert"), ("Next", "turn_to")):
            root.get_by_role("button", name=word, exact=True).click()
            assert bare.answer()["name"] == name
        assert root.get_by_role("button", name="Redo").is_disabled()
        assert root.get_by_role("button", name="Previous").is_disabled()

    def test_a_refusal_is_told_and_the_lists_go_back(self, bare: Any) -> None:
        root = self.mount(bare)
        root.get_by_label("Show").select_option("unsure")
        bare.answer(ok=False, error=f"No {HOSTILE}.")
        root.get_by_role("alert").get_by_text(f"No {HOSTILE}.").wait_for()
        assert root.get_by_label("Show").input_value() == "mistakes"

    def test_names_from_data_are_text(self, bare: Any) -> None:
        root = self.mount(bare, explained={"sample_id": HOSTILE, "methods": self.METHODS})
        assert root.locator("img[onerror]").count() == 0
        assert root.locator("img[src='x']").count() == 0
        assert root.get_by_role("listitem").nth(1).get_by_text(HOSTILE).first.is_visible()

    def test_the_keyboard_stays_where_it_was_when_the_kernel_answers(self, bare: Any) -> None:
        root = self.mount(bare)
        button = root.get_by_role("listitem").nth(3).get_by_role("button", name="Why?")
        button.focus()
        bare.page.keyboard.press("Enter")
        assert bare.answer()["name"] == "explain"
        bare.set("rows", self.state()["rows"])
        assert button.evaluate("element => element === document.activeElement")

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_pictures_and_explanations_are_drawn(self, bare: Any, screenshot: Any, dark: bool) -> None:
        root = self.mount(bare, dark=dark)
        bare.set("explained", {"sample_id": "cat/3.png", "methods": self.METHODS})
        bare.receive_files({"t": "explanation", "sample_id": "cat/3.png"}, *[png(i, 48) for i in range(4)])
        loaded = "() => [...document.images].every((i) => i.complete && i.naturalWidth > 0)"
        bare.page.wait_for_function(loaded)
        assert root.locator("img").count() == 14
        assert root.get_by_text("6 changed").is_visible()
        screenshot(bare.page, f"predictions-{'dark' if dark else 'light'}")


class TestRunCompare:
    NAMES = ["digits-1", HOSTILE, "digits-3"]

    def state(self) -> dict[str, Any]:
        found = [
            {
                "run": name, "backbone": "tlw_resnet", "data": "digits", "status": "finished", "epochs": 5,
                "accuracy": 0.9, "date": "2026-11-21 10:00",
            }
            for name in [*self.NAMES, *(f"old-{i}" for i in range(20))]
        ]  # fmt: skip
        curves = [
            {"run": name, "epochs": [1, 2, 3, 4, 5], "values": [0.5 + i / 20, 0.7, 0.8, None, 0.9 - i / 30]}
            for i, name in enumerate(self.NAMES)
        ]
        metrics = [{"metric": "balanced_accuracy", "values": [[0.9, 0.87, 0.93], [0.88, 0.85, 0.91], None]}]
        return {
            "folder": "runs", "found": found, "chosen": self.NAMES, "measure": "val_accuracy", "curves": curves,
            "metrics": metrics, "differences": [{"field": "learning_rate", "values": ["0.01", HOSTILE, ""]}],
            "verdicts": [f"First digits-1, second {HOSTILE}. No difference can be told on these 270 images."],
        }  # fmt: skip

    def test_runs_are_chosen_with_the_keyboard_and_a_refusal_clears_the_box(self, bare: Any) -> None:
        root = bare.mount("run_compare", self.state())
        box = root.get_by_role("checkbox", name="Compare old-0")
        box.focus()
        bare.page.keyboard.press("Space")
        command = bare.answer(ok=False, error="7 runs are too many to tell apart.")
        assert (command["name"], command["args"]) == ("choose", {"run": "old-0", "chosen": True})
        root.get_by_role("alert").get_by_text("too many").wait_for()
        assert not root.get_by_role("checkbox", name="Compare old-0").is_checked()
        assert root.get_by_role("checkbox", name="Compare digits-1").is_checked()
        root.get_by_label("Curve").select_option("val_loss")
        assert bare.answer()["args"] == {"measure": "val_loss"}

    def test_curves_are_told_in_words_and_gaps_are_left_out(self, bare: Any) -> None:
        root = bare.mount("run_compare", self.state())
        picture = root.get_by_role("img").first
        assert "digits-1 ends at 90%" in picture.get_attribute("aria-label")
        assert picture.locator("circle").count() == 4
        assert len(set(picture.locator("polyline").evaluate_all("all => all.map(l => getComputedStyle(l).color)"))) == 3
        dashes = picture.locator("polyline").evaluate_all("all => all.map(l => getComputedStyle(l).strokeDasharray)")
        assert len(set(dashes)) == 3

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_names_from_data_are_text_in_both_themes(self, bare: Any, screenshot: Any, dark: bool) -> None:
        root = bare.mount("run_compare", self.state(), dark=dark)
        assert root.locator("img").count() == 0
        assert root.get_by_text(HOSTILE).count() >= 4
        screenshot(bare.page, f"run-compare-{'dark' if dark else 'light'}")


class TestTeach:
    def mount(self, bare: Any, *, dark: bool = False, **changes: Any) -> Any:
        state = {"classes": ["cat", HOSTILE], "counts": [2, 1], "answer": [0.8, 0.2], "note": "Learned.", **changes}
        root = bare.mount("teach", state, dark=dark)
        content = {"t": "examples", "numbers": [0, 1, 2], "labels": ["cat", "cat", HOSTILE]}
        bare.receive_files(content, png(0), png(1), png(2))
        return root

    def draw(self, bare: Any, root: Any) -> None:
        box = root.locator("canvas").bounding_box()
        bare.page.mouse.move(box["x"] + 40, box["y"] + 40)
        bare.page.mouse.down()
        bare.page.mouse.move(box["x"] + 180, box["y"] + 120, steps=5)
        bare.page.mouse.up()

    def last_look(self, bare: Any) -> str:
        """Answers every question about what is drawn, until there are no more; the picture of the last."""
        bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'look')")
        looks: list[dict[str, Any]] = []
        while len(found := {m["id"]: m for m in bare.sent if m.get("name") == "look"}) > len(looks):
            looks = list(found.values())
            bare.answer()
            bare.page.wait_for_timeout(1000)  # four times as long as the page waits between two questions
        return str(looks[-1]["args"]["picture"])

    def test_what_is_drawn_is_looked_at_and_given_to_a_class(self, bare: Any) -> None:
        root = self.mount(bare)
        self.draw(bare, root)
        drawn = self.last_look(bare)
        root.get_by_role("button", name="Add to cat").click()
        command = bare.answer()
        assert (command["name"], command["args"]["label"]) == ("add", "cat")
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(command["args"]["picture"]))).convert("L"))
        assert pixels.shape == (96, 96)
        assert 0.02 < (pixels < 128).mean() < 0.3
        assert drawn == command["args"]["picture"]
        root.get_by_role("button", name=f"Add to {HOSTILE}").click()
        cleared = np.asarray(Image.open(io.BytesIO(base64.b64decode(bare.answer()["args"]["picture"]))).convert("L"))
        assert cleared.min() == 255

    def test_a_file_is_uploaded_to_the_chosen_class(self, bare: Any) -> None:
        root = self.mount(bare)
        root.get_by_label("Enter and Upload add to").select_option(HOSTILE)
        file = {"name": "a.png", "mimeType": "image/png", "buffer": png(5)}
        root.locator("input[type=file]").set_input_files(file)
        bare.page.wait_for_function("() => model.sent.some((m) => m.name === 'add')")
        command = bare.answer()
        assert command["args"]["label"] == HOSTILE
        came, given = (
            Image.open(io.BytesIO(file)).convert("RGB")
            for file in (base64.b64decode(command["args"]["picture"]), png(5))
        )
        assert np.array_equal(np.asarray(came), np.asarray(given))

    def test_classes_are_named_and_examples_taken_away_by_keyboard(self, bare: Any) -> None:
        root = self.mount(bare)
        name = root.get_by_label("Name of cat", exact=True)
        name.fill("dog")
        name.press("Tab")
        assert bare.answer()["args"] == {"name": "cat", "new": "dog"}
        root.get_by_role("button", name="Remove example 2 of cat").press("Enter")
        assert bare.answer()["args"] == {"number": 1}
        root.get_by_label("Name of a new class").fill("bird")
        bare.page.keyboard.press("Enter")
        assert bare.answer()["args"] == {"name": "bird"}

    @pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
    def test_the_answer_is_told_and_names_are_text(self, bare: Any, screenshot: Any, dark: bool) -> None:
        root = self.mount(bare, dark=dark)
        self.draw(bare, root)
        assert root.get_by_role("status").get_by_text("cat, 80%").is_visible()
        assert root.locator("img").count() == 3
        assert root.locator("img[onerror]").count() == 0
        bare.set("answer", [])
        assert root.get_by_text("Draw something").is_visible()
        bare.set("answer", [0.3, 0.7])
        screenshot(bare.page, f"teach-{'dark' if dark else 'light'}")


def png(seed: int, side: int = 16) -> bytes:
    """A picture of noise, as a file."""
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()
