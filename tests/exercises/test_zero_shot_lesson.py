"""What lesson 15 shows besides its claims: its slider, its descriptions, and which classes are hidden."""

from __future__ import annotations

import numpy as np
import pytest

from tlwidgets.data.generated.coloured_shapes import CLASSES, shape_attributes
from tlwidgets.exercises.experiments import zero_shot
from tlwidgets.exercises.experiments.zero_shot import descriptions, explore_methods, hidden


def test_the_slider_tells_every_method():
    found = {
        "attributes": {"alone": 0.96, "unseen": 0.56, "seen": 0.99},
        "ridge": {"alone": 0.9, "unseen": 0.5, "seen": 1.0},
    }
    explorer = explore_methods(found)
    assert explorer.sentence.startswith("attributes: of 100 pieces of hidden classes 96 are named rightly")
    explorer.children[0].value = "ridge"
    assert explorer.value == "ridge"
    assert explorer.sentence.endswith("50 when any class may; of known classes 100.")


@pytest.mark.parametrize("seed", range(5))
def test_every_part_of_a_hidden_class_is_still_seen(seed):
    seen = [name for name in CLASSES if name not in hidden(seed)]
    assert len(seen) == 12
    assert {word for name in hidden(seed) for word in name.split()} <= {word for name in seen for word in name.split()}


@pytest.mark.parametrize("seed", range(5))
def test_the_lie_exchanges_two_shapes_of_hidden_classes_and_nothing_else(seed):
    true, lie = descriptions(seed=seed), descriptions("lie", seed)
    assert np.array_equal(true, shape_attributes())
    changed = [CLASSES[row] for row in np.flatnonzero((true != lie).any(axis=1))]
    assert sorted(changed) == sorted(hidden(seed))
    rows = [CLASSES.index(name) for name in hidden(seed)]
    assert sorted(map(tuple, true[rows])) == sorted(map(tuple, lie[rows]))
    assert np.array_equal(np.sort(descriptions("other order", seed).sum(axis=0)), np.sort(true.sum(axis=0)))
    assert (descriptions("shuffled", seed) != true).any(axis=1).sum() > 8


def test_holding_back_changes_nothing_where_nothing_is_held_back(monkeypatch):
    monkeypatch.setattr(zero_shot, "OFF", 0.0)
    assert zero_shot.held_back("eszsl") == pytest.approx(zero_shot.recognised("eszsl").among_all)
