"""Lesson 18: an opinion carried from films to products, into German, past a "not"; and questions in other words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.data import ImageData, load_data
from tlwidgets.data.questions import draw_questions
from tlwidgets.evaluation.clusters import COLOURS, MARKERS
from tlwidgets.exercises.experiments.measured import MeasuredClaim, remembered
from tlwidgets.exercises.explorer import explore
from tlwidgets.methods.clustering import agreement, cluster_features, unit_rows
from tlwidgets.methods.embedding import embed
from tlwidgets.methods.question_matching import match
from tlwidgets.training.text_augmentation import augment_text

LESSON = "18_text"
DOMAINS = ("films", "products", "filme")
LABELS = 60  # film reviews of each kind
DRAWS = 5  # of those labels; the mean is measured
COPIES = 2  # of a text, with some words replaced or left out

BLAME = (
    "The story was boring.",
    "The actors were terrible.",
    "The ending was disappointing.",
    "I hated this film.",
    "The music was annoying.",
    "The jokes were embarrassing.",
    "The dialogue was stupid.",
    "It was a waste of money.",
    "I regret watching it.",
    "The pictures were ugly.",
    "The hero was dull.",
    "My children were bored.",
)
DENIED_BLAME = (
    "The story was not boring.",
    "The actors were not terrible.",
    "The ending was not disappointing.",
    "I did not hate this film.",
    "The music was not annoying.",
    "The jokes were not embarrassing.",
    "The dialogue was not stupid.",
    "It was not a waste of money.",
    "I do not regret watching it.",
    "The pictures were not ugly.",
    "The hero was not dull.",
    "My children were not bored.",
)
PRAISE = (
    "The story was exciting.",
    "The actors were brilliant.",
    "The ending was satisfying.",
    "I enjoyed this film.",
    "The music was beautiful.",
    "The jokes were funny.",
    "The dialogue was clever.",
    "It was worth the money.",
    "I would watch it again.",
    "The pictures were stunning.",
    "The hero was likeable.",
    "My children loved it.",
)


@remembered
def encoder(*, pretrained: bool = True) -> Backbone:
    """Load the text encoder once; the caller's random numbers are not touched.

    Args:
        pretrained: False fills it with random weights.

    Raises:
        BackboneError: it is not on this machine; the message says how to get it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return load_backbone("minilm", pretrained=pretrained)


@remembered
def reviews(domain: str) -> ImageData:
    """Load the reviews of ``"films"``, ``"products"`` or ``"filme"`` (films, in German)."""
    return load_data("reviews", domain=domain, val=0.0)


@remembered
def texts(what: str) -> tuple[str, ...]:
    """The reviews of a domain, or ``"questions"``, ``"blame"``, ``"denied blame"``, ``"praise"``."""
    given = {"blame": BLAME, "denied blame": DENIED_BLAME, "praise": PRAISE}
    if what in given:
        return given[what]
    if what == "questions":
        return tuple(str(text) for text in draw_questions()[0])
    data = reviews(what)
    return tuple(data.inputs(range(len(data))))


@remembered
def vectors(what: str, *, pretrained: bool = True) -> np.ndarray:
    """Describe ``texts(what)`` by the encoder, once: (N, 384), each row of length 1."""
    return unit_rows(encoder(pretrained=pretrained).features(list(texts(what))))


def some_labels(shots: int, draw: int) -> np.ndarray:
    """Choose labelled film reviews: ``shots`` of praise and as many of blame, int64 (2 * shots,)."""
    films, rng = reviews("films"), np.random.default_rng(draw)
    pool = films.indices("train")
    return np.concatenate([rng.permutation(pool[films.labels[pool] == kind])[:shots] for kind in (0, 1)])


def words_model() -> Pipeline:
    """The baseline: count words and pairs of words, rare ones for more (tf-idf), then logistic regression."""
    return make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression())


def taught(draw: int, *, shots: int = LABELS, pretrained: bool = True) -> LogisticRegression:
    """Fit logistic regression to the vectors of some labelled film reviews."""
    chosen = some_labels(shots, draw)
    rows = vectors("films", pretrained=pretrained)[chosen]
    return LogisticRegression(max_iter=2000).fit(rows, reviews("films").labels[chosen])


def _judged(domain: str) -> np.ndarray:
    """Which reviews tell how well a model does: films held out, and all of the other domains."""
    data = reviews(domain)
    return data.indices("test") if domain == "films" else np.arange(len(data))


