"""Does a text encoder carry an opinion from films to products, and into another language? Against tf-idf.

    python benchmarks/text.py

Probe: scikit-learn's LogisticRegression (L2, C=1) on the mean vectors of all-MiniLM-L6-v2, each of length 1 and spread
to unit variance a number on the labelled texts, and on tf-idf of words and pairs of words. Labels: 5, 20 and 110 film
reviews a class, five draws (110 are all of the training part, the same five times). Judged on films held out,
on all 310 product reviews and on all 66 German film reviews. Needs the extra ``text`` and no network; a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler

from tlwidgets.backbones import load_backbone
from tlwidgets.data.load import load_data
from tlwidgets.data.texts import TextData

SHOTS = (5, 20, 110)
DRAWS = 5
DOMAINS = ("films", "products", "filme")


def few_labels(labels: np.ndarray, pool: np.ndarray, shots: int, draw: int) -> np.ndarray:
    """``shots`` texts of each class out of a pool of indices."""
    rng = np.random.default_rng(draw)
    return np.concatenate([rng.permutation(pool[labels[pool] == label])[:shots] for label in np.unique(labels)])


def probes() -> dict[str, Pipeline]:
    """Both learners, unfitted: of vectors and of texts."""
    return {
        "minilm": make_pipeline(Normalizer(), StandardScaler(), LogisticRegression(max_iter=2000)),
        "tf-idf": make_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression()),
    }


@cache
def seen_reviews() -> tuple[dict[str, TextData], dict[str, np.ndarray], dict[str, np.ndarray], float]:
    """Data, texts and vectors of every domain, and the seconds that the vectors took."""
    backbone = load_backbone("minilm")
    data = {domain: load_data("reviews", domain=domain, val=0.0) for domain in DOMAINS}
    texts = {domain: np.array(some.texts(range(len(some))), dtype=object) for domain, some in data.items()}
    began = time.perf_counter()
    vectors = {domain: backbone.features(list(some)) for domain, some in texts.items()}
    return data, texts, vectors, time.perf_counter() - began


def opinions(domain: str, shots: int) -> Callable[[int], tuple[float, float, float, float]]:
    """A row of ``methods.py``: accuracy on a domain from labelled film reviews, by vectors and by counted words."""

    def measured(draw: int) -> tuple[float, float, float, float]:
        data, texts, vectors, describing = seen_reviews()
        films = data["films"]
        chosen = few_labels(films.labels, films.indices("train"), shots, draw)
        asked = films.indices("test") if domain == "films" else slice(None)
        scores, seconds = [], []
        for name, seen in (("minilm", vectors), ("tf-idf", texts)):
            began = time.perf_counter()
            learner = probes()[name].fit(seen["films"][chosen], films.labels[chosen])
            scores.append(float(learner.score(seen[domain][asked], data[domain].labels[asked])))
            seconds.append(time.perf_counter() - began)
        return scores[0], scores[1], describing + seconds[0], seconds[1]

    return measured


def all_opinions(domain: str, draw: int) -> float:
    """The oracle of a row: the same vectors with all labels of the domain that it is judged on.

    Of films those of the training part; of the others, which have no such part here, in tenfold cross-validation.
    """
    data, _, vectors, _ = seen_reviews()
    labels, rows = data[domain].labels, vectors[domain]
    if domain == "films":
        train, test = (data[domain].indices(part) for part in ("train", "test"))
        return float(probes()["minilm"].fit(rows[train], labels[train]).score(rows[test], labels[test]))
    folds = StratifiedKFold(10, shuffle=True, random_state=draw)
    return float((cross_val_predict(probes()["minilm"], rows, labels, cv=folds) == labels).mean())


def measure() -> pd.DataFrame:
    """Accuracy in per cent: one row a learner, number of labels, draw and target."""
    data, texts, vectors, _ = seen_reviews()
    films, rows = data["films"], []
    judged = {"films": films.indices("test"), "products": slice(None), "filme": slice(None)}
    for shots in SHOTS:
        for draw in range(DRAWS):
            chosen = few_labels(films.labels, films.indices("train"), shots, draw)
            for name, learner in probes().items():
                seen = vectors if name == "minilm" else texts
                learner.fit(seen["films"][chosen], films.labels[chosen])
                for domain, where in judged.items():
                    score = 100 * learner.score(seen[domain][where], data[domain].labels[where])
                    rows.append({"learner": name, "labels": shots, "draw": draw, "target": domain, "accuracy": score})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    began = time.perf_counter()
    table = measure()
    found = table.pivot_table("accuracy", ["target", "labels"], "learner", aggfunc=["mean", "std"])
    found["margin", ""] = found["mean", "minilm"] - found["mean", "tf-idf"]
    print(found.loc[list(DOMAINS)].round(1).to_string())
    print(f"{time.perf_counter() - began:.0f} s")
