import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tlwidgets.data import load_data
from tlwidgets.errors import DataError


def arrays(count: int = 20, shape: tuple[int, ...] = (12, 12, 3)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8), np.tile([0, 1], count // 2)


@pytest.mark.parametrize("shape", [(12, 12), (12, 12, 1), (12, 12, 3), (12, 12, 4)])
def test_images_of_any_channel_count_come_back_as_rgb(shape):
    images, labels = arrays(shape=shape)
    data = load_data((images, labels))
    assert data.image(0).shape == (12, 12, 3)
    assert data.image(0).dtype == np.uint8
    if shape[-1] != 4:
        assert np.array_equal(data.image(0)[..., 0], images[0].reshape(12, 12, -1)[..., 0])


def test_floats_from_0_to_1_become_0_to_255():
    images, labels = arrays()
    assert np.array_equal(load_data((images / 255, labels)).image(3), images[3])


def test_images_handed_out_are_the_callers_own():
    images, labels = arrays()
    data = load_data((images, labels))
    data.image(0)[:] = 0
    assert np.array_equal(data.image(0), images[0])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["cat", "dog"], ("cat", "dog")),
        ([10, 2], ("2", "10")),
        ([1.0, 0.0], ("0", "1")),
        ([True, False], ("False", "True")),
    ],
)
def test_labels_may_be_words_or_whole_numbers(labels, classes):
    images, _ = arrays()
    data = load_data((images, labels * 10))
    assert data.classes == classes
    assert data.classes[data.labels[0]] == str(labels[0]).removesuffix(".0")


def test_class_names_can_be_given_for_numbers():
    images, labels = arrays()
    assert load_data((images, labels), classes=["cat", "dog"]).classes == ("cat", "dog")


def refuses(source, *words: str, **options) -> None:
    with pytest.raises(DataError) as caught:
        load_data(source, **options)
    for word in words:
        assert word in str(caught.value)
    assert caught.value.hint


def test_arrays_that_do_not_fit_are_refused_with_what_to_do():
    images, labels = arrays()
    refuses((images, labels[:-1]), "20 images but 19 labels")
    refuses((images[:0], labels[:0]), "empty")
    refuses((images[:, :, :, :2], labels), "(20, 12, 12, 2)")
    refuses((images.transpose(0, 3, 1, 2), labels), "channels first", "transpose")
    refuses((np.zeros((20, 5)), labels), "(20, 5)")
    refuses(([np.zeros((3, 3)), np.zeros((4, 4))], [0, 1]), "differ in size")
    refuses((images, labels, labels), "3 things")
    refuses(images, "labels are missing")
    refuses((images.astype(str), labels), "no number")


def test_pixel_values_out_of_range_are_refused():
    images, labels = arrays()
    floats = images / 255
    floats[7, 0, 0, 0] = np.nan
    refuses((floats, labels), "nan", "index 7")
    refuses((images.astype(float), labels), "run from 0 to 255", "0 to 1")
    refuses((images / 255 - 0.5, labels), "run from -0.5")
    refuses((images.astype(int) * 300, labels), "0 to 255")


def test_labels_that_do_not_fit_are_refused():
    images, labels = arrays()
    refuses((images, [None, *labels[1:]]), "missing", "index 0")
    refuses((images, [np.nan, *labels[1:].astype(float)]), "missing")
    refuses((images, labels + 0.5), "fractions")
    refuses((images, np.eye(2)[labels]), "shape (20, 2)")
    refuses((images, labels), "no readable image", "'bird'", classes=["cat", "dog", "bird"])
    refuses((images, labels), "label '1'", classes=["cat"])
    refuses((images, ["cat", "cow"] * 10), "label 'cow'", classes=["cat", "dog"])
    refuses((images, labels), "same name", classes=["cat", "cat"])
    refuses((images, np.zeros(20, dtype=int)), "only one class")
    refuses((images, [*labels[:-1], 9]), "only one image", "'9'")


def test_equal_arrays_share_a_split():
    images, _ = arrays(40)
    doubled = np.concatenate([images, images])
    data = load_data((doubled, np.tile([0, 1], 40)), val=0.25, test=0.25)
    assert np.array_equal(data.split[:40], data.split[40:])


