"""The named data sets."""

from __future__ import annotations

import difflib

import pandas as pd

from tlwidgets.data.bundled import DIGITS, FACES
from tlwidgets.data.world import World
from tlwidgets.errors import DataError

WORLDS: dict[str, World] = {world.name: world for world in (DIGITS, FACES)}


def find_world(name: str) -> World:
    """Return the data set called ``name``.

    Raises:
        DataError: There is none; the nearest names are offered.
    """
    if name in WORLDS:
        return WORLDS[name]
    near = difflib.get_close_matches(name.lower(), WORLDS, n=3, cutoff=0.5) or list(WORLDS)
    raise DataError(
        f"There is no bundled data and no folder named {name!r}.",
        f"Bundled: {', '.join(near)}. Or give the path of an image folder.",
    )


def list_data() -> pd.DataFrame:
    """List the data that comes with the package.

    Returns:
        One row a data set, indexed by name: summary, classes (how many), shape (height, width), domains, options,
        licence.
    """
    rows = [
        {
            "name": world.name,
            "summary": world.summary,
            "classes": len(world.classes),
            "shape": world.shape,
            "domains": ", ".join(world.domains),
            "options": ", ".join(option for option in world.options if option != "seed"),
            "licence": world.licence,
        }
        for world in WORLDS.values()
    ]
    table: pd.DataFrame = pd.DataFrame(rows).set_index("name")
    return table
