"""All measured claims, for the tests that repeat them."""

from __future__ import annotations

from tlwidgets.exercises.experiments import (
    feature_extraction,
    freeze_board,
    looking_inside,
    small_data,
    studio,
    what_transfers,
)

_LESSONS = (studio, what_transfers, looking_inside, feature_extraction, freeze_board, small_data)
CLAIMS = tuple(claim for lesson in _LESSONS for claim in lesson.CLAIMS)
