"""Which backbone, how good, better than what: transferability scores, metrics with intervals, fair comparisons."""

from tlwidgets.evaluation.comparison import TransferComparison, compare
from tlwidgets.evaluation.cross_validation import CrossValidation, cross_validate
from tlwidgets.evaluation.metrics import Comparison, compare_predictions, compare_runs, metrics, run_metrics
from tlwidgets.evaluation.ranking import Ranking, rank_backbones, ranking_rounds
from tlwidgets.evaluation.similarity import linear_cka
from tlwidgets.evaluation.transferability import h_score, knn_score, leep, logme, nce, transrate

__all__ = [
    "Comparison",
    "CrossValidation",
    "Ranking",
    "TransferComparison",
    "compare",
    "compare_predictions",
    "compare_runs",
    "cross_validate",
    "h_score",
    "knn_score",
    "leep",
    "linear_cka",
    "logme",
    "metrics",
    "nce",
    "rank_backbones",
    "ranking_rounds",
    "run_metrics",
    "transrate",
]
