"""Results show themselves as a sentence and a table, and never as HTML of somebody's class names."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tlwidgets as tlw
from tlwidgets.evaluation import Clustering, CrossValidation, FewShot, Ranking, TransferComparison, ZeroShot
from tlwidgets.evaluation.cross_validation import METRICS
from tlwidgets.evaluation.metrics import compare_predictions
from tlwidgets.explain import Explanation
from tlwidgets.training import RateSearch

HOSTILE = "<img src=x onerror=alert(1)>"


def ranking() -> Ranking:
    row = {"score": "logme", "value": 0.5, "low": 0.4, "high": 0.6, "null": 0.0, "null_high": 0.1}
    rows = [{**row, "backbone": name, "halves": (0.5, 0.4), "seconds": 1.0, "extraction_seconds": 1.0, "images": 100}
            for name in (HOSTILE, "other")]  # fmt: skip
    return Ranking(pd.DataFrame(rows))


def comparison() -> TransferComparison:
    hits = np.random.default_rng(0).random((2, 40)) < 0.7
    return TransferComparison(
        dict.fromkeys(("transfer", "scratch", "pixels"), hits), dict.fromkeys(("transfer", "scratch", "pixels"), 1.0),
        (), HOSTILE,
    )  # fmt: skip


def folds() -> CrossValidation:
    table = pd.DataFrame({name: [0.5, 0.75] for name in METRICS} | {"fold": [1, 2]})
    return CrossValidation(table, pd.DataFrame({"label": [HOSTILE] * 500}), 2)


def clustering() -> Clustering:
    images = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3)).astype(np.uint8)
    data = tlw.load_data((images, np.array([HOSTILE, "b"])[np.arange(12) % 2]), val=0, test=0)
    features = np.random.default_rng(1).normal(size=(12, 4)).astype(np.float32)
    return Clustering(data, np.arange(12), np.arange(12) % 2, features, "net", "kmeans", {}, 0)


def explanation() -> Explanation:
    heat = np.zeros((16, 16), np.float32)
    heat[2, 2] = 1
    return Explanation("lime", f'"{HOSTILE}', 0.8, HOSTILE, np.zeros((16, 16, 3), np.uint8), heat)


def rates() -> RateSearch:
    values = np.geomspace(1e-6, 1, 20)
    curve = {"learning_rate": values, "loss": np.linspace(2, 1, 20), "smoothed": np.linspace(2, 1, 20)}
    return RateSearch(pd.concat([pd.DataFrame({"part": part, **curve}) for part in ("together", HOSTILE)]))


SHOWN: dict[str, Any] = {
    "ranking": (ranking, "Ranking: "),
    "comparison": (comparison, "TransferComparison: "),
    "folds": (folds, "CrossValidation: Accuracy 62.5 % over 2 folds"),
    "clustering": (clustering, "Clustering: 2 groups among 12 images"),
    "explanation": (explanation, "Explanation by lime: "),
    "rates": (rates, "RateSearch: 0.1 is suggested where all parts learn together (40 steps, 2 tests)"),
}


class Tags(HTMLParser):
    """Lists tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize(("make", "begins"), SHOWN.values(), ids=SHOWN)
def test_a_result_is_one_line_of_text_and_harmless_html(make: Any, begins: str) -> None:
    shown = make()
    assert repr(shown).startswith(begins)
    assert len(repr(shown).splitlines()) == 1
    assert len(repr(shown)) < 400
    tags = Tags(shown._repr_html_()).tags
    images = [attributes for tag, attributes in tags if tag == "img"]
    assert len(images) == (make is explanation)
    assert {tag for tag, _ in tags} <= {"p", "table", "thead", "tbody", "tr", "th", "td", "img", "div", "style"}
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


def test_other_results_are_one_line_too(recipe: tlw.Recipe) -> None:
    backbone = tlw.load_backbone(recipe.backbone)
    few = FewShot(np.full(400, 0.5), 2, 1, "prototypes", "net", backbone)
    zero = ZeroShot(("a", "b"), 0.5, {"unseen": 0.4}, "eszsl", "net", backbone, lambda *_: np.zeros(0))
    pair = compare_predictions(["a", "b"], ["a", "a"], ["a", "b"])
    for shown, begins in ((few, "FewShot: prototypes on net"), (zero, "ZeroShot: eszsl"), (pair, "Comparison: ")):
        assert repr(shown).startswith(begins)
        assert len(repr(shown)) < 300


def test_a_network_and_its_stages_say_what_they_are_in_a_line(recipe: tlw.Recipe) -> None:
    backbone = tlw.load_backbone(recipe.backbone)
    said = repr(backbone)
    assert said.startswith(f"Backbone({recipe.backbone}: ")
    assert said.endswith("parameters, 5 classes, stages stem, stage1, stage2, stage3, stage4, head)")
    assert repr(backbone.stages[-1]) == f"Stage(head: fc, {backbone.stages[-1].n_parameters:,} parameters)"
    assert "no head" in repr(tlw.load_backbone(recipe.backbone, num_classes=0))