@remembered
def opinions(seed: int = 0, *, pretrained: bool = True, shots: int = LABELS) -> pd.DataFrame:
    """Read opinions with labels of films alone, by counting words and by the encoder.

    Args:
        seed: of the labels.
        pretrained: False asks an encoder of random weights.
        shots: labelled film reviews of each kind.

    Returns:
        One row a domain; columns ``words`` and ``encoder``: accuracy, 0 to 1, the mean of five draws of the labels.
    """
    films, found = reviews("films").labels, {domain: np.zeros(2) for domain in DOMAINS}
    for draw in range(DRAWS * seed, DRAWS * (seed + 1)):
        chosen = some_labels(shots, draw)
        words = words_model().fit([texts("films")[row] for row in chosen], films[chosen])
        model = taught(draw, shots=shots, pretrained=pretrained)
        for domain in DOMAINS:
            rows = _judged(domain)
            labels, asked = reviews(domain).labels[rows], [texts(domain)[row] for row in rows]
            by_vectors = model.score(vectors(domain, pretrained=pretrained)[rows], labels)
            found[domain] += np.array([words.score(asked, labels), by_vectors]) / DRAWS
    return pd.DataFrame.from_dict(found, orient="index", columns=["words", "encoder"])


def with_augmentation(seed: int = 0) -> pd.DataFrame:
    """Teach from twenty labels of each kind, with and without two changed copies of every text; means of two draws.

    Returns:
        One row a domain (films, products); columns ``plain`` and ``with copies``.
    """
    films, found = reviews("films").labels, {domain: np.zeros(2) for domain in DOMAINS[:2]}
    for draw in (2 * seed, 2 * seed + 1):
        chosen, rng = some_labels(20, draw), np.random.default_rng(draw)
        changed = [augment_text(texts("films")[row], rng.random(2).tolist()) for row in np.repeat(chosen, COPIES)]
        rows = np.concatenate([vectors("films")[chosen], unit_rows(encoder().features(changed))])
        labels = np.concatenate([films[chosen], np.repeat(films[chosen], COPIES)])
        models = taught(draw, shots=20), LogisticRegression(max_iter=2000).fit(rows, labels)
        for domain, sums in found.items():
            asked = _judged(domain)
            sums += [model.score(vectors(domain)[asked], reviews(domain).labels[asked]) / 2 for model in models]
    return pd.DataFrame.from_dict(found, orient="index", columns=["plain", "with copies"])


def denials(seed: int = 0) -> pd.DataFrame:
    """Ask a model that was taught with film reviews about blame, denied blame and plain praise.

    Returns:
        One row a sentence pair; columns ``blame``, ``denied blame`` and ``praise``: the probability of praise.
    """
    model = taught(seed)
    columns = ("blame", "denied blame", "praise")
    found = {what: model.predict_proba(vectors(what))[:, 1] for what in columns}
    return pd.DataFrame(found, index=list(BLAME))


