"""What can be wrong with data before anything is trained: balance, copies across splits, copies with other labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tlwidgets.data import ImageData

GROUPS_SHOWN = 8
_COPIES_SHOWN = 4


def check_data(data: ImageData) -> dict[str, Any]:
    """Looks for what spoils a comparison.

    Args:
        data: The images; near-identical ones were grouped when they were loaded.

    Returns:
        Keys: largest and smallest (class and number of training images), leaks (images with a near-identical one in
        another split), duplicates (images that another one repeats), conflicts (groups whose images have several
        labels) and groups: the first of those groups, the worst first, each a list of mappings with the keys index,
        sample_id, split and label.
    """
    train = np.bincount(data.labels[data.indices("train")], minlength=len(data.classes))
    shared = _shared_groups(data)
    kinds = {number: _kind(data, rows) for number, rows in shared.items()}
    order = sorted(shared, key=lambda number: (-kinds[number], number))
    return {
        "largest": _counted(data, train, int(train.argmax())),
        "smallest": _counted(data, train, int(train.argmin())),
        "leaks": len(data.leaks()),
        "duplicates": sum(len(rows) - 1 for rows in shared.values()),
        "conflicts": sum(kind >= _CONFLICT for kind in kinds.values()),
        "groups": [_described(data, shared[number]) for number in order[:GROUPS_SHOWN]],
    }


_CONFLICT, _LEAK = 2, 1


def _shared_groups(data: ImageData) -> dict[int, np.ndarray]:
    """Rows (n,) of each group that holds more than one image."""
    numbers, counts = np.unique(data.groups, return_counts=True)
    order = np.argsort(data.groups, kind="stable")
    rows = np.split(order, np.cumsum(counts)[:-1])
    return {int(number): mine for number, mine in zip(numbers, rows, strict=True) if len(mine) > 1}


def _kind(data: ImageData, rows: np.ndarray) -> int:
    """How bad it is: copies in one split are harmless, in two they leak, and with two labels one must be wrong."""
    labels, splits = set(data.labels[rows].tolist()), set(data.split[rows].tolist())
    return _CONFLICT * (len(labels) > 1) + _LEAK * (len(splits) > 1)


def _described(data: ImageData, rows: np.ndarray) -> list[dict[str, Any]]:
    # One image of each split and label first: they are why the group is shown.
    marks = [(str(data.split[row]), int(data.labels[row])) for row in rows]
    first = [place for place, mark in enumerate(marks) if mark not in marks[:place]]
    rest = [place for place in range(len(rows)) if place not in first]
    return [
        {
            "index": int(rows[place]),
            "sample_id": data.sample_id(rows[place]),
            "split": marks[place][0],
            "label": data.classes[marks[place][1]],
        }
        for place in [*first, *rest][:_COPIES_SHOWN]
    ]


def _counted(data: ImageData, counts: np.ndarray, label: int) -> dict[str, Any]:
    return {"name": data.classes[label], "images": int(counts[label])}
