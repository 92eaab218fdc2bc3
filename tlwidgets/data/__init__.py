"""Where images and texts come from: bundled sets, folders, tables, arrays, dataset objects, in leak-free splits."""

from tlwidgets.data.catalogue import list_data
from tlwidgets.data.changes import Changes, read_changes, remove_changes
from tlwidgets.data.images import ImageData, SetAside
from tlwidgets.data.load import data_from_source, load_data
from tlwidgets.data.texts import TextData

__all__ = [
    "Changes",
    "ImageData",
    "SetAside",
    "TextData",
    "data_from_source",
    "list_data",
    "load_data",
    "read_changes",
    "remove_changes",
]
