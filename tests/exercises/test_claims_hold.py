"""Every claim of every lesson, measured with five seeds; and that it fails once the pre-training is taken away."""

from __future__ import annotations

import pytest

from tlwidgets.exercises.experiments.every import every_claim as all_claims

SEEDS = range(5)
every_claim = pytest.mark.parametrize("claim", all_claims(), ids=lambda claim: f"{claim.lesson}-{claim.id}")


@pytest.mark.slow
@every_claim
def test_a_claim_holds_with_each_of_five_seeds(claim):
    found = [claim.measure(seed, False) for seed in SEEDS]
    assert min(found) >= claim.margin, found


@pytest.mark.slow
@every_claim
def test_a_claim_fails_when_the_pretrained_weights_are_random(claim):
    # Two seeds: with the cause taken away a claim is to fail by far, and a lucky seed in five would be no news.
    found = [claim.measure(seed, True) for seed in SEEDS[:2]]
    assert max(found) < claim.margin, found
