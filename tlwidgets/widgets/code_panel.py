"""CodePanel: the run as Python, as YAML and as a plain PyTorch script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import traitlets

from tlwidgets.recipe import Recipe
from tlwidgets.widgets.base import TlwWidget


class CodePanel(TlwWidget):
    """Shows the code that does what the widgets do.

    Args:
        recipe: Gives the recipe as it stands; called when the code is asked for.
    """

    python = traitlets.Unicode("").tag(sync=True)
    """The run in a few lines of tlwidgets."""

    recipe = traitlets.Unicode("").tag(sync=True)
    """The recipe as YAML."""

    script = traitlets.Unicode("").tag(sync=True)
    """The run as a PyTorch and timm script that does not need tlwidgets."""

    def __init__(self, recipe: Callable[[], Recipe]) -> None:
        self._recipe = recipe
        super().__init__()

    def refresh(self) -> None:
        """Writes the code anew from the recipe as it stands; what cannot be written is shown as an alert."""
        self.show_error(None)
        writers = {"python": python_of, "recipe": Recipe.to_yaml, "script": Recipe.to_script}
        for name, write in writers.items():
            try:
                text = write(self._recipe())
            except Exception as error:  # noqa: BLE001  a panel that cannot show the code says why
                text = ""
                self.show_error(self.error or error)
            setattr(self, name, text)

    def receive(self, content: dict[str, Any]) -> None:
        """Writes the code when the page first shows it."""
        if content.get("t") == "ready":
            self.refresh()
            self.send({"t": "written"})


def python_of(recipe: Recipe) -> str:
    """The recipe as a call that runs as it stands; fields that have their default are left out."""
    values = recipe.to_dict()
    defaults = type(recipe)(data=values["data"]).to_dict()
    values["data"] = _shortest(values["data"])
    # Stages that a plan leaves out learn.
    values["plan"] = {stage: state for stage, state in (values["plan"] or {}).items() if state != "trainable"} or None
    changed = {name: value for name, value in values.items() if name == "data" or value != defaults[name]}
    fields = "".join(f"    {name}={_literal(value)},\n" for name, value in changed.items())
    return (
        "import tlwidgets as tlw\n\n"
        f"recipe = tlw.Recipe(\n{fields})\n"
        "run = tlw.fit(recipe)\n"
        'print(run.metrics["test"]["accuracy"])\n'
    )


def _shortest(source: Any) -> Any:
    """The name or folder alone, where the options say nothing but the defaults."""
    if isinstance(source, dict) and len(source) == 2 and source.get("options") == {"seed": 0}:
        return next(value for name, value in source.items() if name != "options")
    return source


def _literal(value: Any) -> str:
    """Python source of a value; a mapping with one entry a line."""
    if not isinstance(value, dict):
        return _quoted(value)
    lines = "".join(f"        {_quoted(key)}: {_quoted(entry)},\n" for key, entry in value.items())
    return f"{{\n{lines}    }}"


def _quoted(value: Any) -> str:
    # Double quotes, as the rest of the code has them; JSON's escapes are Python's too.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
