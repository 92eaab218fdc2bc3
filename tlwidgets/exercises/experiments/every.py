"""All measured claims, for the tests that repeat them."""

from __future__ import annotations

from tlwidgets.exercises.experiments import small_data, studio, what_transfers

CLAIMS = (*studio.CLAIMS, *what_transfers.CLAIMS, *small_data.CLAIMS)
