from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tlwidgets.backbones import Entry
from tlwidgets.backbones.sizes import read_sizes
from tlwidgets.errors import BackboneError, DataError
from tlwidgets.training.pace import Pace
from tlwidgets.widgets import BackbonePicker, picker_costs
from tlwidgets.widgets.suitability import Suitability


def entry(name: str, parameters: int | None = None, *, offline: bool = False, **more: Any) -> Entry:
    known: dict[str, Any] = {"input_size": 224, "licence": "", "source": "timm"} | more
    return Entry(
        name=name, family=name.partition(".")[0], parameters=parameters, offline=offline, pretrained_on="", **known
    )


@pytest.fixture
def picker() -> BackbonePicker:
    entries = (
        entry("small.a", 1_000, offline=True),
        entry("small.b", 2_000),
        entry("large.a", 9_000_000),
        entry("unknown.a"),
    )
    return BackbonePicker("small.a", entries=entries)


def test_every_backbone_that_can_be_loaded_is_listed() -> None:
    picker = BackbonePicker()
    assert picker.value == "tlw_resnet"
    assert picker.chosen["offline"]
    assert len(picker.matches) > 1000


def test_search_takes_words_in_any_order(picker: BackbonePicker) -> None:
    picker.search = "B small"
    assert picker.matches == ["small.b"]


def test_the_size_filter_leaves_unknown_sizes_out(picker: BackbonePicker) -> None:
    picker.max_parameters = 5_000
    assert picker.matches == ["small.a", "small.b"]


def test_offline_only_keeps_what_is_on_this_machine(picker: BackbonePicker) -> None:
    picker.offline_only = True
    assert picker.matches == ["small.a"]


def test_an_unknown_name_is_refused_and_the_nearest_are_offered(picker: BackbonePicker) -> None:
    with pytest.raises(BackboneError, match=r"small\.a"):
        picker.value = "smal.a"
    assert picker.value == "small.a"


def test_folders_and_names_without_a_tag_are_taken(picker: BackbonePicker) -> None:
    picker.value = "large"
    picker.value = "local-dir:/some/where"
    assert picker.chosen == {}


def test_the_page_asks_for_the_catalogue(picker: BackbonePicker, receive: Callable[..., None]) -> None:
    receive(picker, {"t": "ready"})
    (message,) = picker.comm.custom("catalogue")
    assert [row["name"] for row in message.content["entries"]] == ["small.a", "small.b", "large.a", "unknown.a"]


def test_the_page_chooses(picker: BackbonePicker, command: Callable[..., dict[str, Any]]) -> None:
    assert command(picker, "choose", name="large.a")["ok"]
    assert picker.chosen["parameters"] == 9_000_000
    refused = command(picker, "choose", name="<img src=x onerror=alert(1)>")
    assert not refused["ok"]
    assert picker.value == "large.a"


@pytest.mark.parametrize(
    ("trait", "value", "names"),
    [
        ("max_macs", 50, ["a"]),
        ("max_memory", 500, ["a"]),
        ("input_size", 32, ["b"]),
        ("family", "vit", ["b", "c"]),
        ("licence", "mit", ["a"]),
        ("pretrained_on", "ImageNet-21k", ["a", "c"]),
    ],
)
def test_each_filter_keeps_what_is_known_to_fit(trait: str, value: Any, names: list[str]) -> None:
    both = ("ImageNet-21k", "ImageNet-1k")
    entries = (
        entry("a", macs=40, step_bytes=400, group="resnet", licence="mit", datasets=both),
        entry("b", macs=60, step_bytes=600, group="vit", input_size=32, datasets=("ImageNet-1k",)),
        entry("c", group="vit", datasets=("ImageNet-21k",)),
    )
    picker = BackbonePicker("a", entries=entries)
    setattr(picker, trait, value)
    assert picker.matches == names


@pytest.fixture
def ranker(tiny: str, stripes: tuple[np.ndarray, np.ndarray]) -> BackbonePicker:
    here = (entry(tiny, offline=True), entry("tlw_resnet", offline=True), entry("resnet18.a1_in1k"))
    return BackbonePicker("tlw_resnet", entries=here, data=stripes)


def test_backbones_are_ranked_on_the_data_and_the_page_is_told_after_each_look(
    ranker: BackbonePicker, tiny: str, command: Callable[..., dict[str, Any]]
) -> None:
    told: list[dict[str, Any]] = []
    ranker.observe(lambda change: told.append(change["new"]), "ranking")
    assert command(ranker, "rank")["ok"]
    ranking = ranker.wait(60)
    assert ranking is not None
    assert [len(state["rows"]) for state in told] == [0, 1, 2, 2]
    assert [state["status"] for state in told] == ["running"] * 3 + ["finished"]
    state = ranker.ranking
    assert (state["share"], [row["name"] for row in state["rows"]]) == (1, ranking.names)
    assert set(ranking.names) == {tiny, "tlw_resnet"}
    for row in state["rows"]:
        assert all(figures["low"] < figures["value"] < figures["high"] for figures in row["scores"].values())
    best = state["rows"][0]["scores"]["logme"]
    assert best["value"] > best["null_high"]
    assert "logme" in state["sentence"]


def test_another_order_needs_no_second_look(ranker: BackbonePicker) -> None:
    ranker.rank()
    ranker.wait(60)
    ranker.order_by("leep")
    values = [row["scores"]["leep"]["value"] for row in ranker.ranking["rows"]]
    assert values == sorted(values, reverse=True)
    assert ranker.ranked is not None
    assert ranker.ranked.by == "leep"
    with pytest.raises(DataError, match="logme"):
        ranker.order_by("charm")


