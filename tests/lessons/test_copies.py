"""Copies of the lessons: made once, never written over, kept at a reset."""

import pytest

from tlwidgets import lessons
from tlwidgets.errors import TlwError
from tlwidgets.lessons import catalogue, copies, course_folder, open_lesson, read_progress, reset_lesson


def test_a_lesson_is_copied_once_and_then_only_opened(own_folder):
    copy = open_lesson("1", own_folder)
    copy.write_text("my work")
    assert open_lesson("1", own_folder) == copy
    assert copy.read_text() == "my work"


def test_opening_notes_that_the_lesson_was_begun(own_folder):
    open_lesson("1", own_folder)
    assert list(read_progress(own_folder).lessons) == ["01_what_transfers"]


def test_a_reset_keeps_the_old_copy_and_what_was_passed(own_folder):
    copy = open_lesson("1", own_folder)
    copy.write_text("my work")
    before = read_progress(own_folder)
    fresh, backup = reset_lesson("1", own_folder)
    assert fresh == copy
    assert fresh.read_text() != "my work"
    assert backup.read_text() == "my work"
    assert backup.name.startswith("01_what_transfers.backup-20")
    assert read_progress(own_folder) == before


def test_two_resets_in_one_second_keep_both_copies(own_folder):
    for work in ("first", "second"):
        open_lesson("1", own_folder).write_text(work)
        reset_lesson("1", own_folder)
    kept = {path.read_text() for path in own_folder.glob("*.backup-*.ipynb")}
    assert kept == {"first", "second"}


def test_a_reset_without_a_copy_makes_one(own_folder):
    copy, backup = reset_lesson("1", own_folder)
    assert copy.is_file()
    assert backup is None


def test_a_folder_with_the_lessons_name_is_passed_by_and_the_copy_found_again(own_folder):
    (own_folder / "01_what_transfers.ipynb").mkdir()
    copy = open_lesson("1", own_folder)
    assert copy.name == "01_what_transfers-2.ipynb"
    copy.write_text("my work")
    assert open_lesson("1", own_folder).read_text() == "my work"


@pytest.mark.parametrize("change", [open_lesson, reset_lesson])
def test_a_lesson_whose_original_is_gone_is_told_and_nothing_is_lost(own_folder, monkeypatch, change):
    missing = catalogue.Lesson("01_what_transfers", "01 · Gone", own_folder / "original" / "01.ipynb")
    monkeypatch.setattr(copies, "find_lesson", lambda name: missing)
    if change is reset_lesson:
        (own_folder / "01_what_transfers.ipynb").write_text("my work")
    with pytest.raises(TlwError, match="is missing"):
        change("1", own_folder)
    if change is reset_lesson:
        assert [path.name for path in own_folder.iterdir()] == ["01_what_transfers.ipynb"]
        assert (own_folder / "01_what_transfers.ipynb").read_text() == "my work"


@pytest.mark.parametrize("change", [open_lesson, reset_lesson])
def test_a_folder_that_cannot_be_written_is_told(own_folder, monkeypatch, change):
    def refuse(*_args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(copies.shutil, "copyfile", refuse)  # not chmod: root may write everywhere
    with pytest.raises(TlwError, match=r"Cannot write .*Permission denied"):
        change("1", own_folder)
    assert list(own_folder.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_told(own_folder):
    (own_folder / "taken").write_text("")
    with pytest.raises(TlwError, match="Cannot write"):
        open_lesson("1", own_folder / "taken")


def test_the_course_is_where_its_progress_file_is(own_folder):
    below = own_folder / "transfer-learning"
    below.mkdir()
    assert course_folder(own_folder) == own_folder
    (below / lessons.FILE).write_text("")
    assert course_folder(own_folder) == below
    (own_folder / lessons.FILE).write_text("")
    assert course_folder(own_folder) == own_folder