def explore_denials(table: pd.DataFrame) -> Any:
    """Show ``denials`` one sentence at a time; see ``explorer.explore``."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.to_numpy()]

    def describe(number: int) -> str:
        asked = {"blame": BLAME[number], "denied blame": DENIED_BLAME[number], "praise": PRAISE[number]}
        return " ".join(f"{text} {100 * rows[number][what]:.0f} % praise." for what, text in asked.items())

    return explore("sentence", list(range(len(table))), describe)


def matched(seed: int = 0, *, pretrained: bool = True) -> dict[str, float]:
    """Find for each question the known one with the same meaning, of 24, one wording of each known.

    Args:
        seed: of which wording of each is known.
        pretrained: False asks an encoder of random weights.

    Returns:
        Share of the other 72 questions that are matched rightly, by counted ``words`` and by the ``encoder``.
    """
    labels = draw_questions()[1]
    wording = np.random.default_rng(seed).integers(0, 4, 24)
    known = np.array([np.flatnonzero(labels == meaning)[wording[meaning]] for meaning in range(24)])
    asked = np.setdiff1d(np.arange(len(labels)), known)
    counted = TfidfVectorizer(sublinear_tf=True, stop_words="english").fit_transform(texts("questions")).toarray()
    rows = {"words": counted + 1e-9, "encoder": vectors("questions", pretrained=pretrained)}
    return {
        name: float(np.mean(labels[known][match(x[asked], x[known]).indices[:, 0]] == labels[asked]))
        for name, x in rows.items()
    }


def review_groups(seed: int = 0, *, pretrained: bool = True) -> dict[str, float]:
    """Group all reviews by k-means on the encoder's vectors; how three and two groups agree (ARI) with labels.

    Returns:
        ``domain`` (three groups) and ``opinion`` (two).
    """
    rows = np.concatenate([vectors(domain, pretrained=pretrained) for domain in DOMAINS])
    domains = np.repeat([0, 1, 2], [len(texts(domain)) for domain in DOMAINS])
    labels = np.concatenate([reviews(domain).labels for domain in DOMAINS])
    return {
        "domain": agreement(cluster_features(rows, 3, seed=seed), domains)["ari"],
        "opinion": agreement(cluster_features(rows, 2, seed=seed), labels)["ari"],
    }


def review_maps() -> Figure:
    """Draw all reviews in the plane by principal components: coloured by domain, and again by opinion."""
    places = embed(np.concatenate([vectors(domain) for domain in DOMAINS]), "pca")
    domains = np.repeat(DOMAINS, [len(texts(domain)) for domain in DOMAINS])
    labels = np.concatenate([reviews(domain).labels for domain in DOMAINS])
    opinion = np.array(reviews("films").classes)[labels]
    figure = Figure(figsize=(9.0, 4.2), layout="constrained")
    for axes, title, kinds in zip(figure.subplots(1, 2), ("subject", "opinion"), (domains, opinion), strict=True):
        for kind, marker, colour in zip(dict.fromkeys(kinds), MARKERS, COLOURS, strict=False):
            axes.scatter(*places[kinds == kind].T, s=12, marker=marker, color=colour, alpha=0.6, label=kind)
        axes.set(title=title, xticks=[], yticks=[])
        axes.legend(fontsize="small")
    return figure


def _share_praised(what: str, seed: int) -> float:
    return float(np.mean([taught(draw).predict(vectors(what)).mean() for draw in _draws(seed)]))


def _draws(seed: int) -> Sequence[int]:
    return range(DRAWS * seed, DRAWS * (seed + 1))


def gain_on(domain: str, seed: int, sabotaged: bool) -> float:
    """Opinions read by the encoder minus by counted words; sabotaged, the encoder is random."""
    found = opinions(seed, pretrained=not sabotaged)
    return float((found["encoder"] - found["words"])[domain])


def gain_on_films(seed: int, sabotaged: bool) -> float:
    """See ``gain_on``: new films."""
    return gain_on("films", seed, sabotaged)


def gain_on_products(seed: int, sabotaged: bool) -> float:
    """See ``gain_on``: products, with labels of films alone."""
    return gain_on("products", seed, sabotaged)


def lost_in_german(seed: int, sabotaged: bool) -> float:
    """Opinions on products read by the encoder minus those in German; sabotaged, the encoder is random."""
    found = opinions(seed, pretrained=not sabotaged)["encoder"]
    return float(found["products"] - found["filme"])


def better_matched(seed: int, sabotaged: bool) -> float:
    """Questions matched by the encoder minus by counted words; sabotaged, the encoder is random."""
    found = matched(seed, pretrained=not sabotaged)
    return found["encoder"] - found["words"]


def subject_first(seed: int, sabotaged: bool) -> float:
    """Agreement of groups with the domain minus with the opinion; sabotaged, the encoder is random."""
    found = review_groups(seed, pretrained=not sabotaged)
    return found["domain"] - found["opinion"]


def deaf_to_not(seed: int, sabotaged: bool) -> float:
    """Blame taken for blame minus denied blame taken for praise; sabotaged, plain praise stands for denied blame."""
    return 1 - _share_praised("blame", seed) - _share_praised("praise" if sabotaged else "denied blame", seed)


CLAIMS = (
    MeasuredClaim(LESSON, "C1", "the encoder reads more opinions on films than counted words", 0.1, gain_on_films),
    MeasuredClaim(LESSON, "C2", "taught on films, the encoder reads more opinions on products", 0.06, gain_on_products),
    MeasuredClaim(LESSON, "C3", "the encoder finds a question in other words", 0.4, better_matched),
    MeasuredClaim(LESSON, "C4", "reviews fall into groups by what they are about, not by opinion", 0.3, subject_first),
    MeasuredClaim(LESSON, "C5", "in German the same model loses what it could", 0.08, lost_in_german),
    MeasuredClaim(LESSON, "C6", "blame is understood, denied blame is not", 0.5, deaf_to_not),
)
