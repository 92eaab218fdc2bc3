"""Every transfer method against its baseline and its oracle: does it help, by how much, and at what price?

    python benchmarks/methods.py                                  # every row, five seeds
    python benchmarks/methods.py --write                          # and keeps them in results/methods.json and .md
    python benchmarks/methods.py --families adaptation --seeds 2
    python benchmarks/methods.py --methods coral tent
    python benchmarks/methods.py --write --oracles --methods lora # only the oracles of kept rows

A row is a method on a world. Its baseline is what one would do without it (inductive: the same network from random
weights, or plain fine-tuning; domain adaptation: train on the source and hope; semi- and self-supervised: learn from
the labelled images alone; clustering, zero-shot and few-shot: pixels in place of features; text: counted words;
meta-learning: joint training, or the untrained start; multi-task: one task; vertical: features of the whole
picture), its oracle what nobody has in practice: all labels of the target, of the unlabelled images, or many of the
unseen classes, by the same network or on the same features. Accuracy on test images in the mean over seeds, for
clustering ARI, of waves the share of variance explained; "gain" is the method's less the baseline's, "worst" the lowest
gain of a seed; time is the method's over the baseline's in the same process, preparation included. Nothing is tuned on
test images; options are those of the table's last column, or the defaults.

Another family joins with a list of rows: ``Row(family, method, world, measure)``, and ``measure(seed) -> Outcome``.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from inductive_tasks import NEAR, beside, half_way, near_half_way, near_oracle
from masked_tasks import all_labels, filled_in
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from small_tasks import (
    Measure,
    all_examples,
    all_shapes,
    beside_loops,
    few_examples,
    from_two_digits,
    meta_learned,
    on_new_shapes,
)
from text import all_opinions, opinions
from tqdm.auto import tqdm

from tlwidgets.backbones.loading import load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.data.generated.coloured_shapes import shape_attributes
from tlwidgets.data.questions import draw_questions
from tlwidgets.evaluation.zero_shot import METHODS as ZERO_SHOT
from tlwidgets.exercises.experiments.describing import described as described_by
from tlwidgets.exercises.experiments.describing import linear_model, network
from tlwidgets.exercises.experiments.small_networks import small_network
from tlwidgets.methods import adabn, clustering, coral, label_shift, label_spreading, question_matching, tent
from tlwidgets.recipe import Recipe
from tlwidgets.training.run import Run
from tlwidgets.training.session import fit

RESULTS = Path(__file__).parent / "results"
SEEDS = 5
EPOCHS = 6
FEW = 3  # labels a class, where most images have none


@dataclass(frozen=True)
class Outcome:
    """What one seed gave.

    Attributes:
        method: Accuracy with the method.
        baseline: Accuracy without it.
        oracle: Accuracy with what nobody has; nan where there is no such thing.
        seconds: Of the method, preparation included.
        baseline_seconds: Of the baseline, in the same process.
    """

    method: float
    baseline: float
    oracle: float
    seconds: float
    baseline_seconds: float


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        family: "adaptation", "semi-supervised", ...
        method: Its name.
        world: Where it is tried.
        measure: Gives the outcome of a seed.
        options: What differs from the defaults, for the reader.
        oracle: Gives the oracle of a seed, where it can be measured alone; the outcome need not have one then.
    """

    family: str
    method: str
    world: str
    measure: Callable[[int], Outcome]
    options: Mapping[str, Any] = field(default_factory=dict)
    oracle: Callable[[int], float] | None = None


@dataclass(frozen=True)
class Shift:
    """A pair of domains."""

    world: str
    source: str
    target: str

    def data(self, domain: str, seed: int) -> ImageData:
        """One of them."""
        return load_data(self.world, domain=domain, seed=seed)


SENSOR = Shift("sensor_digits", "clean", "sensor")
FOGGED = Shift("fogged_digits", "clean", "fogged")


def train(seed: int, data: ImageData, **changes: Any) -> tuple[Run, float]:
    """Trains on some data; the run and its seconds."""
    recipe = Recipe(data=data, seed=seed, epochs=EPOCHS, cache="off").replace(**changes)
    began = time.perf_counter()
    run = fit(recipe, tempfile.mkdtemp(prefix="tlwidgets-methods-"), progress=False)
    return run, time.perf_counter() - began


