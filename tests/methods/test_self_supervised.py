"""SimCLR, VICReg, rotation prediction and masked image modelling: losses, runs, and what they give a later run."""

from __future__ import annotations

from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import BackboneError, DataError, RecipeError
from tlwidgets.methods import masked_images, rotation, simclr, vicreg
from tlwidgets.training import EpochEnded
from tlwidgets.training.method import Setting, make_method
from tlwidgets.training.probing import probe_loss, projector

GRID = torch.arange(30.0).reshape(6, 5)
FIRST, SECOND = torch.sin(GRID), torch.sin(1.3 * GRID + 0.2)
CONVOLUTIONAL = ("simclr", "vicreg", "rotation")


def test_nt_xent_of_collapsed_and_of_orthogonal_views_is_as_computed_by_hand() -> None:
    same = torch.ones(4, 3)
    assert simclr.nt_xent(same, 2 * same).item() == pytest.approx(log(7))
    assert simclr.nt_xent(torch.eye(4), torch.eye(4), 0.5).item() == pytest.approx(log(1 + 6 * exp(-2)), abs=1e-6)


@pytest.mark.parametrize(("temperature", "theirs"), [(0.5, 3.159790277481079), (0.1, 9.03827953338623)])
def test_nt_xent_is_that_of_lightly(temperature: float, theirs: float) -> None:
    # lightly 1.6.0, NTXentLoss(temperature=...)
    assert simclr.nt_xent(FIRST, SECOND, temperature).item() == pytest.approx(theirs, rel=1e-5)


def test_vicreg_is_that_of_lightly_but_for_the_halved_variance() -> None:
    # lightly 1.6.0, VICRegLoss(): its mu of 25 counts half of the paper's sum.
    assert vicreg.vicreg_loss(FIRST, SECOND, mu=12.5).item() == pytest.approx(36.22626876831055, rel=1e-5)


def test_vicregs_terms_are_those_that_its_text_names() -> None:
    # Invariance of the authors' code, a mean over images and numbers; the paper's sum over numbers is D times that.
    squares = (FIRST - SECOND).square()
    code, paper = squares.mean(), squares.sum(1).mean()
    assert vicreg.vicreg_loss(FIRST, SECOND, 1, 0, 0).item() == pytest.approx(code.item(), rel=1e-5)
    assert paper.item() == pytest.approx(FIRST.shape[1] * code.item(), rel=1e-5)
    # Variance of the paper, the sum over both views.
    both = sum(torch.relu(1 - (view.var(0) + 1e-4).sqrt()).mean() for view in (FIRST, SECOND))
    assert vicreg.vicreg_loss(FIRST, SECOND, 0, 1, 0).item() == pytest.approx(both.item(), rel=1e-5)
    text = " ".join(vicreg.__doc__.split())
    assert "Invariance is the code's" in text
    assert "Variance is the paper's" in text


def test_one_image_has_no_vicreg_loss() -> None:
    with pytest.raises(DataError, match="One image has no deviation"):
        vicreg.vicreg_loss(torch.ones(1, 3), torch.ones(1, 3))


def test_each_term_of_vicreg_is_zero_where_it_should_be() -> None:
    drawn = torch.randn(50, 5)
    wide = torch.linalg.qr(drawn - drawn.mean(0))[0] * 8
    assert vicreg.variance_hinge(wide) == 0
    assert vicreg.covariance_penalty(wide - wide.mean(0)).item() == pytest.approx(0, abs=1e-3)
    assert vicreg.variance_hinge(torch.ones(8, 3)).item() == pytest.approx(0.99)
    assert vicreg.vicreg_loss(wide, wide, nu=0).item() == 0


def test_four_turns_are_turns_of_a_quarter() -> None:
    images = torch.arange(2 * 3 * 4 * 4.0).reshape(2, 3, 4, 4)
    turned = rotation.four_turns(images)
    assert torch.equal(turned[:2], images)
    for turn in range(4):
        back = torch.rot90(turned[2 * turn : 2 * turn + 2], -turn, (2, 3))
        assert torch.equal(back, images)


