"""The course map from Python alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tlwidgets as tlw
from tlwidgets.errors import TlwError
from tlwidgets.lessons import FILE, start_course


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_how_far_one_has_come(own_folder: Path) -> None:
    start_course(own_folder, "01_what_transfers")
    course = tlw.course()
    assert course.standings["01_what_transfers"].word == "started"
    assert course.next == "01_what_transfers"
    assert repr(course).startswith("CourseMap(0 of ")


def test_a_lesson_is_opened_by_its_number_and_noted_as_begun(own_folder: Path) -> None:
    course = tlw.course()
    copy = course.open_lesson("1")
    assert copy == own_folder / "01_what_transfers.ipynb"
    assert course.progress["01_what_transfers"]["started"]
    assert str(copy) in course.note


def test_the_page_opens_and_resets_lessons(own_folder: Path, command: Callable[..., dict[str, Any]]) -> None:
    course = tlw.course()
    assert command(course, "open", lesson="01_what_transfers")["ok"]
    (own_folder / "01_what_transfers.ipynb").write_text("my work")
    assert command(course, "reset", lesson="01_what_transfers")["ok"]
    (backup,) = own_folder.glob("*.backup-*")
    assert backup.read_text() == "my work"
    refused = command(course, "open", lesson="99")
    assert not refused["ok"]
    assert "There is no lesson '99'" in course.error_text


def test_a_page_that_looks_hears_of_progress_made_elsewhere(own_folder: Path, receive: Callable[..., None]) -> None:
    course = tlw.course()
    start_course(own_folder, "06_small_data")
    receive(course, {"t": "look"})
    assert list(course.progress) == ["06_small_data"]
    assert [message.content["t"] for message in course.comm.custom()] == ["looked"]


def test_a_damaged_file_is_told_and_left(own_folder: Path) -> None:
    (own_folder / FILE).write_text("{")
    course = tlw.course()
    assert (course.problem, course.progress) == ("damaged", {})
    assert (own_folder / FILE).read_text() == "{"


def test_another_folder_can_be_named(own_folder: Path) -> None:
    start_course(own_folder, "01_what_transfers")
    assert tlw.course(own_folder).next == "01_what_transfers"
    (own_folder / "other").mkdir()
    assert tlw.course(own_folder / "other").progress == {}
    with pytest.raises(TlwError, match="Cannot write"):
        tlw.course(own_folder / "absent").open_lesson("1")