def accuracy(backbone: Any, data: ImageData) -> float:
    """Share of the test images that a network, or anything with ``logits``, classifies rightly."""
    test = data.indices("test")
    return float((backbone.logits(data.images(test)).argmax(1) == data.labels[test]).mean())


@cache
def source_only(shift: Shift, seed: int) -> tuple[Run, float, float]:
    """The baseline: the run on the source, its accuracy on the target, its seconds."""
    run, seconds = train(seed, shift.data(shift.source, seed))
    return run, accuracy(run.backbone, shift.data(shift.target, seed)), seconds


@cache
def target_oracle(shift: Shift, seed: int) -> float:
    """Accuracy on the target of a network that was given its labels."""
    target = shift.data(shift.target, seed)
    run, _ = train(seed, target)
    return accuracy(run.backbone, target)


def adapting(shift: Shift, method: str, **options: Any) -> Row:
    """A method that adapts while it trains."""

    def measure(seed: int) -> Outcome:
        _, baseline, baseline_seconds = source_only(shift, seed)
        target = shift.data(shift.target, seed)
        run, seconds = train(
            seed, shift.data(shift.source, seed), method=method, method_options={"target": target, **options}
        )
        found = accuracy(run.backbone, target)
        return Outcome(found, baseline, target_oracle(shift, seed), seconds, baseline_seconds)

    return Row("adaptation", method, shift.world, measure, options)


def afterwards(shift: Shift, method: str, adapt: Callable[[Any, Any], Any], **options: Any) -> Row:
    """A method that adapts a trained network to the target's training images."""

    def measure(seed: int) -> Outcome:
        run, baseline, baseline_seconds = source_only(shift, seed)
        target = shift.data(shift.target, seed)
        began = time.perf_counter()
        adapted = adapt(run.backbone, target.images(target.indices("train")), **options)
        seconds = baseline_seconds + time.perf_counter() - began
        found = accuracy(adapted, target)
        return Outcome(found, baseline, target_oracle(shift, seed), seconds, baseline_seconds)

    return Row("adaptation", method, shift.world, measure, options)


Align = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def on_pixels(shift: Shift, method: str, align: Align) -> Row:
    """A method on features: here pixels, and logistic regression."""

    def measure(seed: int) -> Outcome:
        ours, theirs = shift.data(shift.source, seed), shift.data(shift.target, seed)
        (x, y), (u, _), (v, z) = pixels(ours, "train"), pixels(theirs, "train"), pixels(theirs, "test")
        began = time.perf_counter()
        baseline = LogisticRegression(max_iter=2000).fit(x, y).score(v, z)
        middle = time.perf_counter()
        aligned, tested = align(x, np.concatenate([u, v]))
        found = LogisticRegression(max_iter=2000).fit(aligned, y).score(tested[len(u) :], z)
        return Outcome(found, baseline, math.nan, time.perf_counter() - middle, middle - began)

    def oracle(seed: int) -> float:
        target = shift.data(shift.target, seed)
        (u, labels), (v, z) = pixels(target, "train"), pixels(target, "test")
        return float(linear_model().fit(u, labels).score(v, z))

    return Row("adaptation", method, f"{shift.world}, pixels", measure, oracle=oracle)


