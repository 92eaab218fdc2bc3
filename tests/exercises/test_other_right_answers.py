"""A check asks for properties: answers that are right in other words than the solution's pass as well."""

from __future__ import annotations

import pytest

from tlwidgets.exercises import catalogue, check

BY_NUMPY = """
def troubles(data):
    found = [] if data.leaks().empty else ["leak"]
    if not len(data.indices("test")):
        found.append("no test")
    counts = np.bincount(data.labels[data.indices("train")], minlength=len(data.classes))
    return found + ["few"] if (counts < 5).any() else found
"""
BY_COMPARING = """
def troubles(data):
    found = []
    if data.leaks().shape[0] > 0:
        found.append("leak")
    if not (data.split == "test").any():
        found.append("no test")
    if any((data.labels[data.split == "train"] == number).sum() < 5 for number, _ in enumerate(data.classes)):
        found.append("few")
    return found
"""
OVER_N_MINUS_1 = """
def each_by_itself(old, new):
    return [(rows - rows.mean(axis=0)) / (rows.std(axis=0, ddof=1) + 1e-9) for rows in (old, new)]
"""
COUNTED = """
def name_groups(answers):
    return {group: Counter(labels).most_common(1)[0][0] for group, labels in answers.items()}
"""
SHARES_FIRST = """
def contrast(similar):
    return (np.log(np.exp(similar).sum(axis=1)) - np.diag(similar)).mean()
"""
RIGHT = [
    ("cap-troubles", BY_NUMPY),
    ("cap-troubles", BY_COMPARING),
    ("cap-recipe", 'recipe = first.replace(plan={"*": "trainable"}, backbone_scale=0.2)'),
    ("cap-recipe", "recipe = first.replace(plan=None, backbone_scale=0.2)"),
    ("cap-recipe", 'recipe = first.replace(plan={"stage[123]": "frozen", "stage4": "norm"}, backbone_scale=0.2)'),
    ("da-own", OVER_N_MINUS_1),
    ("cl-names", COUNTED),
    ("sv-contrast", SHARES_FIRST),
]


@pytest.mark.parametrize(("name", "code"), RIGHT)
def test_a_right_answer_in_other_words_passes(name, code):
    exercise = catalogue.exercise(name)
    namespace: dict[str, object] = {}
    exec(exercise.setup, namespace)
    exec(code, namespace)
    result = check(name, **{each: namespace[each] for each in exercise.takes})
    assert result.passed, result.hints
