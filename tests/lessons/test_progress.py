"""The progress file: what the lessons' own calls write, and that nothing in it is ever lost."""

import json
import multiprocessing
import os

import pytest

from tlwidgets.errors import TlwError
from tlwidgets.exercises import check, predict, quiz
from tlwidgets.lessons import FILE, progress, read_progress, start_course

LESSON = "01_what_transfers"


def right(leads):
    """The answer of the exercise "wt-vanish"."""
    return next((labels for labels, lead in leads.items() if lead < 0.08), None)


def wrong(leads):
    """A wrong one: where the lead is smallest in the end, not where it is first gone."""
    return max(leads)


@pytest.fixture
def begun(own_folder):
    start_course(own_folder, LESSON)
    return own_folder


def content(folder):
    return json.loads((folder / FILE).read_text("utf-8"))


def test_a_passed_check_a_quiz_and_a_prediction_are_kept(begun):
    check("wt-vanish", where_gone=wrong)
    check("wt-vanish", where_gone=right)
    quiz("wt-q1", "a")
    predict("wt-p1", "b", confidence=0.7)
    entry = read_progress(begun).lessons[LESSON]
    assert entry["checks"]["wt-vanish"]["tries"] == 2
    assert entry["checks"]["wt-vanish"]["passed"].startswith("20")
    assert entry["quiz"]["wt-q1"]["tries"] == 1
    assert entry["predictions"]["wt-p1"] == {"tries": 1, "choice": "b", "confidence": 0.7}


def test_what_was_passed_stays_passed_with_its_first_date(begun, monkeypatch):
    check("wt-vanish", where_gone=right)
    first = read_progress(begun).lessons[LESSON]["checks"]["wt-vanish"]["passed"]
    monkeypatch.setattr(progress, "now", lambda: "2099-01-01T00:00:00+00:00")
    check("wt-vanish", where_gone=right)
    check("wt-vanish", where_gone=wrong)
    assert read_progress(begun).lessons[LESSON]["checks"]["wt-vanish"] == {"tries": 3, "passed": first}


def test_a_stub_is_not_a_try(begun):
    check("wt-vanish", where_gone=...)
    check("wt-fair", fair_pair=lambda *_: ...)
    quiz("wt-q1", ...)
    predict("wt-p1", ..., confidence=...)
    assert list(read_progress(begun).lessons[LESSON]) == ["started"]


def test_who_never_began_a_course_finds_no_file(own_folder):
    check("wt-vanish", where_gone=right)
    assert list(own_folder.iterdir()) == []


@pytest.mark.parametrize("name", ["TLW_STRICT", "NBGRADER_EXECUTION"])
def test_a_grader_leaves_the_learners_progress_alone(begun, monkeypatch, name):
    before = content(begun)
    monkeypatch.setenv(name, "1")
    check("wt-vanish", where_gone=right)
    assert content(begun) == before


def test_what_others_wrote_into_the_file_is_kept(begun):
    said = content(begun)
    said["teacher"] = "well done"
    said["lessons"][LESSON]["remark"] = {"ä": 1}
    (begun / FILE).write_text(json.dumps(said), "utf-8")
    check("wt-vanish", where_gone=right)
    assert content(begun)["teacher"] == "well done"
    assert content(begun)["lessons"][LESSON]["remark"] == {"ä": 1}


DAMAGED = [
    b"", b"{", b"\xff\xfe", b"null", b"[]", b'"text"', b'{"version": 1}', b'{"format": "tlwidgets progress"}',
    b'{"format": "tlwidgets progress", "version": "1", "lessons": {}}',
    b'{"format": "tlwidgets progress", "version": 1, "lessons": []}',
    b'{"format": "tlwidgets progress", "version": 1, "lessons": {"01": 3}}',
    b'{"format": "tlwidgets progress", "version": 1, "lessons": {"01": {"checks": []}}}',
    b'{"format": "tlwidgets progress", "version": 1, "lessons": {"01": {"quiz": {"a": null}}}}',
    b"[" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_kept_under_another_name(own_folder, damage):
    (own_folder / FILE).write_bytes(damage)
    assert read_progress(own_folder).problem == "damaged"
    assert (own_folder / FILE).read_bytes() == damage  # looking changes nothing
    assert check("wt-vanish", where_gone=right).passed
    (kept,) = own_folder.glob("*.damaged-*.json")
    assert kept.read_bytes() == damage
    assert read_progress(own_folder).lessons[LESSON]["checks"]["wt-vanish"]["passed"]


def test_the_file_of_a_newer_version_is_kept_under_another_name(own_folder):
    newer = json.dumps({"format": "tlwidgets progress", "version": 2, "lessons": {"01": {"checks": "all new"}}})
    (own_folder / FILE).write_text(newer)
    assert read_progress(own_folder).problem == "newer"
    start_course(own_folder, LESSON)
    (kept,) = own_folder.glob("*.newer-*.json")
    assert kept.read_text() == newer
    assert read_progress(own_folder).problem == ""


def test_a_second_damaged_file_in_the_same_second_replaces_none(own_folder):
    for damage in ("one", "two"):
        (own_folder / FILE).write_text(damage)
        start_course(own_folder)
    assert {path.read_text() for path in own_folder.glob("*.damaged-*.json")} == {"one", "two"}


def test_a_folder_in_the_files_place_stops_no_lesson(own_folder):
    (own_folder / FILE).mkdir()
    start_course(own_folder, LESSON)
    assert check("wt-vanish", where_gone=right).passed
    with pytest.raises(TlwError, match="Cannot read"):
        read_progress(own_folder)


def test_a_disk_that_refuses_stops_no_lesson_and_leaves_the_file_whole(begun, monkeypatch):
    before = content(begun)

    def full(self, *_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress.Path, "write_text", full)
    assert check("wt-vanish", where_gone=right).passed
    monkeypatch.undo()
    assert content(begun) == before
    assert [path.name for path in begun.iterdir()] == [FILE]


def test_a_lock_that_a_killed_kernel_left_is_taken_over(begun):
    lock = begun / f".{FILE}.lock"
    lock.touch()
    os.utime(lock, (0, 0))
    check("wt-vanish", where_gone=right)
    assert "wt-vanish" in read_progress(begun).lessons[LESSON]["checks"]
    assert not lock.exists()


def many(folder, name):
    os.chdir(folder)
    for number in range(20):
        progress.note(LESSON, "checks", f"{name}-{number}", passed=True)


def test_kernels_that_write_at_the_same_time_lose_nothing(begun):
    context = multiprocessing.get_context("fork")
    kernels = [context.Process(target=many, args=(begun, name)) for name in ("a", "b", "c")]
    for kernel in kernels:
        kernel.start()
    for kernel in kernels:
        kernel.join(60)
    assert len(read_progress(begun).lessons[LESSON]["checks"]) == 60