def pixels(data: ImageData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Pixels 0..1 (N, D) of a split and its labels."""
    indices = data.indices(split)
    rows = np.stack(data.images(indices))[..., 0].reshape(len(indices), -1) / 255
    return rows, data.labels[indices]


def shifted_labels(estimator: str) -> Row:
    """Digits of which the target holds five classes often and five rarely, seen through noise."""
    shares = np.repeat([0.19, 0.01], 5)

    def measure(seed: int) -> Outcome:
        data = load_data("noisy_digits", domain="noisy", seed=seed, shift=0.6, test=0.5)
        began = time.perf_counter()
        run, _ = train(seed, data)
        middle = time.perf_counter()
        test, rng = data.indices("test"), np.random.default_rng(seed)
        weights = shares[data.labels[test]]
        drawn = rng.choice(test, 300, p=weights / weights.sum())
        images, labels = data.images(drawn), data.labels[drawn]
        predictor = label_shift.adapt(run, images, data, estimator)
        found = float((predictor.predict_proba(images).argmax(1) == labels).mean())
        end = time.perf_counter()
        plain = run.backbone.logits(images)
        prior = np.bincount(data.labels[data.indices("train")]) / data.splits["train"]
        oracle = float((label_shift.reweighted(_softmax(plain), shares / prior).argmax(1) == labels).mean())
        baseline = float((plain.argmax(1) == labels).mean())
        return Outcome(found, baseline, oracle, end - began, middle - began)

    return Row("adaptation", "label_shift", "noisy_digits", measure, {"estimator": estimator})


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


SHORT = {"epochs": 30, "batch_size": 15}  # two steps an epoch: 30 labelled images


@cache
def labelled_only(seed: int) -> tuple[float, float]:
    """The baseline: accuracy and seconds of fine-tuning on the few labelled digits."""
    data = load_data("digits", seed=seed, labels_per_class=FEW)
    run, seconds = train(seed, data, augmentation="light", **SHORT)
    return run.metrics["test"]["accuracy"], seconds


@cache
def all_labelled(seed: int) -> float:
    """The oracle: accuracy with the labels of all of them."""
    run, _ = train(seed, load_data("digits", seed=seed), augmentation="light", epochs=2)
    return run.metrics["test"]["accuracy"]


def half_labelled(method: str, **options: Any) -> Row:
    """A method that learns from unlabelled images too."""

    def measure(seed: int) -> Outcome:
        baseline, baseline_seconds = labelled_only(seed)
        data = load_data("digits", seed=seed, labels_per_class=FEW)
        run, seconds = train(
            seed, data, method=method, method_options={"ratio": 3, **options}, augmentation="light", **SHORT
        )
        return Outcome(run.metrics["test"]["accuracy"], baseline, all_labelled(seed), seconds, baseline_seconds)

    return Row("semi-supervised", method, f"digits, {FEW} a class", measure, {"ratio": 3, **options})


def described(data: ImageData, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) of a split from the frozen network, and its labels."""
    indices = data.indices(split)
    return load_backbone("tlw_resnet").features(data.images(indices)), data.labels[indices]


def spreading(describe: Callable[[ImageData, str], tuple[np.ndarray, np.ndarray]], what: str) -> Row:
    """Label spreading against a probe on the labelled images alone.

    Spreading is transductive: test images, without labels, are points of its graph. Baseline and oracle never see them.
    """

    def measure(seed: int) -> Outcome:
        data = load_data("digits", seed=seed, labels_per_class=FEW)
        both = {split: describe(data, split) for split in ("train", "unlabelled", "test")}
        rows, labels = ({split: pair[place] for split, pair in both.items()} for place in (0, 1))
        began = time.perf_counter()
        probe = LogisticRegression(max_iter=2000).fit(rows["train"], labels["train"])
        baseline = float(probe.score(rows["test"], labels["test"]))
        middle = time.perf_counter()
        n = len(labels["train"])
        known = np.full(sum(map(len, labels.values())), label_spreading.UNKNOWN)
        known[:n] = labels["train"]
        found = label_spreading.spread(np.concatenate(list(rows.values())), known).argmax(1)
        end = time.perf_counter()
        everything = np.concatenate([rows["train"], rows["unlabelled"]])
        truth = np.concatenate([labels["train"], labels["unlabelled"]])
        oracle = float(LogisticRegression(max_iter=2000).fit(everything, truth).score(rows["test"], labels["test"]))
        hits = float((found[-len(labels["test"]) :] == labels["test"]).mean())
        return Outcome(hits, baseline, oracle, end - middle, middle - began)

    return Row("semi-supervised", "label_spreading", f"digits, {FEW} a class, {what}, tests in the graph", measure)


def grouping(world: str, method: str) -> Row:
    """Ten groups by borrowed features against ten groups by pixels: ARI with the labels, which nothing has seen."""

    def measure(seed: int) -> Outcome:
        data = load_data(world)
        rows = np.random.default_rng(seed).permutation(len(data))[:400]
        images, labels = data.images(rows), data.labels[rows]
        began = time.perf_counter()
        plain = clustering.unit_rows(np.stack(images).reshape(len(images), -1))
        baseline = clustering.agreement(clustering.cluster_features(plain, 10, method, seed), labels)["ari"]
        middle = time.perf_counter()
        features = clustering.unit_rows(load_backbone("tlw_resnet").features(images))
        found = clustering.agreement(clustering.cluster_features(features, 10, method, seed), labels)["ari"]
        return Outcome(found, baseline, math.nan, time.perf_counter() - middle, middle - began)

    return Row("clustering", method, f"{world}, ARI, against pixels", measure)


def unseen_pairs(method: str, words: bool = False) -> Row:
    """Two colours in two shapes that are never shown, by their parts, against the same method on pixels.

    With ``words`` the classes are described by what the text encoder makes of their names, not by attributes. The
    oracle is a linear model on the same features that was given a hundred further images of each of these four classes.
    """

    def measure(seed: int) -> Outcome:
        data, new = _shapes(seed)
        table = _named() if words else shape_attributes()
        images = np.stack(data.images(range(len(data))))
        began = time.perf_counter()
        baseline = _recognised(method, images.reshape(len(images), -1) / 255, data, new, table)
        middle = time.perf_counter()
        features = load_backbone("tlw_resnet").features(list(images))
        found = _recognised(method, features, data, new, table)
        return Outcome(found, baseline, math.nan, time.perf_counter() - middle, middle - began)

    def oracle(seed: int) -> float:
        data, new = _shapes(seed)
        more = load_data("coloured_shapes", seed=1000 + seed, per_class=100)
        rows, test = np.flatnonzero(np.isin(more.labels, new)), np.isin(data.labels, new) & (data.split == "test")
        describe = load_backbone("tlw_resnet").features
        model = linear_model().fit(describe(more.images(rows)), more.labels[rows])
        return float(model.score(describe(data.images(np.flatnonzero(test))), data.labels[test]))

    name, world = ("text_alignment", "names by minilm, ") if words else (method, "")
    world = f"coloured_shapes, 4 of 16 unseen, {world}against pixels"
    return Row("zero-shot", name, world, measure, {"method": method} if words else {}, oracle)


def _shapes(seed: int) -> tuple[ImageData, np.ndarray]:
    """The pictures, and the four classes that are held out."""
    draw, data = np.random.default_rng(seed), load_data("coloured_shapes", seed=seed, per_class=20, test=0.3)
    colours, shapes = draw.permutation(4)[:2], draw.permutation(4)[:2]
    return data, np.sort([4 * colour + shape for colour in colours for shape in shapes])


@cache
def _named() -> np.ndarray:
    """Vectors (16, 384) of the classes' names."""
    return load_backbone("minilm").features(list(load_data("coloured_shapes").classes))


def _recognised(method: str, features: np.ndarray, data: ImageData, new: np.ndarray, table: np.ndarray) -> float:
    """Accuracy on test images of new classes, these alone to choose from, learned from images of the others."""
    seen = np.setdiff1d(np.arange(16), new)
    train = np.isin(data.labels, seen) & (data.split == "train")
    test = np.isin(data.labels, new) & (data.split == "test")
    scorer = ZERO_SHOT[method](features[train], np.searchsorted(seen, data.labels[train]), table[seen])
    return float((new[scorer(features[test], table[new]).argmax(1)] == data.labels[test]).mean())


def other_words() -> Row:
    """The known question of the same meaning, of 24, by the text encoder, against counted words (tf-idf)."""

    def measure(seed: int) -> Outcome:
        texts, labels = draw_questions()
        wording = np.random.default_rng(seed).integers(0, 4, 24)
        known = np.array([np.flatnonzero(labels == meaning)[wording[meaning]] for meaning in range(24)])
        asked = np.setdiff1d(np.arange(len(labels)), known)

        def matched(rows: np.ndarray) -> float:
            nearest = question_matching.match(rows[asked], rows[known]).indices[:, 0]
            return float((labels[known][nearest] == labels[asked]).mean())

        began = time.perf_counter()
        counted = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts).toarray()
        baseline = matched(counted + 1e-9)  # a question of unknown words alone has no direction
        middle = time.perf_counter()
        found = matched(load_backbone("minilm").features(list(texts)))
        return Outcome(found, baseline, math.nan, time.perf_counter() - middle, middle - began)

    return Row("text", "question_matching", "questions, against tf-idf", measure)


