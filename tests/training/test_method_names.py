from __future__ import annotations

import importlib
from pathlib import Path

import pytest

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import METHODS, method_names


def test_a_recipe_can_name_exactly_the_modules_that_have_make() -> None:
    modules = sorted(path.stem for path in METHODS.glob("[!_]*.py"))
    with_make = [name for name in modules if hasattr(importlib.import_module(f"tlwidgets.methods.{name}"), "make")]
    assert with_make == list(method_names())
    assert {"fine_tuning", "l2_sp"} <= set(with_make)
    assert "prototypes" not in with_make


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("prototypes", "'prototypes' does not train in the loop"),
        ("fine_tunin", "Did you mean 'fine_tuning'"),
        ("../evaluation/metrics", "no method named"),
        ("__init__", "no method named"),
    ],
)
def test_what_is_no_method_of_the_loop_is_refused_before_anything_is_written(
    recipe: tlw.Recipe, tmp_path: Path, name: str, complaint: str
) -> None:
    with pytest.raises(RecipeError, match=complaint):
        tlw.fit(recipe.replace(method=name), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
