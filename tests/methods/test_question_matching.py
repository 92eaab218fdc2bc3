from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score

import tlwidgets as tlw
from tlwidgets.data.questions import TOPICS, draw_questions, question_topics
from tlwidgets.errors import DataError
from tlwidgets.methods.clustering import agreement, cluster_features, unit_rows
from tlwidgets.methods.question_matching import best_threshold, cosines, match

RNG = np.random.default_rng(0)


def test_the_nearest_are_those_of_the_highest_cosine_in_order() -> None:
    queries, known = RNG.normal(size=(3, 4)), RNG.normal(size=(6, 4))
    found = match(queries, known, n=6)
    plain = np.array([[q @ k / np.linalg.norm(q) / np.linalg.norm(k) for k in known] for q in queries])
    assert np.allclose(cosines(queries, known), plain)
    assert found.indices.tolist() == np.argsort(-plain, axis=1).tolist()
    assert np.allclose(found.similarities, np.sort(plain, axis=1)[:, ::-1])
    assert match(5 * queries, known).indices.tolist() == found.indices[:, :1].tolist()


def test_the_threshold_is_the_best_of_all() -> None:
    scores, same = np.round(RNG.uniform(size=60), 2), RNG.uniform(size=60) < 0.4
    threshold, f1 = best_threshold(scores, same)
    assert f1_score(same, scores >= threshold) == pytest.approx(f1)
    assert f1 == pytest.approx(max(f1_score(same, scores >= cut) for cut in [-1.0, *scores]))
    assert best_threshold([0.9, 0.8, 0.2], [True, True, False]) == (0.5, 1.0)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: match(np.ones((2, 3)), np.ones((2, 4))), "Use one encoder"),
        (lambda: match(np.ones((2, 3)), np.ones((2, 3)), 3), "n is 3"),
        (lambda: match(np.full((2, 3), np.nan), np.ones((2, 3))), "nan or infinity"),
        (lambda: best_threshold([0.1, 0.2], [True, True]), "some of both"),
        (lambda: best_threshold([0.1, 0.2], [True]), "one answer a pair"),
    ],
)
def test_what_cannot_be_matched_is_refused(call: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        call()


@pytest.fixture(scope="module")
def vectors() -> dict[str, np.ndarray]:
    """The 96 questions as the encoder's vectors and as words that are counted."""
    texts = list(draw_questions()[0])
    words = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts).toarray()
    return {"minilm": tlw.load_backbone("minilm").features(texts), "words": words + 1e-9}


def test_questions_in_other_words_are_found_by_the_encoder_and_not_by_counting_words(
    vectors: dict[str, np.ndarray],
) -> None:
    # Measured, one known wording of each of 24: .81-.86 against .14-.24. The wordings were written to share few words.
    _, labels = draw_questions()
    gains = []
    for wording in range(4):
        known = np.arange(wording, 96, 4)
        asked = np.setdiff1d(np.arange(96), known)
        ours, words = (
            np.mean(labels[known][match(x[asked], x[known]).indices[:, 0]] == labels[asked]) for x in vectors.values()
        )
        gains.append(ours - words)
    assert min(gains) > 0.4


def test_questions_fall_into_groups_of_the_same_meaning_less_so_into_topics(vectors: dict[str, np.ndarray]) -> None:
    # Measured: ari .73 against .06 for the 24 meanings. For the four topics .19: four groups are not those of the file.
    _, labels = draw_questions()
    ours, words = (agreement(cluster_features(unit_rows(x), 24), labels)["ari"] for x in vectors.values())
    assert ours > 0.6
    assert words < 0.2
    topics = agreement(cluster_features(unit_rows(vectors["minilm"]), len(TOPICS)), question_topics())
    assert topics["ari"] < 0.5


def test_reviews_fall_into_domains_not_into_praise_and_blame(vectors: dict[str, np.ndarray]) -> None:
    # Measured: ari .64 for films, products and German films, against .03-.10 of tf-idf; .00 for the opinion.
    data = [tlw.load_data("reviews", domain=domain, val=0.0) for domain in ("films", "products", "filme")]
    texts = [text for some in data for text in some.texts(range(len(some)))]
    domains, opinions = np.repeat([0, 1, 2], [len(some) for some in data]), np.concatenate([d.labels for d in data])
    features = unit_rows(tlw.load_backbone("minilm").features(texts))
    assert agreement(cluster_features(features, 3), domains)["ari"] > 0.5
    assert abs(agreement(cluster_features(features, 2), opinions)["ari"]) < 0.1
