"""Transfer learning that people can see and steer, in a notebook.

Names are loaded on first use, so ``import tlwidgets`` imports neither torch nor ipywidgets.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone, list_backbones, load_backbone
    from tlwidgets.data import ImageData, TextData, list_data, load_data
    from tlwidgets.estimator import TransferClassifier
    from tlwidgets.evaluation import (
        Clustering,
        CrossValidation,
        FewShot,
        Ranking,
        TransferComparison,
        ZeroShot,
        choose_stage,
        cluster,
        compare,
        compare_runs,
        compare_with_baselines,
        cross_validate,
        few_shot,
        rank_backbones,
        run_metrics,
        zero_shot,
    )
    from tlwidgets.exercises import check, claim, predict
    from tlwidgets.explain import Explanation, explain, faithfulness
    from tlwidgets.freezing import FreezePlan
    from tlwidgets.recipe import Recipe
    from tlwidgets.training import Run, TrainingSession, find_learning_rate, fit, resume, wise_ft
    from tlwidgets.widgets import (
        BackbonePicker,
        BaselineBoard,
        CourseMap,
        DataView,
        Domains,
        FreezeBoard,
        PredictionView,
        ResultCard,
        RunCompare,
        Studio,
        Teach,
        TrainingDashboard,
        course,
    )

_HOME = {
    "Backbone": "backbones",
    "BackbonePicker": "widgets",
    "BaselineBoard": "widgets",
    "Clustering": "evaluation",
    "CourseMap": "widgets",
    "CrossValidation": "evaluation",
    "DataView": "widgets",
    "FewShot": "evaluation",
    "Domains": "widgets",
    "Explanation": "explain",
    "FreezeBoard": "widgets",
    "FreezePlan": "freezing",
    "ImageData": "data",
    "PredictionView": "widgets",
    "Ranking": "evaluation",
    "Recipe": "recipe",
    "ResultCard": "widgets",
    "Run": "training",
    "RunCompare": "widgets",
    "Studio": "widgets",
    "Teach": "widgets",
    "TextData": "data",
    "TrainingDashboard": "widgets",
    "TrainingSession": "training",
    "TransferClassifier": "estimator",
    "TransferComparison": "evaluation",
    "ZeroShot": "evaluation",
    "check": "exercises",
    "choose_stage": "evaluation",
    "claim": "exercises",
    "cluster": "evaluation",
    "compare": "evaluation",
    "compare_runs": "evaluation",
    "compare_with_baselines": "evaluation",
    "course": "widgets",
    "cross_validate": "evaluation",
    "explain": "explain",
    "faithfulness": "explain",
    "few_shot": "evaluation",
    "find_learning_rate": "training",
    "fit": "training",
    "list_backbones": "backbones",
    "list_data": "data",
    "load_backbone": "backbones",
    "load_data": "data",
    "predict": "exercises",
    "rank_backbones": "evaluation",
    "resume": "training",
    "run_metrics": "evaluation",
    "wise_ft": "training",
    "zero_shot": "evaluation",
}

__all__ = [
    "Backbone",
    "BackbonePicker",
    "BaselineBoard",
    "Clustering",
    "CourseMap",
    "CrossValidation",
    "DataView",
    "Domains",
    "Explanation",
    "FewShot",
    "FreezeBoard",
    "FreezePlan",
    "ImageData",
    "PredictionView",
    "Ranking",
    "Recipe",
    "ResultCard",
    "Run",
    "RunCompare",
    "Studio",
    "Teach",
    "TextData",
    "TrainingDashboard",
    "TrainingSession",
    "TransferClassifier",
    "TransferComparison",
    "ZeroShot",
    "check",
    "choose_stage",
    "claim",
    "cluster",
    "compare",
    "compare_runs",
    "compare_with_baselines",
    "course",
    "cross_validate",
    "explain",
    "faithfulness",
    "few_shot",
    "find_learning_rate",
    "fit",
    "list_backbones",
    "list_data",
    "load_backbone",
    "load_data",
    "predict",
    "rank_backbones",
    "resume",
    "run_metrics",
    "wise_ft",
    "zero_shot",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
