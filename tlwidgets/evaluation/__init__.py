"""Which backbone, how good, better than what: transferability scores, metrics with intervals, fair comparisons."""

from tlwidgets.evaluation.clusters import Clustering, cluster
from tlwidgets.evaluation.comparison import TransferComparison, compare
from tlwidgets.evaluation.cross_validation import CrossValidation, cross_validate
from tlwidgets.evaluation.episodes import Episode, episodes
from tlwidgets.evaluation.few_shot import FewShot, FewShotClassifier, episode_accuracies, few_shot
from tlwidgets.evaluation.metrics import Comparison, compare_predictions, compare_runs, metrics, run_metrics
from tlwidgets.evaluation.model_selection import choices, compare_without_labels
from tlwidgets.evaluation.ranking import Ranking, rank_backbones, ranking_rounds
from tlwidgets.evaluation.run_baselines import BaselineProgress, compare_with_baselines
from tlwidgets.evaluation.similarity import linear_cka
from tlwidgets.evaluation.surgical import StageChoice, choose_stage
from tlwidgets.evaluation.transferability import h_score, knn_score, leep, logme, nce, transrate
from tlwidgets.evaluation.zero_shot import ZeroShot, zero_shot

__all__ = [
    "BaselineProgress",
    "Clustering",
    "Comparison",
    "CrossValidation",
    "Episode",
    "FewShot",
    "FewShotClassifier",
    "Ranking",
    "StageChoice",
    "TransferComparison",
    "ZeroShot",
    "choices",
    "choose_stage",
    "cluster",
    "compare",
    "compare_predictions",
    "compare_runs",
    "compare_with_baselines",
    "compare_without_labels",
    "cross_validate",
    "episode_accuracies",
    "episodes",
    "few_shot",
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
    "zero_shot",
]
