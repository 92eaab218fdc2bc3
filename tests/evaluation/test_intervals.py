"""Intervals of shares: their formulas, how often they hold the truth, and that none has no width."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import binom, binomtest

from tlwidgets.evaluation.intervals import paired_interval, tango, wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (3, 10), (30, 30), (97, 100), (0, 40)])
def test_wilsons_interval_is_that_of_scipy(hits, n):
    assert wilson(hits, n) == pytest.approx(tuple(binomtest(hits, n).proportion_ci(method="wilson")))


def test_an_accuracy_of_all_is_not_certain_and_no_image_says_nothing():
    assert wilson(30, 30) == (pytest.approx(0.88649, abs=1e-5), 1)
    assert wilson(0, 0) == (0, 1)


def score(difference, only_first, only_second, n):
    """Tango's statistic, the constrained share found by searching for the highest likelihood."""

    def surprise(share):
        rest = n - only_first - only_second
        shares = np.array([share, share + difference, 1 - 2 * share - difference])
        return -np.array([only_first, only_second, rest]) @ np.log(shares)

    ends = max(0, -difference) + 1e-12, (1 - difference) / 2 - 1e-12
    share = minimize_scalar(surprise, bounds=ends, method="bounded", options={"xatol": 1e-12}).x
    expected = n * (2 * share + difference * (1 - difference))
    return (only_second - only_first - n * difference) / expected**0.5


@pytest.mark.parametrize("counts", [(3, 9, 60), (86, 150, 1600), (1, 0, 20), (5, 5, 12)])
def test_tangos_ends_are_where_the_score_at_its_most_likely_is_196(counts):
    low, high = tango(*counts)
    assert score(low, *counts) == pytest.approx(1.95996, abs=1e-4)
    assert score(high, *counts) == pytest.approx(-1.95996, abs=1e-4)


def test_tangos_interval_of_pairs_that_never_differ_has_the_width_of_the_closed_form():
    square = 1.959964**2
    for n in (1, 10, 400):
        reach = square / (n + square)
        assert tango(0, 0, n) == pytest.approx((-reach, reach), abs=1e-6)
    assert tango(0, 10, 10) == pytest.approx(((10 - square) / (10 + square), 1), abs=1e-6)
    assert tango(10, 0, 10) == pytest.approx((-1, (square - 10) / (10 + square)), abs=1e-6)


@pytest.mark.parametrize(("n", "p"), [(50, 0.97), (20, 0.95), (200, 0.99)])
def test_wilsons_interval_holds_a_high_accuracy_as_often_as_it_promises(n, p):
    # Over all counts that may come, each as often as it comes; the percentile bootstrap's 50 images: 78 %.
    counts = np.arange(n + 1)
    ends = np.array([wilson(int(hits), n) for hits in counts])
    chance = binom.pmf(counts, n, p)
    assert chance[(ends[:, 0] <= p) & (p <= ends[:, 1])].sum() > 0.91


@pytest.mark.parametrize("shares", [(0.03, 0.01), (0.05, 0.03), (0.2, 0.1)])
def test_tangos_interval_holds_the_difference_as_often_as_it_promises(shares):
    rng, n, draws = np.random.default_rng(0), 50, 400
    counts = rng.multinomial(n, [*shares, 1 - sum(shares)], size=draws)
    ends = [tango(int(first), int(second), n) for first, second, _ in counts]
    truth = shares[1] - shares[0]
    assert np.mean([low <= truth <= high for low, high in ends]) > 0.92


@pytest.mark.parametrize(("shape", "shares"), [((3, 10), (0.95, 0)), ((3, 30), (0.03, 0.02)), ((1, 50), (0.03, 0.01))])
def test_intervals_over_seeds_hold_the_truth_where_hardly_an_image_tells_the_arms_apart(shape, shares):
    # By the spread over seeds and images alone: 45, 90 and 85 %.
    rng, covered, values = np.random.default_rng(0), 0, np.array([1, -1, 0])
    for _ in range(300):
        images = rng.choice(values, shape[1], p=[*shares, 1 - sum(shares)])
        cells = rng.choice(values, shape, p=[*shares, 1 - sum(shares)])
        _, low, high = paired_interval(np.where(rng.random(shape) < 0.8, images, cells).astype(float))
        covered += low <= shares[0] - shares[1] <= high
    assert covered / 300 > 0.94


def test_intervals_over_seeds_that_all_agree_are_tangos():
    assert paired_interval(np.ones((3, 10))) == (1, *tango(0, 10, 10))
    assert paired_interval(-np.ones((3, 10))) == (-1, *tango(10, 0, 10))
    assert paired_interval(np.zeros((2, 40))) == (0, *tango(0, 0, 40))
    # Marginal means without any spread: the cells differ, their means do not.
    mean, low, high = paired_interval(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    assert (mean, high - low) == (0, pytest.approx(2 * tango(0, 0, 2)[1]))


def test_intervals_over_seeds_where_many_images_differ_are_those_of_their_spread():
    differences = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], (1, 50), p=[0.1, 0.6, 0.3])
    mean, _, high = paired_interval(differences)
    assert high - mean == pytest.approx(2.0096 * differences.std(ddof=1) / 50**0.5, rel=1e-4)  # t of 49 degrees
