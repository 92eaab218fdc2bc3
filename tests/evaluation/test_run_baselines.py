"""A run that has ended beside what it must beat: what is measured, said, noted and refused."""

import shutil
import threading

import numpy as np
import pytest

import tlwidgets as tlw
from tlwidgets.errors import RecipeError, RunError
from tlwidgets.evaluation import baselines, run_baselines
from tlwidgets.evaluation.comparison import ONE_SEED, UNJUDGED, TransferComparison


@pytest.fixture
def run(recipe, tmp_path):
    return tlw.fit(recipe, tmp_path / "runs" / "run", progress=False)


@pytest.fixture
def own_run(run, tmp_path):
    """A run that a test may change."""
    return tlw.Run(shutil.copytree(run.path, tmp_path / "own"))


def test_the_run_stands_beside_every_baseline_of_compare(run, recipe):
    found = tlw.compare_with_baselines(run, recipe.data)
    assert list(found.hits) == ["transfer", "majority", "pixels", "linear_probe"]
    assert {hits.shape for hits in found.hits.values()} == {(1, len(recipe.data.indices("test")))}
    assert found.hits["transfer"].mean() == pytest.approx(run.metrics["test"]["accuracy"])
    for arm, baseline in {
        "majority": baselines.majority, "pixels": baselines.pixel_regression, "linear_probe": baselines.probe
    }.items():  # fmt: skip
        np.testing.assert_array_equal(found.hits[arm][0], baseline(recipe, recipe.data))
    assert found.verdict == "unknown"
    assert found.notes == ()


def test_the_data_of_the_run_are_found_in_its_folder(run, recipe):
    from_folder, at_hand = (tlw.compare_with_baselines(run.path), tlw.compare_with_baselines(run, recipe.data))
    assert from_folder.sentence == at_hand.sentence


def test_without_a_training_from_scratch_no_verdict_is_given(run, recipe):
    words = tlw.compare_with_baselines(run, recipe.data).sentence
    assert "the best baseline, " in words
    assert "1 seed, " in words
    assert "Beside it: " in words
    assert words.endswith(ONE_SEED + UNJUDGED)


def hits_of(*shares):
    rng = np.random.default_rng(0)
    return {
        arm: rng.random((1, 400)) < share for arm, share in zip(("transfer", "pixels", "majority"), shares, strict=True)
    }


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((0.9, 0.5, 0.3), "points above the best baseline, pixels with 5"),
        ((0.5, 0.9, 0.3), "points below the best baseline, pixels with 9"),
        ((0.5, 0.5, 0.3), "not to be told from the best baseline, pixels with "),
    ],
    ids=["above", "below", "alike"],
)
def test_the_best_baseline_is_what_counts(shares, words):
    hits = hits_of(*shares)
    sentence = TransferComparison(hits, dict.fromkeys(hits, 0.0), (), "a network").sentence
    assert words in sentence
    assert "Beside it: majority class" in sentence


def test_a_single_seed_is_told_also_where_there_is_a_verdict():
    hits = {**hits_of(0.9, 0.5, 0.3), "scratch": np.random.default_rng(1).random((1, 400)) < 0.5}
    sentence = TransferComparison(hits, dict.fromkeys(hits, 0.0), (), "a network").sentence
    assert sentence.startswith("Positive transfer: starting from a network is ")
    assert "1 seed, 400 test images" in sentence
    assert ONE_SEED in sentence
    two = {arm: np.concatenate([rows, rows]) for arm, rows in hits.items()}
    assert ONE_SEED not in TransferComparison(two, dict.fromkeys(hits, 0.0), (), "a network").sentence


