from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training import Batch, Stream
from tlwidgets.training.method import Setting
from tlwidgets.training.second_data import UNKNOWN, UnlabelledImages
from tlwidgets.training.strong_views import DRAWS, strong_view


@pytest.fixture
def setting(recipe: tlw.Recipe) -> Setting:
    return Setting(tlw.load_backbone(recipe.backbone, num_classes=3), recipe.data, recipe)


def _at(step: int) -> Batch:
    return Batch(torch.zeros(2, 3, 16, 16), torch.zeros(2, dtype=torch.long), np.arange(2), step)


def test_a_batch_depends_on_seed_and_step_alone(setting: Setting) -> None:
    first, second = Stream(setting, setting.data), Stream(setting, setting.data)
    forwards = [first.beside(_at(step), "none", "strong") for step in range(6)]
    backwards = [second.beside(_at(step), "none", "strong") for step in reversed(range(6))][::-1]
    for one, other in zip(forwards, backwards, strict=True):
        assert np.array_equal(one.indices, other.indices)
        assert torch.equal(one.images, other.images)
    reseeded = Stream(dataclasses.replace(setting, recipe=setting.recipe.replace(seed=1)), setting.data)
    assert not np.array_equal(reseeded.beside(_at(0)).indices, forwards[0].indices)


def test_every_image_comes_once_in_a_pass(setting: Setting) -> None:
    stream = Stream(setting, setting.data, batch_size=6)
    assert len(stream) == len(stream.indices) // 6
    for start in (0, len(stream)):
        seen = np.concatenate([stream.beside(_at(start + step)).indices for step in range(len(stream))])
        assert len(np.unique(seen)) == len(seen) == 6 * len(stream)


def test_views_show_the_same_images_differently(setting: Setting) -> None:
    stream = Stream(setting, setting.data)
    batch = stream.beside(_at(3), "none", "weak", "strong", "strong")
    plain, weak, strong, another = batch.images.chunk(4)
    expected = setting.backbone.preprocessing.normalise(
        setting.backbone.preprocessing.prepare_all(setting.data.images(batch.indices))
    )
    assert torch.equal(plain, expected)
    assert np.array_equal(batch.labels, setting.data.labels[batch.indices])
    assert 0 < (weak - plain).abs().mean() < (strong - plain).abs().mean()
    assert not torch.equal(strong, another)


def test_a_strong_view_without_a_draw_away_from_the_middle_only_cuts_its_hole() -> None:
    images = torch.randn(3, 2, 8, 8)
    draw = torch.full((3, DRAWS), 0.5)
    draw[:, 9] = 0
    assert torch.allclose(strong_view(images, draw), images, atol=1e-5)
    draw[:, 9] = 1
    changed = (strong_view(images, draw) - images).abs().amax(1) > 1e-4
    assert changed.sum((1, 2)).tolist() == [9, 9, 9]
    assert changed[0, 3:6, 3:6].all()


def test_texts_are_dealt_and_joined_too(tiny_text: str, opinions: Any) -> None:
    data = tlw.load_data(opinions)
    recipe = tlw.Recipe(data=data, backbone=tiny_text, batch_size=4)
    stream = Stream(Setting(tlw.load_backbone(tiny_text, num_classes=2), data, recipe), data)
    batch = stream.beside(_at(0), "none", "strong")
    assert batch.images.shape[0] == 8
    assert batch.images.dtype == torch.int64


def test_images_without_labels_are_known_as_such_and_come_back_from_disk(stripes: Any, tmp_path: Any) -> None:
    data = UnlabelledImages(stripes[0])
    assert set(data.labels) == {UNKNOWN}
    assert data.splits == {"train": 51, "val": 9, "test": 0}
    again = tlw.training.second_data.second_data(data.save(tmp_path), tmp_path)
    assert np.array_equal(again.image(7), data.image(7))
    assert np.array_equal(again.split, data.split)


def test_too_few_images_are_refused(setting: Setting, stripes: Any) -> None:
    with pytest.raises(DataError, match="0 images in unlabelled"):
        Stream(setting, setting.data, ("unlabelled",))
    with pytest.raises(DataError, match="1 images in train and unlabelled"):
        Stream(setting, UnlabelledImages(stripes[0][:1]))
    with pytest.raises(DataError, match="no images"):
        UnlabelledImages(stripes[0][:0])
    with pytest.raises(RecipeError, match="One image"):
        Stream(dataclasses.replace(setting, recipe=setting.recipe.replace(batch_size=1)), setting.data)
    with pytest.raises(RecipeError, match="no view 'odd'"):
        Stream(setting, setting.data).beside(_at(0), "odd")
    with pytest.raises(DataError, match="not at"):
        tlw.training.second_data.second_data({"images": "nowhere.npy"})
