"""Lesson 06: what can be believed about a model when there are few images to try it on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from tlwidgets.exercises.experiments.measured import MeasuredClaim
from tlwidgets.exercises.explorer import explore_shares

LESSON = "06_small_data"


def hundred_digits(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw ten scans of each digit.

    Args:
        seed: of the draw.

    Returns:
        float64 (100, 64) pixels from 0 to 16, and int64 (100,) labels.
    """
    scans = load_digits()
    drawn, _ = train_test_split(np.arange(len(scans.target)), train_size=100, stratify=scans.target, random_state=seed)
    return scans.data[drawn], scans.target[drawn]


def reader() -> Pipeline:
    """The model whose accuracy this lesson asks for: logistic regression on pixels, quick and always the same."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))


def one_split(X: np.ndarray, y: np.ndarray, seed: int) -> float:
    """Accuracy (0 to 1) on one random fifth after training on the rest."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, stratify=y, random_state=seed)
    return float(reader().fit(X_train, y_train).score(X_test, y_test))


def five_folds(X: np.ndarray, y: np.ndarray, seed: int) -> float:
    """Mean accuracy (0 to 1) over five folds: each image is tested once."""
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return float(cross_val_score(reader(), X, y, cv=folds).mean())


def explore_shuffles(table: pd.DataFrame) -> Any:
    """Show results, a row a shuffle with columns ``single`` and ``folds``, one at a time."""
    return explore_shares(
        "shuffle", table, "Shuffle {option}: of 100, a single split says {single}, five folds say {folds}."
    )


def extra_scatter(seed: int = 0, sabotaged: bool = False) -> float:
    """Scatter of single splits minus twice that of five-fold means, over twenty shuffles of the same hundred images.

    Args:
        seed: of the hundred images.
        sabotaged: measure other single splits in place of the five folds.
    """
    X, y = hundred_digits(seed)
    single = [one_split(X, y, shuffle) for shuffle in range(20)]
    other = [(one_split if sabotaged else five_folds)(X, y, shuffle + 20 * sabotaged) for shuffle in range(20)]
    return float(np.std(single) - 2 * np.std(other))


def copied_digits(seed: int = 0, originals: int = 60, copies: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take every original several times with a little noise, and give each original a label by the toss of a coin.

    Args:
        seed: of choice, noise and coin.
        originals: how many different scans.
        copies: noisy copies of each.

    Returns:
        float64 (N, 64) pixels, int64 (N,) labels 0 or 1 that mean nothing, int64 (N,) number of the original.
    """
    draw = np.random.default_rng(seed)
    pixels = load_digits().data[draw.choice(1797, originals, replace=False)]
    groups = np.repeat(np.arange(originals), copies)
    coins = draw.permutation(np.arange(originals) % 2)
    return pixels[groups] + draw.normal(0, 0.5, (len(groups), 64)), coins[groups], groups


def nearest_neighbour(X: np.ndarray, y: np.ndarray, groups: np.ndarray, *, keep_together: bool) -> float:
    """Five-fold accuracy of "answer as the most similar known image does".

    Args:
        X: pixels (N, D).
        y: labels (N,).
        groups: number of the original (N,).
        keep_together: whether all copies of an original lie in one fold.
    """
    folds = GroupKFold(5) if keep_together else KFold(5, shuffle=True, random_state=0)
    kept = groups if keep_together else None
    return float(cross_val_score(KNeighborsClassifier(1), X, y, groups=kept, cv=folds).mean())


def leak(seed: int, sabotaged: bool) -> float:
    """Accuracy with copies on both sides minus accuracy with copies kept together; sabotaged, a coin for every copy."""
    X, y, groups = copied_digits(seed)
    if sabotaged:
        y = np.random.default_rng(seed + 1000).permutation(y)
    apart, together = (nearest_neighbour(X, y, groups, keep_together=kept) for kept in (False, True))
    return apart - together


def pick_then_test(seed: int = 0, *, inside: bool = False, features: int = 5000) -> float:
    """Five-fold accuracy on pure noise after the 20 columns that suit the labels best were picked.

    Args:
        seed: of the noise.
        inside: pick again in each fold, from its training rows only, as one should.
        features: columns of noise to pick from.
    """
    draw = np.random.default_rng(seed)
    X, y = draw.normal(size=(50, features)), draw.permutation(np.arange(50) % 2)
    model = LogisticRegression(max_iter=200)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    if inside:
        return float(cross_val_score(make_pipeline(SelectKBest(f_classif, k=20), model), X, y, cv=folds).mean())
    return float(cross_val_score(model, SelectKBest(f_classif, k=20).fit_transform(X, y), y, cv=folds).mean())


def luck(seed: int, sabotaged: bool) -> float:
    """Accuracy on noise after picking with all rows in view, minus the half of guessing; sabotaged, done right."""
    return pick_then_test(seed, inside=sabotaged) - 0.5


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "a single split scatters more than twice as much as five folds", 0.0, extra_scatter),
    MeasuredClaim(LESSON, "C2", "copies on both sides of a split make coin tosses look predictable", 0.25, leak),
    MeasuredClaim(LESSON, "C3", "picking columns before splitting makes noise look predictable", 0.3, luck),
)