def test_from_scratch_the_same_budget_is_trained_and_a_slow_backbone_at_both_rates(recipe, tmp_path):
    run = tlw.fit(recipe.replace(epochs=1, backbone_scale=0.5, seed=3), tmp_path / "run", progress=False)
    seen = []
    found = tlw.compare_with_baselines(run, recipe.data, scratch=True, update=lambda now: seen.append(now) and None)
    assert list(found.hits)[-2:] == ["scratch", "scratch_full_rate"]
    alone = tlw.fit(
        run.recipe.replace(data=recipe.data, pretrained=False, plan=None), tmp_path / "alone", progress=False
    )
    assert found.hits["scratch"].mean() == pytest.approx(alone.metrics["test"]["accuracy"])
    assert found.verdict in {"positive", "negative", "none"}
    assert [now.of for now in seen] == [5] * len(seen)
    assert sorted({now.done for now in seen}) == [0, 1, 2, 3, 4, 5]
    assert seen[-1].arm == ""


def test_it_can_be_ended_while_the_backbone_looks_and_while_it_trains(run, recipe, monkeypatch):
    monkeypatch.setattr(baselines, "AT_ONCE", 16)
    looks = []

    def enough(now):
        looks.append((now.arm, now.share))
        return now.arm == "linear_probe" and 0 < now.share < 1

    found = tlw.compare_with_baselines(run, recipe.data, update=enough)
    assert list(found.hits) == ["transfer", "majority", "pixels"]
    assert looks[-1] == ("linear_probe", pytest.approx(16 / len(recipe.data.labels[recipe.data.split != "val"])))
    found = tlw.compare_with_baselines(run, recipe.data, scratch=True, update=lambda now: now.arm == "scratch")
    assert list(found.hits) == ["transfer", "majority", "pixels", "linear_probe"]


def test_a_training_from_scratch_that_is_ended_leaves_no_thread_behind(run, recipe):
    before, begun = threading.active_count(), []

    def enough(now):
        if now.arm != "scratch":
            return False
        begun.append(now)
        return len(begun) > 1  # the session has begun

    tlw.compare_with_baselines(run, recipe.data, scratch=True, update=enough)
    assert "scratch" in {now.arm for now in begun}
    assert threading.active_count() <= before


def test_one_baseline_that_cannot_be_measured_is_noted_and_all_are_an_error(run, recipe, monkeypatch):
    def broken(*_, **__):
        raise ValueError("no two classes")

    monkeypatch.setattr(run_baselines, "pixel_regression", broken)
    found = tlw.compare_with_baselines(run, recipe.data)
    assert "pixels" not in found.hits
    assert found.notes == ("No comparison with pixels: no two classes",)
    monkeypatch.setattr(run_baselines, "majority", broken)
    monkeypatch.setattr(run_baselines, "probe", broken)
    with pytest.raises(ValueError, match="no two classes"):
        tlw.compare_with_baselines(run, recipe.data)


def test_what_cannot_be_compared_is_refused_and_says_why(run, own_run, recipe, tmp_path):
    with pytest.raises(RunError, match="no run in"):
        tlw.compare_with_baselines(tmp_path / "gone")
    other = tlw.load_data((np.zeros((30, 8, 8, 3), np.uint8), np.array(["across", "down", "plain"] * 10)))
    with pytest.raises(RunError, match="not those by which"):
        tlw.compare_with_baselines(run, other)
    note = own_run.path / "recipe.yaml"
    text = note.read_text("utf-8")
    note.write_text(text.replace("pretrained: true", "pretrained: false"), "utf-8")
    assert tlw.compare_with_baselines(own_run.path, recipe.data).hits
    with pytest.raises(RecipeError, match="random weights"):
        tlw.compare_with_baselines(own_run.path, recipe.data, scratch=True)
    note.write_text(text.replace("fine_tuning", "masked_images"), "utf-8")
    with pytest.raises(RunError, match="trains no head"):
        tlw.compare_with_baselines(own_run.path, recipe.data)
    note.write_text(text, "utf-8")
    (own_run.path / "predictions.csv").unlink()
    with pytest.raises(RunError, match="no predictions"):
        tlw.compare_with_baselines(own_run.path, recipe.data)
