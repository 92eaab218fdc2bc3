"""All measured claims, for the tests that repeat them."""

from __future__ import annotations

from tlwidgets.exercises.experiments import feature_extraction, small_data, studio, what_transfers

_LESSONS = (studio, what_transfers, feature_extraction, small_data)
CLAIMS = tuple(claim for lesson in _LESSONS for claim in lesson.CLAIMS)
