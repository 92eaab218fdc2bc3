"""Which texts say the same: copies, other spelling of spaces and capitals, a word or two changed.

Broder (1997), "On the resemblance and containment of documents", SEQUENCES: equal smallest hashes estimate the share
of words that two texts have in common.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ALIKE = 0.8  # share of common words from which two texts count as one
BANDS, ROWS = (
    16,
    2,
)  # hashes that must agree: pairs of 0.8 are missed once in a million, those of 0.2 met every other time
_PRIME = 2**31 - 1
_NEIGHBOURS = 32  # texts of a bucket that each is compared with: linear in N


def near_identical_texts(texts: Sequence[str]) -> np.ndarray:
    """Give near-identical texts one group number.

    Two texts belong together when at least ``ALIKE`` of all their different words stand in both, whatever the order,
    capitals and punctuation.

    Args:
        texts: (N,) texts.

    Returns:
        int64 (N,): the lowest index among a text's near-identical ones.
    """
    words = [frozenset(re.findall(r"\w+", text.casefold())) or frozenset([text]) for text in texts]
    pairs = [(i, j) for i, j in _candidates(_signatures(words)) if _common(words[i], words[j]) >= ALIKE]
    left, right = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    links = coo_array((np.ones(len(left)), (left, right)), shape=(len(words), len(words)))
    _, found = connected_components(links, directed=False)
    _, first, inverse = np.unique(found, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _signatures(words: Sequence[frozenset[str]]) -> np.ndarray:
    """Smallest hashes of each set of words, int64 (N, BANDS * ROWS)."""
    rng = np.random.default_rng(0)
    factor, shift = rng.integers(1, _PRIME, (2, 1, BANDS * ROWS))
    signatures = np.zeros((len(words), BANDS * ROWS), np.int64)
    for row, some in zip(signatures, words, strict=True):
        numbers = np.array([zlib.crc32(word.encode()) % _PRIME for word in some])[:, None]
        row[:] = ((numbers * factor + shift) % _PRIME).min(axis=0)
    return signatures


def _candidates(signatures: np.ndarray) -> set[tuple[int, int]]:
    """Pairs that agree in all hashes of at least one band."""
    found: set[tuple[int, int]] = set()
    for band in np.split(signatures, BANDS, axis=1):
        order = np.lexsort(band.T)
        for step in range(1, min(len(order), _NEIGHBOURS + 1)):
            near = np.stack([order[:-step], order[step:]], axis=1)
            same = (band[near[:, 0]] == band[near[:, 1]]).all(axis=1)
            if not same.any():
                break
            found.update((int(i), int(j)) for i, j in near[same])
    return found


def _common(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
