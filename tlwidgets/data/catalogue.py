"""The named data sets."""

from __future__ import annotations

import difflib

import pandas as pd

from tlwidgets.data.bundled import DIGITS, FACES
from tlwidgets.data.generated.canvas_digits import CANVAS_DIGITS
from tlwidgets.data.generated.coloured_digits import COLOURED_DIGITS
from tlwidgets.data.generated.coloured_shapes import COLOURED_SHAPES
from tlwidgets.data.generated.fogged_digits import FOGGED_DIGITS
from tlwidgets.data.generated.inverted_digits import INVERTED_DIGITS
from tlwidgets.data.generated.landcover import LANDCOVER
from tlwidgets.data.generated.leaves import LEAVES
from tlwidgets.data.generated.noisy_digits import NOISY_DIGITS
from tlwidgets.data.generated.pairs import PAIRS
from tlwidgets.data.generated.rotated_digits import ROTATED_DIGITS
from tlwidgets.data.generated.sensor_digits import SENSOR_DIGITS
from tlwidgets.data.patches import COLOUR_PATCHES, GREY_PATCHES, HISTOLOGY, RETINA
from tlwidgets.data.questions import QUESTIONS
from tlwidgets.data.reviews import REVIEWS
from tlwidgets.data.tabular import BREAST_CANCER
from tlwidgets.data.world import World
from tlwidgets.errors import DataError

WORLDS: dict[str, World] = {
    world.name: world
    for world in (
        DIGITS,
        FACES,
        HISTOLOGY,
        RETINA,
        GREY_PATCHES,
        COLOUR_PATCHES,
        BREAST_CANCER,
        CANVAS_DIGITS,
        SENSOR_DIGITS,
        ROTATED_DIGITS,
        INVERTED_DIGITS,
        COLOURED_DIGITS,
        FOGGED_DIGITS,
        NOISY_DIGITS,
        PAIRS,
        LEAVES,
        LANDCOVER,
        COLOURED_SHAPES,
        REVIEWS,
        QUESTIONS,
    )
}


def find_world(name: str) -> World:
    """Return the data set called ``name``.

    Raises:
        DataError: There is none; the nearest names are offered, where any is near.
    """
    if name in WORLDS:
        return WORLDS[name]
    near = difflib.get_close_matches(name.lower(), WORLDS, n=3, cutoff=0.7)
    offer = f"Did you mean {' or '.join(map(repr, near))}?" if near else "list_data() shows what is bundled."
    raise DataError(
        f"There is no bundled data and no folder named {name!r}.", f"{offer} Or give the path of an image folder."
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
