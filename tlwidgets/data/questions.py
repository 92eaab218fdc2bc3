"""Everyday questions, each asked in four ways, written for this project: for matching and grouping texts."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tlwidgets.data.texts import PICTURE
from tlwidgets.data.world import World

FILE = Path(__file__).with_name("questions.jsonl")


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in FILE.read_text("utf-8").splitlines())


INTENTS = tuple(dict.fromkeys(row["intent"] for row in _rows()))
TOPICS = tuple(dict.fromkeys(row["topic"] for row in _rows()))


def draw_questions() -> tuple[np.ndarray, np.ndarray]:
    """Return the 96 questions and int64 (96,) labels: which of 24 things is asked."""
    labels = np.array([INTENTS.index(row["intent"]) for row in _rows()], dtype=np.int64)
    return np.array([row["text"] for row in _rows()]), labels


def question_topics() -> np.ndarray:
    """Return int64 (96,): which of ``TOPICS`` each question is about."""
    return np.array([TOPICS.index(row["topic"]) for row in _rows()], dtype=np.int64)


QUESTIONS = World(
    name="questions",
    summary="96 everyday questions: 24 things asked in four ways each",
    classes=INTENTS,
    shape=PICTURE,
    licence="BSD-3-Clause, written for this project",
    draw=draw_questions,
    sha256="e300fc712b1ac8432f7c372dcdefa2d6158320977ef26eaf9faab360c6c6b9d9",
)
