"""Scores that guess, without training, how well features will serve a target task. Higher is better throughout.

A score has no absolute meaning: its scale depends on the number of images, classes and features, and labels that were
shuffled do not score 0. Compare networks on the same images, and look at what shuffled labels give
(``tlwidgets.evaluation.ranking`` does both). Where public implementations differ, the paper is followed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.neighbors import NearestNeighbors

from tlwidgets.data.features import check_labels
from tlwidgets.errors import DataError

EPSILON, TINY = float(np.finfo(float).eps), float(np.finfo(float).tiny)
Judge = Callable[[np.ndarray], float]
"""Class numbers 0..C-1 of the same images (N,) -> score: what does not depend on labels has been computed already."""


def logme(features: Any, labels: Any) -> float:
    """Logarithm of the maximum evidence of a linear model for each class, per image, averaged over classes.

    You, Liu, Wang, Long (2021), "LogME", ICML, arXiv 2102.11005; the fixed point of the journal version (You et al.
    2022, arXiv 2110.10545) replaces the original iteration. Rotating the features changes nothing, shifting them does.

    Args:
        features: (N, D) numbers.
        labels: (N,) class of each, numbers or names.

    Raises:
        DataError: Fewer than two classes, lengths that differ, or features that are not finite.
    """
    return logme_judge(checked_rows(features, labels, "features"))(class_numbers(labels))


def h_score(features: Any, labels: Any, *, regularised: bool = False) -> float:
    """Share of the features' variance that lies between classes, summed over directions: at most C - 1.

    Bao et al. (2019), "An information-theoretic approach to transferability in task transfer learning", ICIP: the
    trace of pinv(cov(f)) cov(E[f|y]). Invariant to every invertible affine map of the features.

    Args:
        features: (N, D) numbers.
        labels: (N,) class of each, numbers or names.
        regularised: Shrink the covariance as Ledoit and Wolf do (Ibrahim, Ponomareva, Mazumder 2022, "Newer is not
            always better", arXiv 2110.06893). Take it where D is not far below N: there the plain score says little.

    Raises:
        DataError: Fewer than two classes, lengths that differ, or features that are not finite.
    """
    judge = regularised_h_score_judge if regularised else h_score_judge
    return judge(checked_rows(features, labels, "features"))(class_numbers(labels))


def transrate(features: Any, labels: Any, *, epsilon: float = 1e-4) -> float:
    """Coding rate of all features less the mean coding rate of a class, in nats.

    Huang, Huang, Rong, Yang, Wei (2022), "Frustratingly easy transferability estimation", ICML, arXiv 2106.09362.
    Shuffled labels score far above 0 where D is large.

    Args:
        features: (N, D) numbers.
        labels: (N,) class of each, numbers or names.
        epsilon: Squared distortion that the code may leave. Smaller values count more directions.

    Raises:
        DataError: Fewer than two classes, lengths that differ, features that are not finite, or epsilon not above 0.
    """
    if not epsilon > 0:
        raise DataError(f"epsilon is {epsilon!r}.", "Give a number above 0; the paper's is 1e-4.")
    return transrate_judge(checked_rows(features, labels, "features"), epsilon)(class_numbers(labels))


def knn_score(features: Any, labels: Any, *, neighbours: int = 5) -> float:
    """Share of images whose nearest neighbours, by cosine, vote for their class; no image is its own neighbour.

    Args:
        features: (N, D) numbers.
        labels: (N,) class of each, numbers or names.
        neighbours: How many vote; the nearest decides a tie. Fewer suit classes of few images.

    Raises:
        DataError: Fewer than two classes or ``neighbours`` + 1 images, lengths that differ, or features that are not
            finite.
    """
    return knn_judge(checked_rows(features, labels, "features"), neighbours)(class_numbers(labels))


def leep(source_probabilities: Any, labels: Any) -> float:
    """Mean log-likelihood of the labels under what the source's head predicts: at most 0.

    Nguyen, Hassner, Seeger, Archambeau (2020), "LEEP", ICML, arXiv 2002.12462. Uniform predictions give -H(Y), certain
    ones give ``nce``.

    Args:
        source_probabilities: (N, Z) probability of each source class for each target image.
        labels: (N,) class of each, numbers or names.

    Raises:
        DataError: Fewer than two classes, lengths that differ, or rows that are no probabilities.
    """
    rows = checked_rows(source_probabilities, labels, "source probabilities")
    if rows.min(initial=0) < 0 or not np.allclose(rows.sum(1), 1, atol=1e-3):
        raise DataError("The source probabilities are not probabilities.", "Give the softmax of the source's logits.")
    return leep_judge(rows)(class_numbers(labels))


def nce(source_labels: Any, labels: Any) -> float:
    """Negative conditional entropy -H(Y|Z) of the labels given what the source's head names each image, in nats.

    Tran, Nguyen, Hassner (2019), "Transferability and hardness of supervised classification tasks", ICCV,
    arXiv 1908.08142. 0 where the source's name of an image tells its class.

    Args:
        source_labels: (N,) source class of each target image, numbers or names.
        labels: (N,) class of each, numbers or names.

    Raises:
        DataError: Fewer than two classes, lengths that differ, or labels that are missing.
    """
    _, named = np.unique(check_labels(source_labels, "source labels"), return_inverse=True)
    return leep_judge(np.eye(named.max(initial=0) + 1)[checked_length(named, labels, "source labels")])(
        class_numbers(labels)
    )


def class_numbers(labels: Any) -> np.ndarray:
    """Turns labels (N,) into class numbers 0..C-1.

    Raises:
        DataError: They are not one label an image, or name fewer than two classes; see ``check_labels``.
    """
    distinct, numbers = np.unique(check_labels(labels), return_inverse=True)
    if len(distinct) < 2:
        raise DataError(f"The labels name {len(distinct)} class.", "Give images of at least two classes.")
    return np.asarray(numbers, dtype=np.int64)


def checked_rows(values: Any, labels: Any, what: str) -> np.ndarray:
    """Checks numbers (N, D) that belong to labels (N,), and gives them as float64.

    Raises:
        DataError: Another shape or length, or a number that is not finite.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise DataError(f"The {what} have shape {rows.shape}.", "Give one row an image: shape (N, D).")
    checked_length(rows, labels, what)
    if not np.isfinite(rows).all():
        bad = np.flatnonzero(~np.isfinite(rows).all(1))
        raise DataError(
            f"The {what} of {len(bad)} images hold nan or infinity (first at index {bad[0]}).",
            "Look at these images, and at the network's numeric precision.",
        )
    return rows


def checked_length(values: np.ndarray, labels: Any, what: str) -> np.ndarray:
    """Checks that there are as many values as labels.

    Raises:
        DataError: There are not.
    """
    if len(values) != len(labels):
        raise DataError(f"There are {len(values)} {what} but {len(labels)} labels.", "Give one label an image.")
    return values


def logme_judge(features: np.ndarray) -> Judge:
    """LogME of these features (N, D), for any labels."""
    n = len(features)
    left, singular, _ = np.linalg.svd(features, full_matrices=False)
    # Directions in which the features do not reach say nothing; of features that are all 0 the noise alone is left.
    reached = singular > max(singular.max(initial=0) * max(features.shape) * EPSILON, TINY**0.5)
    left, squares = left[:, reached], singular[reached] ** 2

    def evidence(target: np.ndarray) -> float:
        """Log evidence of one column of 0 and 1 (N,), at the fixed point of alpha / beta."""
        along = (left.T @ target) ** 2
        outside = max(0.0, float(target @ target - along.sum()))
        ratio, before = 1.0, 0.0
        for _ in range(100):  # it converges in about ten
            weights = float((squares * along / (ratio + squares) ** 2).sum())
            residual = float((along * (ratio / (ratio + squares)) ** 2).sum()) + outside
            gamma = float((squares / (ratio + squares)).sum())
            alpha, beta = gamma / (weights + 1e-10), (n - gamma) / (residual + 1e-10)
            ratio, before = alpha / beta, ratio
            if abs(ratio - before) <= 1e-6 * before:
                break
        # log|A| over the D directions; those outside the span cancel against D/2 log(alpha).
        shrinkage = 0.5 * float(np.log(alpha / (alpha + beta * squares)).sum())
        return float(shrinkage + 0.5 * n * np.log(beta / (2 * np.pi)) - 0.5 * (beta * residual + alpha * weights))

    return lambda labels: float(np.mean([evidence(column) for column in _one_hot(labels).T]) / n)


def h_score_judge(features: np.ndarray) -> Judge:
    """H-score of these features (N, D), for any labels."""
    left, singular, _ = np.linalg.svd(features - features.mean(0), full_matrices=False)
    # An orthonormal basis of what the features span; in it, cov(f) is the identity.
    basis = left[:, singular > singular.max(initial=0) * max(features.shape) * EPSILON]

    def judge(labels: np.ndarray) -> float:
        hot = _one_hot(labels)
        return float(((hot.T @ basis) ** 2 / hot.sum(0)[:, None]).sum())

    return judge


def regularised_h_score_judge(features: np.ndarray) -> Judge:
    """H-score with a shrunk covariance, of these features (N, D), for any labels."""
    centred = features - features.mean(0)
    fitted = LedoitWolf(assume_centered=True, store_precision=False).fit(centred)
    inverse = np.linalg.pinv(fitted.covariance_, hermitian=True)

    def judge(labels: np.ndarray) -> float:
        hot = _one_hot(labels)
        means = hot.T @ centred / hot.sum(0)[:, None]
        # The covariance between classes, over N - 1 as the reference value has it.
        between = (means * hot.sum(0)[:, None]).T @ means / (len(features) - 1)
        return float((1 - fitted.shrinkage_) * (inverse * between).sum())

    return judge


def transrate_judge(features: np.ndarray, epsilon: float = 1e-4) -> Judge:
    """TransRate of these features (N, D), for any labels."""
    centred = features - features.mean(0)
    whole = _coding_rate(centred, epsilon)

    def judge(labels: np.ndarray) -> float:
        rates = [_coding_rate(centred[labels == label], epsilon) for label in np.unique(labels)]
        return whole - float(np.mean(rates))

    return judge


def knn_judge(features: np.ndarray, neighbours: int = 5) -> Judge:
    """Leave-one-out accuracy of a vote of neighbours among these features (N, D), for any labels."""
    if not 1 <= neighbours < len(features):
        raise DataError(
            f"{neighbours} neighbours cannot be found among {len(features)} images.",
            "Ask for at least 1, and fewer than there are images.",
        )
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    # Asked without a query, the search leaves every point out of its own neighbours.
    near = NearestNeighbors(n_neighbors=neighbours).fit(unit).kneighbors(return_distance=False)

    def judge(labels: np.ndarray) -> float:
        votes = _one_hot(labels)[near].sum(1)
        votes[np.arange(len(near)), labels[near[:, 0]]] += 0.5
        return float((votes.argmax(1) == labels).mean())

    return judge


def leep_judge(probabilities: np.ndarray) -> Judge:
    """LEEP of these source probabilities (N, Z), for any labels."""
    # Source classes that no image has a share in say nothing.
    used = probabilities[:, probabilities.sum(0) > 0]

    def judge(labels: np.ndarray) -> float:
        conditional = _one_hot(labels).T @ used / used.sum(0)  # (C, Z): P(y|z)
        return float(np.log((used * conditional[labels]).sum(1)).mean())

    return judge


def _one_hot(labels: np.ndarray) -> np.ndarray:
    hot: np.ndarray = np.eye(int(labels.max()) + 1)[labels]
    return hot


def _coding_rate(rows: np.ndarray, epsilon: float) -> float:
    """Half log det(I + Z'Z / (n epsilon)) of rows Z (n, D); ZZ' has the same determinant and may be smaller."""
    n, d = rows.shape
    product = rows @ rows.T if n < d else rows.T @ rows
    return 0.5 * float(np.linalg.slogdet(np.eye(len(product)) + product / (n * epsilon))[1])
