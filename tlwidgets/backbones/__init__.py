"""Pre-trained networks: where they come from, their ordered stages, what they cost."""

from tlwidgets.backbones.backbone import Backbone
from tlwidgets.backbones.catalogue import Entry, catalogue, list_backbones
from tlwidgets.backbones.cost import costs, stage_costs
from tlwidgets.backbones.loading import load_backbone
from tlwidgets.backbones.preprocessing import Preprocessing
from tlwidgets.backbones.stages import Stage, find_stages
from tlwidgets.backbones.tokenising import TextPreprocessing

__all__ = [
    "Backbone",
    "Entry",
    "Preprocessing",
    "Stage",
    "TextPreprocessing",
    "catalogue",
    "costs",
    "find_stages",
    "list_backbones",
    "load_backbone",
    "stage_costs",
]
