"""Where a plain script finds its network: in timm's cache, in a folder of this machine, or in one beside the script."""

from __future__ import annotations

import shutil
from pathlib import Path

from tlwidgets.backbones.catalogue import bundled_folder
from tlwidgets.errors import RecipeError
from tlwidgets.recipe import Recipe

LOCAL = "local-dir:"
_HERE = "WEIGHTS = Path(__file__).resolve().parent"


def weights_part(recipe: Recipe, path: Path | None) -> dict[str, str]:
    """What the script's head says of the network.

    Args:
        recipe: The run as data.
        path: Where the script will lie, with the weights of a bundled network beside it; None leaves those alone.

    Returns:
        "origin", a sentence for its docstring, and "place", the statement that names the folder, or "".
    """
    bundled = bundled_folder(recipe.backbone)
    if bundled is not None and path is not None:
        name = _folder_beside(path).name
        return {"origin": "Its network lies beside it: keep the two together.", "place": f"{_HERE} / {name!r}"}
    if bundled is None and not recipe.backbone.startswith(LOCAL):
        origin = "timm downloads its weights, once." if recipe.pretrained else "It starts from random weights."
        return {"origin": origin, "place": ""}
    owner = "the machine that wrote this" if bundled is None else "the tlwidgets that wrote this"
    return {
        "origin": f"Its network lies in the folder WEIGHTS, which belongs to {owner}:\n"
        "to run it elsewhere, take a copy of that folder along and change the line.",
        "place": f"WEIGHTS = {str(bundled or recipe.backbone.removeprefix(LOCAL))!r}",
    }


def timm_name(recipe: Recipe) -> str:
    """The expression that the script gives to timm."""
    local = bundled_folder(recipe.backbone) is not None or recipe.backbone.startswith(LOCAL)
    return f'f"{LOCAL}{{WEIGHTS}}"' if local else repr(recipe.backbone)


def write_script(text: str, recipe: Recipe, path: Path) -> None:
    """Writes a script, after the weights of a bundled network that it needs beside it.

    Raises:
        RecipeError: The place cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if bundled := bundled_folder(recipe.backbone):
            _folder_beside(path).mkdir(exist_ok=True)
            for name in ("config.json", "model.safetensors"):
                shutil.copyfile(bundled / name, _folder_beside(path) / name)
        partial = path.with_name(f"{path.name}.partial")
        partial.write_text(text, "utf-8")
        partial.replace(path)
    except OSError as error:
        raise RecipeError(f"The script cannot be written to {str(path)!r}: {error}.", "Choose another path.") from error


def _folder_beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}_weights")
