from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tlwidgets.backbones import Entry
from tlwidgets.errors import BackboneError
from tlwidgets.widgets import BackbonePicker


def entry(name: str, parameters: int | None = None, *, offline: bool = False) -> Entry:
    return Entry(
        name=name, family=name.partition(".")[0], parameters=parameters, input_size=224, offline=offline,
        source="timm", licence="", pretrained_on="",
    )  # fmt: skip


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