def small(
    family: str, method: str, world: str, measure: Measure, oracle: Callable[[int], float] | None = None, **options: Any
) -> Row:
    """A row of ``small_tasks``, ``inductive_tasks`` or ``text``."""

    def outcome(seed: int) -> Outcome:
        found, baseline, seconds, baseline_seconds = measure(seed)
        return Outcome(found, baseline, math.nan, seconds, baseline_seconds)

    return Row(family, method, world, outcome, options, oracle)


FEW_SHOT = ("prototypes", "matching", "simple_shot", "linear_probe")
META = ("maml", "fomaml", "anil", "reptile")
ON_SHAPES = "coloured_shapes, 3 of 5 new, 1 each, 56 steps from random weights, against {} start"
ON_DIGITS = "5 digits of 10, {} each, against pixels"


PRACTICE = {"epochs": 12, "batch_size": 64, "learning_rate": 3e-3, "backbone_scale": 1.0, "pretrained": False}
LABELLED = 20  # canvases of each digit that have a label, after practice on all
Judge = Callable[[int, str], float]


@cache
def practised(seed: int, method: str, backbone: str, view: str) -> tuple[str, float]:
    """The name of a network that practised on canvases without labels, and its seconds."""
    options = {"view": view} if view else {}
    run, seconds = train(
        seed,
        load_data("canvas_digits", seed=seed),
        backbone=backbone,
        method=method,
        method_options=options,
        **PRACTICE,
    )
    return f"run:{run.path}", seconds


