"""Where images come from: bundled sets, folders, tables, arrays and dataset objects, in leak-free splits."""

from tlwidgets.data.catalogue import list_data
from tlwidgets.data.images import ImageData, SetAside
from tlwidgets.data.load import data_from_source, load_data

__all__ = ["ImageData", "SetAside", "data_from_source", "list_data", "load_data"]