def test_patches_hold_their_pixels_and_masks_hide_the_same_number() -> None:
    images = torch.randn(2, 3, 8, 8)
    cut = masked_images.patches(images, 4)
    assert torch.equal(cut[1, 2].reshape(3, 4, 4), images[1, :, 4:, :4])
    mask = masked_images.draw_mask(5, 20, 0.6, torch.Generator().manual_seed(0))
    assert mask.sum(1).tolist() == [12] * 5
    assert len({tuple(row.tolist()) for row in mask}) == 5


def test_the_loss_of_masked_images_counts_hidden_patches_alone() -> None:
    pixels, mask = torch.randn(2, 4, 3), torch.tensor([[True, False, False, True]] * 2)
    wrong = pixels.clone()
    wrong[~mask] += 100
    assert masked_images.masked_l1(wrong, pixels, mask) == 0
    wrong[:, 0] += 2
    assert masked_images.masked_l1(wrong, pixels, mask).item() == pytest.approx(1)


def test_the_probe_reaches_the_head_and_not_the_features() -> None:
    head, features = nn.Linear(5, 3), FIRST.clone().requires_grad_(True)
    labels, known = torch.tensor([0, 1, 2, 0, 1, 2]), torch.tensor([True, True, False, True, False, True])
    loss, _ = probe_loss(head, features, labels, known)
    loss.backward()
    assert features.grad is None
    assert head.weight.grad.abs().sum() > 0
    assert loss.item() == pytest.approx(nn.functional.cross_entropy(head(FIRST)[known], labels[known]).item())
    nothing, correct = probe_loss(head, features, labels, torch.zeros(6, dtype=torch.bool))
    assert (nothing.item(), correct) == (0, 0)


def vit_recipe(recipe: tlw.Recipe, folder: Path) -> tlw.Recipe:
    """A run of a vision transformer of two blocks."""
    args: dict[str, Any] = {"img_size": 16, "patch_size": 4, "embed_dim": 24, "depth": 2, "num_heads": 2}
    torch.manual_seed(0)
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=3, **args)
    vit.pretrained_cfg |= {"input_size": (3, 16, 16), "crop_pct": 1.0, "mean": (0.5,) * 3, "std": (0.25,) * 3}
    timm.models.save_for_hf(vit, str(folder), model_args=args, safe_serialization=True)
    return recipe.replace(backbone=f"local-dir:{folder}")


@pytest.fixture(params=[*CONVOLUTIONAL, "masked_images"])
def pretraining(request: pytest.FixtureRequest, recipe: tlw.Recipe, tmp_path: Path) -> tlw.Recipe:
    """A recipe of every self-supervised method."""
    some = vit_recipe(recipe, tmp_path / "vit") if request.param == "masked_images" else recipe
    return some.replace(method=request.param, epochs=4)


def test_a_run_learns_without_labels_and_its_network_is_the_backbone_of_the_next(
    pretraining: tlw.Recipe, tmp_path: Path
) -> None:
    run = tlw.fit(pretraining, tmp_path / "first", progress=False)
    name = {"simclr": "contrast", "vicreg": "vicreg", "rotation": "turns_named"}.get(pretraining.method, "filled_in")
    sign = 1 if name == "turns_named" else -1
    assert sign * run.history[name].iloc[-1] > sign * run.history[name].iloc[0]
    source = f"run:{run.path}"
    kept, new = tlw.load_backbone(source), tlw.load_backbone(source, num_classes=7)
    images = pretraining.data.images(range(4))
    assert np.array_equal(kept.logits(images), run.backbone.logits(images))
    assert kept.classes == run.classes
    assert np.array_equal(new.features(images), run.backbone.features(images))
    assert new.num_classes == 7
    second = tlw.fit(
        pretraining.replace(method="fine_tuning", backbone=source, epochs=1), tmp_path / "second", progress=False
    )
    again = tlw.load_backbone(f"run:{second.path}")
    assert np.array_equal(again.logits(images), second.backbone.logits(images))


def test_labels_change_the_head_alone(pretraining: tlw.Recipe, tmp_path: Path, stripes: Any) -> None:
    images, labels = stripes
    features = []
    for number, names in enumerate((labels, np.random.default_rng(1).permutation(labels))):
        data = tlw.load_data((images, names), val=0, test=0)
        assert len(data.indices("train")) == 60
        run = tlw.fit(pretraining.replace(data=data, epochs=2), tmp_path / str(number), progress=False)
        features.append(run.backbone.features(images))
    assert np.array_equal(*features)


