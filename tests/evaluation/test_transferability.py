"""Transferability scores: reference values, identities, typed errors."""

import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.datasets import load_digits, load_iris

from tlwidgets.errors import DataError
from tlwidgets.evaluation.similarity import linear_cka
from tlwidgets.evaluation.transferability import h_score, knn_score, leep, logme, nce, transrate

IRIS, DIGITS = load_iris(return_X_y=True), load_digits(return_X_y=True)
TOY = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3]])
TOY_LABELS = [0, 0, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("score", "data", "value"),
    [
        (logme, IRIS, -0.160060),
        (logme, DIGITS, 0.270277),
        (h_score, IRIS, 1.191899),
        (h_score, DIGITS, 5.917909),
        (lambda *data: h_score(*data, regularised=True), IRIS, 1.177842),
        (lambda *data: h_score(*data, regularised=True), DIGITS, 5.851433),
        (transrate, IRIS, 0.589405),
        (transrate, DIGITS, 50.279312),
        (leep, (TOY, TOY_LABELS), -0.511980659),
        (nce, (TOY.argmax(1), TOY_LABELS), -0.231049060),
    ],
)
def test_scores_are_those_of_the_reference_implementations(score, data, value):
    assert score(*data) == pytest.approx(value, abs=1e-4)


def test_logme_does_not_change_under_rotation_but_under_a_shift():
    features, labels = IRIS
    rotation = ortho_group.rvs(4, random_state=0)
    assert logme(features @ rotation, labels) == pytest.approx(logme(features, labels), abs=1e-9)
    assert logme(features - features.mean(0), labels) == pytest.approx(-0.639837, abs=1e-4)


def test_logme_is_the_evidence_of_a_gaussian_at_its_best_hyper_parameters():
    """The marginal of y is N(0, I/beta + FF'/alpha): no choice of alpha and beta may give it a higher density."""
    from scipy.optimize import minimize
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(30, 50)), np.arange(30) % 2

    def negative(logs, target):
        covariance = np.eye(30) / np.exp(logs[1]) + features @ features.T / np.exp(logs[0])
        return -multivariate_normal.logpdf(target, np.zeros(30), covariance)

    best = [minimize(negative, [0.0, 0.0], (column,), "Nelder-Mead").fun for column in np.eye(2)[labels].T]
    assert logme(features, labels) == pytest.approx(-np.mean(best) / 30, abs=1e-3)


def test_h_score_is_affine_invariant_and_at_most_one_less_than_the_classes():
    features, labels = IRIS
    matrix = np.random.default_rng(0).normal(size=(4, 4))
    assert h_score(features @ matrix + 3, labels) == pytest.approx(h_score(features, labels), abs=1e-9)
    assert h_score(np.eye(3)[labels], labels) == pytest.approx(2)


def test_leep_of_uniform_predictions_is_minus_the_entropy_and_of_certain_ones_the_nce():
    labels = np.array([*TOY_LABELS, 2, 2])
    shares = np.bincount(labels) / len(labels)
    uniform = np.full((8, 5), 0.2)
    assert leep(uniform, labels) == pytest.approx(float((shares * np.log(shares)).sum()))
    named = np.array([4, 4, 1, 1, 0, 0, 2, 1])
    assert leep(np.eye(5)[named], labels) == pytest.approx(nce(named, labels))
    assert nce(labels, labels) == 0


def test_transrate_takes_the_smaller_matrix_where_there_are_fewer_images_than_features():
    features, labels = np.random.default_rng(0).normal(size=(20, 40)), np.arange(20) % 2
    centred = features - features.mean(0)
    wide = lambda rows: 0.5 * np.linalg.slogdet(np.eye(40) + rows.T @ rows / (len(rows) * 1e-4))[1]  # noqa: E731
    expected = wide(centred) - (wide(centred[labels == 0]) + wide(centred[labels == 1])) / 2
    assert transrate(features, labels) == pytest.approx(expected)


