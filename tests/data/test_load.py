import numpy as np
import pytest
import yaml

from tlwidgets.data import ImageData, data_from_source, list_data, load_data
from tlwidgets.data.catalogue import WORLDS
from tlwidgets.errors import DataError


def same(one: ImageData, other: ImageData) -> None:
    assert one.classes == other.classes
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.split, other.split)
    assert all(np.array_equal(one.image(i), other.image(i)) for i in (0, len(one) // 2, len(one) - 1))


def test_image_data_passes_through_unchanged():
    data = load_data("faces")
    assert load_data(data) is data


@pytest.mark.parametrize("name", ["digits", "faces"])
def test_the_source_is_plain_yaml_and_loads_the_same_again(name):
    data = load_data(name, seed=3, val=0.2, labels_per_class=4)
    source = yaml.safe_load(yaml.safe_dump(data.source))
    assert source["name"] == name
    same(data, data_from_source(source))


def test_saved_arrays_load_again_with_the_same_splits(tmp_path):
    rng = np.random.default_rng(0)
    data = load_data((rng.random((30, 9, 9)), ["<b>", "b", "c"] * 10), seed=5, labels_per_class=2)
    source = data.save(tmp_path / "run")
    assert source == {"arrays": "data.npz"}
    again = data_from_source(source, base=tmp_path / "run")
    same(data, again)
    assert again.sample_id(4) == data.sample_id(4)
    with np.load(tmp_path / "run" / "data.npz", allow_pickle=False) as stored:
        assert stored["images"].dtype == np.uint8


def test_saved_tables_and_datasets_load_again_with_the_same_splits(tmp_path, make_folder):
    import pandas as pd

    root = make_folder({"a": 6, "b": 6})
    paths = sorted(root.glob("*/*.png"))
    data = load_data(pd.DataFrame({"path": paths, "label": [path.parent.name for path in paths]}), seed=5)
    same(data, data_from_source(data.save(tmp_path / "table"), base=tmp_path / "table"))

    class Items:
        def __len__(self):
            return len(data)

        def __getitem__(self, index):
            return data.image(index), int(data.labels[index])

    dataset = load_data(Items(), seed=4, classes=["a", "b"])
    source = dataset.save(tmp_path / "dataset")
    assert source == {"table": "data.csv"}
    same(dataset, data_from_source(source, base=tmp_path / "dataset"))


def test_saved_data_without_validation_images_gets_none_when_it_is_loaded_again(tmp_path):
    data = load_data((np.random.default_rng(0).random((30, 9, 9)), [0, 1, 2] * 10), val=0.0, test=0.2)
    again = data_from_source(data.save(tmp_path), base=tmp_path)
    assert again.splits == data.splits == {"train": 24, "val": 0, "test": 6}


def test_saving_named_data_writes_nothing(tmp_path):
    data = load_data("faces")
    assert data.save(tmp_path / "run") == data.source
    assert not (tmp_path / "run").exists()


def test_data_in_memory_cannot_be_loaded_from_its_source():
    data = load_data((np.random.default_rng(0).random((8, 4, 4)), [0, 1] * 4))
    with pytest.raises(DataError, match="save"):
        data_from_source(data.source)


@pytest.mark.parametrize("source", [{}, {"name": "digits", "folder": "x"}, {"memory": "arrays"}, {"script": "x"}])
def test_a_source_that_says_too_little_or_too_much_is_refused(source):
    with pytest.raises(DataError, match="one of name, folder, arrays or table"):
        data_from_source(source)


@pytest.mark.parametrize("labels", [5, np.int64(5)])
def test_arguments_of_load_data_may_stand_beside_the_name(labels):
    data = data_from_source({"name": "digits", "labels_per_class": labels, "seed": 2})
    same(data, load_data("digits", labels_per_class=5, seed=2))
    same(data, data_from_source({"name": "digits", "seed": 2, "options": {"labels_per_class": 5}}))
    fogged = data_from_source({"name": "fogged_digits", "shift": 0.5})
    assert fogged.source["options"]["shift"] == 0.5


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ({"name": "digits", "evil": 1}, "'evil'"),
        ({"name": "digits", "source": "faces"}, "'source' is no option"),
        ({"name": "digits", 5: 1}, "5 is no option"),
        ({"name": "digits", "seed": 1, "options": {"seed": 2}}, "'seed' twice"),
        ({"name": "digits", "options": 5}, "options of the data are 5"),
        ({"name": "digits", "labels_per_class": "five"}, "labels_per_class='five'"),
        ({"name": "digits", "labels_per_class": True}, "labels_per_class=True"),
    ],
)
def test_an_option_that_load_data_cannot_use_is_refused_by_name(source, told):
    with pytest.raises(DataError, match=told):
        data_from_source(source)


def test_a_source_whose_file_is_gone_says_where_it_was(tmp_path):
    with pytest.raises(DataError, match=r"gone\.npz"):
        data_from_source({"arrays": "gone.npz"}, base=tmp_path)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(DataError, match="Did you mean 'digits'"):
        load_data("digit")
    with pytest.raises(DataError, match=r"list_data\(\) shows") as caught:
        load_data("nowhere")
    assert "landcover" not in str(caught.value)
    with pytest.raises(DataError, match="no option 'domain'"):
        load_data("digits", domain="rotated")


@pytest.mark.parametrize(
    "options",
    [{"val": 0.6, "test": 0.6}, {"val": -0.1}, {"test": float("nan")}, {"seed": -1}, {"labels_per_class": 0}],
)
def test_shares_and_seeds_that_make_no_sense_are_refused(options):
    with pytest.raises(DataError):
        load_data("faces", **options)


def test_more_labels_than_there_are_is_an_error_that_says_how_many():
    with pytest.raises(DataError, match="at most 70"):
        load_data("faces", labels_per_class=1000)


def test_few_labels_leave_the_rest_unlabelled_and_the_test_split_alone():
    few, full = load_data("digits", labels_per_class=5), load_data("digits")
    assert few.splits["train"] == 50
    assert np.array_equal(few.indices("test"), full.indices("test"))
    assert len(few.indices("unlabelled")) == full.splits["train"] - 50


def test_digits_are_scanned_digits_in_255_grey_levels():
    data = load_data("digits")
    assert len(data) == 1797
    assert data.image(0).shape == (8, 8, 3)
    assert data.image(0).max() > 230
    assert len(np.unique(data.groups)) == 1797
    assert sum(data.splits.values()) == 1797


def test_the_first_face_is_a_face():
    data = load_data("faces")
    assert data.classes[data.labels[0]] == "face"
    assert data.image(0).shape == (25, 25, 3)


def test_an_unknown_split_is_refused():
    with pytest.raises(DataError, match="train, val, test"):
        load_data("faces").indices("validation")


def test_the_list_names_every_bundled_set_with_its_licence():
    table = list_data()
    assert list(table.index) == list(WORLDS)
    assert (table["licence"].str.len() > 5).all()
    assert (table["summary"].str.len() > 5).all()


def test_the_sheet_shows_every_class_and_its_name_as_text():
    figure = load_data("digits").show(20)
    titles = [axis.get_title() for axis in figure.axes]
    assert sorted(titles[:20]) == sorted("0123456789" * 2)
    with pytest.raises(DataError):
        load_data("digits").show(0)
