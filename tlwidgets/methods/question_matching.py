"""Question matching: has this been asked before, in other words?

Reimers, Gurevych (2019), "Sentence-BERT", EMNLP, arXiv 1908.10084: an encoder trained so that sentences of the same
meaning get vectors of the same direction; the nearest known question by cosine is the answer, no label is needed. Words
need not agree, which is where counting words (tf-idf) fails. How near is near enough differs between encoders and
subjects: ``best_threshold`` takes it from pairs that are known to match or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.preprocessing import normalize

from tlwidgets.data.features import check_features
from tlwidgets.errors import DataError


@dataclass(frozen=True)
class Matches:
    """The nearest known texts of each query.

    Attributes:
        indices: int64 (Q, n) positions among the known, the nearest first.
        similarities: (Q, n) cosines, -1 to 1.
    """

    indices: np.ndarray
    similarities: np.ndarray


def cosines(queries: Any, known: Any) -> np.ndarray:
    """Cosine of each query's vector (Q, D) with each known one's (K, D): (Q, K)."""
    one, other = check_features(queries), check_features(known)
    if one.shape[1] != other.shape[1]:
        raise DataError(
            f"Queries have {one.shape[1]} numbers and known texts {other.shape[1]}.", "Use one encoder for both."
        )
    found: np.ndarray = normalize(one) @ normalize(other).T
    return found


def match(queries: Any, known: Any, n: int = 1) -> Matches:
    """Finds the n nearest known texts of each query.

    Args:
        queries: (Q, D) vectors, as ``load_backbone("minilm").features(texts)`` gives them.
        known: (K, D) vectors.
        n: How many, 1 to K.

    Raises:
        DataError: The vectors cannot be used, or n is more than there are.
    """
    near = cosines(queries, known)
    if not isinstance(n, int) or not 1 <= n <= near.shape[1]:
        raise DataError(f"n is {n!r} for {near.shape[1]} known texts.", f"Give 1 to {near.shape[1]}.")
    order = np.argsort(-near, axis=1, kind="stable")[:, :n]
    return Matches(order, np.take_along_axis(near, order, axis=1))


def best_threshold(similarities: Any, same: Any) -> tuple[float, float]:
    """The similarity from which on two texts are taken to match.

    Args:
        similarities: (P,) cosines of known pairs.
        same: (P,) whether each pair matches; both kinds must occur.

    Returns:
        The threshold with the highest F1 on these pairs, half-way to the next lower pair; and that F1.

    Raises:
        DataError: Lengths differ, or all pairs are of one kind.
    """
    scores, truth = check_features(np.asarray(similarities)[:, None])[:, 0], np.asarray(same, dtype=bool)
    if truth.shape != scores.shape or truth.all() or not truth.any():
        raise DataError(
            f"{int(truth.sum())} of {len(truth)} answers to {len(scores)} pairs say that they match.",
            "Give one answer a pair, and some of both.",
        )
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(scores) + 1) + truth.sum())
    # Equal similarities stand or fall together: a cut is possible only where the next one is lower.
    f1[:-1][np.diff(scores[order]) == 0] = -1
    at = int(f1.argmax())
    below = scores[order][at + 1] if at + 1 < len(scores) else scores[order][at]
    return float((scores[order][at] + below) / 2), float(f1[at])
