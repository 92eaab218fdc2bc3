from __future__ import annotations

import inspect
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlwidgets import FreezePlan, Recipe, load_data
from tlwidgets.errors import RecipeError


def test_yaml_round_trips() -> None:
    plan = FreezePlan(["stem", "stage1", "head"]).freeze_until("stem")
    recipe = Recipe(data={"name": "digits"}, plan=plan, epochs=3, method_options={"label_smoothing": 0.1}, patience=2)
    recipe = recipe.replace(schedule="one_cycle", warmup=0.2, layer_decay=0.75, unfreezing="gradual", unfreeze_every=2)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


@given(
    rate=st.floats(1e-9, 1e9),
    epochs=st.integers(1, 10**6),
    seed=st.integers(0, 2**31),
    name=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1),
)
def test_yaml_round_trips_whatever_the_values(rate: float, epochs: int, seed: int, name: str) -> None:
    recipe = Recipe(data=name, learning_rate=rate, epochs=epochs, seed=seed)
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("learning_rate", math.nan),
        ("learning_rate", -1e-3),
        ("learning_rate", 0),
        ("learning_rate", math.inf),
        ("learning_rate", "fast"),
        ("backbone_scale", -1),
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", 0),
        ("seed", -1),
        ("layer_decay", 0),
        ("layer_decay", 1.5),
        ("layer_decay", "steep"),
        ("warmup", 1),
        ("warmup", -0.1),
        ("unfreezing", "slowly"),
        ("unfreeze_every", 0),
        ("probe_epochs", 0),
        ("patience", 0),
        ("optimizer", "adam?"),
        ("schedule", "linear?"),
        ("augmentation", "wild"),
        ("plan", "frozen"),
        ("plan", ["frozen"]),
        ("method_options", [1, 2]),
        ("method_options", {1: 2}),
        ("backbone", None),
        ("backbone", 5),
        ("backbone", ""),
        ("method", None),
        ("method", 3),
        ("pretrained", "maybe"),
        ("pretrained", None),
    ],
)
def test_a_value_that_no_run_could_use_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(RecipeError, match=field):
        Recipe(data="digits", **{field: value})


def test_what_yaml_leaves_empty_is_as_if_it_were_left_out() -> None:
    recipe = Recipe.from_yaml("data: digits\nplan:\nmethod_options:\n")
    assert recipe == Recipe(data="digits")
    assert Recipe.from_yaml(recipe.to_yaml()) == recipe


def test_a_probe_leaves_epochs_to_fine_tune() -> None:
    with pytest.raises(RecipeError, match=r"probe_epochs leaves none of the 5 epochs"):
        Recipe(data="digits", unfreezing="probe_first", probe_epochs=5)
    with pytest.raises(RecipeError, match=r"none of the 1 epochs"):
        Recipe(data="digits", unfreezing="probe_first", epochs=1)
    assert Recipe(data="digits", unfreezing="probe_first", probe_epochs=4).probe_epochs == 4


def test_unknown_keys_are_refused_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"'learning_rat'.*'learning_rate'"):
        Recipe.from_yaml("data: digits\nlearning_rat: 0.1\n")
    with pytest.raises(RecipeError, match="names no data"):
        Recipe.from_yaml("epochs: 3\n")
    with pytest.raises(RecipeError, match="not valid YAML"):
        Recipe.from_yaml("data: [")
    with pytest.raises(RecipeError, match="key: value"):
        Recipe.from_yaml("just text")


def test_python_answers_a_mistaken_name_as_yaml_does() -> None:
    for name in ("lr", "learning_rat"):
        with pytest.raises(RecipeError, match=r"Did you mean 'learning_rate'"):
            Recipe(data="digits", **{name: 0.1})  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match=r"no field 'nonsense'.*Fields: data"):
        Recipe(data="digits", nonsense=1)  # type: ignore[call-arg]
    assert list(inspect.signature(Recipe).parameters)[:3] == ["data", "backbone", "pretrained"]
    assert pickle.loads(pickle.dumps(Recipe("digits", epochs=3))) == Recipe("digits", epochs=3)


def test_yaml_cannot_run_code() -> None:
    with pytest.raises(RecipeError):
        Recipe.from_yaml("data: !!python/object/apply:os.system ['true']\n")


def test_replace_leaves_the_original() -> None:
    recipe = Recipe(data="digits")
    assert recipe.replace(epochs=9).epochs == 9
    assert recipe.epochs == 5
    with pytest.raises(RecipeError):
        recipe.replace(epoch=9)


def test_data_in_memory_cannot_be_written_as_text(stripes: Any) -> None:
    with pytest.raises(RecipeError, match="only in memory"):
        Recipe(data=stripes).to_yaml()
    with pytest.raises(RecipeError, match="only in memory"):
        Recipe(data=load_data(stripes)).to_yaml()
    assert Recipe(data=Path("pictures")).to_dict()["data"] == "pictures"