@cache
def fine_tuned(seed: int, backbone: str, labels: int | None = LABELLED) -> float:
    """Accuracy on canvases after training on the labelled ones; a network that is no run starts from random weights."""
    data = load_data("canvas_digits", seed=seed, labels_per_class=labels)
    recipe = {**PRACTICE, "pretrained": backbone.startswith("run:"), "batch_size": 32, "augmentation": "light"}
    run, _ = train(seed, data, backbone=backbone, **recipe)
    return run.metrics["test"]["accuracy"]


@cache
def probed(seed: int, backbone: str) -> float:
    """Accuracy on canvases of a linear model on features of the labelled ones; for no run on random ones or pixels."""
    data = load_data("canvas_digits", seed=seed, labels_per_class=LABELLED)
    if backbone.startswith("run:"):
        return described_by(data, load_backbone(backbone)).read()
    random = described_by(data, network(backbone, pretrained=False, seed=seed)).read()
    return max(random, described_by(data, None).read())


@cache
def timed(judge: Judge, seed: int, backbone: str) -> tuple[float, float]:
    """What a judge says of a network, and its seconds: several methods share a baseline, which is judged once."""
    began = time.perf_counter()
    return judge(seed, backbone), time.perf_counter() - began


def practising(
    method: str, judge: Judge, what: str, network_name: Callable[[], str] = small_network, view: str = ""
) -> Row:
    """A self-supervised method and then a few labels, against the few labels alone."""

    def measure(seed: int) -> Outcome:
        start = network_name()
        learned, seconds = practised(seed, method, start, view)
        (baseline, before), (found, after) = (timed(judge, seed, each) for each in (start, learned))
        return Outcome(found, baseline, fine_tuned(seed, start, None), seconds + after, before)

    world = f"canvas_digits, {LABELLED} a class, {what}"
    return Row("self-supervised", method, world, measure, {"view": view} if view else {})


BORROWING = ("fine_tuning", "feature_extraction", "probe_first", "lora", "norm")
HOLDING = ("l2_sp", "delta", "bss")
ON_FEW = "digits, 5 a class, against {}"
ON_NEAR = "{} at shift {}, 5 a class, from clean digits{}, against fine-tuning"
BY_OPINION = "reviews, {} labelled films a class, judged on {}, against tf-idf"

MASKED = "digits, 20 a class, small transformer, {}"
LOOPS_KNOWN = "digits, 5 a class, loops of all known"
WHERE = ("target", "source")
NOISY = "noisy_digits"


def near(method: str, judged: str = "", measure: Measure | None = None, world: str = NOISY, **options: Any) -> Row:
    """A row of the near pair; judged on the source it has no oracle, for the source's labels are all known."""
    measured_by = measure or beside(method, "fine_tuning", world)
    oracle = None if judged.endswith("source") else partial(near_oracle, world)
    return small(
        "inductive", method, ON_NEAR.format(world, NEAR[world]["shift"], judged), measured_by, oracle, **options
    )


