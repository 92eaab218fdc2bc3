from __future__ import annotations

import pytest
import torch

from tlwidgets.augmentations import CHANGES, PRESETS
from tlwidgets.errors import RecipeError
from tlwidgets.training.augmentation import augment, vary
from tlwidgets.training.previews import mixture, preview


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand((6, 3, 24, 24), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seeded_keeps_the_range_and_changes_something(images: torch.Tensor, change: str) -> None:
    once = preview(images, change, seed=3)
    assert torch.equal(once, preview(images, change, seed=3))
    assert not torch.equal(once, preview(images, change, seed=4))
    assert once.shape == images.shape
    assert once.min() >= 0
    assert once.max() <= 1
    assert not torch.allclose(once, images, atol=1e-3)


@pytest.mark.parametrize("kind", [*PRESETS, "crop+mixup"])
def test_the_augmentation_of_a_recipe_is_the_one_that_training_calls(images: torch.Tensor, kind: str) -> None:
    draw = torch.rand((6, 12), generator=torch.Generator().manual_seed(3))
    expected = augment(images, kind, draw[:, :5]) if kind in PRESETS else vary(images, kind, draw)
    assert torch.equal(preview(images, kind, seed=3), expected)


def test_one_change_leaves_the_others_still(images: torch.Tensor) -> None:
    mirrored = preview(images, "mirror")
    flipped = [torch.allclose(view, image.flip(-1), atol=1e-4) for view, image in zip(mirrored, images, strict=True)]
    same = [torch.allclose(view, image, atol=1e-4) for view, image in zip(mirrored, images, strict=True)]
    assert [one or other for one, other in zip(flipped, same, strict=True)] == [True] * 6
    assert any(flipped)
    shifted = preview(torch.ones_like(images) * torch.arange(24) / 24, "shift")  # a ramp along the width stays one
    assert torch.allclose(shifted, shifted[:, :, :1].expand_as(shifted), atol=1e-5)


def test_a_mixture_holds_the_shares_that_it_tells() -> None:
    plain = torch.stack([torch.full((3, 4, 4), value) for value in (0.0, 1.0)])
    share = mixture(2, seed=5)
    assert torch.all(share >= 0.5)
    assert torch.allclose(preview(plain, "mixup", seed=5)[0], (1 - share[0]).expand(3, 4, 4))
    assert torch.allclose(preview(plain, "mixup", seed=5)[1], share[1].expand(3, 4, 4))


def test_a_change_that_does_not_exist_is_refused(images: torch.Tensor) -> None:
    with pytest.raises(RecipeError, match="rotation"):
        preview(images, "melt")
    with pytest.raises(RecipeError, match="texts"):
        preview(images, "eda")
