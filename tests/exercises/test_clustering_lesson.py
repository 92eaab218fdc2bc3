"""What lesson 10 shows besides its claims: its slider, and ten labels spent in two ways."""

from __future__ import annotations

import numpy as np
import pytest

from tlwidgets.data import load_data
from tlwidgets.evaluation.clusters import Clustering
from tlwidgets.exercises.experiments.clustering import explore_sortings, ten_labels, two_directions, two_orders


def test_the_slider_tells_what_each_description_sorts_by():
    sortings = {
        "pixels": {"colour": 0.9, "shape": 0.1, "silhouette": 0.2},
        "random": {"colour": 0.3, "shape": 0.0, "silhouette": 0.5},
    }
    explorer = explore_sortings(sortings)
    assert explorer.sentence.startswith("Four groups by pixels: agreement with the colours 0.90")
    explorer.children[0].value = "random"
    assert explorer.value == "random"
    assert explorer.sentence.endswith("with the shapes 0.00; silhouette 0.50.")


def clustering(name: str, rows: np.ndarray, clusters: np.ndarray, **options) -> Clustering:
    """Groups that are given, on features that say the group and nothing else."""
    return Clustering(load_data(name, **options), rows, clusters, np.eye(10)[clusters], "none", "kmeans", {}, 0)


def test_labels_in_the_middle_of_perfect_groups_name_everything_and_of_mixed_ones_they_do_not():
    rows = np.arange(200)
    labels = load_data("digits").labels[rows]
    assert set(ten_labels(clustering("digits", rows, labels)).values()) == {1.0}
    mixed = ten_labels(clustering("digits", rows, rows % 10))
    assert mixed["middles"] < 0.5
    assert mixed["likest"] < 0.5


def test_rows_that_differ_in_one_way_only_lie_along_two_directions_and_those_that_differ_in_ten_do_not():
    rows = np.arange(200)
    assert two_directions(clustering("digits", rows, rows % 2)) == pytest.approx(1)
    assert two_directions(clustering("digits", rows, rows % 10)) < 0.3


def test_the_two_orders_of_the_pieces_are_told_apart():
    rows = np.arange(64)
    options = {"per_class": 4}
    assert two_orders(clustering("coloured_shapes", rows, rows % 4, **options))["shape"] == pytest.approx(1)
    assert two_orders(clustering("coloured_shapes", rows, rows % 16 // 4, **options))["colour"] == pytest.approx(1)
