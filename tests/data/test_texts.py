"""Texts as data: every door they come in by, groups of the near-identical, the reviews written for this project."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tlwidgets.data import TextData, data_from_source, load_data
from tlwidgets.data.reviews import FILE
from tlwidgets.data.text_groups import near_identical_texts
from tlwidgets.errors import DataError

ROWS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]


def test_lists_tables_and_files_give_the_same_texts(opinions: tuple[list[str], list[str]], tmp_path: Path) -> None:
    texts, labels = opinions
    table = pd.DataFrame({"text": texts, "label": labels})
    table.to_csv(tmp_path / "opinions.csv", index=False)
    found = [load_data(source) for source in ((texts, labels), (np.array(texts), labels), table)]
    found += [load_data((table["text"], table["label"])), load_data(tmp_path / "opinions.csv")]
    for data in found:
        assert isinstance(data, TextData)
        assert data.texts(range(40)) == texts
        assert data.classes == ("negative", "positive")
        assert np.array_equal(data.split, found[0].split)
    assert repr(found[0]).startswith("TextData('texts': 40 texts, 2 classes, train ")


def test_a_column_split_is_kept_and_texts_stay_texts(tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["1", "2", "NA", "4 a", "5 b", "6 c"], "label": [0, 1] * 3, "split": ["train"] * 6})
    table.loc[4:, "split"] = "test"
    table.to_csv(tmp_path / "table.csv", index=False)
    data = load_data(tmp_path / "table.csv", val=0.0)
    assert data.texts(range(3)) == ["1", "2", "NA"]
    assert list(data.indices("test")) == [4, 5]


def test_saved_texts_load_again_with_the_same_splits(opinions: tuple[list[str], list[str]], tmp_path: Path) -> None:
    data = load_data(opinions, seed=3)
    again = data_from_source(data.save(tmp_path), tmp_path)
    assert again.texts(range(40)) == data.texts(range(40))
    assert np.array_equal(again.split, data.split)
    assert load_data("reviews").save(tmp_path / "nothing") == load_data("reviews").source
    assert not (tmp_path / "nothing").exists()


def test_a_text_shows_as_a_picture_of_its_words(opinions: tuple[list[str], list[str]]) -> None:
    data = load_data(opinions)
    picture = data.image(0)
    assert (picture.shape, picture.dtype) == ((128, 128, 3), np.uint8)
    assert (picture < 100).any()
    assert not np.array_equal(picture, data.image(1))
    data.show(4)


@pytest.mark.parametrize(
    ("texts", "labels", "words"),
    [
        (["a", "b"], [0], "2 texts but 1 labels"),
        (["a", "", "c", "d"], [0, 1, 0, 1], "1 texts are empty"),
        (["a", None, "c", "d"], [0, 1, 0, 1], "1 texts are empty"),
        (["a", "b", "c"], [0, 0, 0], "only one class"),
        (["a", "b", "c"], [0, 0, 1], "only one text"),
    ],
)
def test_texts_that_cannot_be_used_are_refused(texts: list[Any], labels: list[int], words: str) -> None:
    with pytest.raises(DataError, match=words):
        load_data((texts, labels))


def test_copies_with_a_word_changed_stay_in_one_split() -> None:
    base = [" ".join(f"word{10 * i + k}" for k in range(12)) for i in range(40)]
    changed = [text.replace("word0 ", "other ").upper() + "!" for text in base]
    texts = [text for pair in zip(base, changed, strict=True) for text in pair]
    data = load_data((texts, [0] * 40 + [1] * 40))
    assert len(data.leaks()) == 0
    assert np.array_equal(data.groups, np.repeat(np.arange(0, 80, 2), 2))


def test_texts_that_share_half_of_their_words_are_not_near_identical() -> None:
    texts = ["the film was very good indeed", "the film was very bad sadly", "a box", "!!!", "???"]
    assert np.array_equal(near_identical_texts(texts), np.arange(5))


def test_the_file_of_reviews_is_the_one_that_was_measured() -> None:
    assert (
        hashlib.sha256(FILE.read_bytes()).hexdigest()
        == "abca712f000dd620e59f90ee494447bb2fd225a7d36155dac63aaca45ff1d690"
    )


def test_the_reviews_are_many_and_balanced_in_every_domain_and_split() -> None:
    counts = Counter((row["domain"], row["split"], row["label"]) for row in ROWS)
    for domain, train, test in (("films", 110, 45), ("products", 110, 45), ("filme", 24, 9)):
        for label in ("positive", "negative"):
            assert counts.pop((domain, "train", label)) == train
            assert counts.pop((domain, "test", label)) == test
    assert not counts


def test_no_two_reviews_say_the_same() -> None:
    texts = [row["text"] for row in ROWS]
    assert len({text.casefold() for text in texts}) == len(texts)
    assert len(np.unique(near_identical_texts(texts))) == len(texts)
    words = [frozenset(text.casefold().split()) for text in texts]
    closest = max(len(a & b) / len(a | b) for i, a in enumerate(words) for b in words[:i])
    assert closest <= 0.55
    begun = Counter(" ".join(text.casefold().split()[:3]) for text in texts)
    assert begun.most_common(1)[0][1] <= 5


def test_the_held_out_reviews_are_the_same_for_every_seed() -> None:
    first, other = (load_data("reviews", domain="products", seed=seed) for seed in (0, 1))
    assert np.array_equal(first.indices("test"), other.indices("test"))
    assert not np.array_equal(first.indices("val"), other.indices("val"))
    assert first.splits == {"train": 188, "val": 32, "test": 90}


def test_few_labels_and_the_german_domain() -> None:
    data = load_data("reviews", domain="filme", labels_per_class=5)
    assert len(data) == 66
    assert len(data.indices("train")) == 10
    with pytest.raises(DataError, match="films, products, filme"):
        load_data("reviews", domain="books")
