from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import expit

import tlwidgets as tlw
from tlwidgets.errors import DataError
from tlwidgets.evaluation import choices, compare_without_labels
from tlwidgets.evaluation.model_selection import information, mean_entropy, weighted_accuracy
from tlwidgets.methods.importance_weighting import density_ratio
from tlwidgets.training.target import entropies


def test_information_is_high_only_where_answers_are_clear_and_differ() -> None:
    clear, same, unsure = np.eye(4).repeat(3, 0), np.tile([1.0, 0, 0, 0], (12, 1)), np.full((12, 4), 0.25)
    assert information(clear) == pytest.approx(math.log(4))
    assert information(same) == information(unsure) == pytest.approx(0)
    assert mean_entropy(clear) == mean_entropy(same) == 0
    assert mean_entropy(unsure) == pytest.approx(math.log(4))
    table = np.random.default_rng(0).dirichlet([1, 1, 1], 9)
    assert mean_entropy(table) == pytest.approx(entropies(torch.from_numpy(table)).mean().item())


def test_weighted_validation_tells_the_accuracy_on_the_target_where_only_inputs_have_shifted() -> None:
    rng = np.random.default_rng(0)
    x, u = rng.normal(0, 1, 20_000), rng.normal(1, 1, 20_000)
    truth = [rng.random(len(some)) < expit(2 * some) for some in (x, u)]
    # The rule "above 1" is right more often far from 1 than near it: it differs between the domains.
    hits = [(some > 1) == labels for some, labels in zip((x, u), truth, strict=True)]
    weights = density_ratio(x[:, None], u[:, None])
    assert abs(hits[0].mean() - hits[1].mean()) > 0.02
    assert weighted_accuracy(hits[0], weights) == pytest.approx(hits[1].mean(), abs=0.012)
    assert weighted_accuracy([1, 0, 1], [1, 1, 2]) == 0.75


def test_runs_are_compared_by_every_criterion_and_the_oracle(recipe: tlw.Recipe, stripes: Any, tmp_path: Path) -> None:
    images, labels = stripes
    target = (255 - images // 2, labels)
    options = {"plain": ("fine_tuning", {}), "adapted": ("mmd", {"target": target})}
    runs = {
        name: tlw.fit(recipe.replace(method=method, method_options=given, epochs=4), tmp_path / name, progress=False)
        for name, (method, given) in options.items()
    }
    table = compare_without_labels({"plain": runs["plain"], "adapted": tmp_path / "adapted"}, target)
    assert list(table.index) == ["plain", "adapted"]
    assert list(table) == ["source_accuracy", "weighted_accuracy", "entropy", "information", "oracle"]
    assert table["source_accuracy"].tolist() == [run.metrics["val"]["accuracy"] for run in runs.values()]
    data = tlw.load_data(target)
    test = data.indices("test")
    predicted = runs["plain"].backbone.logits(data.images(test)).argmax(1)
    assert table.loc["plain", "oracle"] == pytest.approx((predicted == data.labels[test]).mean())
    chosen = choices(table)
    assert chosen.loc["entropy", "run"] == table["entropy"].idxmin()
    assert chosen.loc["information", "run"] == table["information"].idxmax()
    assert (chosen["regret"] >= 0).all()
    bare = compare_without_labels(runs, target[0])
    assert bare["oracle"].isna().all()
    assert bare["information"].notna().all()


def test_what_cannot_be_compared_is_refused(recipe: tlw.Recipe, stripes: Any, tmp_path: Path) -> None:
    run = tlw.fit(recipe.replace(epochs=1), tmp_path / "run", progress=False)
    images, labels = stripes
    with pytest.raises(DataError, match="no runs"):
        compare_without_labels({}, stripes)
    with pytest.raises(DataError, match="different classes"):
        compare_without_labels({"run": run}, (images, np.where(labels == "plain", "empty", labels)))
    with pytest.raises(DataError, match="no images to judge by"):
        compare_without_labels({"run": run}, stripes, tlw.load_data(stripes, val=0))
    with pytest.raises(DataError, match="do not fit"):
        weighted_accuracy([1, 0], [1])
    with pytest.raises(DataError, match="not probabilities"):
        information([[2.0, 2.0]])
