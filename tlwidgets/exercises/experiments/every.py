"""All measured claims, for the tests that repeat them."""

from __future__ import annotations

from tlwidgets.exercises.experiments import (
    choosing,
    feature_extraction,
    freeze_board,
    learning_rates,
    looking_inside,
    negative_transfer,
    small_data,
    studio,
    what_transfers,
)

_LESSONS = (
    studio,
    what_transfers,
    looking_inside,
    feature_extraction,
    freeze_board,
    learning_rates,
    small_data,
    choosing,
    negative_transfer,
)
CLAIMS = tuple(claim for lesson in _LESSONS for claim in lesson.CLAIMS)
