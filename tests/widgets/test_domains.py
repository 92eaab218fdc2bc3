"""Domains from Python alone: what shifts do, what adaptation undoes, and what a saved notebook keeps."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tlwidgets as tlw
from tlwidgets.errors import DataError
from tlwidgets.widgets.domains import Domains, principal


@pytest.fixture(scope="module")
def view() -> Domains:
    return Domains("digits", n=120)


@pytest.fixture(autouse=True)
def as_it_is(view: Domains) -> None:
    view.shift(brightness=0, contrast=1, noise=0)
    view.adapt_by("none")


def test_without_a_shift_both_domains_are_told_alike_and_a_shift_moves_the_target(view: Domains) -> None:
    at_first, accuracy = view.points, view.target_accuracy
    assert abs(view.source_accuracy - accuracy) < 0.15
    view.shift(contrast=0.2, brightness=-0.3)
    apart = np.linalg.norm(view.points[0].mean(0) - view.points[1].mean(0))
    assert apart > 3 * np.linalg.norm(at_first[0].mean(0) - at_first[1].mean(0))
    assert view.target_accuracy < accuracy - 0.2
    assert f"{view.target_accuracy:.0%} of the target" in view.sentence


@pytest.mark.parametrize("adaptation", ["standardise", "coral"])
def test_adaptation_brings_the_domains_together_without_labels(view: Domains, adaptation: str) -> None:
    view.shift(contrast=0.2, brightness=-0.3)
    lost = view.target_accuracy  # measured: .51, and .96 and .94 with adaptation
    view.adapt_by(adaptation)
    near, far = (part.mean(0) for part in view.points)
    assert np.linalg.norm(near - far) < 0.2 * view.points[0].std()
    assert view.target_accuracy > lost + 0.3
    assert view.source_accuracy > 0.8


@pytest.mark.parametrize("adaptation", ["none", "standardise", "coral"])
def test_a_feature_that_is_dead_on_the_source_does_not_run_the_picture(view: Domains, adaptation: str) -> None:
    assert (view._near[0].std(0) == 0).any(), "the case is not there: nothing is tested"
    view.shift(noise=0.2)
    view.adapt_by(adaptation)
    assert np.abs(view.points[1]).max() < 20 * view.points[0].std()
    assert view.target_accuracy > 0.6  # measured: .75, .83 and .73


def test_what_no_slider_gives_is_refused(view: Domains, command: Callable[..., dict[str, Any]]) -> None:
    for name, value in (("contrast", 9), ("hue", 0), ("noise", "much")):
        with pytest.raises(DataError, match="cannot be"):
            view.shift(**{name: value})
    with pytest.raises(DataError, match="standardise"):
        view.adapt_by("magic")
    with pytest.raises(DataError, match="other classes"):
        Domains("digits", "faces")
    with pytest.raises(DataError, match="no images"):
        Domains("reviews")
    with pytest.raises(DataError, match="fewer than 20"):
        Domains("digits", n=3)


def test_the_page_moves_it_and_gets_the_points(view: Domains, receive: Callable[..., None]) -> None:
    fresh = Domains(tlw.load_data("digits"), n=40)
    receive(fresh, {"t": "ready"})
    receive(fresh, {"t": "cmd", "id": "1", "name": "shift", "args": {"noise": 0.2}})
    assert fresh.shifts == {"brightness": 0.0, "contrast": 1.0, "noise": 0.2}
    message = fresh.comm.custom("points")[-1]
    assert message.content["sizes"] == [40, 40]
    sent = np.frombuffer(message.buffers[1], np.float32).reshape(-1, 2)
    assert sent == pytest.approx(fresh.points[1], rel=1e-4, abs=1e-4)


def test_a_saved_notebook_keeps_a_picture_and_a_sentence(view: Domains) -> None:
    data, _ = view._repr_mimebundle_()
    assert data["text/plain"] == repr(view)
    assert f'alt="{view.sentence}"' in data["text/html"]
    picture = re.search(r"base64,([^\"]+)", data["text/html"])
    assert picture is not None
    assert base64.b64decode(picture[1]).startswith(b"\x89PNG")


def test_components_keep_their_sign() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((30, 5)) * [5, 3, 1, 1, 1]
    first, second = principal(rows, rows + 1)[0], principal(rows[:, ::-1], rows[:, ::-1] + 1)[0]
    assert first == pytest.approx(second)
