"""The interactive layer: widgets that show and steer the engine, in a notebook or from Python alone.

Only this package imports ipywidgets and anywidget. Every widget works with no browser: its traits and methods drive it.
"""

from tlwidgets.widgets.baseline_board import BaselineBoard
from tlwidgets.widgets.code_panel import CodePanel
from tlwidgets.widgets.course_map import CourseMap, course
from tlwidgets.widgets.dashboard import TrainingDashboard
from tlwidgets.widgets.data_view import DataView
from tlwidgets.widgets.domains import Domains
from tlwidgets.widgets.freeze_board import FreezeBoard
from tlwidgets.widgets.picker import BackbonePicker
from tlwidgets.widgets.predictions import PredictionView
from tlwidgets.widgets.result_card import ResultCard
from tlwidgets.widgets.results import Results
from tlwidgets.widgets.run_compare import RunCompare
from tlwidgets.widgets.settings import Settings
from tlwidgets.widgets.studio import Studio
from tlwidgets.widgets.teach import Teach

__all__ = [
    "BackbonePicker",
    "BaselineBoard",
    "CodePanel",
    "CourseMap",
    "DataView",
    "Domains",
    "FreezeBoard",
    "PredictionView",
    "ResultCard",
    "Results",
    "RunCompare",
    "Settings",
    "Studio",
    "Teach",
    "TrainingDashboard",
    "course",
]
