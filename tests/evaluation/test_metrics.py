"""Metrics: values of scikit-learn, intervals that cover, paired comparisons, typed errors."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, log_loss

import tlwidgets as tlw
from tlwidgets.errors import DataError, RunError
from tlwidgets.evaluation.metrics import compare_predictions, compare_runs, metrics, run_metrics


@pytest.fixture
def predictions():
    """Labels (200,) of three of four classes, unbalanced, and probabilities (200, 4)."""
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 200, p=[0.7, 0.2, 0.1])
    scores = 1.5 * np.eye(4)[labels] + rng.normal(size=(200, 4))
    return labels, np.exp(scores) / np.exp(scores).sum(1, keepdims=True)


def test_values_are_those_of_scikit_learn(predictions):
    labels, probabilities = predictions
    named, table = probabilities.argmax(1), metrics(*predictions)
    assert table.loc["accuracy", "value"] == pytest.approx(accuracy_score(labels, named))
    with pytest.warns(UserWarning, match="y_pred contains classes"):
        assert table.loc["balanced_accuracy", "value"] == pytest.approx(balanced_accuracy_score(labels, named))
    assert table.loc["macro_f1", "value"] == pytest.approx(f1_score(labels, named, average="macro"))
    assert table.loc["log_loss", "value"] == pytest.approx(log_loss(labels, probabilities, labels=range(4)))


def test_calibration_error_of_a_small_example_counted_by_hand():
    # Confidences .6 and .9; of the three at .6 one is right, of the two at .9 both are: 3/5*(.6-1/3) + 2/5*(1-.9).
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4], [0.4, 0.6], [0.9, 0.1], [0.1, 0.9]])
    table = metrics([0, 1, 0, 0, 1], probabilities)
    assert table.loc["calibration_error", "value"] == pytest.approx(3 / 5 * (0.6 - 1 / 3) + 2 / 5 * 0.1)


def test_intervals_are_those_of_scipys_bootstrap(predictions):
    labels, probabilities = predictions
    losses = -np.log(probabilities[np.arange(200), labels])
    theirs = bootstrap((losses,), np.mean, method="percentile", n_resamples=4000, random_state=0).confidence_interval
    ours = metrics(*predictions, resamples=4000).loc["log_loss"]
    assert ours["low"] == pytest.approx(theirs.low, abs=0.01)
    assert ours["high"] == pytest.approx(theirs.high, abs=0.01)


def test_a_value_lies_in_its_interval_and_a_seed_repeats_it(predictions):
    table = metrics(*predictions)
    inside = (table["low"] <= table["value"]) & (table["value"] <= table["high"])
    # The bootstrap of a calibration error is biased upwards: noise adds to a distance, never takes from it.
    assert inside.drop("calibration_error").all()
    assert table.equals(metrics(*predictions))


def test_mcnemar_and_the_paired_interval_see_what_unpaired_ones_do_not():
    labels = np.zeros(400, int)
    first = (np.arange(400) < 120).astype(int)  # 120 wrong
    second = np.where(np.arange(400) < 12, 0, first)  # the same errors but twelve
    found = compare_predictions(labels, first, second)
    assert found.difference == pytest.approx(12 / 400)
    assert (found.only_first, found.only_second, found.n) == (0, 12, 400)
    assert found.p_value == pytest.approx(2 * 0.5**12)
    assert 0 < found.low < 12 / 400 < found.high
    assert "3.0 points better" in found.sentence
    assert "3.0 points worse" in compare_predictions(labels, second, first).sentence


def test_equal_predictions_show_no_difference():
    found = compare_predictions(["a", "b"], ["a", "a"], ["a", "a"])
    assert (found.difference, found.p_value) == (0, 1)
    assert -1 < found.low < 0 < found.high < 1
    assert "No difference" in found.sentence


def test_runs_are_judged_and_compared_by_their_test_images(recipe, tmp_path):
    first = tlw.fit(recipe.replace(epochs=1), tmp_path / "first", progress=False)
    second = tlw.fit(recipe, tmp_path / "second", progress=False)
    table = run_metrics(second)
    assert table.loc["accuracy", "value"] == pytest.approx(second.metrics["test"]["accuracy"])
    assert table.loc["log_loss", "value"] == pytest.approx(second.metrics["test"]["loss"], abs=1e-4)
    found = compare_runs(first, second)
    gain = second.metrics["test"]["accuracy"] - first.metrics["test"]["accuracy"]
    assert found.difference == pytest.approx(gain)


def test_runs_on_different_images_are_not_compared(recipe, stripes, tmp_path):
    first = tlw.fit(recipe.replace(epochs=1), tmp_path / "first", progress=False)
    other = recipe.replace(epochs=1, data=tlw.load_data(stripes, seed=5))
    with pytest.raises(RunError, match="different images"):
        compare_runs(first, tlw.fit(other, tmp_path / "second", progress=False))
    untested = recipe.replace(epochs=1, data=tlw.load_data(stripes, test=0))
    with pytest.raises(RunError, match="no predictions"):
        run_metrics(tlw.fit(untested, tmp_path / "third", progress=False))


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([0, 1], [[0.5, 0.5]], "have shape"),
        ([], np.zeros((0, 2)), "have shape"),
        ([0], [[0.5, 0.9]], "not probabilities"),
        ([0], [[np.nan, 1]], "not probabilities"),
        ([2], [[0.5, 0.5]], "do not count"),
        (["a"], [[0.5, 0.5]], "do not count"),
    ],
)
def test_bad_input_is_refused(labels, probabilities, message):
    with pytest.raises(DataError, match=message):
        metrics(labels, probabilities)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (([np.nan, 1.0], [1, 1], [1, 1]), "1 labels are missing"),
        ((["a", "b"], ["a", None], ["a", "b"]), "1 first predictions are missing"),
        ((["a", "b"], ["a", "b"], ["a", np.nan]), "1 second predictions are missing"),
        ((["0", "1"], [0, 1], [0, 1]), "The labels are names, the others numbers"),
        (([0, 1], ["0", "1"], ["0", "1"]), "first predictions and the second predictions are names"),
        (([], [], []), "have shapes"),
    ],
)
def test_labels_that_no_prediction_could_meet_are_refused(given, message):
    with pytest.raises(DataError, match=message):
        compare_predictions(*given)


def test_the_interval_of_a_high_accuracy_holds_it_as_often_as_it_promises():
    # Fifty images, accuracy .97: a percentile bootstrap's interval holds it in 76 of 100 draws.
    rng, covered = np.random.default_rng(0), 0
    for _ in range(200):
        labels = (rng.random(50) >= 0.97).astype(int)
        row = metrics(labels, np.tile([0.9, 0.1], (50, 1)), resamples=1).loc["accuracy"]
        covered += row["low"] <= 0.97 <= row["high"]
    assert covered / 200 > 0.9


def test_an_accuracy_of_all_images_still_has_an_interval():
    row = metrics([0] * 30, np.tile([0.9, 0.1], (30, 1))).loc["accuracy"]
    assert (row["value"], row["high"]) == (1, 1)
    assert row["low"] == pytest.approx(0.8865, abs=1e-4)


def test_other_bad_input_is_refused(predictions):
    with pytest.raises(DataError, match="resamples is 0"):
        metrics(*predictions, resamples=0)
    with pytest.raises(DataError, match="have shapes"):
        compare_predictions([0, 1], [0, 1], [0])