def table(root, split: bool = False) -> pd.DataFrame:
    paths = sorted(root.glob("*/*.png"))
    frame = pd.DataFrame({"path": [str(path) for path in paths], "label": [path.parent.name for path in paths]})
    if split:
        frame["split"] = ["train", "validation", "test", "train"] * (len(paths) // 4)
    return frame


def test_a_table_of_paths_is_loaded_with_its_splits(make_folder):
    root = make_folder({"a": 8, "b": 8})
    data = load_data(table(root, split=True))
    assert data.splits == {"train": 8, "val": 4, "test": 4}
    assert data.classes == ("a", "b")
    assert data.sample_id(0) == str(root / "a" / "000.png")


def test_a_tsv_file_is_loaded_and_a_csv_file_with_other_separators_is_told(make_folder):
    root = make_folder({"a": 3, "b": 3})
    rows = [("path", "label"), *((f"{name}/00{number}.png", name) for name in "ab" for number in range(3))]
    for ending, sign in (("tsv", "\t"), ("csv", "\t"), ("csv", ";")):
        path = root / f"list.{ending}"
        path.write_text("\n".join(sign.join(row) for row in rows))
        if ending == "tsv":
            data = load_data(path)
            assert len(data) == len(load_data(data.source["table"])) == 6
        else:
            refuses(path, {"\t": "separated by tabs", ";": "separated by semicolons"}[sign], f"sep={sign!r}")


def test_a_csv_file_is_loaded_from_anywhere(make_folder, monkeypatch, tmp_path):
    root = make_folder({"NA": 6, "7": 6})
    frame = table(root)
    frame["path"] = [path.removeprefix(f"{root}/") for path in frame["path"]]
    frame.to_csv(root / "list.csv", index=False)
    data = load_data(root / "list.csv")
    assert data.classes == ("7", "NA")
    assert data.image(0).shape == (40, 40, 3)


def test_rows_whose_file_is_missing_are_set_aside(make_folder):
    frame = table(make_folder({"a": 4, "b": 4}))
    frame.loc[0, "path"] = "nowhere.png"
    data = load_data(frame)
    assert len(data) == 7
    assert [(one.path, one.reason) for one in data.set_aside] == [("nowhere.png", "there is no such file")]


def test_tables_that_do_not_fit_are_refused(make_folder, tmp_path):
    frame = table(make_folder({"a": 4, "b": 4}), split=True)
    refuses(frame.drop(columns="label"), "no column 'label'")
    refuses(frame.iloc[:0], "empty")
    refuses(frame.assign(split="holdout"), "'holdout'")
    refuses(frame.assign(label=[None, *frame["label"][1:]]), "missing")
    refuses(frame.assign(path=[None, *frame["path"][1:]]), "no path")
    refuses(frame.assign(split="test"), "no training image")
    refuses(tmp_path / "no.csv", "no.csv")
    refuses(tmp_path / "no.tsv", "no.tsv", "table")


class Pictures:
    """What torchvision datasets look like from outside."""

    def __init__(self, kind: str) -> None:
        self.images, self.labels = arrays()
        self.kind = kind

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int):
        image = self.images[index]
        if self.kind == "pil":
            return Image.fromarray(image), int(self.labels[index])
        if self.kind == "tensor":
            torch = pytest.importorskip("torch")
            return torch.from_numpy(image).permute(2, 0, 1) / 255, torch.tensor(int(self.labels[index]))
        return image, self.labels[index]


@pytest.mark.parametrize("kind", ["pil", "array", "tensor"])
def test_datasets_of_pil_images_arrays_and_tensors_are_read(kind):
    dataset = Pictures(kind)
    data = load_data(dataset)
    assert data.classes == ("0", "1")
    assert np.array_equal(data.image(5), dataset.images[5])
    assert data.sample_id(5) == "Pictures/5"


def test_a_datasets_own_classes_and_targets_are_used():
    dataset = Pictures("pil")
    dataset.classes = ["cat", "dog"]
    dataset.targets = dataset.labels.tolist()
    assert load_data(dataset).classes == ("cat", "dog")


def test_a_real_torchvision_dataset_loads(make_folder):
    datasets = pytest.importorskip("torchvision.datasets")
    data = load_data(datasets.ImageFolder(str(make_folder({"a": 4, "b": 4}))))
    assert data.classes == ("a", "b")
    assert data.image(0).shape == (40, 40, 3)


def test_things_that_are_no_data_are_refused():
    refuses(7, "int")
    refuses(None, "NoneType")
    refuses({"a": 1}, "dict")
    refuses(Pictures("pil"), "no option", domain="x")

    class Bare(Pictures):
        def __getitem__(self, index: int):
            return self.images[index]

    refuses(Bare("array"), "(image, label)")
