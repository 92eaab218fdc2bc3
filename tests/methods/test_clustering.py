from __future__ import annotations

from itertools import combinations
from math import comb, log
from typing import Any

import numpy as np
import pytest

from tlwidgets.errors import DataError
from tlwidgets.methods.clustering import CLUSTERINGS, agreement, choose_number, cluster_features, silhouette, unit_rows
from tlwidgets.methods.embedding import embed

RNG = np.random.default_rng(0)
BLOBS = np.concatenate(
    [RNG.normal(size=(size, 5)) + 8 * corner for size, corner in zip((30, 20, 10), np.eye(5)[:3], strict=True)]
)
TRUTH = np.repeat([0, 1, 2], [30, 20, 10])


@pytest.mark.parametrize("method", CLUSTERINGS)
def test_groups_that_lie_apart_are_found_the_largest_first(method: str) -> None:
    assert list(cluster_features(BLOBS, 3, method)) == list(TRUTH)


@pytest.mark.parametrize("method", CLUSTERINGS)
def test_the_silhouette_chooses_their_number(method: str) -> None:
    scores = choose_number(BLOBS, range(2, 7), method)
    assert max(scores, key=lambda n: scores[n]) == 3


def test_the_silhouette_is_that_of_the_paper() -> None:
    groups = np.arange(12) % 3
    rows = np.sin(np.arange(36)).reshape(12, 3)
    distances = np.linalg.norm(rows[:, None] - rows, axis=2)
    found = []
    for at, group in enumerate(groups):
        own = distances[at, (groups == group) & (np.arange(12) != at)].mean()
        other = min(distances[at, groups == number].mean() for number in range(3) if number != group)
        found.append((other - own) / max(own, other))
    assert silhouette(rows, groups) == pytest.approx(np.mean(found))
    assert np.isnan(silhouette(rows, np.zeros(12, int)))


def test_agreement_is_that_of_pairs_and_of_information() -> None:
    one, other = np.array([0, 0, 0, 1, 1, 2, 2, 2]), np.array([0, 0, 1, 1, 1, 1, 2, 2])
    table = np.array([[2, 1, 0], [0, 2, 0], [0, 1, 2]])
    # Hubert and Arabie (1985): pairs together in both, less what is expected by chance.
    pairs = [sum(comb(int(n), 2) for n in counts) for counts in (table.ravel(), table.sum(0), table.sum(1))]
    together = sum(one[a] == one[b] and other[a] == other[b] for a, b in combinations(range(8), 2))
    assert pairs[0] == together
    expected = pairs[1] * pairs[2] / comb(8, 2)
    found = agreement(one, other)
    assert found["ari"] == pytest.approx((pairs[0] - expected) / ((pairs[1] + pairs[2]) / 2 - expected))
    shares, rows, columns = table / 8, table.sum(1) / 8, table.sum(0) / 8
    mutual = sum(shares[i, j] * log(shares[i, j] / rows[i] / columns[j]) for i, j in np.argwhere(shares))
    entropies = [-sum(p * log(p) for p in ps) for ps in (rows, columns)]
    assert found["nmi"] == pytest.approx(mutual / np.mean(entropies))


def test_names_of_groups_do_not_matter_and_chance_is_zero() -> None:
    assert agreement((TRUTH + 1) % 3, TRUTH) == pytest.approx({"nmi": 1.0, "ari": 1.0})
    by_chance = [agreement(RNG.permutation(TRUTH), TRUTH)["ari"] for _ in range(50)]
    assert np.mean(by_chance) == pytest.approx(0, abs=0.02)


def test_principal_components_are_those_of_the_covariance() -> None:
    places = embed(BLOBS)
    values = np.linalg.eigvalsh(np.cov(BLOBS.T))[::-1]
    assert np.allclose(np.cov(places.T), np.diag(values[:2]))


def test_t_sne_keeps_groups_apart_and_repeats() -> None:
    places = embed(BLOBS, "tsne")
    assert np.array_equal(places, embed(BLOBS, "tsne"))
    nearest = np.linalg.norm(places[:, None] - places, axis=2) + 1e9 * np.eye(60)
    assert (TRUTH[nearest.argmin(1)] == TRUTH).all()
    assert np.allclose(places.mean(0), 0)


def test_rows_get_length_one_and_a_row_of_zeros_stays() -> None:
    lengths = np.linalg.norm(unit_rows([[3.0, 4.0], [0.0, 0.0]]), axis=1)
    assert list(lengths) == [1, 0]


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: cluster_features(BLOBS, 3, "magic"), "no clustering named 'magic'"),
        (lambda: cluster_features(BLOBS, 1), "n_clusters is 1"),
        (lambda: cluster_features(BLOBS, 60), "n_clusters is 60 for 60"),
        (lambda: cluster_features(np.full((5, 2), np.nan), 2), "nan or infinity"),
        (lambda: embed(BLOBS, "umap"), "no embedding named 'umap'"),
        (lambda: embed(BLOBS[:3]), "need no map"),
        (lambda: agreement([0, 1], [0]), "Give one of each"),
    ],
)
def test_what_cannot_be_grouped_is_refused(call: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        call()
