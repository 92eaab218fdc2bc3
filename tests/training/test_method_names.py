from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.training.method import METHODS, Setting, make_method, method_names


def test_a_recipe_can_name_exactly_the_modules_that_have_make() -> None:
    modules = sorted(path.stem for path in METHODS.glob("[!_]*.py"))
    with_make = [name for name in modules if hasattr(importlib.import_module(f"tlwidgets.methods.{name}"), "make")]
    assert with_make == list(method_names())
    assert {"fine_tuning", "l2_sp"} <= set(with_make)
    assert "embedding" not in with_make


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("embedding", "'embedding' does not train in the loop"),
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


@pytest.mark.parametrize(
    ("method", "options", "told"),
    [
        ("l2_sp", {"bta": 3}, r"'l2_sp' does not take an option 'bta'. Did you mean 'beta'\? Its options: alpha, beta"),
        ("fine_tuning", {"nonsense": 3}, r"not take an option 'nonsense'. Its options: label_smoothing"),
        ("l2_sp", {"setting": 3}, r"not take an option 'setting'"),
        ("l2_sp", {"alpha": "x"}, r"'alpha' of the method 'l2_sp' is 'x'. Give a number"),
        ("bss", {"k": 1.5}, r"'k' of the method 'bss' is 1.5. Give a whole number"),
        ("feature_extraction", {"C": "x"}, r"Give a number or null"),
        ("dann", {"target": "digits", "hidden": None}, r"'hidden' of the method 'dann' is None"),
        ("coral", {}, r"'coral' needs the option 'target'. Its options: target, weight, select"),
        ("coral", {"target": None}, r"needs the option 'target'"),
        ("multi_task", {"tasks": 5}, r"tasks is 5"),
        ("multi_task", {"tasks": ["a"]}, r"there is no table"),
        ("multi_task", {"tasks": {"t": {"across": 1, "down": 2, "plain": 2}}, "weights": {"t": "x"}}, "cannot be used"),
        ("multi_task", {"tasks": {}, "weights": 5}, r"'weights' of .* is 5. Give a mapping from names"),
    ],
)
def test_an_option_that_a_method_cannot_use_is_refused_in_words(
    recipe: tlw.Recipe, method: str, options: dict[str, Any], told: str
) -> None:
    some = recipe.replace(method=method, method_options=options)
    setting = Setting(tlw.load_backbone(recipe.backbone, num_classes=3), recipe.data, some)
    with pytest.raises(RecipeError, match=told):
        make_method(setting)


def test_a_mistake_inside_a_method_is_not_taken_for_one_of_its_options(
    recipe: tlw.Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tlwidgets.methods import fine_tuning

    monkeypatch.setattr(fine_tuning, "make", lambda setting: len(5))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="has no len"):
        make_method(Setting(tlw.load_backbone(recipe.backbone, num_classes=3), recipe.data, recipe))
