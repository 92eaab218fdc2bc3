"""The slider of the lessons, driven by its value as a notebook without a browser does."""

from __future__ import annotations

import pytest

from tlwidgets.exercises.explorer import explore


@pytest.fixture
def explorer():
    return explore("labels", [1, 2, 5], lambda count: f"<b>{count} labels")


def test_it_begins_with_the_first_option(explorer):
    assert explorer.value == 1
    assert explorer.sentence == "<b>1 labels"


def test_setting_the_value_moves_the_slider_and_changes_the_sentence(explorer):
    explorer.value = 5
    assert explorer.children[0].value == 5
    assert explorer.sentence == "<b>5 labels"


def test_moving_the_slider_changes_the_value(explorer):
    explorer.children[0].value = 2
    assert explorer.value == 2
    assert explorer.sentence == "<b>2 labels"


def test_the_sentence_is_shown_as_text(explorer):
    assert explorer.children[1].value == "&lt;b&gt;1 labels"


def test_its_text_form_is_the_same_in_every_run(explorer):
    assert repr(explorer) == "Explorer: labels"
