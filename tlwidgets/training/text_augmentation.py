"""Random views of training texts: words replaced by synonyms, or left out.

Wei & Zou (2019), "EDA: easy data augmentation techniques for boosting performance on text classification tasks",
EMNLP, arXiv 1901.11196: two of their four operations, with their share of a tenth of the words. Theirs takes synonyms
from WordNet and may leave out any word; here they come from a list of our own, and words that turn an opinion round
("not", "hardly", "nicht") stay.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

SHARE = 0.1  # of the words
SYNONYMS = Path(__file__).with_name("synonyms.txt")
KEPT = frozenset(
    re.findall(
        r"\w+",
        "no not never nothing nobody none nor neither hardly barely without cannot but "
        "nicht nie niemals kein keine keinen keinem keiner nichts kaum ohne aber",
    )
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def augment_text(text: str, draw: Sequence[float]) -> str:
    """Gives a text with some words replaced by synonyms or, every other time, with some words left out.

    Args:
        text: The text.
        draw: At least two random numbers from 0 to 1: which operation, and the seed of its choices.

    Returns:
        The changed text; at least one word of it is left. A text without a known word is left as it is where a synonym
        was wanted.
    """
    rng = random.Random(draw[1])
    return replace_words(text, rng) if draw[0] < 0.5 else leave_words_out(text, rng)


def replace_words(text: str, rng: random.Random) -> str:
    """Replaces a tenth of the words, at least one, by synonyms, where there are any."""
    words = list(_WORD.finditer(text))
    known = [word for word in words if word.group().lower() in synonyms()]
    chosen = rng.sample(known, min(len(known), max(1, round(SHARE * len(words)))))
    for word in sorted(chosen, key=lambda match: match.start(), reverse=True):
        other = rng.choice(synonyms()[word.group().lower()])
        other = other.capitalize() if word.group()[0].isupper() else other
        text = text[: word.start()] + other + text[word.end() :]
    return text


def leave_words_out(text: str, rng: random.Random) -> str:
    """Leaves out each word with a probability of a tenth, never a negation and never all of them."""
    words = text.split()
    kept = [word for word in words if _turns(word) or rng.random() >= SHARE]
    return " ".join(kept or [rng.choice(words)])


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """What may stand for each word: the other words of its line in the list."""
    groups = [line.split() for line in SYNONYMS.read_text("utf-8").splitlines() if line.strip()]
    return {word: tuple(other for other in group if other != word) for group in groups for word in group}


def _turns(word: str) -> bool:
    plain = word.lower().strip(".,;:!?\"'()").replace("’", "'")
    return plain in KEPT or plain.endswith("n't")
