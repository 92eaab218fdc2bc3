"""The named data sets: what they hold, that they stay the same, and that their knobs do what they say."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tlwidgets.backbones import load_backbone
from tlwidgets.data import list_data, load_data
from tlwidgets.data.catalogue import WORLDS
from tlwidgets.data.tabular import TableData
from tlwidgets.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

TEXTURED = ("leaves", "landcover")
SHIFTED = [
    pytest.param(world.name, domain, marks=[pytest.mark.slow] if world.name in TEXTURED else [])
    for world in WORLDS.values()
    if "shift" in world.options
    for domain in world.domains[1:]
]


def features(name: str, images: np.ndarray) -> np.ndarray:
    """Pixels for digits; for drawn scenes mean, spread and peak of 24 random 5 x 5 filters."""
    images = images.astype(np.float32) / 255
    if name not in TEXTURED:
        return images.reshape(len(images), -1)
    filters = np.random.default_rng(0).normal(size=(25, 3, 24)).astype(np.float32)
    filters = (filters - 0.8 * filters.mean(axis=0)).reshape(75, 24) / 5
    found = []
    for batch in np.array_split(images, 1 + len(images) // 50):
        windows = sliding_window_view(batch, (5, 5), (1, 2))[:, ::2, ::2].transpose(0, 1, 2, 4, 5, 3)
        seen = np.maximum(windows.reshape(len(batch), -1, 75) @ filters, 0)
        found.append(np.concatenate([seen.mean(axis=1), seen.std(axis=1), seen.max(axis=1)], axis=1))
    return np.concatenate(found)


def learner(name: str):
    if name in TEXTURED:
        return make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))
    return LogisticRegression(max_iter=100)


def draw(name: str, seed: int, **options) -> tuple[np.ndarray, np.ndarray]:
    size = {"per_class": 100} if name in TEXTURED else {}
    images, labels = WORLDS[name].draw(seed=seed, **size, **options)
    return features(name, images), labels


@pytest.mark.parametrize("name", WORLDS)
def test_the_default_images_are_those_of_the_data_sheet(name):
    assert WORLDS[name].digest() == WORLDS[name].sha256


@pytest.mark.parametrize("name", WORLDS)
def test_every_domain_loads_with_the_shape_and_classes_of_the_data_sheet(name):
    world = WORLDS[name]
    small = {"per_class": 20} if "per_class" in world.options else {}
    for domain in world.domains or (None,):
        data = load_data(name, **({"domain": domain} if domain else {}), **small)
        assert data.classes == world.classes
        assert data.image(0).shape == (*world.shape, 3)
        assert set(data.labels) == set(range(len(world.classes)))
        assert len(np.unique(data.groups)) == len(data)
        assert data.source == {"name": name, "options": {**({"domain": domain} if domain else {}), **small, "seed": 0}}


@pytest.mark.parametrize("name", [world.name for world in WORLDS.values() if "seed" in world.options])
def test_a_seed_fixes_the_drawing_and_another_changes_it(name):
    small = {"per_class": 4} if "per_class" in WORLDS[name].options else {}
    first, again, other = (WORLDS[name].draw(seed=seed, **small, **shifted(name))[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def shifted(name: str) -> dict:
    return {"shift": 0.5} if "shift" in WORLDS[name].options else {}


@pytest.mark.parametrize(("name", "domain"), SHIFTED)
def test_source_only_accuracy_falls_as_the_shift_grows(name, domain):
    targets = [draw(name, 1, domain=domain, shift=shift) for shift in (0.0, 0.25, 0.5, 0.75, 1.0)]
    scores = []
    for seed in (0, 2, 3) if name in TEXTURED else (0,):  # a clean scan is the same for every seed
        model = learner(name).fit(*draw(name, seed, domain=WORLDS[name].domains[0]))
        scores.append([model.score(*target) for target in targets])
    accuracy = np.mean(scores, axis=0)
    assert all(later < earlier + 0.01 for earlier, later in pairwise(accuracy)), accuracy
    assert accuracy[0] - accuracy[-1] > 0.2, accuracy


@pytest.mark.parametrize("name", [world.name for world in WORLDS.values() if "shift" in world.options])
def test_without_shift_the_target_looks_like_the_source(name):
    size = {"per_class": 100} if name in TEXTURED else {}
    source, target = (
        WORLDS[name].draw(seed=0, domain=domain, shift=0.0, **size)[0].astype(float)
        for domain in (WORLDS[name].domains[0], WORLDS[name].domains[-1])
    )
    # an image's mean varies by up to 40 levels, the mean of 500 of them by about 2
    assert abs(source.mean() - target.mean()) < 8
    assert abs(source.std() - target.std()) < 8


@pytest.mark.parametrize(
    "name",
    [
        "digits",
        "faces",
        "histology",
        "retina",
        "grey_patches",
        "sensor_digits",
        "rotated_digits",
        "inverted_digits",
        "fogged_digits",
        "noisy_digits",
        "leaves",
        "landcover",
    ],
)
def test_five_labels_a_class_are_far_from_enough(name):
    images, labels = WORLDS[name].draw(**({"per_class": 150} if name in TEXTURED else {}))
    x, rng, few = features(name, images), np.random.default_rng(0), []
    order = rng.permutation(len(x))
    train, test = order[: len(x) * 7 // 10], order[len(x) * 7 // 10 :]
    for _ in range(4):
        kept = np.concatenate([rng.permutation(train[labels[train] == label])[:5] for label in np.unique(labels)])
        few.append(learner(name).fit(x[kept], labels[kept]).score(x[test], labels[test]))
    full = learner(name).fit(x[train], labels[train]).score(x[test], labels[test])
    assert full - np.mean(few) > 0.05


@pytest.mark.parametrize("name", ["canvas_digits", "coloured_digits", "colour_patches"])
def test_five_labels_a_class_are_not_enough_for_a_probe_where_pixels_say_nothing(name):
    images, labels = WORLDS[name].draw()
    images = images if images.ndim == 4 else np.repeat(images[..., None], 3, axis=3)
    x, rng, split = load_backbone("tlw_resnet").features(images), np.random.default_rng(0), len(images) * 7 // 10
    train, test = np.split(rng.permutation(len(x)), [split])
    few = []
    for _ in range(4):
        kept = np.concatenate([rng.permutation(train[labels[train] == label])[:5] for label in np.unique(labels)])
        few.append(LogisticRegression().fit(x[kept], labels[kept]).score(x[test], labels[test]))
    assert LogisticRegression().fit(x[train], labels[train]).score(x[test], labels[test]) - np.mean(few) > 0.05


def test_a_sum_is_hard_from_pixels_and_easy_from_digits():
    images, sums = WORLDS["pairs"].draw()
    halves = images[:, :, :8].reshape(len(images), -1) / 255, images[:, :, 8:].reshape(len(images), -1) / 255
    from_pixels = LogisticRegression(max_iter=100).fit(np.concatenate(halves, axis=1)[:200], sums[:200])
    digits, labels = WORLDS["digits"].draw()
    reader = LogisticRegression(max_iter=100).fit(digits.reshape(-1, 64)[:900] / 255, labels[:900])
    left, right = (reader.predict_proba(half) for half in halves)
    by_reading = sum(np.eye(19)[a + b] * (left[:, [a]] * right[:, [b]]) for a in range(10) for b in range(10)).argmax(
        axis=1
    )
    assert from_pixels.score(np.concatenate(halves, axis=1)[200:], sums[200:]) < 0.35
    assert np.mean(by_reading == sums) > 0.8


def test_standardising_each_pixel_undoes_a_bad_sensor():
    (x, y), (shifted_x, shifted_y) = draw("sensor_digits", 0, domain="clean"), draw("sensor_digits", 0)
    standard = [(values - values.mean(axis=0)) / (values.std(axis=0) + 0.01) for values in (x, shifted_x)]
    assert LogisticRegression(max_iter=200).fit(standard[0], y).score(standard[1], shifted_y) > 0.85


def test_the_two_domains_of_scanned_digits_share_no_scan():
    source, target = (WORLDS["inverted_digits"].draw(domain=domain, shift=0.0)[0] for domain in ("clean", "inverted"))
    assert not {image.tobytes() for image in source} & {image.tobytes() for image in target}


@pytest.mark.parametrize("name", ["histology", "retina", "grey_patches", "colour_patches"])
def test_the_halves_of_a_photograph_make_up_the_whole(name):
    left, right, whole = (len(WORLDS[name].draw(domain=domain)[0]) for domain in ("left", "right", None))
    assert left + right == whole


def test_a_table_brings_its_columns_in_the_order_of_its_labels():
    data = load_data("breast_cancer")
    assert isinstance(data, TableData)
    assert isinstance(data.features, pd.DataFrame)
    assert data.features.shape == (569, 30)
    rows = data.indices("train")
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.features.iloc[rows], data.labels[rows])
    rows = data.indices("test")
    assert model.score(data.features.iloc[rows], data.labels[rows]) > 0.9


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("leaves", {"domain": "moon"}, "greenhouse, field, dusk"),
        ("leaves", {"shift": 2}, "from 0 to 1"),
        ("leaves", {"shift": float("nan")}, "from 0 to 1"),
        ("leaves", {"per_class": 0}, "from 2"),
        ("leaves", {"colour": 1}, "domain, shift, per_class"),
        ("faces", {"colour": 1}, "no options"),
        ("pairs", {"domain": "x"}, "no option"),
    ],
)
def test_options_that_a_world_lacks_are_refused(name, options, words):
    with pytest.raises(DataError, match=words):
        load_data(name, **options)


def test_the_list_shows_domains_and_options():
    table = list_data()
    assert table.loc["leaves", "domains"] == "greenhouse, field, dusk"
    assert table.loc["leaves", "options"] == "domain, shift, per_class"
    assert table.loc["digits", "domains"] == ""