ROWS: list[Row] = [
    *(small("inductive", name, ON_FEW.format("scratch"), beside(name, "scratch"), all_labelled) for name in BORROWING),
    *(
        small("inductive", name, ON_FEW.format("fine-tuning"), beside(name, "fine_tuning"), all_labelled)
        for name in HOLDING
    ),
    small("inductive", "wise_ft", ON_FEW.format("fine-tuning"), half_way, all_labelled, alpha=0.5),
    *(near(name) for name in HOLDING),
    *(near("wise_ft", f", judged on the {where}", near_half_way(NOISY, where), alpha=0.5) for where in WHERE),
    *(near("surgical", world=world, by="trial", epochs=10) for world in NEAR),
    *(adapting(SENSOR, method) for method in ("coral", "mmd", "dann", "cdan", "mcc", "self_training")),
    adapting(SENSOR, "importance_weighting"),
    *(afterwards(shift, "adabn", adabn.adapt) for shift in (SENSOR, FOGGED)),
    *(afterwards(shift, "tent", tent.adapt, learning_rate=0.01, epochs=3) for shift in (SENSOR, FOGGED)),
    on_pixels(SENSOR, "coral.align", lambda x, u: (coral.align(x, u, 1e-3), u)),
    on_pixels(SENSOR, "adabn.standardise", lambda x, u: (adabn.standardise(x), adabn.standardise(u))),
    *(shifted_labels(estimator) for estimator in label_shift.ESTIMATORS),
    *(half_labelled(method) for method in ("pseudo_labels", "fixmatch", "mean_teacher")),
    spreading(described, "features"),
    spreading(pixels, "pixels"),
    *(grouping(world, method) for world in ("digits", "grey_patches") for method in clustering.CLUSTERINGS),
    *(unseen_pairs(method) for method in ZERO_SHOT),
    *(unseen_pairs(method, words=True) for method in ("ridge", "contrastive")),
    other_words(),
    *(
        small("text", "linear_probe", BY_OPINION.format(n, name), opinions(domain, n), oracle)
        for n in (5, 20)
        for domain, name, oracle in (
            ("films", "films", partial(all_opinions, "films")),
            ("products", "products", partial(all_opinions, "products")),
            ("filme", "German films", None),  # with 66 texts there is not enough to learn from
        )
    ),
    *(
        practising(method, judge, what, view="" if method == "rotation" else "weak")
        for method in ("simclr", "vicreg", "rotation")
        for judge, what in ((probed, "linear model"), (fine_tuned, "fine-tuned"))
    ),
    small("self-supervised", "masked_images", MASKED.format("linear model"), filled_in(tuning=False), all_labels),
    small("self-supervised", "masked_images", MASKED.format("fine-tuned"), filled_in(tuning=True), all_labels),
    *(
        small("few-shot", name, ON_DIGITS.format(n), few_examples(name, n), all_examples)
        for n in (1, 5)
        for name in FEW_SHOT
    ),
    *(small("meta-learning", name, "waves, R² against joint training", meta_learned(name)) for name in META),
    *(
        small("meta-learning", name, ON_SHAPES.format(against), on_new_shapes(name, against), all_shapes)
        for against in ("untrained", "joint")
        for name in META
    ),
    *(
        small("multi-task", "multi_task", LOOPS_KNOWN, beside_loops(weighting=each), all_labelled, weighting=each)
        for each in ("fixed", "uncertainty")
    ),
    *(
        small("vertical", "vertical", f"pairs, 200 sums, rule {what}, against features", from_two_digits(known))
        for known, what in ((True, "known"), (False, "learned"))
    ),
]


