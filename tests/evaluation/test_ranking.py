"""Ranking backbones: an order that refines, chance beside every score, nothing changed, errors at the call."""

import numpy as np
import pandas as pd
import pytest
import torch

import tlwidgets as tlw
from tlwidgets.errors import BackboneError, DataError
from tlwidgets.evaluation import logme, ranking_rounds
from tlwidgets.evaluation.looks import SCORES, half_interval, representative
from tlwidgets.evaluation.ranking import Ranking

FIGURES = ["value", "low", "high", "null", "null_high"]


@pytest.fixture(scope="module")
def stripe_data(stripes):
    return tlw.load_data(stripes)


@pytest.fixture(scope="module")
def ranking(stripe_data, tiny):
    return tlw.rank_backbones(stripe_data, [tiny, "tlw_resnet_pen"], repeats=4, progress=False)


def test_every_backbone_and_score_has_a_value_in_its_interval_beside_chance(ranking):
    assert list(ranking.table.columns) == [*SCORES, "seconds", "images"]
    assert np.isfinite(ranking.details[FIGURES].to_numpy()).all()
    assert (ranking.details["low"] <= ranking.details["value"]).all()
    assert (ranking.details["value"] <= ranking.details["high"]).all()
    assert (ranking.details["seconds"] > 0).all()
    assert ranking.share == 1


def test_the_value_is_that_of_the_pure_function_on_the_training_images(stripe_data, tiny):
    rows = stripe_data.indices("train")
    features = tlw.load_backbone(tiny).features(stripe_data.images(rows))
    one = tlw.rank_backbones(stripe_data, tiny, scores=["logme"], repeats=2, progress=False)
    assert one.details["value"][0] == pytest.approx(logme(features, stripe_data.labels[rows]), abs=1e-6)


def test_labels_that_mean_nothing_are_told_from_those_that_do(stripes, ranking):
    assert ranking.sentence.startswith(f"{ranking.names[0]} comes first by logme")
    shuffled = tlw.load_data((stripes[0], np.random.default_rng(1).permutation(stripes[1])))
    scores = ["logme", "transrate", "knn"]
    chance = tlw.rank_backbones(shuffled, ["tlw_resnet_pen"], scores=scores, by="knn", repeats=20, progress=False)
    assert "shuffled labels" in chance.sentence
    # Shuffled labels do not score 0: what they score is what the null says.
    transrate = chance.details.set_index("score").loc["transrate"]
    assert transrate["value"] == pytest.approx(transrate["null"], rel=0.1)
    assert transrate["null"] > 1


def test_the_interval_covers_what_other_images_say():
    """Scores of fresh draws of images lie in the interval about as often as 95 % promises."""
    images, labels = tlw_digits()
    network = tlw.load_backbone("tlw_resnet_pen")
    features = network.features(images)
    truth = []
    rng = np.random.default_rng(0)
    for _ in range(30):
        rows = rng.permutation(len(labels))[:120]
        truth.append(logme(features[rows], labels[rows]))
    data = tlw.load_data((images, labels), val=0, test=0)
    details = tlw.rank_backbones(data, [network], scores=["logme"], images=120, progress=False).details.iloc[0]
    reach = (details["high"] - details["low"]) / 2
    assert 0.5 * 2 * np.std(truth) < reach < 2 * 2 * np.std(truth)


def tlw_digits():
    data = tlw.load_data("digits")
    rows = np.arange(480)
    return np.stack(data.images(rows)), data.labels[rows]


def test_ranks_refine_from_few_images_to_all_and_no_image_is_looked_at_twice(monkeypatch, tiny):
    looked = []
    features = tlw.Backbone.features
    monkeypatch.setattr(
        tlw.Backbone, "features", lambda self, images: looked.append(len(images)) or features(self, images)
    )
    rounds = list(ranking_rounds("digits", [tiny], scores=["logme"], images=400, repeats=2))
    assert [int(ranking.table["images"].iloc[0]) for ranking in rounds] == [100, 200, 400]
    assert looked == [100, 100, 200]
    assert [ranking.share for ranking in rounds] == [0.25, 0.5, 1]


def made_up(value, other, halves, others, images=(100, 100)):
    """A ranking of two backbones by given scores and halves, each with the interval of its own halves."""
    rows = []
    for name, score, parts, seen in zip(("one", "two"), (value, other), (halves, others), images, strict=True):
        reach = half_interval(float(np.var(parts, ddof=1)), len(parts))
        figures = {"value": score, "low": score - reach, "high": score + reach, "null_high": 0.0}
        work = {"halves": tuple(parts), "seconds": 1, "extraction_seconds": 1, "images": seen}
        rows.append({"backbone": name, "score": "logme", **figures, **work})
    return Ranking(pd.DataFrame(rows))