def test_a_stopped_run_goes_on_to_the_same_numbers(pretraining: tlw.Recipe, tmp_path: Path) -> None:
    whole = tlw.fit(pretraining, tmp_path / "whole", progress=False)
    session = tlw.TrainingSession(pretraining, tmp_path / "halved")
    session.subscribe(lambda event: session.stop() if isinstance(event, EpochEnded) and event.epoch == 2 else None)
    session.start().wait(120)
    resumed = tlw.resume(tmp_path / "halved", progress=False)
    assert list(whole.history["train_loss"]) == list(resumed.history["train_loss"])


def test_bare_images_are_learned_from_and_kept_with_the_run(recipe: tlw.Recipe, tmp_path: Path, stripes: Any) -> None:
    bare = recipe.replace(method="simclr", method_options={"unlabelled": stripes[0][:40]}, epochs=1)
    run = tlw.fit(bare, tmp_path / "run", progress=False)
    assert run.recipe.method_options["unlabelled"] == {"images": "unlabelled/images.npy"}
    assert run.history["train_accuracy"].iloc[0] == 0  # no label of these is known


def test_hidden_patches_do_not_reach_the_network(recipe: tlw.Recipe, tmp_path: Path) -> None:
    some = vit_recipe(recipe, tmp_path / "vit").replace(method="masked_images")
    setting = Setting(tlw.load_backbone(some.backbone, num_classes=3), some.data, some)
    method, mask = make_method(setting), torch.zeros(1, 16, dtype=torch.bool)
    mask[0, :8] = True
    images = torch.randn(1, 3, 16, 16)
    other = images.clone()
    other[:, :, :8] = 5.0  # the upper half are the first eight patches
    model = setting.backbone.model.eval()
    assert torch.equal(method.fill_in(model, images, mask), method.fill_in(model, other, mask))
    other[:, :, 8:] += 1.0
    assert not torch.equal(method.fill_in(model, images, mask), method.fill_in(model, other, mask))
    assert not model.patch_embed._forward_hooks


def test_texts_are_contrasted_by_other_words(tiny_text: str, opinions: Any, tmp_path: Path) -> None:
    some = tlw.Recipe(data=opinions, backbone=tiny_text, method="simclr", epochs=1, batch_size=8)
    assert "contrast" in tlw.fit(some, tmp_path / "run", progress=False).history
    with pytest.raises(RecipeError, match="Texts cannot be turned"):
        tlw.fit(some.replace(method="rotation"), tmp_path / "turned", progress=False)


def test_what_cannot_be_pretrained_is_refused(recipe: tlw.Recipe, setting: Setting, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="temperature is 0"):
        simclr.make(setting, temperature=0)
    with pytest.raises(RecipeError, match="lamda, mu, nu are -1"):
        vicreg.make(setting, lamda=-1)
    with pytest.raises(RecipeError, match="view is 'none'"):
        simclr.make(setting, view="none")
    with pytest.raises(RecipeError, match="no row of patches"):
        masked_images.make(setting)
    with pytest.raises(DataError, match="sizes of a projector"):
        projector([3])
    vit = vit_recipe(recipe, tmp_path / "vit")
    with pytest.raises(RecipeError, match="share is 1"):
        masked_images.make(Setting(tlw.load_backbone(vit.backbone), vit.data, vit), share=1)


def test_runs_that_are_none_are_refused(recipe: tlw.Recipe, tmp_path: Path) -> None:
    with pytest.raises(BackboneError, match="There is no run"):
        tlw.load_backbone(f"run:{tmp_path}")
    run = tlw.fit(recipe.replace(epochs=1), tmp_path / "run", progress=False)
    with pytest.raises(BackboneError, match="the channels that its run had"):
        tlw.load_backbone(f"run:{run.path}", in_chans=1)
    with pytest.raises(RecipeError, match="no plain script"):
        recipe.replace(backbone=f"run:{run.path}").to_script()
    (run.path / "best.safetensors").write_bytes(b"damaged")
    with pytest.raises(BackboneError, match="no weights that can be read"):
        tlw.load_backbone(f"run:{run.path}")
    random = tlw.load_backbone(f"run:{run.path}", pretrained=False)
    assert random.num_classes == 3