def test_a_backbone_without_the_sources_head_has_no_leep(
    ranker: BackbonePicker, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tlwidgets.backbones as backbones

    load = backbones.load_backbone
    monkeypatch.setattr(backbones, "load_backbone", lambda name: load(name, num_classes=0))
    ranker.rank(["tlw_resnet"])
    ranker.wait(60)
    assert ranker.ranking["rows"][0]["scores"]["leep"] is None
    with pytest.raises(DataError, match="head of the source"):
        ranker.order_by("leep")
    assert ranker.ranking["by"] == "logme"


def test_what_cannot_be_loaded_is_named_and_the_others_are_ranked(ranker: BackbonePicker) -> None:
    ranker.rank(["tlw_resnet", "local-dir:/no/such/folder"])
    ranker.wait(60)
    (missing,) = ranker.ranking["left_out"]
    assert (missing["name"], ranker.ranking["status"]) == ("local-dir:/no/such/folder", "finished")
    assert "no config.json" in missing["reason"]


def test_a_cancelled_ranking_keeps_what_it_knows_and_another_can_start(ranker: BackbonePicker) -> None:
    seen: list[str] = []

    def cancel_at_the_first_row(change: Any) -> None:
        if change["new"]["rows"] and not seen:
            seen.append(change["new"]["rows"][0]["name"])
            ranker.cancel_ranking()

    ranker.observe(cancel_at_the_first_row, "ranking")
    ranker.rank()
    ranker.wait(60)
    assert ranker.ranking["status"] == "cancelled"
    assert [row["name"] for row in ranker.ranking["rows"]] == seen
    ranker.rank()
    with pytest.raises(DataError, match="going on"):
        ranker.rank()
    ranker.wait(60)
    assert ranker.ranking["status"] == "finished"


def test_why_there_is_no_ranking_is_told_in_words(
    ranker: BackbonePicker, picker: BackbonePicker, command: Callable[..., dict[str, Any]]
) -> None:
    assert "Studio" in command(picker, "rank")["error"]
    assert not picker.can_rank
    ranker.search = "resnet18"
    assert "on this machine" in command(ranker, "rank")["error"]


def test_an_error_in_the_middle_of_a_ranking_is_shown(tiny: str, stripes: tuple[np.ndarray, np.ndarray]) -> None:
    few = BackbonePicker(tiny, entries=(entry(tiny, offline=True),), data=(stripes[0][:12], stripes[1][:12]))
    few.rank()
    few.wait(60)
    assert few.ranking["status"] == "failed"
    assert "too few" in few.error_text


@pytest.fixture
def known_pace(monkeypatch: pytest.MonkeyPatch) -> Pace:
    pace = Pace(1e-9, 1e-9)
    monkeypatch.setattr(picker_costs, "machine_pace", lambda: pace)
    return pace


def test_what_the_chosen_backbone_takes_is_measured_on_the_data(
    stripes: tuple[np.ndarray, np.ndarray], known_pace: Pace
) -> None:
    picker = BackbonePicker("tlw_resnet", data=stripes)
    assert (picker.pace, picker.cost, picker.images) == ({}, {}, picker.data.splits["train"])
    cost = picker.measure(60)
    assert picker.pace == {"mac": 1e-9, "byte": 1e-9}
    assert (cost["name"], cost["measured"]) == ("tlw_resnet", True)
    assert cost["step_bytes"] == pytest.approx(picker.chosen["step_bytes"], rel=0.1)
    picker.value = "tlw_vit"
    assert picker.cost.get("name") != "tlw_resnet"
    assert picker.measure(60)["name"] == "tlw_vit"


def test_beside_a_run_costs_are_told_without_trying(stripes: tuple[np.ndarray, np.ndarray], known_pace: Pace) -> None:
    picker = BackbonePicker("tlw_resnet", data=stripes)
    picker.idle = lambda: False
    cost = picker.measure(60)
    assert not cost["measured"]
    assert cost["seconds"] == pytest.approx(known_pace.seconds(read_sizes()["tlw_resnet"]))


def test_nothing_is_measured_before_somebody_looks_nor_without_images(
    stripes: tuple[np.ndarray, np.ndarray], known_pace: Pace, receive: Callable[..., None]
) -> None:
    bare, shown = BackbonePicker("tlw_resnet"), BackbonePicker("tlw_resnet", data=stripes)
    receive(bare, {"t": "ready"})
    assert bare.measure(5) == bare.pace == {}
    assert shown.pace == {}
    receive(shown, {"t": "ready"})
    shown._costs.wait(60)
    assert shown.cost["measured"]
    rows = shown.comm.custom("catalogue")[-1].content["entries"]
    [row] = [row for row in rows if row["name"] == "tlw_resnet"]
    assert row["kept_bytes"] == read_sizes()["tlw_resnet"].kept_bytes


def test_a_backbone_that_cannot_be_tried_is_told_about(
    stripes: tuple[np.ndarray, np.ndarray], known_pace: Pace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(name: str) -> None:
        raise BackboneError(f"{name} is too large.", "Wait.")

    monkeypatch.setattr(picker_costs, "everything_learns", too_large)
    cost = BackbonePicker("tlw_vit", data=stripes).measure(60)
    assert (cost["name"], cost["measured"]) == ("tlw_vit", False)


def test_a_cancelled_ranking_leaves_nothing_out_of_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    ranking = Suitability(lambda state, error: told.append(state))

    def load(name: str) -> None:
        ranking._turn += 1  # cancelled, and another one started, while this one was being loaded
        raise BackboneError("It cannot be loaded.")

    monkeypatch.setattr("tlwidgets.backbones.load_backbone", load)
    with pytest.raises(DataError):
        ranking._load(ranking._turn, ["slow"])
    assert ranking.state["left_out"] == []
