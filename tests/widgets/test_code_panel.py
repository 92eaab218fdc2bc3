"""CodePanel: a recipe is written where a recipe may be, and nothing else is written over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tlwidgets import Recipe
from tlwidgets.widgets.code_panel import CodePanel


@pytest.fixture
def panel() -> CodePanel:
    return CodePanel(lambda: Recipe(data="digits", epochs=3))


@pytest.mark.parametrize(
    ("name", "text"),
    [("precious.ipynb", "{}"), ("precious.yaml", "shopping: [milk]"), ("notes.yml", "just words"), ("bad.yaml", "[")],
)
def test_a_file_that_is_no_recipe_is_not_written_over(
    panel: CodePanel, tmp_path: Path, command: Callable[..., dict[str, Any]], name: str, text: str
) -> None:
    file = tmp_path / name
    file.write_text(text)
    answer = command(panel, "save", path=str(file))
    assert not answer["ok"]
    assert name in answer["error"]
    assert file.read_text() == text


def test_another_ending_is_refused_before_a_file_is_made(
    panel: CodePanel, tmp_path: Path, command: Callable[..., dict[str, Any]]
) -> None:
    assert ".py" in command(panel, "save", path=str(tmp_path / "train.py"))["error"]
    assert "needs a name" in command(panel, "save", path="")["error"]
    assert not list(tmp_path.iterdir())


def test_an_older_recipe_is_written_over_and_an_ending_is_added(panel: CodePanel, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(Recipe(data="digits", epochs=9).to_yaml())
    assert panel.save(tmp_path / "mine") == file
    assert Recipe.from_yaml(file.read_text()).epochs == 3
