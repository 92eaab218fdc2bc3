"""Pictures of the lessons."""

from __future__ import annotations

import sys

import pytest

from tlwidgets.exercises import line_chart


@pytest.fixture
def drawn():
    return line_chart([1, 10], {"a": [0.1, 0.2], "b": [0.2, 0.3]}, across="x", up="y", alt='a < "b"', log=True)


def test_a_picture_carries_its_description_as_text(drawn):
    assert 'alt="a &lt; &quot;b&quot;"' in drawn._repr_html_()
    assert repr(drawn) == 'Picture: a < "b"'


def test_a_picture_is_the_same_each_time_it_is_drawn(drawn):
    again = line_chart([1, 10], {"a": [0.1, 0.2], "b": [0.2, 0.3]}, across="x", up="y", alt='a < "b"', log=True)
    assert drawn._repr_html_() == again._repr_html_()


def test_ticks_can_be_names_or_whole_numbers_only():
    plain, named, whole = (
        line_chart([0, 1, 2], {"a": [0.1, 0.2, 0.3]}, across="x", up="y", alt="a", **options)._repr_html_()
        for options in ({}, {"names": ["stem", "stage1", "head"]}, {"whole": True})
    )
    assert len({plain, named, whole}) == 3


def test_drawing_leaves_pyplot_alone(drawn):
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or not pyplot.get_fignums()
