"""CodePanel: the run as Python, as YAML and as a plain PyTorch script."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import traitlets

from tlwidgets.widgets.base import TlwWidget

if TYPE_CHECKING:
    from tlwidgets.recipe import Recipe


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
        try:
            recipe = self._recipe()
            self.python = python_of(recipe)
            self.recipe = recipe.to_yaml()
            self.script = recipe.to_script()
        except Exception as error:
            self.show_error(error)
        else:
            self.show_error(None)

    def receive(self, content: dict[str, Any]) -> None:
        """Writes the code when the page first shows it."""
        if content.get("t") == "ready":
            self.refresh()


def python_of(recipe: Recipe) -> str:
    """The recipe as a call that runs as it stands; fields that have their default are left out."""
    values = recipe.to_dict()
    defaults = type(recipe)(data=values["data"]).to_dict()
    changed = {name: value for name, value in values.items() if name == "data" or value != defaults[name]}
    fields = "".join(f"    {name}={value!r},\n" for name, value in changed.items())
    return (
        "import tlwidgets as tlw\n\n"
        f"recipe = tlw.Recipe(\n{fields})\n"
        "run = tlw.fit(recipe)\n"
        'print(run.metrics["test"]["accuracy"])\n'
    )
