import os

import numpy as np
import pytest
from PIL import Image

from tlwidgets.data import load_data
from tlwidgets.errors import DataError


def test_folder_names_are_the_classes_and_splits_are_disjoint(make_folder):
    data = load_data(make_folder({"dog": 20, "cat": 20}))
    assert data.classes == ("cat", "dog")
    assert data.name == "pictures"
    assert data.splits == {"train": 28, "val": 6, "test": 6}
    parts = [set(data.indices(split).tolist()) for split in ("train", "val", "test")]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert all(data.sample_id(i).startswith(("cat/", "dog/")) for i in range(40))
    assert data.classes[data.labels[0]] == data.sample_id(0).split("/")[0]


def test_the_source_loads_the_same_again_and_works_as_a_string(make_folder):
    root = make_folder({"a": 10, "b": 10})
    first, again = load_data(str(root), seed=2), load_data(root, seed=2)
    assert np.array_equal(first.split, again.split)
    assert first.source == {"folder": str(root.resolve()), "options": {"seed": 2}}


def test_train_val_and_test_folders_are_kept_as_splits(make_folder, tmp_path):
    root = tmp_path / "data"
    for number, split in enumerate(("train", "valid", "test")):
        make_folder({"a": 4 + number, "b": 4 + number}, root / split)
    data = load_data(root)
    assert data.splits == {"train": 8, "val": 10, "test": 12}
    assert data.classes == ("a", "b")
    assert data.sample_id(data.indices("val")[0]).startswith("valid/")


def test_a_lacking_val_folder_is_dealt_from_train(make_folder, tmp_path):
    make_folder({"a": 10, "b": 10}, tmp_path / "data" / "train")
    make_folder({"a": 3, "b": 3}, tmp_path / "data" / "test")
    data = load_data(tmp_path / "data", val=0.2)
    assert data.splits == {"train": 16, "val": 4, "test": 6}


def test_classes_named_train_and_plane_are_classes(make_folder):
    assert load_data(make_folder({"train": 5, "plane": 5})).classes == ("plane", "train")


def test_pictures_in_subfolders_of_a_class_belong_to_it(make_folder):
    root = make_folder({"a": 3, "b": 3, "b/more/still": 3})
    data = load_data(root)
    assert data.classes == ("a", "b")
    assert (data.labels == 1).sum() == 6


