"""What lesson 18 shows besides its claims: its slider, its maps, and sentences that keep their places."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tlwidgets.exercises.experiments import texts


def test_the_slider_tells_a_sentence_its_denial_and_the_praise():
    table = pd.DataFrame({"blame": [0.1, 0.2], "denied blame": [0.15, 0.6], "praise": [0.9, 0.7]})
    explorer = texts.explore_denials(table)
    assert explorer.sentence == (
        "The story was boring. 10 % praise. The story was not boring. 15 % praise. The story was exciting. 90 % praise."
    )
    explorer.children[0].value = 1
    assert explorer.value == 1
    assert "The actors were not terrible. 60 % praise." in explorer.sentence


def test_every_sentence_of_blame_has_a_denial_and_a_praise():
    assert len(texts.BLAME) == len(texts.DENIED_BLAME) == len(texts.PRAISE)
    for plain, denied in zip(texts.BLAME, texts.DENIED_BLAME, strict=True):
        assert " not " in denied
        assert len(set(plain.split()) - set(denied.split())) <= 2


def test_labels_are_of_films_for_training_and_as_many_of_each_kind():
    chosen, films = texts.some_labels(7, draw=3), texts.reviews("films")
    assert len(set(chosen)) == 14
    assert films.labels[chosen].sum() == 7
    assert set(films.split[chosen]) == {"train"}


def test_the_maps_show_every_review_twice(monkeypatch):
    random = np.random.default_rng(0)
    monkeypatch.setattr(texts, "vectors", lambda domain: random.normal(size=(len(texts.texts(domain)), 5)))
    left, right = texts.review_maps().axes
    assert sum(len(dots.get_offsets()) for dots in left.collections) == 686
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["negative", "positive"]
