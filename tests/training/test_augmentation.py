"""What a recipe may do to its images: changes against references, mixtures and their labels, runs that use them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import tlwidgets as tlw
from tlwidgets.augmentations import CHANGES, PRESETS, changes_in
from tlwidgets.errors import RecipeError
from tlwidgets.methods.fine_tuning import FineTuning
from tlwidgets.training.augmentation import NUMBERS, augment, crop, kept_share, mix, numbers_for, recolour, vary
from tlwidgets.training.batches import Batches, PreparedImages
from tlwidgets.training.events import CacheChosen

EVERYTHING = "+".join(CHANGES)
COLUMNS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand((6, 3, 24, 24), generator=torch.Generator().manual_seed(1))


def draws(n: int = 6, seed: int = 3) -> torch.Tensor:
    return torch.rand((n, NUMBERS), generator=torch.Generator().manual_seed(seed))


def batches(recipe: tlw.Recipe, augmentation: str, **options: Any) -> Batches:
    images = PreparedImages(recipe.data, tlw.load_backbone(recipe.backbone).preprocessing)
    return Batches(images, "train", 16, torch.device("cpu"), augmentation, **options)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("light", "light"),
        (["scale", "rotation", "shift"], "light"),
        ([], "none"),
        ("mixup+crop", "crop+mixup"),
        (("light", "mirror"), "flip"),
        ("light + colour", "rotation+scale+shift+colour"),
        ("eda", "eda"),
    ],
)
def test_an_augmentation_has_one_spelling(value: Any, kept: str) -> None:
    recipe = tlw.Recipe(data="digits", augmentation=value)
    assert recipe.augmentation == kept
    assert tlw.Recipe.from_yaml(recipe.to_yaml()) == recipe


@pytest.mark.parametrize("value", ["wild", "rotation+wild", ["eda", "crop"], 3, None, "", "rotation+"])
def test_what_is_no_augmentation_is_refused_with_the_choices(value: Any) -> None:
    with pytest.raises(RecipeError, match="augmentation is"):
        tlw.Recipe(data="digits", augmentation=value)


def test_views_of_single_images_and_mixtures_exclude_each_other() -> None:
    with pytest.raises(RecipeError, match=r"views is 2, and mixup"):
        tlw.Recipe(data="digits", augmentation="mixup", views=2)
    assert tlw.Recipe(data="digits", augmentation="crop", views=2).views == 2


def test_a_crop_of_the_whole_changes_nothing_and_one_of_a_corner_is_that_corner(images: torch.Tensor) -> None:
    whole = crop(images, torch.tensor([[1.0, 0.2, 0.7]]).expand(6, 3))
    assert torch.allclose(whole, images, atol=1e-5)
    corner = crop(images, torch.tensor([[0.0, 0.0, 1.0]]).expand(6, 3))  # half the side, left, at the bottom
    enlarged = functional.interpolate(images[:, :, 12:, :12], size=(24, 24), mode="bilinear", align_corners=False)
    assert torch.allclose(corner[:, :, 1:-1, 1:-1], enlarged[:, :, 1:-1, 1:-1], atol=1e-5)  # but next to the cuts


def test_colours_are_changed_as_the_formula_says(images: torch.Tensor) -> None:
    assert torch.allclose(recolour(images, torch.full((6, 3), 0.5)), images, atol=1e-6)
    dark, flat, grey = (torch.full((6, 3), 0.5).index_fill(1, torch.tensor([column]), 0.0) for column in range(3))
    assert torch.allclose(recolour(images, dark), 0.6 * images, atol=1e-6)
    assert torch.allclose(recolour(images, flat).std((1, 2, 3)), 0.6 * images.std((1, 2, 3)), rtol=1e-4)
    assert torch.allclose(recolour(images, grey).mean(1), images.mean(1), atol=1e-6)
    assert torch.allclose(recolour(images, grey).var(1), 0.36 * images.var(1), atol=1e-6)
    assert recolour(images, torch.ones(6, 3)).max() <= 1


def test_joined_changes_are_made_one_after_the_other(images: torch.Tensor) -> None:
    draw = draws()
    still = torch.full((6, 5), 0.5)
    still[:, 0] = draw[:, 0]
    turned = augment(crop(recolour(images, draw[:, 8:11]), draw[:, 5:8]), "light", still)
    assert torch.equal(vary(images, "rotation+crop+colour", draw), turned)
    assert torch.equal(vary(images, "rotation+crop+colour+mixup", draw), mix(turned, kept_share(draw)))
    assert {numbers_for(kind) for kind in (*PRESETS, "eda")} == {5}


def test_mixed_images_and_their_labels_are_those_of_the_paper(recipe: tlw.Recipe) -> None:
    [first, *_] = batches(recipe, "mixup").train_epoch(2)
    plan = batches(recipe, "mixup")._chunks(2, 0)[0]
    with ThreadPoolExecutor(1) as pool:
        plain = batches(recipe, "none").images.load(plan.indices, pool, torch.device("cpu"))
    assert plan.draw is not None
    share = 0.5 + 0.5 * plan.draw[:, 11]
    labels = recipe.data.labels[plan.indices]
    assert first.soft is not None
    for i in range(len(plain)):
        j = (i + 1) % len(plain)
        assert torch.allclose(first.images[i], share[i] * plain[i] + (1 - share[i]) * plain[j], atol=1e-5)
        expected = np.zeros(3)
        expected[labels[i]] += float(share[i])
        expected[labels[j]] += float(1 - share[i])
        np.testing.assert_allclose(first.soft[i], expected, atol=1e-6)
        assert first.soft[i].argmax() == first.labels[i] == labels[i]
    assert torch.equal(first.first(4).targets, first.soft[:4])
    assert torch.equal(next(batches(recipe, "crop").train_epoch(1)).targets, first.labels) is False


def test_the_loss_of_a_mixture_is_the_mixture_of_the_losses(recipe: tlw.Recipe) -> None:
    model = tlw.load_backbone(recipe.backbone, num_classes=3).model.eval()
    batch = next(batches(recipe, "mixup").train_epoch(1))
    result = FineTuning().step(model, batch)
    plan = batches(recipe, "mixup")._chunks(1, 0)[0]
    assert plan.draw is not None
    own, next_, share = batch.labels, batch.labels.roll(-1), kept_share(plan.draw)
    one, other = (functional.cross_entropy(model(batch.images), y, reduction="none") for y in (own, next_))
    assert torch.allclose(result.loss, (share * one + (1 - share) * other).mean(), atol=1e-5)
    assert result.correct == int((model(batch.images).argmax(1) == own).sum())


def test_the_images_of_validation_are_never_changed(recipe: tlw.Recipe) -> None:
    plain, changed = (list(batches(recipe, kind).in_order()) for kind in ("none", EVERYTHING))
    assert all(torch.equal(a.images, b.images) and b.soft is None for a, b in zip(plain, changed, strict=True))


def test_views_of_joined_changes_come_again_and_others_do_not(recipe: tlw.Recipe) -> None:
    def seen(epoch: int, **options: Any) -> dict[int, torch.Tensor]:
        epochs = batches(recipe, "crop+colour", **options).train_epoch(epoch)
        return {int(i): image for batch in epochs for i, image in zip(batch.indices, batch.images, strict=True)}

    first, third = seen(1, views=2), seen(3, views=2)
    same = set(first) & set(third)
    assert all(torch.allclose(first[i], third[i], atol=1e-5) for i in same)
    assert not any(torch.allclose(first[i], image, atol=1e-3) for i, image in seen(2, views=2).items() if i in first)


def test_a_run_with_every_change_repeats_and_resumes_to_the_bit(recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = recipe.replace(augmentation=EVERYTHING, epochs=4, plan={"stem": "frozen"})
    runs = [tlw.fit(recipe.replace(seed=seed), tmp_path / str(i), progress=False) for i, seed in enumerate((0, 0, 1))]
    assert runs[0].history[COLUMNS].equals(runs[1].history[COLUMNS])
    assert not runs[0].history[COLUMNS].equals(runs[2].history[COLUMNS])
    session = tlw.TrainingSession(recipe, tmp_path / "halved")
    session.subscribe(lambda event: session.stop() if getattr(event, "epoch", 0) == 3 else None)
    session.start().wait(120)
    chosen = [event for event in session.events if isinstance(event, CacheChosen)]
    assert [(event.on, "mixes each image with another" in event.text) for event in chosen] == [(False, True)]
    assert len(tlw.Run.load(tmp_path / "halved").history) == 2
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert resumed.history[COLUMNS].equals(runs[0].history[COLUMNS])


def test_a_frozen_part_is_kept_of_views_of_joined_changes_to_the_same_numbers(
    recipe: tlw.Recipe, tmp_path: Path
) -> None:
    recipe = recipe.replace(
        augmentation="rotation+crop+colour", views=2, epochs=4, plan={"*": "frozen", "head": "trainable"}
    )
    runs = [tlw.fit(recipe.replace(cache=kind), tmp_path / kind, progress=False) for kind in ("memory", "off")]
    np.testing.assert_allclose(runs[0].history[COLUMNS], runs[1].history[COLUMNS], rtol=1e-4, atol=1e-5)


def test_mixing_helps_no_method_that_cannot_take_it(recipe: tlw.Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"'delta' needs one label for each image"):
        tlw.fit(recipe.replace(method="delta", augmentation="mixup"), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_every_change_is_one_of_the_joined_ones() -> None:
    assert changes_in(EVERYTHING) == CHANGES
    assert changes_in("eda") == changes_in("none") == ()
