"""What a reader without our front end gets of each widget: a sentence, as text and as HTML, beside the live view."""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from typing import Any

import numpy as np
import pytest

import tlwidgets as tlw
from tlwidgets.widgets import ResultCard, Results, Settings

HOSTILE = "<img src=x onerror=alert(1)>"
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def hostile(stripes: tuple[np.ndarray, np.ndarray]) -> Any:
    """Data whose classes are named as attacks."""
    images, labels = stripes
    return tlw.load_data((images, np.char.add(HOSTILE, labels)))


MAKERS: dict[str, tuple[Callable[..., Any], str]] = {
    "picker": (lambda data, tiny: tlw.BackbonePicker("tlw_vit"), "BackbonePicker: tlw_vit is chosen"),
    "board": (lambda data, tiny: tlw.FreezeBoard(tiny, {"stem": "frozen"}), "stem frozen, stage1 trainable"),
    "data": (lambda data, tiny: tlw.DataView(data, tiny), "3 classes; images: train 42"),
    "dashboard": (lambda data, tiny: tlw.TrainingDashboard(), "TrainingDashboard: new"),
    "teach": (lambda data, tiny: tlw.Teach((HOSTILE, "b"), backbone=tiny), f"examples of {HOSTILE} (0), b (0)"),
    "results": (lambda data, tiny: Results(), "Results: no run yet"),
    "settings": (lambda data, tiny: Settings(), "Settings()"),
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_a_widget_leaves_a_sentence_beside_its_view(make: Any, hostile: Any, tiny: str) -> None:
    widget = make[0](hostile, tiny)
    data, _ = widget._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html", VIEW}
    assert make[1] in data["text/plain"]
    assert data["text/html"] == f"<p>{escape(data['text/plain'])}</p>"
    assert "<img" not in data["text/html"]


def test_a_run_and_its_mistakes_leave_theirs(recipe: Any, hostile: Any, tmp_path: Any) -> None:
    run = tlw.fit(recipe.replace(data=hostile, epochs=1), tmp_path / "runs" / "one", progress=False)
    view = tlw.PredictionView(run, hostile)
    view.show("all")
    assert repr(view).startswith("PredictionView of one: 9 images, 0 changed")
    assert "<img" not in view._repr_mimebundle_()[0]["text/html"]
    compare = tlw.RunCompare(tmp_path / "runs")
    assert repr(compare).startswith(f"RunCompare: 1 run in {tmp_path / 'runs'}; compared: one.")


def test_the_studio_leaves_its_name_and_its_card_is_an_output_of_its_own(tiny: str) -> None:
    studio = tlw.Studio("digits", tiny)
    assert repr(studio) == "Studio(digits)"
    assert studio._repr_mimebundle_()["text/plain"] == "Studio(digits)"


def test_an_exported_notebook_keeps_the_sentence_and_the_card(recipe: Any, tmp_path: Any, tiny: str) -> None:
    """Where neither a kernel nor our front end is: what ``jupyter nbconvert --to html`` makes of both."""
    nbformat, nbconvert = pytest.importorskip("nbformat"), pytest.importorskip("nbconvert")
    run = tlw.fit(recipe.replace(epochs=1), tmp_path / "one", progress=False)
    outputs = [
        nbformat.v4.new_output("display_data", data=data)
        for data in (tlw.FreezeBoard(tiny)._repr_mimebundle_()[0], static(ResultCard(run)._repr_mimebundle_()))
    ]
    cell = nbformat.v4.new_code_cell("board", outputs=outputs)
    page, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))
    assert "stem trainable, stage1 trainable" in page
    assert 'data-tlw-card="one"' in page
    assert f"{run.metrics['test']['accuracy']:.1%}" in page


def static(bundle: dict[str, Any]) -> dict[str, Any]:
    """The bundle as a notebook's file holds it: pictures in base64."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value for kind, value in bundle.items()
    }