def test_no_image_votes_for_itself():
    features = np.array([[1, 0], [1, 0.1], [0, 1], [0.1, 1]])
    assert knn_score(features, ["a", "a", "b", "b"], neighbours=1) == 1
    assert knn_score(features, ["a", "b", "a", "b"], neighbours=1) == 0


@pytest.mark.parametrize("score", [logme, h_score, transrate, knn_score, leep])
def test_bad_input_is_refused_with_a_typed_error(score):
    features, labels = np.full((8, 2), 0.5), np.arange(8) % 2
    broken = features.copy()
    broken[3, 1] = np.nan
    with pytest.raises(DataError, match=r"nan or infinity \(first at index 3\)"):
        score(broken, labels)
    with pytest.raises(DataError, match="1 class"):
        score(features, np.zeros(8))
    with pytest.raises(DataError, match=r"8 .* but 7 labels"):
        score(features, labels[:7])
    with pytest.raises(DataError, match="have shape"):
        score(features[:, 0], labels)
    with pytest.raises(DataError, match="labels are missing"):
        score(features, [None, *"abababa"])


def test_features_that_are_all_alike_have_the_evidence_of_the_noise_alone():
    # Without features the evidence is that of N(0, 1/beta) at its best beta, 1 over the mean square of a column.
    labels = np.arange(20) % 2
    assert logme(np.zeros((20, 3)), labels) == pytest.approx(0.5 * np.log(2 / (2 * np.pi)) - 0.5)
    assert logme(np.full((20, 3), 1e-200), labels) == pytest.approx(logme(np.zeros((20, 3)), labels))
    assert np.isfinite(logme(np.ones((20, 3)), labels))


def test_other_bad_input_is_refused():
    with pytest.raises(DataError, match="40 source labels are missing"):
        nce([np.nan] * 40, np.arange(40) % 2)
    with pytest.raises(DataError, match="partly strings"):
        nce(["a", 1, "a", 1, "a", 1], TOY_LABELS)
    for epsilon in (0, -1, np.nan):
        with pytest.raises(DataError, match="epsilon is"):
            transrate(*IRIS, epsilon=epsilon)
    with pytest.raises(DataError, match="not probabilities"):
        leep(2 * TOY, TOY_LABELS)
    with pytest.raises(DataError, match="5 source labels but 6 labels"):
        nce([0, 1, 0, 1, 0], TOY_LABELS)
    with pytest.raises(DataError, match="6 neighbours"):
        knn_score(TOY, TOY_LABELS, neighbours=6)


def test_cka_knows_rotation_scale_and_shift_but_not_every_linear_map():
    rng = np.random.default_rng(0)
    features, rotation = rng.normal(size=(40, 5)), ortho_group.rvs(5, random_state=0)
    for unbiased in (True, False):
        same = linear_cka(features, 3 * features @ rotation + 7, unbiased=unbiased)
        assert same == pytest.approx(1)
        assert linear_cka(features, features @ np.diag([9, 1, 1, 1, 1]), unbiased=unbiased) < 0.9


def test_unbiased_cka_of_unrelated_features_is_about_zero_where_the_plain_one_is_not():
    rng = np.random.default_rng(0)
    pairs = [rng.normal(size=(2, 16, 5)) for _ in range(200)]
    plain, unbiased = ([linear_cka(*pair, unbiased=kind) for pair in pairs] for kind in (False, True))
    assert np.mean(plain) > 0.2
    assert abs(np.mean(unbiased)) < 0.03


def test_cka_refuses_what_it_cannot_compare():
    features = np.random.default_rng(0).normal(size=(6, 2))
    for pair, message in [
        ((features, features[:5]), "of 6 and of 5 images"),
        ((features[:3], features[:3]), "3 images are too few"),
        ((features, np.ones((6, 2))), "same for every image"),
        ((features, np.full((6, 2), np.inf)), "nan or infinity"),
        ((features[:, 0], features), "have shape"),
    ]:
        with pytest.raises(DataError, match=message):
            linear_cka(*pair)
