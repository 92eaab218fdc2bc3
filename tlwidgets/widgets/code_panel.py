"""CodePanel: the run as Python, as YAML and as a plain PyTorch script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import traitlets

from tlwidgets.errors import RecipeError
from tlwidgets.recipe import Recipe
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.code_writing import python_of

_ENDINGS = (".yaml", ".yml")


class CodePanel(TlwWidget):
    """Shows the code that does what the widgets do.

    Args:
        recipe: Gives the recipe as it stands; called when the code is asked for.
        restore: Takes a recipe that was read from a file; without it, none can be opened.
    """

    commands: ClassVar[dict[str, str]] = {"save": "save", "open": "read"}

    python = traitlets.Unicode("").tag(sync=True)
    """The run in a few lines of tlwidgets."""

    recipe = traitlets.Unicode("").tag(sync=True)
    """The recipe as YAML."""

    script = traitlets.Unicode("").tag(sync=True)
    """The run as a PyTorch and timm script that does not need tlwidgets."""

    can_open = traitlets.Bool(False).tag(sync=True)
    """Whether a recipe can be opened."""

    note = traitlets.Unicode("").tag(sync=True)
    """What became of the recipe file."""

    def __init__(self, recipe: Callable[[], Recipe], restore: Callable[[Recipe], None] | None = None) -> None:
        self._recipe = recipe
        self._restore = restore
        super().__init__(can_open=restore is not None)

    def save(self, path: str | Path = "recipe.yaml") -> Path:
        """Writes the recipe as it stands into a file; an older recipe there is written over, and nothing else is.

        Args:
            path: Ends in ".yaml" or ".yml"; that is added where there is no ending.

        Raises:
            RecipeError: The data live in memory only; or the file has another ending, holds something else than a
                recipe, or cannot be written.
        """
        text, target = self._recipe().to_yaml(), _target(path)
        try:
            target.write_text(text, "utf-8")
        except OSError as error:
            raise RecipeError(f"The recipe cannot be written to {target}: {error}.", "Name another file.") from error
        self.note = f"Written to {target.resolve()}."
        return target

    def read(self, path: str | Path) -> None:
        """Reads a recipe from a file and gives it to whom it is for.

        Raises:
            RecipeError: Nobody here takes one, or the file holds none.
        """
        if self._restore is None:
            raise RecipeError("No recipe can be opened here.", "Open it in a Studio: studio.restore(path).")
        self._restore(read_recipe(path))
        self.note = f"Opened {Path(path).expanduser().resolve()}."

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


def _target(path: str | Path) -> Path:
    """Where a recipe may be written.

    Raises:
        RecipeError: The name ends otherwise, or another kind of file lies there.
    """
    target = Path(path).expanduser()
    if not target.name:
        raise RecipeError("The recipe needs a name.", "Give one, such as recipe.yaml.")
    target = target if target.suffix else target.with_suffix(_ENDINGS[0])
    if target.suffix.lower() not in _ENDINGS:
        raise RecipeError(f"{target.name!r} is no name for a recipe.", "Give one like recipe.yaml.")
    if target.exists():
        try:
            read_recipe(target)
        except RecipeError as error:
            raise RecipeError(f"{target} is there already and holds no recipe.", "Name another file.") from error
    return target


def read_recipe(path: str | Path) -> Recipe:
    """Reads a recipe from a file.

    Raises:
        RecipeError: There is no such file, or it holds no recipe.
    """
    source = Path(path).expanduser()
    try:
        text = source.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"The recipe {source} cannot be read: {error}.", "Give a file that `save` wrote.") from error
    return Recipe.from_yaml(text)
