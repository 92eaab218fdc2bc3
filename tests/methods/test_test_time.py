"""What adapts a trained network: AdaBN, Tent, label shift."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import BackboneError, DataError, RecipeError
from tlwidgets.methods import adabn, label_shift, tent
from tlwidgets.training.batch_statistics import batch_norms, even_size, prepared_batches


@pytest.fixture
def backbone(tiny: str) -> tlw.Backbone:
    """The tiny network, with norm layers whose scale and shift are not all one and zero."""
    backbone = tlw.load_backbone(tiny, num_classes=3)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in batch_norms(backbone.model).values():
            layer.weight.copy_(torch.rand(layer.weight.shape, generator=generator) + 0.5)
            layer.bias.copy_(torch.randn(layer.bias.shape, generator=generator) * 0.1)
    backbone.model.eval()
    return backbone


def _state(backbone: tlw.Backbone) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in backbone.model.state_dict().items()}


def _same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("batch_size", [4, 7, 64])
def test_after_adabn_every_layer_gives_its_bias_and_its_scale_whatever_the_batches(
    backbone: tlw.Backbone, stripes: Any, batch_size: int
) -> None:
    before, images = _state(backbone), stripes[0]
    adapted = adabn.adapt(backbone, images, batch_size)
    assert _same(before, _state(backbone))
    seen: dict[str, torch.Tensor] = {}
    layers = batch_norms(adapted.model)
    for name, layer in layers.items():
        # The layer's own formula: timm's classes have an activation behind it.
        layer.register_forward_pre_hook(
            lambda module, inputs, name=name: seen.update(
                {
                    name: nn.functional.batch_norm(
                        inputs[0], module.running_mean, module.running_var, module.weight, module.bias, False, 0, 0.0
                    )
                }
            )
        )
    with torch.no_grad():
        for batch in prepared_batches(adapted, images, 100):
            adapted.model(batch)
    assert set(seen) == set(layers)
    for name, layer in layers.items():
        flat = seen[name].transpose(0, 1).flatten(1).double()
        alive = layer.running_var > 1e-8
        assert torch.allclose(flat.mean(1), layer.bias.double(), atol=1e-4)
        assert torch.allclose(flat.var(1, unbiased=False)[alive], layer.weight.double().square()[alive], rtol=1e-2)


def test_pooled_variance_is_not_the_mean_of_the_batches_variances(backbone: tlw.Backbone, stripes: Any) -> None:
    order = np.argsort(stripes[1], kind="stable")  # class after class: batches differ in their means
    adapted = adabn.adapt(backbone, stripes[0][order], batch_size=4)
    again = adabn.adapt(backbone, stripes[0], batch_size=60)
    for one, other in zip(batch_norms(adapted.model).values(), batch_norms(again.model).values(), strict=True):
        assert torch.allclose(one.running_var, other.running_var, rtol=1e-3, atol=1e-6)


def test_standardised_features_have_no_gain_and_no_offset() -> None:
    rows = np.random.default_rng(0).normal(size=(50, 3))
    rows[:, 2] = 4
    scaled = adabn.standardise(rows * [2, 5, 1] + [1, -3, 0])
    assert np.allclose(scaled, adabn.standardise(rows))
    assert np.allclose(scaled.std(0), [1, 1, 0])
    assert np.allclose(adabn.standardise(rows[:1], like=rows), (rows[:1] - rows.mean(0)) / [*rows.std(0)[:2], 1])


@pytest.mark.parametrize("name", ["tiny", "test_vit"])
def test_tent_moves_norms_alone_lowers_the_entropy_and_is_reset_to_the_bit(name: str, tiny: str, stripes: Any) -> None:
    backbone = tlw.load_backbone(tiny if name == "tiny" else name, pretrained=name == "tiny", num_classes=3)
    images, before = stripes[0][:24], _state(backbone)
    copy = tent.Tent(backbone, learning_rate=0.001)
    entropies = [_entropy(copy.predict_proba(images)) for _ in range(3)]
    assert entropies[0] > entropies[1] > entropies[2]
    after = _state(copy.backbone)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    norms = {
        f"{owner}.{leaf}"
        for owner, module in copy.model.named_modules()
        if "Norm" in type(module).__mro__[0].__name__
        or isinstance(module, nn.LayerNorm | nn.modules.batchnorm._BatchNorm)
        for leaf in ("weight", "bias")
    }
    assert changed
    assert changed <= norms
    assert _same(before, _state(backbone))
    fourth = copy.predict_proba(images)
    copy.reset()
    assert _same(before, _state(copy.backbone))
    again = [_entropy(copy.predict_proba(images)) for _ in range(3)]
    assert again == entropies
    assert np.array_equal(copy.predict_proba(images), fourth)


def _entropy(probabilities: np.ndarray) -> float:
    return float(-(probabilities * np.log(probabilities)).sum(1).mean())


def test_tent_leaves_a_copy_for_later_use(backbone: tlw.Backbone, stripes: Any) -> None:
    before = _state(backbone)
    adapted = tent.adapt(backbone, stripes[0], learning_rate=0.01, epochs=3, batch_size=59)
    plain = adabn.adapt(backbone, stripes[0])
    assert _same(before, _state(backbone))
    entropies = [tent.mean_entropy(torch.from_numpy(some.logits(stripes[0]))) for some in (plain, adapted)]
    assert entropies[1] < entropies[0]
    assert [even_size(n, size) for n, size in ((60, 59), (13, 3), (64, 64), (3, 1))] == [60, 5, 64, 3]


def test_bbse_finds_the_weights_that_made_the_predictions() -> None:
    confusion, weights = np.array([[0.45, 0.10], [0.05, 0.40]]), np.array([0.4, 1.6])
    assert label_shift.bbse_weights(confusion, confusion @ weights) == pytest.approx([0.4, 1.6])
    counted = label_shift.joint_confusion([0, 0, 1, 1], [0, 1, 1, 1], 2)
    assert counted.tolist() == [[0.25, 0.0], [0.25, 0.5]]


def test_em_finds_the_share_of_two_gaussians() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(200_000) < 0.8
    x = rng.normal(size=len(labels)) + np.where(labels, 1, -1)
    p = expit(2 * x)  # exact, for equal shares
    shares = label_shift.em_shares(np.stack([1 - p, p], 1), [0.5, 0.5])
    assert shares[1] == pytest.approx(labels.mean(), abs=0.004)
    corrected = label_shift.reweighted(np.stack([1 - p, p], 1), shares / 0.5)
    exact = expit(2 * x + math.log(labels.mean() / (1 - labels.mean())))
    assert np.abs(corrected[:, 1] - exact).max() < 0.01
    assert ((corrected[:, 1] > 0.5) == labels).mean() > ((p > 0.5) == labels).mean() + 0.01


def test_nothing_is_corrected_where_nothing_has_shifted() -> None:
    table = np.random.default_rng(0).dirichlet([1, 1, 1], 50)
    assert np.allclose(label_shift.reweighted(table, [1, 1, 1]), table)
    assert np.allclose(label_shift.reweighted([[1.0, 0.0]], [0.0, 1.0]), 0.5)


@pytest.mark.parametrize("estimator", ["em", "bbse"])
def test_a_runs_predictions_are_corrected_for_a_target_of_one_class_mostly(
    recipe: tlw.Recipe, tmp_path: Path, stripes: Any, estimator: str
) -> None:
    run = tlw.fit(recipe.replace(epochs=10), tmp_path / "run", progress=False)
    images, labels = stripes
    target = np.concatenate([images[labels == "plain"], images[labels == "down"][:4]])
    before = _state(run.backbone)
    predictor = label_shift.adapt(run, target, estimator=estimator)
    assert run.classes == ("across", "down", "plain")
    assert predictor.shares == pytest.approx([0, 4 / 24, 20 / 24], abs=0.1)
    assert predictor.predict_proba(target).argmax(1).tolist() == [2] * 20 + [1] * 4
    assert _same(before, _state(run.backbone))
    with pytest.raises(DataError, match="no target images"):
        label_shift.adapt(run, [], estimator=estimator)


def test_what_cannot_be_adapted_is_refused(backbone: tlw.Backbone, stripes: Any) -> None:
    vit = tlw.load_backbone("test_vit", pretrained=False, num_classes=3)
    with pytest.raises(BackboneError, match="no BatchNorm"):
        adabn.adapt(vit, stripes[0])
    for function in (adabn.adapt, tent.adapt):
        for few in (stripes[0][:1], []):
            with pytest.raises(DataError, match="have no statistics"):
                function(backbone, few)
    with pytest.raises(DataError, match="cannot be standardised"):
        adabn.standardise([[1.0]])
    with pytest.raises(DataError, match="nan"):
        adabn.standardise([[math.nan], [1.0]])
    with pytest.raises(RecipeError, match="learning_rate"):
        tent.Tent(backbone, learning_rate=0)
    with pytest.raises(DataError, match="cannot be inverted"):
        label_shift.bbse_weights([[0.5, 0.5], [0.0, 0.0]], [1.0, 0.0])
    for confusion, shares in ((np.eye(3), [0.5, 0.5]), (np.ones((2, 3)), [0.5, 0.5]), (np.eye(2), [[1.0, 0.0]])):
        with pytest.raises(DataError, match="do not fit"):
            label_shift.bbse_weights(confusion, shares)
    with pytest.raises(DataError, match="source's shares"):
        label_shift.em_shares([[0.5, 0.5]], [1.0, 0.0])
    with pytest.raises(DataError, match="not probabilities"):
        label_shift.reweighted([[2.0, 3.0]], [1.0, 1.0])
    with pytest.raises(RecipeError, match="estimator"):
        label_shift.adapt(None, stripes[0], estimator="odd")  # type: ignore[arg-type]