def measured(row: Row, seeds: Iterable[int], *, busy: bool = False) -> dict[str, Any]:
    """The line of a row; on a busy machine without the time."""
    outcomes = pd.DataFrame([vars(row.measure(seed)) for seed in seeds])
    gains, means = outcomes["method"] - outcomes["baseline"], outcomes.mean()
    spread = f" ± {gains.std() / math.sqrt(len(gains)):.3f}" if len(gains) > 1 else ""
    return {
        "family": row.family,
        "method": row.method,
        "world": row.world,
        "baseline": f"{means['baseline']:.3f}",
        "method's": f"{means['method']:.3f}",
        "oracle": oracle_of(row, seeds) if row.oracle else _figure(means["oracle"]),
        "gain": f"{gains.mean():+.3f}{spread}",
        "worst": f"{gains.min():+.3f}",
        "time": "-" if busy else f"{means['seconds'] / means['baseline_seconds']:.1f} x",
        "seeds": len(outcomes),
        "options": _options(row),
    }


def oracle_of(row: Row, seeds: Iterable[int]) -> str:
    """The oracle of a row that has one of its own."""
    return _figure(float(np.mean([row.oracle(seed) for seed in seeds])) if row.oracle else math.nan)


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def with_oracle(row: Row) -> dict[str, Any] | None:
    """The kept line of a row with its oracle measured anew, on as many seeds; None where there is none to measure."""
    line = kept_lines().get((row.family, row.method, row.world, _options(row)))
    return {**line, "oracle": oracle_of(row, range(line["seeds"]))} if line and row.oracle else None


def _options(row: Row) -> str:
    return ", ".join(f"{name}={value}" for name, value in row.options.items()) or "-"


def keep(line: dict[str, Any]) -> None:
    """Puts a line beside those of earlier runs, in place of its own; the table is in the order of ``ROWS``."""
    file, kept = RESULTS / "methods.json", kept_lines()
    kept[_key(line)] = line
    order = [(row.family, row.method, row.world, _options(row)) for row in ROWS]
    lines = [kept[key] for key in order if key in kept]
    file.write_text(json.dumps(lines, indent=1) + "\n", "utf-8")
    (RESULTS / "methods.md").write_text(markdown(lines), "utf-8")


def kept_lines() -> dict[tuple[str, ...], dict[str, Any]]:
    """The lines of earlier runs."""
    file = RESULTS / "methods.json"
    return {_key(some): some for some in json.loads(file.read_text("utf-8"))} if file.is_file() else {}


def _key(line: dict[str, Any]) -> tuple[str, ...]:
    return tuple(line[name] for name in ("family", "method", "world", "options"))


def markdown(lines: list[dict[str, Any]]) -> str:
    """The table as text, with what it says."""
    head = f"| {' | '.join(lines[0])} |\n| {' | '.join('---' for _ in lines[0])} |"
    body = "\n".join(f"| {' | '.join(map(str, line.values()))} |" for line in lines)
    return (
        "# Transfer methods against their baselines\n\n"
        "`python benchmarks/methods.py --write`: test accuracy in the mean over the seeds (for clustering ARI, of "
        "waves the share of variance explained); gain with its standard error, and the worst gain of a seed; "
        "time over the baseline's in the same run (of a method on a trained network the training counts too), taken "
        'while the machine was busy with other work, and "-" where it was too busy to take any. A gain '
        "around 0, or below, is a method that does not help there.\n\n"
        f"{head}\n{body}\n"
    )


def main() -> None:
    """Measures the rows asked for and prints them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", help="only these")
    parser.add_argument("--methods", nargs="*", help="only these")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--oracles", action="store_true", help="measure nothing but the oracles of kept rows")
    parser.add_argument("--busy", action="store_true", help="the machine has other work: leave the times out")
    parser.add_argument("--worlds", nargs="*", help="only rows in whose world one of these words stands")
    parser.add_argument("--write", action="store_true", help="keep the lines in results/methods.json and .md")
    arguments = parser.parse_args()
    seeds = 1 if arguments.quick else arguments.seeds
    rows = [row for row in ROWS if not arguments.families or row.family in arguments.families]
    rows = [row for row in rows if not arguments.methods or row.method in arguments.methods]
    rows = [row for row in rows if not arguments.worlds or any(word in row.world for word in arguments.worlds)]
    lines = []
    for row in tqdm(rows, unit="row"):
        line = with_oracle(row) if arguments.oracles else measured(row, range(seeds), busy=arguments.busy)
        if line is None:
            continue
        lines.append(line)
        tqdm.write(" | ".join(map(str, lines[-1].values())))
        if arguments.write:
            keep(lines[-1])
    if lines:
        print(markdown(lines))


if __name__ == "__main__":
    main()
