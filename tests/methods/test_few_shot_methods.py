"""Prototypes, matching, SimpleShot and the linear probe: their mathematics, on features as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import NearestCentroid

from tlwidgets.errors import DataError
from tlwidgets.methods.linear_probe import LinearProbe
from tlwidgets.methods.matching import Matching, attention
from tlwidgets.methods.prototypes import Prototypes, class_means, linear_head, minus_squared_distances
from tlwidgets.methods.simple_shot import SimpleShot, centred_unit

LEARNERS = [Prototypes, Matching, SimpleShot, LinearProbe]

# Fourteen rows anyone can make again; the first nine are the support set, classes in turn.
ROWS = np.sin(np.arange(84).reshape(14, 6) ** 1.5) + 0.5 * (np.arange(14) % 3)[:, None]
SUPPORT, QUERIES, LABELS = ROWS[:9], ROWS[9:], np.arange(9) % 3


def test_prototypes_are_the_linear_head_of_the_paper() -> None:
    prototypes = class_means(SUPPORT, LABELS)
    weights, biases = linear_head(prototypes)
    logits = QUERIES @ weights.T + biases
    assert np.allclose(softmax(logits, axis=1), Prototypes().fit(SUPPORT, LABELS).predict_proba(QUERIES))
    assert np.allclose(logits - minus_squared_distances(QUERIES, prototypes), np.square(QUERIES).sum(1)[:, None])


def test_prototypes_choose_as_scikit_learns_nearest_centroid() -> None:
    theirs = NearestCentroid().fit(SUPPORT, LABELS).predict(QUERIES)
    assert list(Prototypes().fit(SUPPORT, LABELS).predict_proba(QUERIES).argmax(1)) == list(theirs)


def test_prototypes_have_the_squares_of_the_scores_of_easy_few_shot_learning() -> None:
    theirs = [  # easyfsl 1.5.0, PrototypicalNetworks(): minus the distance, not squared
        [-2.44437756, -2.18582956, -3.14066096],
        [-2.33669235, -1.93555761, -2.81203487],
        [-4.5173787, -3.77209505, -2.02999094],
        [-1.54289037, -1.32232667, -1.93373479],
        [-2.7783557, -2.21573934, -2.60440075],
    ]
    assert np.allclose(minus_squared_distances(QUERIES, class_means(SUPPORT, LABELS)), -np.square(theirs), atol=1e-6)


def test_simple_shot_has_the_cosines_of_easy_few_shot_learning() -> None:
    theirs = [  # easyfsl 1.5.0, SimpleShot(feature_centering=mean of all rows, feature_normalization=2)
        [-0.03062039, 0.03052841, -0.65586283],
        [-0.10974147, 0.0102292, -0.56655841],
        [-0.52776791, -0.44015167, 0.89353498],
        [0.64259473, 0.19921587, -0.05289194],
        [-0.37235847, -0.1766449, -0.25911937],
    ]
    learner = SimpleShot(ROWS.mean(0)).fit(SUPPORT, LABELS)
    means = np.stack([centred_unit(SUPPORT, ROWS.mean(0))[number == LABELS].mean(0) for number in range(3)])
    assert np.allclose(cosine_similarity(centred_unit(QUERIES, ROWS.mean(0)), means), theirs, atol=1e-7)
    # The paper's distance differs from the cosine by the length of the means alone: |q - m|^2 = 1 + |m|^2 - 2 |m| cos.
    lengths = np.linalg.norm(means, axis=1)
    logits = 2 * lengths * theirs - np.square(lengths)
    assert np.allclose(np.log(learner.predict_proba(QUERIES)), log_softmax(logits, axis=1), atol=1e-6)


def test_simple_shot_does_not_see_shift_and_scale() -> None:
    plain = SimpleShot().fit(SUPPORT, LABELS).predict_proba(QUERIES)
    moved = SimpleShot().fit(3 * SUPPORT + 7, LABELS).predict_proba(3 * QUERIES + 7)
    assert np.allclose(plain, moved)


def test_matching_is_a_nearest_neighbour_with_one_example_a_class() -> None:
    nearest = cosine_similarity(QUERIES, SUPPORT[:3]).argmax(1)
    assert list(Matching().fit(SUPPORT[:3], [0, 1, 2]).predict_proba(QUERIES).argmax(1)) == list(nearest)


def test_matching_has_the_probabilities_of_easy_few_shot_learning_without_its_lstms() -> None:
    # easyfsl 1.5.0, MatchingNetworks with encoders that add nothing, queries of length 1; it adds 1e-6 to each.
    theirs = [
        [0.284274, 0.354112, 0.361618],
        [0.244434, 0.350112, 0.405457],
        [0.255719, 0.313366, 0.430918],
        [0.317573, 0.315904, 0.366526],
        [0.242342, 0.337932, 0.419729],
    ]
    assert np.allclose(Matching(sharpness=1.0).fit(SUPPORT, LABELS).predict_proba(QUERIES), theirs, atol=2e-6)


def test_attention_adds_up_to_one_and_sharpens() -> None:
    soft, sharp = attention(QUERIES, SUPPORT), attention(QUERIES, SUPPORT, 1000.0)
    assert np.allclose(soft.sum(1), 1)
    assert np.allclose(sharp.max(1), 1, atol=1e-2)
    assert list(sharp.argmax(1)) == list(cosine_similarity(QUERIES, SUPPORT).argmax(1))


def test_the_linear_probe_is_at_the_minimum_of_its_loss() -> None:
    # At the minimum of ||W||^2 / 2 + C * (sum of cross-entropies) the weights are C * (one-hot - p)^T X.
    probe = LinearProbe(C=2.0).fit(SUPPORT, LABELS)
    unit = SUPPORT / np.linalg.norm(SUPPORT, axis=1, keepdims=True)
    surprise = np.eye(3)[LABELS] - probe.predict_proba(SUPPORT)
    assert np.allclose(probe._model[-1].coef_, 2.0 * surprise.T @ unit, atol=5e-3)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_every_learner_gives_probabilities_and_knows_its_examples(learner: Any, n_classes: int) -> None:
    keep = n_classes > LABELS
    rows = SUPPORT[keep] + 3 * np.eye(6)[LABELS[keep]]
    probabilities = learner().fit(rows, LABELS[keep]).predict_proba(rows)
    assert probabilities.shape == (keep.sum(), n_classes)
    assert np.allclose(probabilities.sum(1), 1)
    assert list(probabilities.argmax(1)) == list(LABELS[keep])


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize(
    ("features", "labels", "complaint"),
    [
        (np.full((4, 2), np.nan), [0, 1, 0, 1], "nan or infinity"),
        (np.ones((4, 2)), [0, 2, 0, 2], "Class 1 has no sample"),
        (np.ones((4, 2)), [0, 0, 0, 0], "one class"),
        (np.ones((4, 2)), [0, 1], "Features have shape"),
        (np.ones((4, 2)), [0.5, 1.0, 0.0, 1.0], "no class numbers"),
        (np.ones(4), [0, 1, 0, 1], "shape"),
        (np.ones((0, 2)), [], "shape"),
    ],
)
def test_support_sets_that_cannot_be_learned_from_are_refused(
    learner: Any, features: Any, labels: Any, complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint):
        learner().fit(features, labels)


@pytest.mark.parametrize("learner", LEARNERS)
def test_queries_must_be_like_the_support_set_and_come_after_it(learner: Any) -> None:
    with pytest.raises(DataError, match="Nothing has been learned yet"):
        learner().predict_proba(QUERIES)
    fitted = learner().fit(SUPPORT, LABELS)
    with pytest.raises(DataError, match="have 4 columns, but those of fit had 6"):
        fitted.predict_proba(QUERIES[:, :4])
    with pytest.raises(DataError, match="queries have 4 columns"):
        attention(QUERIES[:, :4], SUPPORT)


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="C is 0"):
        LinearProbe(C=0)
    with pytest.raises(DataError, match="scaling 'x'"):
        LinearProbe(scaling="x")
    with pytest.raises(DataError, match="centre has shape"):
        SimpleShot(np.zeros(5)).fit(SUPPORT, LABELS)
