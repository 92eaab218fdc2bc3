"""Text encoders of many families: ordered stages that cover everything, exact freezing, the mean over real tokens."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from tlwidgets import FreezePlan, list_backbones, load_backbone
from tlwidgets.backbones import Backbone, stage_costs, text_loading
from tlwidgets.errors import BackboneError
from tlwidgets.freezing import fingerprint, learning_parameters, moved

transformers = pytest.importorskip("transformers", reason='transformers is not installed: pip install ".[text]"')

BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}
RELATIVE = {
    "relative_attention": True,
    "position_buckets": 8,
    "norm_rel_ebd": "layer_norm",
    "pos_att_type": ["p2c", "c2p"],
    "conv_kernel_size": 3,
    "conv_act": "gelu",
}
FAMILIES: dict[str, dict[str, Any]] = {
    "albert": {**BERT, "embedding_size": 8},
    "bert": BERT,
    "deberta-v2": {**BERT, **RELATIVE},
    "distilbert": {"dim": 16, "n_layers": 3, "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 40},
    "electra": {**BERT, "embedding_size": 8},
    "modernbert": {**BERT, "bos_token_id": 0, "cls_token_id": 0, "eos_token_id": 2, "sep_token_id": 2},
    "mpnet": BERT,
    "roberta": BERT,
    "xlm-roberta": BERT,
}
# One layer, used three times.
SHARED = {"albert"}
TEXTS = ["a lovely film", "it was not very good and the end is bad", "box"]


@pytest.fixture(scope="module", params=FAMILIES)
def family(request: pytest.FixtureRequest, text_encoder: Callable[..., str]) -> tuple[str, str]:
    return request.param, text_encoder(request.param, **FAMILIES[request.param])


def _load(name: str) -> Backbone:
    torch.manual_seed(0)
    return load_backbone(name, num_classes=2)


def _step(backbone: Backbone) -> None:
    backbone.model.train()
    parameters = [p for members in learning_parameters(backbone).values() for p in members.values()]
    optimiser = torch.optim.SGD(parameters, lr=0.1)
    logits = backbone.model(backbone.preprocessing.prepare_all(TEXTS))
    functional.cross_entropy(logits, torch.tensor([1, 0, 1])).backward()
    optimiser.step()


def test_the_stages_are_stem_layers_and_head_and_cover_every_parameter_once(family: tuple[str, str]) -> None:
    kind, name = family
    backbone = _load(name)
    layers = 1 if kind in SHARED else 3
    assert [stage.name for stage in backbone.stages] == ["stem", *(f"stage{i + 1}" for i in range(layers)), "head"]
    named = [parameter for stage in backbone.stages for parameter in stage.parameter_names]
    assert sorted(named) == sorted(parameter for parameter, _ in backbone.model.named_parameters())
    assert all("embedding" in p or "relative" in p or "LayerNorm" in p for p in backbone.stages[0].parameter_names)
    assert {"head.weight", "head.bias"} <= set(backbone.stages[-1].parameter_names)
    for number, stage in enumerate(backbone.stages[1:-1]):
        assert any(f".{number}." in parameter for parameter in stage.parameter_names)


def test_every_frozen_prefix_stands_still_to_the_bit_and_the_rest_learns(family: tuple[str, str]) -> None:
    _, name = family
    backbone = _load(name)
    for stage in backbone.stages[:-1]:
        applied = FreezePlan(backbone).freeze_until(stage.name).apply()
        before = fingerprint(backbone.model, applied.frozen_names)
        learning = fingerprint(backbone.model, applied.learning)
        _step(backbone)
        assert moved(before, backbone.model) == []
        assert set(moved(learning, backbone.model)) == set(applied.learning) - _without_gradient(backbone)
        applied.undo()


def _without_gradient(backbone: Backbone) -> set[str]:
    """Softmax over keys does not see what is added to every score: the bias of the keys has no gradient but noise."""
    return {name for name, p in backbone.model.named_parameters() if p.grad is None or not p.grad.any()}


def test_padding_changes_nothing(family: tuple[str, str]) -> None:
    _, name = family
    backbone = _load(name)
    together = backbone.features(TEXTS)
    alone = np.concatenate([backbone.features([text]) for text in TEXTS])
    assert together.shape == (3, backbone.num_features)
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_features_are_the_mean_over_the_encoders_own_vectors(family: tuple[str, str]) -> None:
    _, name = family
    backbone = _load(name)
    encoder = transformers.AutoModel.from_pretrained(name.removeprefix("hf:")).eval()
    tokens = backbone.preprocessing.prepare(TEXTS[1])[None]
    with torch.no_grad():
        vectors = encoder(input_ids=tokens).last_hidden_state
    np.testing.assert_allclose(backbone.features([TEXTS[1]]), vectors.mean(1).numpy(), atol=1e-5)


def test_norms_and_adapters_learn_alone_and_adapters_merge_exactly(family: tuple[str, str]) -> None:
    _, name = family
    backbone = _load(name)
    norms = FreezePlan(backbone, {"*": "norm", "head": "frozen"}).table()
    assert 0 < norms["trainable"].sum() < 0.2 * norms["parameters"].sum()
    applied = FreezePlan(backbone, {"*": "lora", "head": "trainable"}).apply()
    before = fingerprint(backbone.model, applied.frozen_names)
    for _ in range(2):
        _step(backbone)
    assert moved(before, backbone.model) == []
    adapted = backbone.logits(TEXTS)
    applied.merge()
    np.testing.assert_allclose(backbone.logits(TEXTS), adapted, atol=1e-5)
    applied.undo()


def test_the_layers_are_what_costs(family: tuple[str, str]) -> None:
    kind, name = family
    costs = stage_costs(_load(name)).set_index("stage")
    assert costs.loc["stage1", "macs"] > 0
    if kind not in SHARED:
        assert costs.loc["stage2", "macs"] == costs.loc["stage1", "macs"] or kind == "deberta-v2"


def test_without_pretraining_the_seed_decides(tiny_text: str) -> None:
    def draw(seed: int) -> np.ndarray:
        torch.manual_seed(seed)
        return load_backbone(tiny_text, pretrained=False, num_classes=2).logits(TEXTS)

    assert np.array_equal(draw(1), draw(1))
    assert not np.array_equal(draw(1), draw(2))


def test_long_texts_are_cut_and_empty_ones_do_no_harm(tiny_text: str) -> None:
    backbone = _load(tiny_text)
    assert len(backbone.preprocessing.prepare("film " * 100)) == backbone.preprocessing.max_length == 38
    assert np.isfinite(backbone.features(["", "film " * 100])).all()


@pytest.mark.parametrize(
    ("texts", "words"),
    [("a film", "Pass a list of texts"), ([], "no texts"), ([np.zeros((4, 4, 3), np.uint8)], "not ndarray")],
)
def test_what_is_no_list_of_texts_is_refused(tiny_text: str, texts: Any, words: str) -> None:
    with pytest.raises(BackboneError, match=words):
        _load(tiny_text).features(texts)


def _broken(folder: Path, what: str) -> None:
    if what == "pickle":
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    elif what == "garbage":
        (folder / "model.safetensors").write_bytes(b"no weights")
    elif what == "config":
        (folder / "config.json").write_text('{"model_type": "no such model"}')
    else:
        for file in folder.glob("tokenizer*"):
            file.unlink()


@pytest.mark.parametrize("what", ["pickle", "garbage", "config", "tokenizer"])
def test_a_folder_that_cannot_be_used_says_so(text_encoder: Callable[..., str], what: str) -> None:
    name = text_encoder("bert", **BERT)
    _broken(Path(name.removeprefix("hf:")), what)
    with pytest.raises(BackboneError, match=r"could not be loaded|has no tokeniser"):
        load_backbone(name, num_classes=2)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hf:/no/such/folder", "There is no folder"),
        ("hf:no-owner", "There is no folder"),
        ("hf:somebody/something", "the network does not answer"),
    ],
)
def test_an_encoder_that_is_nowhere_says_so(name: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_loading, "online", lambda host: False)
    with pytest.raises(BackboneError, match=words):
        load_backbone(name)


def test_an_encoder_with_a_decoder_is_refused(text_encoder: Callable[..., str]) -> None:
    size = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_heads": 2}
    with pytest.raises(BackboneError, match="with a decoder"):
        load_backbone(text_encoder("t5", **size))


def test_without_transformers_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def without(name: str, package: str | None = None) -> Any:
        if name == "transformers":
            raise ModuleNotFoundError("No module named 'transformers'")
        return real(name, package)

    monkeypatch.setattr(text_loading.importlib, "import_module", without)
    with pytest.raises(BackboneError, match=r'pip install "tlwidgets\[text\]"'):
        load_backbone("minilm")


def test_image_backbones_do_not_load_transformers() -> None:
    code = (
        "import sys, tlwidgets as tlw\n"
        "tlw.FreezePlan(tlw.load_backbone('tlw_resnet')).apply(), tlw.load_data('digits'), tlw.fit\n"
        "print('transformers' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
    assert found == "False"


def test_minilm_gives_the_sentence_vectors_that_it_is_known_for() -> None:
    backbone = load_backbone("minilm", num_classes=2)
    assert [stage.name for stage in backbone.stages] == ["stem", *(f"stage{i}" for i in range(1, 7)), "head"]
    texts = ["A man is playing a guitar.", "Someone plays an instrument.", "The stock market fell sharply today."]
    vectors = backbone.features(texts)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near, far = vectors[0] @ vectors[1], vectors[0] @ vectors[2]
    assert vectors.shape == (3, 384)
    assert near > 0.5
    assert far < 0.1


def test_minilm_with_other_weights_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(text_loading, "minilm_package", lambda: tmp_path)
    with pytest.raises(BackboneError, match="SHA-256 differs"):
        load_backbone("minilm")


def test_minilm_is_in_the_list() -> None:
    row = list_backbones("minilm").set_index("name").loc["minilm"]
    assert bool(row["offline"])
    assert row["source"] == "transformers"
