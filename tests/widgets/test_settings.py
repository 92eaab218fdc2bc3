from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tlwidgets import Recipe
from tlwidgets.errors import RecipeError
from tlwidgets.widgets import Settings


def test_the_defaults_are_those_of_the_recipe() -> None:
    assert Recipe(data="digits", **Settings().values) == Recipe(data="digits")


def test_values_can_be_given() -> None:
    assert Settings(epochs=12, optimizer="sgd").values["epochs"] == 12


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("epochs", 2.5),
        ("learning_rate", -1),
        ("learning_rate", "fast"),
        ("optimizer", "magic"),
        ("patience", 0),
        ("epochs", None),
        ("batch_size", None),
        ("seed", None),
        ("pretrained", None),
        ("backbone_scale", None),
        ("weight_decay", None),
    ],
)
def test_what_no_run_could_use_is_refused(name: str, value: Any, command: Callable[..., dict[str, Any]]) -> None:
    settings = Settings()
    before = settings.values
    with pytest.raises(RecipeError, match=name):
        setattr(settings, name, value)
    answer = command(settings, "set", name=name, value=value)
    assert name in answer["error"]
    assert settings.values == before


def test_a_field_that_does_not_exist_is_refused(command: Callable[..., dict[str, Any]]) -> None:
    assert "no setting" in command(Settings(), "set", name="_esm", value="alert(1)")["error"]


def test_the_page_sets_a_field(command: Callable[..., dict[str, Any]]) -> None:
    settings = Settings()
    assert command(settings, "set", name="epochs", value=9)["ok"]
    assert settings.epochs == 9


def test_an_emptied_rate_or_patience_means_what_the_recipe_says(command: Callable[..., dict[str, Any]]) -> None:
    settings = Settings(learning_rate=0.1, patience=3)
    for name in ("learning_rate", "patience"):
        assert command(settings, "set", name=name, value=None)["ok"]
    assert Recipe(data="digits", **settings.values) == Recipe(data="digits")
