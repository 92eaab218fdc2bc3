"""Lessons 00 to 08: right answers in other words pass, and answers that only look right do not."""

from __future__ import annotations

import pytest

from tlwidgets.exercises import catalogue, check

SAMPLED = """
import random
def chance(score, features, labels, repeats):
    return [score(features, random.sample(list(labels), len(labels))) for _ in range(repeats)]
"""
EVALUATED = """
def freeze(part):
    part.requires_grad_(False)
    part.eval()
"""
FROM_THE_END = """
def where_gone(leads):
    return min((labels for labels, lead in leads.items() if lead < 0.08), default=None)
"""
RIGHT = [
    ("studio-rates", "head_rate, stages_rate = 0.01, 0.002"),
    ("studio-rates", "head_rate, stages_rate = 0.05, 0.005"),
    ("wt-vanish", FROM_THE_END),
    ("look-images", "import numpy as np\nimages = np.int64(320)"),
    ("look-images", "images = 320.0"),
    ("fb-freeze", EVALUATED),
    ("lr-read", 'rate = curve.loc[curve["smoothed"].idxmin(), "learning_rate"] / 100'),
    ("lr-read", 'rate = curve.loc[curve["smoothed"].idxmin(), "learning_rate"] * 0.2'),
    ("sd-groups", "from sklearn.model_selection import StratifiedGroupKFold\nsplitter = StratifiedGroupKFold(5)"),
    ("cb-chance", SAMPLED),
    ("cb-tied", 'tied = {name for name in gaps.index if gaps["low"][name] < 0 < gaps["high"][name]}'),
]

BATCH_STATISTICS = """
def freeze(part):
    part.requires_grad_(False)
    for module in part.modules():
        if hasattr(module, "track_running_stats"):
            module.track_running_stats = False
            module.running_mean = module.running_var = None
"""
VERDICT = """
def verdict(transfer, target_only, luck):
    gain, bound = {gain}, {bound}
    return "positive" if gain > bound else "negative" if gain < -bound else "none"
"""
WRONG = [
    ("studio-rates", "head_rate, stages_rate = 0.0009, 0.00009"),
    ("wt-vanish", "def where_gone(leads):\n    return 10"),
    ("fe-means", "def nearest_mean(train, labels, test):\n    return np.repeat(7, len(test))"),
    ("fb-plan", 'states = tlw.FreezePlan(stages, {"*": "norm", "stem": "trainable", "head": "trainable"}).states'),
    ("fb-freeze", BATCH_STATISTICS),
    ("sd-groups", "from sklearn.model_selection import StratifiedKFold\nsplitter = StratifiedKFold(5)"),
    ("nt-verdict", VERDICT.format(gain="transfer / target_only - 1", bound="luck")),
    ("nt-verdict", VERDICT.format(gain="transfer - target_only", bound="luck / 2 + 0.01")),
]


def passed(name: str, code: str) -> bool:
    exercise = catalogue.exercise(name)
    namespace: dict[str, object] = {}
    exec(exercise.setup, namespace)
    exec(code, namespace)
    return check(name, **{each: namespace[each] for each in exercise.takes}).passed


@pytest.mark.parametrize(("name", "code"), RIGHT)
def test_a_right_answer_in_other_words_passes(name, code):
    assert passed(name, code)


@pytest.mark.parametrize(("name", "code"), WRONG)
def test_an_answer_that_only_looks_right_does_not_pass(name, code):
    assert not passed(name, code)
