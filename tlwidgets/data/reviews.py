"""Short reviews with an opinion, written for this project: films, products, and films in German."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tlwidgets.data.texts import PICTURE
from tlwidgets.data.world import World

FILE = Path(__file__).with_name("reviews.jsonl")
CLASSES = ("negative", "positive")


@cache
def _rows(domain: str) -> tuple[dict[str, Any], ...]:
    lines = FILE.read_text("utf-8").splitlines()
    return tuple(row for row in map(json.loads, lines) if row["domain"] == domain)


def draw_reviews(domain: str = "films") -> tuple[np.ndarray, np.ndarray]:
    """Return the texts (N,) of a domain and int64 (N,) labels, 0 negative and 1 positive."""
    rows = _rows(domain)
    labels = np.array([CLASSES.index(row["label"]) for row in rows], dtype=np.int64)
    return np.array([row["text"] for row in rows]), labels


def held_out_reviews(domain: str = "films") -> np.ndarray:
    """Return (N,) "train" or "test": the held-out texts are always the same."""
    return np.array([row["split"] for row in _rows(domain)])


REVIEWS = World(
    name="reviews",
    summary="Short reviews, praise or blame: films, products, and films in German",
    classes=CLASSES,
    shape=PICTURE,
    licence="BSD-3-Clause, written for this project",
    draw=draw_reviews,
    domains=("films", "products", "filme"),
    sha256="8133081740962dbd2988215a4c7982d02bde6b29b53931a4a70921103120dbab",
    held_out=held_out_reviews,
)
