from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tlwidgets.errors import BackboneError, DataError
from tlwidgets.methods import open_clip_zero_shot
from tlwidgets.methods.attributes import AttributePrediction
from tlwidgets.methods.eszsl import ESZSL, closed_form
from tlwidgets.methods.text_alignment import TextAlignment, contrastive_map, ridge_map

RNG = np.random.default_rng(0)
PARTS = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0], [0, 1, 0, 1]])  # two colours, two shapes
MIXING = RNG.normal(size=(4, 12))


def pictures(labels: np.ndarray) -> np.ndarray:
    """Features that hold a class's parts, mixed, with noise."""
    return PARTS[labels] @ MIXING + 0.1 * RNG.normal(size=(len(labels), 12))


SEEN = np.arange(90) % 3
TRAIN, NEW = pictures(SEEN), pictures(np.full(20, 3))


def test_the_closed_form_of_eszsl_is_a_minimum() -> None:
    x, s = torch.randn(20, 6).double(), torch.rand(3, 4).double()
    y = 2 * nn.functional.one_hot(torch.arange(20) % 3).double() - 1
    v = torch.from_numpy(closed_form(x.numpy(), y.numpy(), s.numpy(), 0.7, 0.3)).requires_grad_(True)
    fit = (x @ v @ s.T - y).square().sum()
    loss = fit + 0.7 * (v @ s.T).square().sum() + 0.3 * (x @ v).square().sum() + 0.7 * 0.3 * v.square().sum()
    loss.backward()
    assert v.grad.abs().max() < 1e-10


def test_the_ridge_map_is_a_minimum_and_the_contrastive_one_lowers_its_loss() -> None:
    x, t = RNG.normal(size=(30, 6)), RNG.normal(size=(30, 4))
    w = ridge_map(x, t, 0.5)
    assert np.allclose(x.T @ (x @ w - t) + 0.5 * w, 0)
    texts = np.linalg.qr(RNG.normal(size=(4, 4)))[0][:3]
    labels = np.arange(30) % 3

    def loss(weights: np.ndarray) -> float:
        seen = x @ weights
        logits = torch.from_numpy(seen / np.linalg.norm(seen, axis=1, keepdims=True) @ texts.T / 0.07)
        return float(nn.functional.cross_entropy(logits, torch.from_numpy(labels)))

    assert loss(contrastive_map(x, labels, texts, 0.01, 0.07)) < 0.8 * loss(ridge_map(x, texts[labels], 0.01))


def test_attribute_prediction_is_the_product_of_the_paper() -> None:
    model = AttributePrediction().fit(TRAIN, SEEN, PARTS[:3])
    p, prior = model.attribute_probabilities(NEW), PARTS[:3].mean(0)
    products = np.stack([np.prod(np.where(row, p / prior, (1 - p) / (1 - prior)), axis=1) for row in PARTS], axis=1)
    assert np.allclose(model.predict_proba(NEW, PARTS), products / products.sum(1, keepdims=True))


@pytest.mark.parametrize("method", [AttributePrediction(), ESZSL(), TextAlignment(), TextAlignment("contrastive")])
def test_a_class_made_of_known_parts_is_recognised_among_all(method: Any) -> None:
    model = method.fit(TRAIN, SEEN, PARTS[:3])
    scores = (model.predict_proba if isinstance(method, AttributePrediction) else model.scores)(NEW, PARTS)
    assert (scores.argmax(1) == 3).mean() > 0.9


def test_an_attribute_on_which_all_seen_classes_agree_says_nothing() -> None:
    table = np.column_stack([PARTS[:3], np.ones(3)])
    plain = AttributePrediction().fit(TRAIN, SEEN, PARTS[:3]).predict_proba(NEW, PARTS)
    more = AttributePrediction().fit(TRAIN, SEEN, table)
    assert np.allclose(more.predict_proba(NEW, np.column_stack([PARTS, [0, 1, 0, 1]])), plain)


