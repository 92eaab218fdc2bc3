from __future__ import annotations

import io
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tlwidgets import fit, load_data
from tlwidgets.cli import print_run
from tlwidgets.errors import RunError
from tlwidgets.training import Run
from tlwidgets.widgets import ResultCard, Results
from tlwidgets.widgets.result_card import for_page

PAYLOADS = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "'><svg onload=alert(1)>",
    "&lt;b&gt;",
    "$\\frac{1}{0$",
]


class Tags(HTMLParser):
    """Lists every tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture(scope="module")
def hostile(
    stripes: tuple[np.ndarray, np.ndarray], tiny: str, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Run, Any]:
    """A run whose classes are named as attacks."""
    from tlwidgets import Recipe

    images, _ = stripes
    data = load_data((np.concatenate([images, 255 - images]), np.array(PAYLOADS)[np.arange(120) % len(PAYLOADS)]))
    recipe = Recipe(data=data, backbone=tiny, epochs=1, batch_size=32)
    return fit(recipe, tmp_path_factory.mktemp("runs") / "<b>run", progress=False), data


def test_nothing_of_the_data_becomes_html(hostile: tuple[Run, Any]) -> None:
    card = ResultCard(*hostile)
    assert card.content["wrongest"], "the test needs mistakes to show"
    tags = Tags(card.html).tags
    assert {tag for tag, _ in tags} <= {
        "div",
        "span",
        "br",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "img",
        "ol",
        "li",
    }
    for tag, attributes in tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            assert str(attributes["src"]).startswith("data:image/png;base64,")


def test_every_picture_has_words(hostile: tuple[Run, Any]) -> None:
    images = [attributes for tag, attributes in Tags(ResultCard(*hostile).html).tags if tag == "img"]
    assert images
    assert all(attributes["alt"] for attributes in images)


def test_the_bundle_is_html_a_picture_and_a_sentence(hostile: tuple[Run, Any]) -> None:
    run, data = hostile
    bundle = ResultCard(run, data)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png"}
    assert f"{run.metrics['test']['accuracy']:.1%}" in bundle["text/plain"]
    assert Image.open(io.BytesIO(bundle["image/png"])).size[0] > 300


def test_the_data_are_found_again_from_the_run(recipe: Any, tmp_path: Path) -> None:
    run = fit(recipe, tmp_path / "run", progress=False)
    card = ResultCard(Run.load(run.path))
    assert card.content["n"] == int(run.metrics["test"]["n"])
    assert np.asarray(card.content["confusion"]).tolist() == run.confusion.tolist()


def test_a_run_that_has_not_ended_is_refused(recipe: Any, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("data: digits\n")
    with pytest.raises(RunError, match="no test result"):
        ResultCard(Run(tmp_path))


def test_many_classes_are_told_as_pairs(hostile: tuple[Run, Any]) -> None:
    card = ResultCard(*hostile)
    size = 30
    card.content |= {"classes": [f"class {i}" for i in range(size)], "confusion": np.eye(size, dtype=int).tolist()}
    card.content["confusion"][3][7] = 5
    assert "class 3 seen as class 7: 5" in card.html
    assert card.png


def test_a_page_gets_pairs_instead_of_a_matrix_of_many_classes(hostile: tuple[Run, Any]) -> None:
    content, size = ResultCard(*hostile).content, 200
    assert for_page(content) is content
    names = [f"{i} {'x' * 300}" for i in range(size)]
    content |= {"classes": names, "confusion": np.eye(size, dtype=int).tolist()}
    content["confusion"][3][7] = 5
    shown = for_page(content)
    assert (shown["classes"], shown["confusion"]) == ([], [])
    assert shown["pairs"] == [{"label": f"{names[3][:39]}…", "predicted": f"{names[7][:39]}…", "count": 5}]
    assert len(str(shown["pairs"])) < 200
    results = Results()
    results.add({"run": "r", "accuracy": 0.5}, content)
    assert results.card["confusion"] == []
    card = ResultCard(*hostile)
    card.content = content
    assert "x" * 60 not in card.html


def test_the_answers_of_a_head_that_nothing_taught_are_no_result(recipe: Any, tmp_path: Path, capsys: Any) -> None:
    run = fit(recipe.replace(epochs=1), tmp_path / "run", progress=False)
    accuracy = f"{run.metrics['test']['accuracy']:.1%}"
    assert accuracy in ResultCard(run).text
    note = run.path / "recipe.yaml"
    note.write_text(note.read_text("utf-8").replace("fine_tuning", "masked_images"), "utf-8")
    run = Run(run.path)
    assert not run.head_trained
    assert "accuracy" not in repr(run)
    bundle = ResultCard(run)._repr_mimebundle_()
    for shown in (bundle["text/plain"], bundle["text/html"]):
        assert "masked_images trains no head" in shown
        assert accuracy not in shown
    print_run(run)
    assert "masked_images trains no head: use the run as a backbone" in capsys.readouterr().out


def test_why_a_run_failed_is_text_and_never_html(recipe: Any, tmp_path: Path) -> None:
    run = fit(recipe.replace(epochs=1), tmp_path / "run", progress=False)
    status = {"status": "failed", "classes": list(run.classes), "kept_epoch": 1}
    status["error"] = "<img src=x onerror=alert(1)>"
    (run.path / "status.json").write_text(json.dumps(status), "utf-8")
    card = ResultCard(Run(run.path))
    assert "The run failed: <img" in card.text
    assert "<img src=x" not in card.html
    assert "&lt;img src=x" in card.html


def test_a_method_that_nobody_knows_any_more_is_no_reason_not_to_show_a_run(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("data: digits\nmethod: of_another_day\n")
    assert Run(tmp_path).head_trained
    assert "running" in repr(Run(tmp_path))
