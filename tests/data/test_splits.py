import ast
import inspect
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tlwidgets.data import splits
from tlwidgets.data.decode import thumbnail
from tlwidgets.data.splits import near_identical_groups, split_samples


def groups_of(images: list[np.ndarray]) -> np.ndarray:
    sides = np.array([max(image.shape[:2]) for image in images])
    return near_identical_groups(np.stack([thumbnail(image) for image in images]), sides)


def resaved(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def test_copies_other_sizes_and_resaved_jpegs_share_a_group(picture):
    image = picture(0, 200)
    half = np.asarray(Image.fromarray(image).resize((100, 100)))
    brighter = np.clip(image.astype(int) + 4, 0, 255).astype(np.uint8)
    versions = [image, picture(1, 200), image.copy(), resaved(image, 75), half, brighter]
    assert groups_of(versions).tolist() == [0, 1, 0, 0, 0, 0]


def test_real_photographs_are_found_again_after_a_jpeg_and_not_confused():
    from skimage import data

    photos = [data.astronaut(), data.coffee(), data.cat()]
    patches = [photo[y : y + 64, x : x + 64] for photo in photos for y in range(0, 256, 64) for x in range(0, 384, 64)]
    count = len(patches)
    groups = groups_of([*patches, *(resaved(patch, 75) for patch in patches)])
    assert np.mean(groups[:count] == groups[count:]) > 0.9
    assert len(np.unique(groups[:count])) >= 0.97 * count


def test_different_flat_pictures_are_not_near_identical():
    flat = [np.full((40, 40, 3), level, dtype=np.uint8) for level in (0, 100, 101, 255, 100)]
    assert groups_of(flat).tolist() == [0, 1, 2, 3, 1]


def test_tiny_images_are_grouped_only_when_equal():
    rng = np.random.default_rng(0)
    digit = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    other = digit.copy()
    other[4, 4] ^= 8
    assert groups_of([digit, other, digit.copy()]).tolist() == [0, 1, 0]


def test_a_chain_of_copies_is_one_group_however_long(picture):
    images = [picture(0)] * 100 + [picture(1)] * 3
    assert groups_of(images).tolist() == [0] * 100 + [100] * 3


@pytest.mark.parametrize("count", [0, 1, 2])
def test_very_few_images_are_grouped_too(count, picture):
    thumbnails = np.zeros((count, 16, 16, 3), dtype=np.uint8)
    assert len(near_identical_groups(thumbnails, np.full(count, 40))) == count


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_group_ever_straddles_two_splits_and_every_class_keeps_training_images(data):
    count = data.draw(st.integers(4, 60))
    numbers = st.integers(0, 12)
    groups = np.array(data.draw(st.lists(numbers, min_size=count, max_size=count)))
    labels = groups % 3
    split = split_samples(labels, groups, val=0.2, test=0.2, seed=data.draw(st.integers(0, 5)))
    assert set(split) <= {"train", "val", "test"}
    for group in np.unique(groups):
        assert len(set(split[groups == group])) == 1
    for label in np.unique(labels):
        assert (split[labels == label] == "train").any()


def test_shares_are_kept_class_by_class():
    labels = np.repeat([0, 1], [200, 40])
    split = split_samples(labels, np.arange(240), val=0.1, test=0.2)
    for label, count in ((0, 200), (1, 40)):
        assert (split[labels == label] == "test").sum() == 0.2 * count
        assert (split[labels == label] == "val").sum() == 0.1 * count


def test_the_same_seed_gives_the_same_split_and_another_seed_another():
    labels, groups = np.repeat([0, 1, 2], 30), np.arange(90)
    assert np.array_equal(split_samples(labels, groups, seed=3), split_samples(labels, groups, seed=3))
    assert not np.array_equal(split_samples(labels, groups, seed=3), split_samples(labels, groups, seed=4))


def test_five_clips_of_twenty_frames_still_fill_every_split():
    split = split_samples(np.zeros(100, dtype=int), np.repeat(np.arange(5), 20))
    counts = {name: int((split == name).sum()) for name in ("train", "val", "test")}
    assert counts == {"train": 60, "val": 20, "test": 20}


def test_few_labels_are_kept_and_the_rest_is_called_unlabelled():
    labels = np.repeat([0, 1], 50)
    full = split_samples(labels, np.arange(100), seed=1)
    few = split_samples(labels, np.arange(100), seed=1, labels_per_class=5)
    assert all((few[labels == label] == "train").sum() == 5 for label in (0, 1))
    assert np.array_equal(few == "test", full == "test")
    assert np.array_equal(np.isin(few, ["train", "unlabelled"]), full == "train")


def test_given_splits_stay_and_only_a_lacking_one_is_dealt_from_train():
    labels = np.tile([0, 1], 50)
    given = np.array(["train"] * 80 + ["test"] * 20)
    split = split_samples(labels, np.arange(100), given, val=0.25)
    assert (split[80:] == "test").all()
    assert (split[:80] == "val").sum() == 20


def test_the_functions_stand_alone_so_that_a_script_can_carry_them():
    tree = ast.parse(inspect.getsource(splits))
    imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in imports] == ["import numpy as np"]
    scope: dict = {"np": np}
    exec(inspect.getsource(split_samples) + inspect.getsource(near_identical_groups), scope)
    labels = np.tile([0, 1], 20)
    assert np.array_equal(scope["split_samples"](labels, np.arange(40)), split_samples(labels, np.arange(40)))
    assert scope["near_identical_groups"](np.zeros((3, 16, 16, 3), np.uint8), np.full(3, 40)).tolist() == [0, 0, 0]
