"""The prefix cache of texts: an encoder cut between two layers trains as the whole one does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import tlwidgets as tlw
from tlwidgets.training import CacheChosen
from tlwidgets.training.text_prefix import TextPartition
from tlwidgets.training.tracing import NotCacheableError

NUMBERS = ["train_loss", "train_accuracy", "val_loss", "val_accuracy"]
BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
RELATIVE = {"relative_attention": True, "position_buckets": 8, "pos_att_type": ["p2c", "c2p"], "conv_kernel_size": 3}
FAMILIES: dict[str, dict[str, Any]] = {
    "albert": BERT,
    "bert": BERT,
    "deberta-v2": {**BERT, **RELATIVE, "conv_act": "gelu"},
    "distilbert": {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40},
    "electra": {**BERT, "embedding_size": 8},
    "modernbert": {**BERT, "bos_token_id": 0, "cls_token_id": 0, "eos_token_id": 2, "sep_token_id": 2},
    "mpnet": BERT,
    "roberta": BERT,
}
TEXTS = ["a lovely film", "it was not very good and the end is bad", "box"]


def _frozen(name: str, until: str) -> tlw.Backbone:
    torch.manual_seed(0)
    backbone = tlw.load_backbone(name, num_classes=2)
    tlw.FreezePlan(backbone).freeze_until(until).apply()
    for module in backbone.model.modules():
        if isinstance(module, torch.nn.Dropout):  # both sides would have to draw the same numbers
            module.p = 0.0
    backbone.model.train()
    return backbone


def _gradients(backbone: tlw.Backbone, logits: torch.Tensor) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    loss = functional.cross_entropy(logits, torch.tensor([1, 0, 1]))
    backbone.model.zero_grad()
    loss.backward()
    return loss, {n: p.grad.clone() for n, p in backbone.model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("until", ["stage1", "stage2", "stage3"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_prefix_and_tail_together_are_the_network_in_loss_and_gradient(
    text_encoder: Callable[..., str], kind: str, until: str
) -> None:
    if kind == "albert":
        until = "stage1"  # the one layer that is used three times
    backbone = _frozen(text_encoder(kind, **FAMILIES[kind]), until)
    tokens = backbone.preprocessing.prepare_all(TEXTS)
    whole_loss, whole = _gradients(backbone, backbone.model(tokens))
    partition = TextPartition(backbone.model, backbone.preprocessing.pad([tokens[1]], 20))
    stored = partition.run_prefix(tokens)
    assert [tuple(value.shape[1:]) for value in stored] == list(partition.shapes)
    loss, halves = _gradients(backbone, partition.run_tail(stored))
    torch.testing.assert_close(loss, whole_loss, rtol=1e-5, atol=1e-6)
    assert whole.keys() == halves.keys()
    for name in whole:
        torch.testing.assert_close(halves[name], whole[name], rtol=1e-3, atol=1e-6)
    frozen = {n for n, p in backbone.model.named_parameters() if not p.requires_grad}
    assert set(partition.names) & set(dict(backbone.model.named_parameters())) <= frozen
    modules = [type(module) for module in backbone.model.modules()]
    assert not any(kind.__module__.endswith("text_prefix") for kind in modules)


def test_where_the_first_layer_learns_nothing_is_cut(tiny_text: str) -> None:
    backbone = tlw.load_backbone(tiny_text, num_classes=2)
    tlw.FreezePlan(backbone, {"stem": "frozen"}).apply()
    with pytest.raises(NotCacheableError, match="the first layer already learns"):
        TextPartition(backbone.model.train(), backbone.preprocessing.prepare_all(TEXTS[:1]))


@pytest.fixture
def text_recipe(tiny_text: str, opinions: tuple[list[str], list[str]]) -> tlw.Recipe:
    data = tlw.load_data(opinions)
    return tlw.Recipe(data=data, backbone=tiny_text, epochs=4, learning_rate=0.02, backbone_scale=1.0, batch_size=8)


def _run(recipe: tlw.Recipe, path: Path) -> tuple[tlw.Run, list[str]]:
    session = tlw.TrainingSession(recipe, path)
    run = session.start().wait(120)
    return run, [event.text for event in session.events if isinstance(event, CacheChosen)]


@pytest.mark.parametrize(
    "change",
    [
        {"plan": {"*": "frozen", "head": "trainable"}},
        {"plan": {"stem": "frozen", "stage1": "frozen", "stage2": "frozen"}},
        {"plan": {"stem": "frozen", "stage1": "frozen", "stage2": "lora"}},
        {"plan": {"*": "frozen", "head": "trainable"}, "augmentation": "eda", "views": 2},
        {"plan": {"stem": "frozen", "stage1": "frozen"}, "method": "l2_sp"},
    ],
    ids=["head only", "two layers", "adapters", "views", "l2_sp"],
)
def test_the_history_is_that_of_a_run_without_a_cache(
    text_recipe: tlw.Recipe, tmp_path: Path, change: dict[str, Any]
) -> None:
    recipe = text_recipe.replace(**change)
    plain, said = _run(recipe.replace(cache="off"), tmp_path / "plain")
    cached, notes = _run(recipe.replace(cache="memory"), tmp_path / "cached")
    assert said == []
    assert "computed once" in notes[0]
    np.testing.assert_allclose(cached.history[NUMBERS], plain.history[NUMBERS], rtol=2e-5)
    assert cached.predict(TEXTS) == plain.predict(TEXTS)


def test_new_views_every_epoch_are_not_cached_and_the_run_says_so(text_recipe: tlw.Recipe, tmp_path: Path) -> None:
    recipe = text_recipe.replace(plan={"*": "frozen", "head": "trainable"}, augmentation="eda", epochs=1)
    _, notes = _run(recipe, tmp_path / "run")
    assert "new views every epoch" in notes[0]


def test_halves_that_are_not_the_network_are_not_used(tiny_text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, run_tail = _frozen(tiny_text, "stage1"), TextPartition.run_tail
    monkeypatch.setattr(TextPartition, "run_tail", lambda self, stored: 1.01 * run_tail(self, stored))
    with pytest.raises(NotCacheableError, match="differ from the network"):
        TextPartition(backbone.model, backbone.preprocessing.prepare_all(TEXTS[:1]))
