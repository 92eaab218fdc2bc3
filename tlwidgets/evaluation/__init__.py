"""Which backbone, how good, better than what: transferability scores, metrics with intervals, fair comparisons."""

from tlwidgets.evaluation.ranking import Ranking, rank_backbones, ranking_rounds
from tlwidgets.evaluation.similarity import linear_cka
from tlwidgets.evaluation.transferability import h_score, knn_score, leep, logme, nce, transrate

__all__ = [
    "Ranking",
    "h_score",
    "knn_score",
    "leep",
    "linear_cka",
    "logme",
    "nce",
    "rank_backbones",
    "ranking_rounds",
    "transrate",
]
