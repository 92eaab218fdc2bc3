"""Corrections are a list: applied to the data without touching a file, taken back, damaged, written in full or not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tlwidgets import Recipe, load_data
from tlwidgets.data import Changes, ImageData, read_changes, remove_changes
from tlwidgets.data.changes import FILE
from tlwidgets.errors import DataError, RecipeError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (40, 40, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


def names(data: ImageData) -> dict[str, tuple[str, str]]:
    return {data.sample_id(i): (data.classes[data.labels[i]], str(data.split[i])) for i in range(len(data))}


def test_a_list_changes_labels_and_leaves_out_and_the_rest_stays(folder: Path) -> None:
    data = load_data(folder)
    before = names(data)
    changes = Changes(data.classes)
    changes.relabel("cat/3.png", "dog", was="cat")
    changes.exclude("dog/5.png", was="dog")
    after = names(changes.apply_to(data))
    assert names(data) == before
    assert after.pop("cat/3.png") == ("dog", before["cat/3.png"][1])
    assert after == {name: value for name, value in before.items() if name not in {"cat/3.png", "dog/5.png"}}
    changed = changes.apply_to(data)
    for index in range(len(changed)):
        name = changed.sample_id(index)
        assert np.array_equal(changed.image(index), np.asarray(Image.open(folder / name)))


def test_steps_are_taken_back_and_done_again() -> None:
    changes = Changes(("a", "b"))
    changes.relabel("1", "b", was="a")
    changes.exclude("1", was="a")
    changes.exclude("2", was="b")
    assert [(c.sample_id, c.action) for c in map(changes.get, ("1", "2")) if c] == [("1", "exclude"), ("2", "exclude")]
    changes.undo()
    changes.undo()
    assert changes.table.to_dict("records") == [{"sample_id": "1", "action": "relabel", "label": "b", "was": "a"}]
    changes.redo()
    assert changes.get("1").action == "exclude"
    changes.keep("2")  # nothing to keep: no step
    assert changes.can_redo
    changes.relabel("1", "a", was="a")  # its own class again
    assert len(changes) == 0
    assert not changes.can_redo
    changes.undo()
    changes.clear()
    changes.undo()
    assert "1" in changes
    with pytest.raises(DataError, match="no class 'c'"):
        changes.relabel("1", "c", was="a")


def test_a_folder_keeps_its_list_until_it_is_removed(folder: Path) -> None:
    data, before = load_data(folder), names(load_data(folder))
    changes = Changes(data.classes)
    changes.relabel("cat/3.png", "dog", was="cat")
    changes.exclude('cat/ü, "7".png', was="cat")  # never was there: told, not fatal
    changes.write(folder)
    again = load_data(folder)
    assert names(again)["cat/3.png"][0] == "dog"
    assert [entry.path for entry in again.set_aside] == ['cat/ü, "7".png']
    assert read_changes(folder, data.classes).table.equals(changes.table)
    assert again.source == data.source
    with pytest.raises(RecipeError, match="corrected labels"):
        Recipe(data=again).to_script()
    remove_changes(folder)
    assert names(load_data(folder)) == before
    assert sorted(path.name for path in folder.iterdir()) == ["cat", "dog", f"{FILE}.removed"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sample_id,action,label,was\ncat/3.png,relabel,bird,cat\n", "line 2: there is no class 'bird'"),
        ("sample_id,action,label,was\ncat/3.png,delete,,cat\n", "line 2: this is no change"),
        ("sample_id,action\ncat/3.png,exclude\n", "line 2: this is no change"),
        ("nonsense\nmore\n", "line 2: this is no change"),
    ],
)
def test_a_damaged_list_is_told_by_its_line(folder: Path, text: str, said: str) -> None:
    (folder / FILE).write_text(text)
    with pytest.raises(DataError, match=said):
        load_data(folder)
    (folder / FILE).write_bytes(b"sample_id,action,label,was\n\xff\xfe,exclude,,cat\n")
    with pytest.raises(DataError, match="cannot be read"):
        load_data(folder)


def test_no_class_is_emptied(folder: Path) -> None:
    data = load_data(folder)
    changes = Changes(data.classes)
    for number in range(12):
        changes.exclude(f"cat/{number}.png", was="cat")
    with pytest.raises(DataError, match="no training image of 'cat'"):
        changes.apply_to(data)


def test_nothing_is_half_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = Changes(("cat", "dog"))
    changes.exclude("cat/1.png", was="cat")
    changes.write(folder)
    kept = (folder / FILE).read_text()
    changes.exclude("cat/2.png", was="cat")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match="No space left"):
        changes.write(folder)
    assert (folder / FILE).read_text() == kept