def test_backbones_are_told_apart_by_the_same_halves_where_their_intervals_overlap():
    rng = np.random.default_rng(0)
    hard, noise = rng.normal(0, 0.1, 20), rng.normal(0, 0.01, 20)  # some halves are hard for both
    ranking = made_up(0.55, 0.5, 0.55 + hard, 0.5 + hard + noise)
    assert ranking.details["low"][0] < ranking.details["high"][1]
    assert ranking.sentence == "one comes first by logme, clear of the others."
    apart = made_up(0.55, 0.5, 0.55 + hard, 0.5 - hard)
    assert "cannot be told from two" in apart.sentence
    # Halves of different images are no pairs.
    assert "cannot be told from two" in made_up(0.55, 0.5, 0.55 + hard, 0.5 + hard, (200, 100)).sentence


def test_all_backbones_have_their_halves_of_the_same_images(stripe_data, tiny):
    networks = {name: tlw.load_backbone(tiny) for name in ("one", "two")}
    details = tlw.rank_backbones(stripe_data, networks, scores=["logme"], repeats=3, progress=False).details
    assert details["halves"][0] == details["halves"][1]
    assert len(set(details["halves"][0])) == 3


def test_leaving_the_loop_ends_the_work(monkeypatch, tiny):
    looked = []
    monkeypatch.setattr(tlw.Backbone, "features", lambda _, images: looked.append(1) or np.random.rand(len(images), 4))  # noqa: NPY002
    networks = {name: tlw.load_backbone(tiny) for name in ("one", "two", "three")}
    for ranking in ranking_rounds("digits", networks, scores=["knn"], by="knn", repeats=2):
        assert ranking.names == ["one"]
        break
    assert looked == [1]


def test_every_beginning_of_the_order_holds_the_classes_in_proportion():
    labels = np.repeat([0, 1], [90, 10])
    order = representative(labels, seed=0)
    assert sorted(order) == list(range(100))
    for count in (10, 20, 50):
        assert abs((labels[order[:count]] == 1).sum() - count / 10) <= 1


def test_networks_are_not_changed(stripe_data, tiny):
    network = tlw.load_backbone(tiny)
    network.model.train()
    before = {name: tensor.clone() for name, tensor in network.model.state_dict().items()}
    tlw.rank_backbones(stripe_data, [network], scores=["knn", "leep"], by="knn", repeats=2, progress=False)
    assert network.model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.model.state_dict().items())


def test_without_a_source_head_leep_is_nan_and_the_rest_is_there(stripe_data, tiny):
    network = tlw.load_backbone(tiny, num_classes=0)
    ranking = tlw.rank_backbones(stripe_data, [network], repeats=2, progress=False)
    assert ranking.table[["leep", "nce"]].isna().all(axis=None)
    assert ranking.table["logme"].notna().all()
    ranking.plot()


def test_the_picture_has_a_panel_a_score(ranking):
    figure = ranking.plot()
    assert [axes.get_title() for axes in figure.axes] == list(SCORES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": ["logmee"]}, "no score named 'logmee'"),
        ({"by": "knn", "scores": ["logme"]}, "by 'knn'"),
        ({"images": 5}, "images is 5"),
        ({"repeats": 1}, "repeats 1"),
        ({"names": []}, "no backbone"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(stripe_data, tiny, changes, message):
    with pytest.raises(DataError, match=message):
        ranking_rounds(**{"data": stripe_data, "names": [tiny], **changes})


def test_unknown_or_broken_backbones_are_named(stripe_data, tiny):
    with pytest.raises(BackboneError, match="resnet10000"):
        tlw.rank_backbones(stripe_data, ["resnet10000"], progress=False)
    broken = tlw.load_backbone(tiny)
    with torch.no_grad():
        broken.model.conv1[0].weight.fill_(torch.nan)
    with pytest.raises(BackboneError, match="nan or infinite"):
        tlw.rank_backbones(stripe_data, {"mine": broken}, progress=False)
    with pytest.raises(DataError, match="Two backbones"):
        tlw.rank_backbones(stripe_data, [tiny, tiny], progress=False)
    with pytest.raises(DataError, match="too few"):
        tlw.rank_backbones(tlw.load_data((np.eye(8)[:, :, None] * np.ones((8, 8, 8)), [0, 1] * 4)), [tiny])