def test_unreadable_files_are_set_aside_with_the_reason_and_the_rest_goes_on(make_folder):
    root = make_folder({"a": 5, "b": 5})
    (root / "a" / "text.png").write_text("I am no picture")
    (root / "a" / "zero.png").write_bytes(b"")
    whole = (root / "a" / "000.png").read_bytes()
    (root / "b" / "half.png").write_bytes(whole[: len(whole) // 2])
    (root / "b" / "notes.txt").write_text("who took these")
    os.mkfifo(root / "b" / "pipe.png")
    data = load_data(root)
    assert len(data) == 10
    reasons = {one.path: one.reason for one in data.set_aside}
    assert set(reasons) == {"a/text.png", "a/zero.png", "b/half.png", "b/notes.txt", "b/pipe.png"}
    assert reasons["a/text.png"] == "the file is not a picture"
    assert reasons["a/zero.png"] == "the file is empty (0 bytes)"
    assert "truncated" in reasons["b/half.png"]
    assert reasons["b/notes.txt"] == "not a picture file (.txt)"
    assert reasons["b/pipe.png"] == "not a regular file"
    assert data.image(int(data.indices("train")[0])).shape == (40, 40, 3)


def test_a_file_without_read_permission_is_set_aside(make_folder, monkeypatch):
    from tlwidgets.data import readers

    root = make_folder({"a": 3, "b": 3})
    decode = readers.decode_image

    def guarded(path, max_side):
        if path.endswith("a/000.png"):  # root may read everything, so no file mode would do
            raise PermissionError(13, "Permission denied")
        return decode(path, max_side)

    monkeypatch.setattr(readers, "decode_image", guarded)
    assert [(one.path, one.reason) for one in load_data(root).set_aside] == [
        ("a/000.png", "no permission to read the file")
    ]


def test_hidden_files_and_litter_are_ignored(make_folder):
    root = make_folder({"a": 3, "b": 3, ".ipynb_checkpoints": 2, "a/.ipynb_checkpoints": 2})
    for name in (".DS_Store", "Thumbs.db", "._000.png"):
        (root / "a" / name).write_bytes(b"x")
    data = load_data(root)
    assert len(data) == 6
    assert data.set_aside == []


def test_links_that_leave_the_folder_are_not_followed(make_folder, tmp_path, picture):
    root = make_folder({"a": 3, "b": 3})
    outside = make_folder({"c": 2}, tmp_path / "outside")
    (root / "c").symlink_to(outside / "c")
    (root / "a" / "stolen.png").symlink_to(outside / "c" / "000.png")
    (root / "a" / "loop").symlink_to(root)
    (root / "a" / "kept.png").symlink_to(root / "b" / "000.png")
    data = load_data(root)
    assert data.classes == ("a", "b")
    assert {one.path for one in data.set_aside} == {"c", "a/stolen.png", "a/loop"}
    assert len(data) == 7


def test_a_class_may_be_called_anything(make_folder):
    evil = "<img src=x onerror=alert(1)>"
    data = load_data(make_folder({evil: 4, "$\\frac{1}{$": 4, "ünïcode ß": 4, "NA": 4}))
    assert set(data.classes) == {evil, "$\\frac{1}{$", "ünïcode ß", "NA"}
    data.show().savefig(os.devnull, format="png")


def test_near_identical_pictures_stay_in_one_split(make_folder, picture):
    root = make_folder({"a": 12, "b": 12})
    for index in range(12):
        image = Image.open(root / "a" / f"{index:03d}.png")
        image.save(root / "a" / f"{index:03d}_copy.jpg", quality=95, subsampling=0)
    for seed in range(5):
        data = load_data(root, seed=seed, val=0.25, test=0.25)
        split = {data.sample_id(index): data.split[index] for index in range(len(data))}
        assert all(split[f"a/{index:03d}.png"] == split[f"a/{index:03d}_copy.jpg"] for index in range(12))
        assert data.leaks().empty


def test_leaks_between_given_folders_are_reported_not_moved(make_folder, tmp_path):
    root = tmp_path / "data"
    make_folder({"a": 4, "b": 4}, root / "train")
    for name in ("a", "b"):
        (root / "test" / name).mkdir(parents=True)
        for number in (900, 901):
            Image.fromarray(np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(
                root / "test" / name / f"{number}.png"
            )
    (root / "test" / "b" / "seen.png").write_bytes((root / "train" / "b" / "002.png").read_bytes())
    data = load_data(root, val=0)
    leaks = data.leaks()
    assert sorted(leaks["sample_id"]) == ["test/b/seen.png", "train/b/002.png"]
    assert sorted(leaks["split"]) == ["test", "train"]
    assert leaks["group"].nunique() == 1
    assert data.splits["test"] == 5


def refuses(root, *words: str) -> None:
    with pytest.raises(DataError) as caught:
        load_data(root)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.hint


def test_an_empty_folder_says_so(tmp_path):
    refuses(tmp_path, "is empty")


def test_a_missing_folder_says_so(tmp_path):
    refuses(tmp_path / "nowhere" / "at all", "is not a folder", "nowhere")


def test_pictures_without_class_folders_are_refused(tmp_path, picture):
    Image.fromarray(picture(0)).save(tmp_path / "a.png")
    refuses(tmp_path, "no class folders", "a.png")


def test_class_folders_without_pictures_are_refused(make_folder):
    root = make_folder({"a": 0, "b": 0})
    refuses(root, "hold no picture")


def test_class_folders_with_too_few_pictures_are_all_named_before_one_is_read(make_folder, monkeypatch):
    from tlwidgets.data import readers

    monkeypatch.setattr(readers, "decode_image", lambda *_: pytest.fail("a picture was read"))
    root = make_folder({"a": 5, "b": 0, "c": 0, "lonely": 1})
    (root / "a" / "notes.txt").write_text("of another class")
    (root / "c" / "clip.mp4").write_text("why this one is empty")
    refuses(root, "class folder 'b', 'c'", "only one image in class folder 'lonely'", "c/clip.mp4 was set aside")
    with pytest.raises(DataError) as caught:
        load_data(root)
    assert "notes.txt" not in str(caught.value)


def test_a_class_whose_pictures_cannot_be_read_is_told_of_its_own(make_folder):
    root = make_folder({"a": 5, "b": 3})
    (root / "a" / "000.png").write_bytes(b"")
    for number in (1, 2):
        (root / "b" / f"00{number}.png").write_text("no picture")
    refuses(root, "only one image for 1 of its 2 classes: 'b'", "2 files were set aside, the first: b/001.png")


def test_loose_pictures_are_set_aside_and_other_files_of_the_root_are_not_looked_at(make_folder, tmp_path, picture):
    root = make_folder({"a": 3, "b": 3})
    Image.fromarray(picture(0)).save(root / "loose.png")
    (root / "README.txt").write_text("about these pictures")
    assert [(one.path, one.reason) for one in load_data(root).set_aside] == [("loose.png", "in no class folder")]
    split = tmp_path / "split"
    make_folder({"a": 3, "b": 3}, split / "train")
    make_folder({"a": 3, "b": 3}, split / "test")
    for place in (split, split / "test"):
        Image.fromarray(picture(0)).save(place / "loose.png")
    assert {one.path for one in load_data(split).set_aside} == {"loose.png", "test/loose.png"}


def test_pictures_beside_a_single_class_folder_are_told(make_folder, picture):
    root = make_folder({"a": 5})
    Image.fromarray(picture(0)).save(root / "loose.png")
    refuses(root, "only one class, 'a'", "loose.png was set aside: in no class folder")


def test_a_folder_beside_the_splits_is_named_and_not_taken_for_a_class(make_folder, tmp_path):
    root = tmp_path / "data"
    for name in ("train", "test", "models"):
        make_folder({"a": 3, "b": 3}, root / name)
    refuses(root, "holds the splits test, train and beside them 'models'")
    (root / "models").rename(root / ".models")
    assert load_data(root).classes == ("a", "b")


def test_one_split_under_two_names_is_refused(make_folder, tmp_path):
    root = tmp_path / "data"
    for name in ("train", "val", "validation"):
        make_folder({"a": 3, "b": 3}, root / name)
    refuses(root, "one split under two names: train, val, validation")


def test_a_single_class_is_refused(make_folder):
    refuses(make_folder({"a": 5}), "only one class", "'a'")


def test_class_folders_that_differ_between_train_and_val_are_named(make_folder, tmp_path):
    make_folder({"a": 3, "b": 3, "c": 3}, tmp_path / "data" / "train")
    make_folder({"a": 3, "b": 3, "d": 3}, tmp_path / "data" / "val")
    refuses(tmp_path / "data", "differ", "lacks 'c'", "adds 'd'", "val")


def test_a_folder_of_broken_files_only_says_why(make_folder):
    root = make_folder({"a": 2, "b": 2})
    for path in root.glob("*/*.png"):
        path.write_bytes(b"")
    refuses(root, "no readable image", "0 bytes")


def test_a_file_that_vanishes_later_is_a_clear_error(make_folder):
    root = make_folder({"a": 3, "b": 3})
    data = load_data(root)
    (root / data.sample_id(0)).unlink()
    with pytest.raises(DataError, match="cannot be read any more: there is no such file"):
        data.image(0)


def test_only_paths_are_held_in_memory(make_folder, monkeypatch):
    data = load_data(make_folder({"a": 3, "b": 3}))
    assert not any(isinstance(value, np.ndarray) and value.ndim > 1 for value in vars(data._reader).values())