@pytest.mark.parametrize("method", [AttributePrediction(), ESZSL(), TextAlignment()])
@pytest.mark.parametrize(
    ("descriptions", "complaint"), [(PARTS, "4 descriptions for 3"), (np.full((3, 2), np.nan), "nan or infinity")]
)
def test_descriptions_that_do_not_fit_are_refused(method: Any, descriptions: Any, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        method.fit(TRAIN, SEEN, descriptions)


@pytest.mark.parametrize("method", [AttributePrediction, ESZSL, TextAlignment])
@pytest.mark.parametrize(
    ("features", "descriptions", "complaint"),
    [
        (NEW[:, :5], PARTS, "features have 5 columns, but those of fit had 12"),
        (NEW, np.eye(3), "(attributes|descriptions) have 3 columns, but those of fit had 4"),
        (NEW, np.full((2, 4), np.nan), "(attributes|descriptions) hold nan or infinity"),
        (np.full((2, 12), np.nan), PARTS, "features hold nan or infinity"),
    ],
)
def test_new_images_and_classes_must_be_like_those_learned_from(
    method: Any, features: Any, descriptions: Any, complaint: str
) -> None:
    fitted = method().fit(TRAIN, SEEN, PARTS[:3])
    ask = fitted.predict_proba if method is AttributePrediction else fitted.scores
    with pytest.raises(DataError, match=complaint):
        ask(features, descriptions)
    fresh = method()
    with pytest.raises(DataError, match="Nothing has been learned yet"):
        (fresh.predict_proba if method is AttributePrediction else fresh.scores)(NEW, PARTS)


def test_options_and_attributes_that_mean_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="C is -1"):
        AttributePrediction(C=-1)
    with pytest.raises(DataError, match="not all 0 or 1"):
        AttributePrediction().fit(TRAIN, SEEN, PARTS[:3] * 0.5)
    with pytest.raises(DataError, match="the same attributes"):
        AttributePrediction().fit(TRAIN, SEEN, np.ones((3, 2)))
    with pytest.raises(DataError, match="gamma is 0"):
        ESZSL(gamma=0)
    with pytest.raises(DataError, match="Losses: ridge, contrastive"):
        TextAlignment("clip")


class Towers(nn.Module):
    """Stands for open_clip's model: the colour of an image, the colour that a sentence names."""

    logit_scale = torch.tensor(2.0)

    def encode_image(self, batch: torch.Tensor) -> torch.Tensor:
        return 7 * batch.mean((2, 3))

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens


def fake_open_clip() -> Any:
    words = ("red", "green", "blue")
    return SimpleNamespace(
        create_model_from_pretrained=lambda _model, pretrained: (
            Towers(),
            lambda picture: torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255.0,
        ),
        get_tokenizer=lambda _model: lambda texts: torch.tensor([[float(w in text) for w in words] for text in texts]),
    )


def test_open_clip_chooses_the_sentence_of_the_same_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_clip_zero_shot.importlib, "import_module", lambda _: fake_open_clip())
    classifier = open_clip_zero_shot.open_clip_classifier(["red", "blue"], ["a {} wall", "{} paint"])
    images = [np.full((4, 4, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255), (0, 255, 255))]
    assert classifier.predict(images) == ["red", "blue", "blue"]
    scale = np.exp(2.0)
    assert classifier.predict_proba(images)[0] == pytest.approx(np.exp([scale, 0]) / np.exp([scale, 0]).sum())


def test_without_open_clip_it_says_what_to_do() -> None:
    try:
        import open_clip  # noqa: F401
    except ImportError:
        with pytest.raises(BackboneError, match="pip install open_clip_torch"):
            open_clip_zero_shot.open_clip_classifier(["red", "blue"])
    with pytest.raises(DataError, match="two or more names"):
        open_clip_zero_shot.open_clip_classifier(["red"])
    with pytest.raises(DataError, match="templates such as"):
        open_clip_zero_shot.open_clip_classifier(["red", "blue"], ["a wall"])
