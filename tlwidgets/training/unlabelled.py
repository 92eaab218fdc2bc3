"""Images without labels beside the few that have one."""

from __future__ import annotations

import math

import torch

from tlwidgets.data import ImageData
from tlwidgets.errors import DataError, RecipeError
from tlwidgets.training.method import Setting
from tlwidgets.training.second_data import UNKNOWN
from tlwidgets.training.stream import Stream
from tlwidgets.training.target import check_same_classes


def unlabelled_stream(setting: Setting, data: ImageData | None, ratio: int) -> Stream:
    """Batches of unlabelled images.

    Args:
        setting: The run.
        data: A data set of its own, whose labels, if it has any, are hidden; None for the run's images that
            ``labels_per_class`` has left without one.
        ratio: Unlabelled images for each labelled one of a batch, at least 1.

    Raises:
        DataError: There are no unlabelled images, or they are of other classes.
        RecipeError: The ratio is below 1.
    """
    if not isinstance(ratio, int) or ratio < 1:
        raise RecipeError(f"ratio is {ratio!r}.", "Give a whole number, 1 or more.")
    size = ratio * setting.recipe.batch_size
    if data is not None:
        check_same_classes(setting.data, data)
        return Stream(setting, data, batch_size=size)
    if not len(setting.data.indices("unlabelled")):
        raise DataError(
            f"{setting.data.name!r} has no unlabelled images.",
            "Load it with labels_per_class, or give the method unlabelled=<images>.",
        )
    return Stream(setting, setting.data, ("unlabelled",), size)


def hidden_accuracy(predicted: torch.Tensor, labels: torch.Tensor, taken: torch.Tensor | None = None) -> float:
    """Share of pseudo-labels that are right, where the hidden labels are known; else nan.

    Args:
        predicted: int64 (N,).
        labels: int64 (N,), -1 where nobody knows.
        taken: bool (N,), which pseudo-labels are used; all by default.
    """
    counted = labels != UNKNOWN if taken is None else taken & (labels != UNKNOWN)
    return (predicted == labels)[counted].float().mean().item() if bool(counted.any()) else math.nan
