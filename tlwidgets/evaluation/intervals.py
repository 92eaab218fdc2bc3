"""Intervals of proportions that keep their promise near 0 and 1, where resampling and mean +- 2 sd do not.

A sample in which nothing varies has no bootstrap: 30 of 30 right would give 100 to 100 %. Score intervals ask instead
which true shares would make what was counted no surprise.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student

LEVEL = 0.95
FEWEST_APART = 5  # images: the usual least count for a normal approximation of a share
ASIDE = 1e-9  # from where the search starts: at the mean itself, where nothing varies, the equation holds too


def wilson(hits: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share of which ``hits`` of ``n`` were counted, within 0..1; 0 to 1 where n is 0.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22: 209-212. Brown, Cai,
    DasGupta (2001), "Interval estimation for a binomial proportion", Statistical Science 16 take it for small n.
    """
    square = norm.ppf(0.5 + level / 2) ** 2
    middle = (hits + square / 2) / (n + square)
    reach = (square * (hits * (n - hits) / n if n else 0) + square**2 / 4) ** 0.5 / (n + square)
    # Rounding must not keep 30 of 30 from reaching 1.
    return 0.0 if hits == 0 else float(middle - reach), 1.0 if hits == n else float(middle + reach)


def tango(only_first: float, only_second: float, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Interval of the share of the second less that of the first, both counted on the same ``n`` samples.

    Tango (1998), "Equivalence test and confidence interval for the difference in proportions for the paired-sample
    design", Statistics in Medicine 17: 891-908. It holds 0 just when McNemar's test (chi-square, without correction)
    finds nothing, and without any sample that tells the two apart it still reaches z^2 / (n + z^2) to either side.

    Args:
        only_first: Samples that the first alone has right; fractions are allowed.
        only_second: Samples that the second alone has right.
        n: Samples, at least 1.
        level: How often the interval is to hold the truth.

    Returns:
        Its ends, within -1..1.
    """
    z = float(norm.ppf(0.5 + level / 2))
    gain = only_second - only_first

    def beyond(difference: float, sign: int) -> float:
        """How much further than z standard errors the count lies from what this true difference lets expect."""
        share = _first_alone(difference, only_first, only_second, n)
        variance = n * max(2 * share + difference * (1 - difference), 0.0)
        return float(sign * (gain - n * difference) - z * variance**0.5)

    mean = gain / n
    low = -1.0 if beyond(-1.0, 1) <= 0 else brentq(beyond, -1.0, mean - ASIDE, args=(1,))
    high = 1.0 if beyond(1.0, -1) <= 0 else brentq(beyond, mean + ASIDE, 1.0, args=(-1,))
    return float(low), float(high)


def _first_alone(difference: float, only_first: float, only_second: float, n: int) -> float:
    """The most likely share of samples that only the first has right, if the second is ``difference`` better.

    The root of Tango's quadratic equation 2 n q^2 + b q + c = 0.
    """
    b = -only_first - only_second + (2 * n - only_second + only_first) * difference
    c = -only_first * difference * (1 - difference)
    return float((max(b**2 - 8 * n * c, 0.0) ** 0.5 - b) / (4 * n))


def paired_interval(differences: np.ndarray) -> tuple[float, float, float]:
    """Mean of paired differences and its 95 % interval over other seeds and other images.

    The variance of the mean is taken as that between seeds over S plus that between images over N, which counts the
    noise of single cells twice and so errs on the wide side; degrees of freedom after Satterthwaite (1946, Biometrics
    Bulletin 2). With one seed only images count.

    Where all images but fewer than ``FEWEST_APART`` say the same, their spread is no estimate of anything: three seeds
    that agree on all of ten images would give an interval of width 0. There each end lies at least as far out as that
    of Tango's score interval (``tango``), which takes the images as N pairs and an image on which seeds disagree as so
    much of one.

    Args:
        differences: (S, N): hits of one arm less those of the other, -1, 0 or 1.

    Returns:
        Mean, lower and upper end.
    """
    mean, reach = float(differences.mean()), _reach(differences)
    low, high = mean - reach, mean + reach
    images = differences.mean(0)
    if len(images) - np.unique(images, return_counts=True)[1].max() < FEWEST_APART:
        ends = tango(np.maximum(-images, 0).sum(), np.maximum(images, 0).sum(), len(images))
        return mean, min(low, ends[0]), max(high, ends[1])
    return mean, low, high


def _reach(differences: np.ndarray) -> float:
    """Half the length of the interval that the spread over seeds and images gives; 0 where there is none."""
    parts, freedom = [], []
    for axis in (0, 1):
        means = differences.mean(1 - axis)
        if len(means) > 1:
            parts.append(float(means.var(ddof=1)) / len(means))
            freedom.append(len(means) - 1)
    variance = sum(parts)
    if variance == 0:
        return 0.0
    degrees = variance**2 / sum(part**2 / free for part, free in zip(parts, freedom, strict=True))
    return float(student.ppf(0.975, degrees) * variance**0.5)
