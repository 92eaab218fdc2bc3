"""Teach: a classifier from a few examples, taught again after each change, and every change can be taken back."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tlwidgets as tlw
from tlwidgets.errors import DataError
from tlwidgets.widgets import Teach


def digit(label: int, place: int) -> np.ndarray:
    """One drawn digit."""
    data = tlw.load_data("digits")
    return data.image(int(np.flatnonzero(data.labels == label)[place]))


def encoded(image: np.ndarray, kind: str = "PNG") -> str:
    """A picture as the page sends it."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def teach() -> Teach:
    return Teach(("zero", "one"))


@pytest.fixture
def taught(teach: Teach) -> Teach:
    for place in range(3):
        teach.add("zero", digit(0, place))
        teach.add("one", digit(1, place))
    return teach


def test_a_few_examples_are_enough(taught: Teach) -> None:
    hits = [max(found := taught.look(digit(label, place)), key=found.get) for label in (0, 1) for place in range(5, 15)]
    assert sum(hit == name for hit, name in zip(hits, ["zero"] * 10 + ["one"] * 10, strict=True)) >= 17
    assert sum(taught.answer) == pytest.approx(1, abs=1e-5)
    assert taught.counts == [3, 3]


def test_nothing_is_answered_before_two_classes_have_an_example(teach: Teach) -> None:
    teach.add("zero", digit(0, 0))
    assert teach.look(digit(1, 0)) == {}
    assert "at least one example" in teach.note
    teach.add("one", digit(1, 1))
    assert len(teach.answer) == 2  # the picture that was looked at before is judged anew


def test_the_page_teaches(teach: Teach, command: Callable[..., dict[str, Any]], receive: Callable[..., None]) -> None:
    assert command(teach, "add", label="zero", picture=encoded(digit(0, 0)))["ok"]
    assert command(teach, "add", label="one", picture=encoded(np.full((300, 200, 3), 90, np.uint8), "JPEG"))["ok"]
    assert command(teach, "look", picture=encoded(digit(0, 1)))["ok"]
    assert len(teach.answer) == 2
    assert teach.examples[1].image.shape == (96, 64, 3)
    message = teach.comm.custom("examples")[-1]
    assert message.content["labels"] == ["zero", "one"]
    assert all(picture.startswith(b"\x89PNG") for picture in message.buffers)
    command(teach, "remove", number=message.content["numbers"][0])
    assert teach.counts == [0, 1]
    receive(teach, {"t": "ready"})
    assert teach.comm.custom("examples")[-1].content["labels"] == ["one"]


def test_classes_come_go_and_get_names(taught: Teach, command: Callable[..., dict[str, Any]]) -> None:
    assert command(taught, "add_class", name=" <b>two</b> ")["ok"]
    assert taught.classes[-1] == "<b>two</b>"
    command(taught, "rename_class", name="one", new="eins")
    assert taught.classes == ["zero", "eins", "<b>two</b>"]
    assert {example.label for example in taught.examples} == {"zero", "eins"}
    command(taught, "remove_class", name="eins")
    assert taught.counts == [3, 0]
    for _ in range(3):
        command(taught, "undo")
    assert (taught.classes, taught.counts) == (["zero", "one"], [3, 3])


def test_bad_input_is_refused_and_nothing_is_lost(taught: Teach, command: Callable[..., dict[str, Any]]) -> None:
    for name, args, said in (
        ("add", {"label": "two", "picture": encoded(digit(0, 0))}, "no class 'two'"),
        ("add", {"label": "one", "picture": "bm90IGEgcGljdHVyZQ=="}, "no picture"),
        ("add", {"label": "one", "picture": "%%%"}, "no picture"),
        ("look", {"picture": "A" * 9_000_000}, "too big: more than 6 MB"),
        ("add_class", {"name": "  "}, "cannot be called"),
        ("rename_class", {"name": "one", "new": "zero"}, "cannot be called"),
        ("remove_class", {"name": "nine"}, "no class 'nine'"),
    ):
        answer = command(taught, name, **args)
        assert not answer["ok"]
        assert said in answer["error"]
    assert taught.counts == [3, 3]


def test_there_is_an_end(taught: Teach, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlwidgets.widgets.teach.MOST", 6)
    with pytest.raises(DataError, match="enough"):
        taught.add("one", digit(1, 9))


def test_the_examples_are_data_for_the_studio(taught: Teach) -> None:
    taught.add("one", np.zeros((30, 60, 3), np.uint8))
    data = taught.data
    assert (len(data), set(data.classes)) == (7, {"zero", "one"})
    assert {data.image(i).shape for i in range(7)} == {(60, 60, 3)}
    studio = taught.studio()
    assert studio.data.classes == data.classes
    with pytest.raises(DataError):
        _ = Teach().data


def test_what_is_not_there_is_not_taken_away_and_leaves_nothing_to_undo(taught: Teach) -> None:
    taught.remove(taught.examples[-1].number)
    with pytest.raises(DataError, match="There is no example 12345"):
        taught.remove(12345)
    taught.undo()
    assert taught.counts == [3, 3]


def test_a_picture_may_be_a_file_and_what_is_none_changes_nothing(taught: Teach, tmp_path: Path) -> None:
    Image.fromarray(digit(1, 7)).save(tmp_path / "one.png")
    taught.add("one", tmp_path / "one.png")
    assert taught.look(str(tmp_path / "one.png")) == taught.look(digit(1, 7))
    for given in (np.zeros((0, 4, 3), np.uint8), "nowhere.png", 3):
        with pytest.raises(DataError):
            taught.add("one", given)
        with pytest.raises(DataError):
            taught.look(given)
    assert taught.counts == [3, 4]
    taught.undo()
    assert taught.counts == [3, 3]
