"""The run, and each step on the way to it, as Python that runs as it stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tlwidgets.recipe import Recipe

_IMPORT = "import tlwidgets as tlw\n\n"


def python_of(recipe: Recipe) -> str:
    """The run in a few lines."""
    return recipe_code(recipe) + 'run = tlw.fit(recipe)\nprint(run.metrics["test"]["accuracy"])\n'


def data_code(recipe: Recipe) -> str:
    """Loads the data and shows them."""
    view = f"tlw.DataView(data, {quoted(recipe.backbone)}, augmentation={quoted(recipe.augmentation)})\n"
    return f"{_loading(recipe)}print(data.classes, data.splits)\n{view}"


def backbone_code(recipe: Recipe) -> str:
    """Loads the backbone with a head for the classes of the data."""
    weights = "" if recipe.pretrained else ", pretrained=False"
    return (
        f"{_loading(recipe)}"
        f"backbone = tlw.load_backbone({quoted(recipe.backbone)}{weights}, num_classes=len(data.classes))\n"
        "print([stage.name for stage in backbone.stages])\n"
        f"tlw.BackbonePicker({quoted(recipe.backbone)}, data=data)\n"
    )


def stages_code(recipe: Recipe) -> str:
    """Makes the plan, which needs the network's stages and not its weights."""
    states = ", ".join(f"{quoted(stage)}: {quoted(state)}" for stage, state in (recipe.plan or {}).items())
    return (
        f"{_loading(recipe)}"
        f"backbone = tlw.load_backbone({quoted(recipe.backbone)}, pretrained=False, num_classes=len(data.classes))\n"
        f"plan = tlw.FreezePlan(backbone, {{{states}}})\n"
        "print(plan)\n"
        "tlw.FreezeBoard(plan)\n"
    )


def settings_code(recipe: Recipe) -> str:
    """Makes the recipe and prints what a recipe file holds."""
    return f"{recipe_code(recipe)}print(recipe.to_yaml())\n"


def comparison_code(run: Path, *, scratch: bool) -> str:
    """Compares the run in a folder with what it must beat."""
    return f"{_IMPORT}run = tlw.Run.load({quoted(str(run))})\n{comparing(scratch=scratch)}"


def comparing(*, scratch: bool) -> str:
    """The lines that compare a run at hand with what it must beat."""
    asked = "run, scratch=True" if scratch else "run"
    return f"comparison = tlw.compare_with_baselines({asked})\nprint(comparison.sentence)\nprint(comparison.table)\n"


def results_code(source: Recipe | Path) -> str:
    """Shows what a run is worth: the one in a folder, or one that is trained first."""
    if isinstance(source, Recipe):
        lines = f"{recipe_code(source)}run = tlw.fit(recipe)\n"
    else:
        lines = f"{_IMPORT}run = tlw.Run.load({quoted(str(source))})\n"
    return f'{lines}print(run.metrics["test"])\nprint(run.wrongest(4))\ntlw.PredictionView(run)\n'


def recipe_code(recipe: Recipe) -> str:
    """The recipe as a call; fields that have their default are left out."""
    values = recipe.to_dict()
    defaults = type(recipe)(data=values["data"]).to_dict()
    values["data"] = shortest(values["data"])
    # Stages that a plan leaves out learn.
    values["plan"] = {stage: state for stage, state in (values["plan"] or {}).items() if state != "trainable"} or None
    changed = {name: value for name, value in values.items() if name == "data" or value != defaults[name]}
    fields = "".join(f"    {name}={_literal(value)},\n" for name, value in changed.items())
    return f"{_IMPORT}recipe = tlw.Recipe(\n{fields})\n"


def shortest(source: Any) -> Any:
    """The name or folder alone, where the options say nothing but the defaults."""
    if isinstance(source, dict) and len(source) == 2 and source.get("options") == {"seed": 0}:
        return next(value for name, value in source.items() if name != "options")
    return source


def _literal(value: Any) -> str:
    """Python source of a value; a mapping with one entry a line."""
    if not isinstance(value, dict):
        return quoted(value)
    lines = "".join(f"        {quoted(key)}: {quoted(entry)},\n" for key, entry in value.items())
    return f"{{\n{lines}    }}"


def quoted(value: Any) -> str:
    """Python source of a value."""
    # Double quotes, as the rest of the code has them; JSON's escapes are Python's too.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _loading(recipe: Recipe) -> str:
    """Lines that load a recipe's data."""
    source = shortest(recipe.to_dict()["data"])
    if not isinstance(source, dict):
        return f"{_IMPORT}data = tlw.load_data({quoted(source)})\n"
    place = next(value for name, value in source.items() if name != "options")
    options = [f"{name}={quoted(value)}" for name, value in source.get("options", {}).items()]
    return f"{_IMPORT}data = tlw.load_data({', '.join([quoted(place), *options])})\n"
