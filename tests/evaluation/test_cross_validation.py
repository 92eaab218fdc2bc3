"""Cross-validation: folds that share nothing but images, whole groups, each image tested once, typed errors."""

import numpy as np
import pandas as pd
import pytest

import tlwidgets as tlw
from tlwidgets.errors import DataError
from tlwidgets.evaluation.cross_validation import fold_splits, with_split
from tlwidgets.training import loop
from tlwidgets.training.prefix import Partition

FROZEN = {"*": "frozen", "head": "trainable"}


@pytest.fixture
def quick(recipe):
    """A recipe whose folds take half a second each."""
    return recipe.replace(epochs=1, learning_rate=0.03)


def test_every_image_is_tested_once_and_the_figures_are_those_of_the_folds(quick, tmp_path):
    found = tlw.cross_validate(quick, folds=3, path=tmp_path, progress=False)
    assert sorted(found.predictions["index"]) == list(range(len(quick.data)))
    assert list(found.folds["fold"]) == [1, 2, 3]
    hits = found.predictions["label"] == found.predictions["predicted"]
    np.testing.assert_allclose(found.folds["accuracy"], hits.groupby(found.predictions["fold"]).mean())
    assert found.table.loc["accuracy", "mean"] == pytest.approx(found.folds["accuracy"].mean())
    assert "over 3 folds" in found.sentence
    assert tlw.Run(tmp_path / "fold-3").metrics["test"]["accuracy"] == found.folds["accuracy"][2]
    assert len(found.plot().axes) == 1


def test_a_fold_is_bit_by_bit_the_run_that_it_would_be_alone(quick, tmp_path):
    """Weights, BatchNorm and head are made anew: what earlier folds learned leaves no trace."""
    tlw.cross_validate(quick, folds=3, path=tmp_path / "folds", progress=False)
    for fold, split in enumerate(fold_splits(quick.data, 3), start=1):
        alone = tlw.fit(quick, tmp_path / f"alone-{fold}", data=with_split(quick.data, split), progress=False)
        weights = (tmp_path / "folds" / f"fold-{fold}" / "best.safetensors").read_bytes()
        assert weights == (alone.path / "best.safetensors").read_bytes()
        moments = alone.backbone.model.bn1.running_mean
        assert not np.allclose(moments, tlw.load_backbone(quick.backbone).model.bn1.running_mean)


def test_labels_without_meaning_are_at_chance_even_with_copies_of_every_image(stripes):
    """Leakage would show as an accuracy far above a third: each image is there five times, labels are random."""
    rng = np.random.default_rng(0)
    images = np.repeat(rng.integers(0, 255, (24, 16, 16, 3), dtype=np.uint8), 5, axis=0)
    labels = np.repeat(rng.permutation(np.arange(24) % 3), 5)
    data = tlw.load_data((images, labels))
    for split in fold_splits(data, 4):
        assert set(data.groups[split == "test"]).isdisjoint(data.groups[split != "test"])
        assert set(data.groups[split == "val"]).isdisjoint(data.groups[split != "val"])


def test_groups_stay_whole_and_join_with_near_identical_images():
    labels = np.arange(60) % 2
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    images[59] = images[1]  # ties the groups of both
    data = tlw.load_data((images, labels))
    patients = np.array([f"patient {number // 6}" for number in range(60)])
    for split in fold_splits(data, 3, patients, val=0.2):
        for part in ("train", "val", "test"):
            assert set(patients[split == part]).isdisjoint(patients[split != part])
        assert split[59] == split[1] == split[54]


def test_folds_hold_the_classes_in_equal_shares(quick):
    data = quick.data
    for split in fold_splits(data, 4):
        assert set(np.bincount(data.labels[split == "test"])) == {5}
        assert set(np.bincount(data.labels[split == "train"], minlength=3)) == {13}
    assert not np.array_equal(fold_splits(data, 4, seed=0)[0], fold_splits(data, 4, seed=1)[0])


def test_the_frozen_part_is_computed_once_for_all_folds(quick, monkeypatch):
    counted = []
    run = Partition.run_prefix
    monkeypatch.setattr(Partition, "run_prefix", lambda self, images: counted.append(len(images)) or run(self, images))
    frozen = quick.replace(plan=FROZEN)
    shared = tlw.cross_validate(frozen, folds=3, progress=False)
    assert sum(counted) == len(quick.data)
    plain = tlw.cross_validate(frozen.replace(cache="off"), folds=3, progress=False)
    pd.testing.assert_series_equal(shared.predictions["loss"], plain.predictions["loss"], rtol=1e-4)


def test_texts_are_dealt_into_folds_too_and_stay_texts(tiny_text, opinions):
    recipe = tlw.Recipe(data=tlw.load_data(opinions), backbone=tiny_text, epochs=1, batch_size=8)
    found = tlw.cross_validate(recipe, folds=2, progress=False)
    assert sorted(found.predictions["index"]) == list(range(len(recipe.data)))
    dealt = with_split(recipe.data, fold_splits(recipe.data, 2)[0])
    assert dealt.texts([0, 1]) == recipe.data.texts([0, 1])


def test_other_splits_keep_what_a_kind_of_data_has_besides():
    table = tlw.load_data("breast_cancer")
    split = table.split.copy()
    split[:3] = "unlabelled"
    dealt = table.with_split(split)
    assert dealt.features is table.features
    assert (dealt.split[:3] == "unlabelled").all()
    assert not (table.split[:3] == "unlabelled").any()
    assert table.source["name"] == "breast_cancer"  # loaded again by name, the splits would be those of before
    assert dealt.source == {"memory": "splits of its own"}


def test_it_can_be_watched_and_ended_early(quick):
    seen = []

    def update(found):
        seen.append(len(found.folds))
        return len(found.folds) == 2

    found = tlw.cross_validate(quick, folds=3, progress=False, update=update)
    assert seen == [1, 2]
    assert "over 2 of 3 folds" in found.sentence


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"folds": 21}, "has 20 images, too few for 21 folds"),
        ({"folds": 1}, "folds is 1"),
        ({"folds": 2.0}, "folds is 2.0"),
        ({"groups": [1, 2]}, "have shape"),
        ({"groups": [None] * 60}, "60 groups are missing"),
        ({"groups": np.arange(60) // 20}, "groups of images, too few for 5 folds"),
        ({"groups": np.arange(60) % 3}, "has 1 groups"),
    ],
)
def test_what_cannot_be_dealt_is_refused_before_any_training(quick, monkeypatch, changes, message):
    monkeypatch.setattr(loop.Loop, "run", lambda self: pytest.fail("it trained"))
    with pytest.raises(DataError, match=message):
        tlw.cross_validate(quick, **changes, progress=False)
