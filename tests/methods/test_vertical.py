from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import tlwidgets as tlw
from tlwidgets.errors import DataError
from tlwidgets.methods.linear_probe import LinearProbe
from tlwidgets.methods.vertical import compose, pair_features

SUMS = np.add.outer(np.arange(10), np.arange(10))


def test_the_sum_of_two_parts_is_the_convolution_of_their_probabilities() -> None:
    first, second = np.random.default_rng(0).dirichlet(np.ones(10), size=(2, 5))
    expected = [np.convolve(a, b) for a, b in zip(first, second, strict=True)]
    assert np.allclose(compose(first, second, SUMS), expected)
    assert np.allclose(pair_features(first, second).sum(1), 1)


def test_certain_parts_give_a_certain_answer() -> None:
    answer = compose(np.eye(10)[[3, 9]], np.eye(10)[[4, 9]], SUMS)
    assert list(answer.argmax(1)) == [7, 18]
    assert answer.max(1) == pytest.approx([1, 1])


def test_parts_and_rules_that_do_not_fit_are_refused() -> None:
    with pytest.raises(DataError, match="no probabilities"):
        pair_features(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(DataError, match="2 first and 1 second"):
        pair_features(np.eye(2), np.eye(2)[:1])
    with pytest.raises(DataError, match="rule has shape"):
        compose(np.eye(2), np.eye(2), SUMS)


def test_who_reads_digits_adds_them_with_no_sum_to_learn_from() -> None:
    # Measured, five draws, pairs of scans that the reader never saw: .98 (.96-.99) by the known rule
    # and no sum, .84 (.81-.88) by the rule learned from 200 sums, .15 (.11-.19) for a probe on the pair as a whole.
    backbone = tlw.load_backbone("tlw_resnet")
    digits, pairs = tlw.load_data("digits"), tlw.load_data("pairs")
    rows = np.random.default_rng(1).permutation(len(digits))[:600]
    reader = LinearProbe(scaling="standard").fit(backbone.features(digits.images(rows)), digits.labels[rows])
    parts = np.random.default_rng(0).permutation(len(digits))[:1796].reshape(-1, 2)  # as the world draws them
    assert np.array_equal(digits.labels[parts].sum(1), pairs.labels)
    unread = np.flatnonzero(~np.isin(parts, rows).any(1))
    pictures, sums = np.stack(pairs.images(unread)), pairs.labels[unread]
    left, right = (reader.predict_proba(backbone.features(half)) for half in (pictures[:, :, :8], pictures[:, :, 8:]))
    known = compose(left, right, SUMS).argmax(1) == sums
    joined, whole = pair_features(left, right), StandardScaler().fit_transform(backbone.features(pictures))
    found = []
    for seed in range(5):
        train, test = np.split(np.random.default_rng(seed).permutation(len(sums)), [200])
        scores = [known[test].mean()]
        for features, strength in ((joined, 100), (whole, 1)):
            model = LogisticRegression(C=strength, max_iter=100).fit(features[train], sums[train])
            scores.append(model.score(features[test], sums[test]))
        found.append(scores)
    by_rule, learned, flat = np.mean(found, axis=0)
    assert by_rule - flat > 0.5
    assert learned - flat > 0.4
    assert min(scores[1] - scores[2] for scores in found) > 0.3
