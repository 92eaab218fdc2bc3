"""The one training loop, the session that steers it from another thread, and the run that it leaves on disk."""

from tlwidgets.training.building import recipe_data
from tlwidgets.training.events import (
    BatchEnded,
    CacheChosen,
    EpochEnded,
    Event,
    LearningRateChanged,
    Listener,
    Note,
    Paused,
    PlanChanged,
    Resumed,
    RunFailed,
    RunFinished,
    RunStarted,
    RunStopped,
)
from tlwidgets.training.method import Batch, Method, StepResult
from tlwidgets.training.prefix_cache import PrefixShelf
from tlwidgets.training.rate_finder import RateSearch, find_learning_rate
from tlwidgets.training.run import Run
from tlwidgets.training.session import TrainingSession, fit, resume
from tlwidgets.training.stream import Stream
from tlwidgets.training.weight_ensemble import wise_ft

__all__ = [
    "Batch",
    "BatchEnded",
    "CacheChosen",
    "EpochEnded",
    "Event",
    "LearningRateChanged",
    "Listener",
    "Method",
    "Note",
    "Paused",
    "PlanChanged",
    "PrefixShelf",
    "RateSearch",
    "Resumed",
    "Run",
    "RunFailed",
    "RunFinished",
    "RunStarted",
    "RunStopped",
    "StepResult",
    "Stream",
    "TrainingSession",
    "find_learning_rate",
    "fit",
    "recipe_data",
    "resume",
    "wise_ft",
]
