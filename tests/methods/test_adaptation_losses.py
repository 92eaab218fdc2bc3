"""The mathematics of domain adaptation: reference values, identities, independent small implementations."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tlwidgets.errors import DataError
from tlwidgets.methods import cdan, coral, dann, importance_weighting, mcc, mmd, self_training
from tlwidgets.training.ramps import growing
from tlwidgets.training.reversal import domain_head, reversed_gradient


def _rows(n: int, d: int, seed: int) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def test_coral_is_the_papers_formula_and_blind_to_the_mean() -> None:
    source, target = _rows(20, 5, 0), 2 * _rows(30, 5, 1)
    gap = np.cov(source.numpy().T) - np.cov(target.numpy().T)
    assert coral.coral_loss(source, target).item() == pytest.approx(float((gap**2).sum()) / (4 * 25), rel=1e-5)
    assert coral.coral_loss(source, source + 7).item() == pytest.approx(0, abs=1e-9)
    scaled = coral.coral_loss(source[:, :1], 2 * source[:, :1]).item()
    assert scaled == pytest.approx((3 * float(source[:, 0].var())) ** 2 / 4, rel=1e-5)


def test_aligned_features_have_the_covariance_of_the_target() -> None:
    source, target = _rows(400, 4, 0).numpy() @ np.diag([1, 2, 3, 4.0]), _rows(300, 4, 1).numpy()
    aligned = coral.align(source, target, regularisation=1e-9)
    assert np.allclose(np.cov(aligned.T), np.cov(target.T), atol=1e-6)
    assert np.allclose(coral.align(source, source), source)


def test_mmd_of_equal_sets_is_zero_and_of_two_points_what_the_kernel_says() -> None:
    rows = _rows(15, 4, 0)
    assert mmd.squared_mmd(rows, rows, [0.5, 2.0]).item() == pytest.approx(0, abs=1e-6)
    for distance in (0.3, 1.5):
        value = mmd.squared_mmd(torch.zeros(1, 2), torch.tensor([[distance, 0.0]]), [1.0]).item()
        assert value == pytest.approx(2 - 2 * math.exp(-(distance**2) / 2), rel=1e-5)
    assert mmd.squared_mmd(torch.zeros(1, 1), torch.tensor([[1.5]]), [1.0]).item() == pytest.approx(1.350695, abs=1e-6)


def test_mmd_is_the_mean_over_all_pairs_of_scikit_learns_kernel() -> None:
    from sklearn.metrics.pairwise import rbf_kernel

    source, target = _rows(6, 3, 0), _rows(9, 3, 1) + 0.5
    expected = []
    for sigma in (0.7, 1.9):
        gamma = 1 / (2 * sigma**2)
        within = rbf_kernel(source, gamma=gamma).mean() + rbf_kernel(target, gamma=gamma).mean()
        expected.append(within - 2 * rbf_kernel(source, target, gamma=gamma).mean())
    assert mmd.squared_mmd(source, target, [0.7, 1.9]).item() == pytest.approx(np.mean(expected), rel=1e-4)
    typical = mmd.typical_distance(source).item()
    pairs = torch.cdist(source, source)[~torch.eye(6, dtype=torch.bool)]
    assert typical == pytest.approx(pairs.square().mean().sqrt().item(), rel=1e-4)


# What other libraries say of the same inputs, which anyone can make again.
OURS = np.sin(np.arange(60).reshape(12, 5) ** 1.3)
THEIRS = 0.5 + 1.5 * np.cos(np.arange(45).reshape(9, 5) ** 1.2)
SOURCE, TARGET = (torch.tensor(rows, dtype=torch.float32) for rows in (OURS, THEIRS))


def test_deep_coral_is_that_of_pytorch_adapt_and_skada() -> None:
    # pytorch-adapt 0.0.83, CORALLoss(); skada 0.6.0, deepcoral_loss
    assert coral.coral_loss(SOURCE, TARGET).item() == pytest.approx(0.0792243, abs=1e-6)


def test_shallow_coral_is_that_of_skada_but_for_its_centring_and_its_covariance() -> None:
    # skada 0.6.0, CORALAdapter(reg=None): rows 0 and 1. It moves the mean too, and divides by n instead of n - 1.
    rows = np.array(
        [
            [-0.88825486, 1.3021176, 0.5778007, -1.6699806, 0.30337569],
            [1.14154081, -0.65653869, -0.37973409, 0.94221022, -1.022416],
        ]
    )
    aligned = coral.align(OURS, THEIRS, regularisation=1e-12)
    assert np.allclose((aligned[1] - aligned[0]) * math.sqrt(12 / 11 * 8 / 9), rows[1] - rows[0], atol=1e-6)


def test_mmd_differs_from_other_libraries_by_kernel_and_estimator() -> None:
    ours = mmd.squared_mmd(SOURCE, TARGET, [1.0]).item()
    assert ours == pytest.approx(0.4320385, abs=1e-6)
    # skada 0.6.0, dan_loss(sigmas=[1.0]) is 0.3383663: the same estimator with exp(-||x - y||), not squared.
    kernel = torch.exp(-torch.cdist(torch.cat([SOURCE, TARGET]), torch.cat([SOURCE, TARGET])))
    laplacian = kernel[:12, :12].mean() + kernel[12:, 12:].mean() - 2 * kernel[:12, 12:].mean()
    assert laplacian.item() == pytest.approx(0.3383663, abs=1e-5)
    # pytorch-adapt 0.0.83, MMDLoss(mmd_type="quadratic"): 0.3341379, and -0.0953639 between equal sets.
    assert mmd.squared_mmd(SOURCE, SOURCE, [1.0]).item() == pytest.approx(0, abs=1e-6)


def test_class_confusion_is_that_of_pytorch_adapt() -> None:
    # pytorch-adapt 0.0.83, MCCLoss(T=1) and MCCLoss(T=2.5), with the features taken for logits
    for temperature, theirs in ((1.0, 0.7379532), (2.5, 0.7878610)):
        assert mcc.class_confusion(SOURCE, temperature).item() == pytest.approx(theirs, abs=1e-6)


def test_a_reversed_gradient_is_minus_the_strength_times_the_gradient() -> None:
    weights = _rows(4, 3, 0)
    values = torch.ones(3, requires_grad=True)
    assert torch.equal(reversed_gradient(values, 0.3), values)
    (weights @ reversed_gradient(values, 0.3)).sum().backward()
    assert torch.allclose(values.grad, -0.3 * weights.sum(0))


def test_the_game_grows_as_in_the_paper() -> None:
    assert [growing(share) for share in (0.0, 0.25, 0.5, 1.0)] == pytest.approx(
        [0, 0.848284, 0.986614, 0.999909], abs=1e-6
    )


def test_the_domains_count_the_same_and_an_undecided_classifier_costs_log_two() -> None:
    assert dann.domain_loss(torch.zeros(3, 1), torch.zeros(9, 1)).item() == pytest.approx(math.log(2))
    good, bad = torch.full((3, 1), 9.0), torch.full((5, 1), -9.0)
    assert dann.domain_loss(good, bad) < 1e-3 < dann.domain_loss(bad, good)


def test_class_confusion_is_zero_for_certain_and_balanced_and_high_for_undecided() -> None:
    certain = 1000.0 * torch.eye(4).repeat(3, 1)
    assert mcc.class_confusion(certain).item() == pytest.approx(0, abs=1e-6)
    assert mcc.class_confusion(torch.zeros(7, 4)).item() == pytest.approx(3 / 4)


def test_class_confusion_is_that_of_a_loop_over_classes() -> None:
    logits = 3 * _rows(8, 3, 0)
    p = torch.softmax(logits / 2.5, 1).double().numpy()
    entropy = -(p * np.log(p)).sum(1)
    weight = len(p) * (1 + np.exp(-entropy)) / (1 + np.exp(-entropy)).sum()
    total = 0.0
    for j in range(3):
        row = [sum(weight[i] * p[i, j] * p[i, k] for i in range(8)) for k in range(3)]
        total += (sum(row) - row[j]) / sum(row)
    assert mcc.class_confusion(logits).item() == pytest.approx(total / 3, rel=1e-5)


def test_the_product_of_features_and_predictions_holds_every_pair() -> None:
    features, probabilities = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[0.25, 0.75]])
    assert cdan.joint(features, probabilities).tolist() == [[0.25, 0.5, 0.75, 0.75, 1.5, 2.25]]
    weights = cdan.certainty_weights(torch.tensor([[0.0, 0.0], [50.0, 0.0]]))
    assert weights.tolist() == pytest.approx([1.5 / 1.75, 2 / 1.75])


def test_a_long_product_is_projected_so_that_inner_products_are_kept() -> None:
    large = cdan.DomainClassifier(600, 10, 8)
    assert large.projected
    assert large.head[0].in_features == cdan.LONGEST
    assert not any(name.startswith("of_") for name, _ in large.named_parameters())
    features, probabilities = _rows(2, 600, 0), _rows(2, 10, 1).softmax(1)
    both = (features @ large.of_features) * (probabilities @ large.of_classes) / cdan.LONGEST**0.5
    exact = cdan.joint(features, probabilities)
    assert float(both[0] @ both[0]) == pytest.approx(float(exact[0] @ exact[0]), rel=0.2)
    assert large(features, probabilities).shape == (2,)


def test_the_density_ratio_of_two_gaussians_is_found() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(0, 1, (4000, 1)), rng.normal(1, 1, (4000, 1))
    found = importance_weighting.density_ratio(source, target, regularisation=1e-3, ceiling=1e9)
    truth = np.exp(source[:, 0] - 0.5)
    assert found.mean() == pytest.approx(1)
    assert np.allclose(np.log(found), np.log(truth / truth.mean()), atol=0.25)
    assert importance_weighting.density_ratio(source, target, ceiling=2.0).max() < 3
    assert importance_weighting.effective_size([1, 1, 1, 1]) == 4
    assert importance_weighting.effective_size([1, 0, 0, 0]) == 1


def test_the_weighted_loss_is_the_targets_where_only_the_inputs_have_shifted() -> None:
    # E_source[w(x) f(x)] = E_target[f(x)] with f(x) = x.
    rng = np.random.default_rng(1)
    source, target = rng.normal(0, 1, (20_000, 1)), rng.normal(0.5, 1, (20_000, 1))
    weights = importance_weighting.density_ratio(source, target, ceiling=1e9)
    assert float((weights * source[:, 0]).mean()) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("ceiling", [1.5, 3, 20])
def test_no_weight_is_above_its_ceiling_and_the_others_keep_their_proportions(ceiling: float) -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(0, 1, (2000, 1)), rng.normal(2, 1, (2000, 1))
    free = importance_weighting.density_ratio(source, target, ceiling=math.inf)
    held = importance_weighting.density_ratio(source, target, ceiling=ceiling)
    assert held.mean() == pytest.approx(1)
    assert held.max() == pytest.approx(ceiling)
    factors = (held / free)[held < ceiling * (1 - 1e-6)]
    assert np.allclose(factors, factors[:1])
    again = free
    for _ in range(300):  # what clipping and dividing by the mean in turn end at
        again = np.minimum(again, ceiling) / np.minimum(again, ceiling).mean()
    assert np.allclose(held, again, atol=1e-2)
    assert np.allclose(importance_weighting.density_ratio(source, target, ceiling=1), 1)


def test_domains_that_do_not_overlap_still_have_finite_weights() -> None:
    source, target = np.arange(50)[:, None] - 1e6, np.arange(50)[:, None] + 1e6
    weights = importance_weighting.density_ratio(source, target, regularisation=1e-9, ceiling=3)
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1)
    assert importance_weighting.capped(np.exp([-700.0, -350, 0]), 2).mean() == pytest.approx(1)


def test_few_samples_of_many_columns_are_aligned_without_nan() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        source, target = rng.normal(size=(5, 20)), rng.normal(size=(5, 20))
        assert np.isfinite(coral.align(source, target, regularisation=1e-16)).all()


def test_distances_far_from_zero_are_as_exact_as_near_it() -> None:
    rows = _rows(40, 64, 0) + 1000
    exact = torch.cdist(rows.double(), rows.double()).square()
    assert torch.allclose(mmd.squared_distances(rows).double(), exact, atol=1e-3)
    shifted = mmd.squared_mmd(rows[:20], rows[20:], [8.0]).item()
    assert shifted == pytest.approx(mmd.squared_mmd(rows[:20] - 1000, rows[20:] - 1000, [8.0]).item(), rel=1e-3)


def test_the_surest_share_of_each_class_is_taken() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.45, 0.55], [0.2, 0.8]])
    assert self_training.surest(probabilities, 0.5).tolist() == [0, -1, 0, -1, 1]
    assert self_training.surest(probabilities, 1.0).tolist() == [0, 0, 0, 1, 1]
    assert self_training.surest(probabilities, 0.0).tolist() == [-1] * 5


def test_a_domain_head_gives_one_logit() -> None:
    assert isinstance(domain_head(5, 3), nn.Module)
    assert domain_head(5, 3)(torch.zeros(4, 5)).shape == (4, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: coral.coral_loss(torch.zeros(1, 3), torch.zeros(4, 3)), "One row"),
        (lambda: coral.align([[0.0, math.nan]], [[0.0, 1.0]]), "nan"),
        (lambda: coral.align([[0.0]], [[1.0], [2.0]]), "cannot be aligned"),
        (lambda: mmd.squared_mmd(torch.zeros(0, 3), torch.zeros(4, 3), [1.0]), "cannot be compared"),
        (lambda: importance_weighting.density_ratio([[math.nan]], [[1.0]]), "nan"),
        (lambda: importance_weighting.density_ratio([[1.0]], np.zeros((0, 1))), "shape"),
        (lambda: importance_weighting.density_ratio([[1.0]], [[1.0, 2.0]]), "same width"),
        (lambda: importance_weighting.density_ratio([[1.0]], [[2.0]], regularisation=-1), "regularisation is -1"),
        (lambda: importance_weighting.density_ratio([[1.0]], [[2.0]], ceiling=0.5), r"ceiling 0\.5"),
    ],
)
def test_features_that_cannot_be_used_are_refused(call: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        SimpleNamespace(call=call).call()
