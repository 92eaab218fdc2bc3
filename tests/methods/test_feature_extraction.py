from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tlwidgets as tlw
from tlwidgets.errors import RecipeError
from tlwidgets.methods import feature_extraction
from tlwidgets.methods.feature_extraction import exact_head
from tlwidgets.training.method import Setting

HEAD_ONLY = {"*": "frozen", "head": "trainable"}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_exact_head_is_the_minimum_of_the_penalised_loss(n_classes: int) -> None:
    features, labels = np.random.default_rng(0).normal(size=(40, 5)), np.arange(40) % n_classes
    weights, biases = (torch.from_numpy(part).requires_grad_(True) for part in exact_head(features, labels, C=0.5))
    logits = torch.from_numpy(features) @ weights.T + biases
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels))
    # Two classes share scikit-learn's one row of weights: its penalty is of their difference, twice that of each.
    factor = 2 if n_classes == 2 else 1
    (loss + factor * weights.square().sum() / (2 * 0.5 * 40)).backward()
    assert weights.grad.abs().max() < 1e-5
    assert biases.grad.abs().max() < 1e-5


def test_a_run_approaches_the_exact_head_and_computes_the_features_once(recipe: tlw.Recipe, tmp_path: Path) -> None:
    data = tlw.load_data((np.stack(recipe.data.images(range(60))), recipe.data.labels), val=0)
    options = {"method": "feature_extraction", "method_options": {"C": 1.0}, "plan": HEAD_ONLY, "cache": "memory"}
    some = recipe.replace(data=data, epochs=150, weight_decay=0, learning_rate=0.1, batch_size=64, **options)
    run, rows = tlw.fit(some, tmp_path / "run", progress=False), data.indices("train")
    features = run.backbone.features(data.images(rows))
    weights, _ = exact_head(features, data.labels[rows], C=1.0)
    found = run.backbone.model.fc.weight.detach().numpy()
    assert np.abs(found - weights).max() < 0.06 * np.abs(weights).max()


def test_a_plan_that_lets_the_backbone_learn_is_refused(setting: Setting) -> None:
    with pytest.raises(RecipeError, match="'stem' learns in this plan"):
        feature_extraction.make(setting)
    frozen = Setting(setting.backbone, setting.data, setting.recipe.replace(plan=HEAD_ONLY))
    with pytest.raises(RecipeError, match="C is 0"):
        feature_extraction.make(frozen, C=0)


def test_without_a_plan_the_head_alone_learns(recipe: tlw.Recipe, tmp_path: Path) -> None:
    some = recipe.replace(method="feature_extraction", epochs=1)
    run = tlw.fit(some, tmp_path / "run", progress=False)
    assert run.recipe.plan == HEAD_ONLY
    named = tlw.fit(some.replace(plan=HEAD_ONLY), tmp_path / "named", progress=False)
    assert run.history["train_loss"].tolist() == named.history["train_loss"].tolist()
    assert list(tlw.find_learning_rate(some, steps=10, progress=False).table["part"]) == ["together", "head"]
    with pytest.raises(RecipeError, match="'stem' learns in this plan"):  # random features are not taken by default
        tlw.fit(some.replace(pretrained=False), tmp_path / "scratch", progress=False)


def test_with_one_example_a_class_features_beat_the_same_network_from_random_weights(tmp_path: Path) -> None:
    # The margin is that of the card of tlw_resnet: 78 % against 33 % on digits with one label a class, five draws.
    gains = []
    for seed in range(5):
        data = tlw.load_data("digits", labels_per_class=1, seed=seed, val=0.0)
        rows, test = data.indices("train"), data.indices("test")[:150]
        scores = []
        for pretrained in (True, False):
            torch.manual_seed(seed)
            backbone = tlw.load_backbone("tlw_resnet", pretrained=pretrained)
            features, queries = backbone.features(data.images(rows)), backbone.features(data.images(test))
            mean, spread = features.mean(0), features.std(0) + 1e-6
            weights, biases = exact_head((features - mean) / spread, data.labels[rows])
            answers = ((queries - mean) / spread @ weights.T + biases).argmax(1)
            scores.append((answers == data.labels[test]).mean())
        gains.append(scores[0] - scores[1])
    assert min(gains) > 0.1
    assert np.mean(gains) > 0.25
