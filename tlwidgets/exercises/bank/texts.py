"""Exercises and questions of lesson 18: what a text encoder carries over, and what it does not hear."""

from __future__ import annotations

import random
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "18_text"

REPLIES = ["Until eight.", "Yes, on a lead.", "At the desk."]


def _known() -> tuple[Any, Any]:
    """Vectors of three known questions, of very different length; and of five that are asked, the last two in vain."""
    import numpy as np

    known = np.array([[1.0, 0.0, 0.0], [0.0, 9.0, 0.0], [0.0, 0.2, 0.2]])
    asked = np.array([[5.0, 1.0, 0.0], [0.1, 2.0, 0.1], [0.0, 3.0, 3.5], [-1.0, -1.0, 0.5], [5.0, -5.0, -5.0]])
    return known, asked


def _replies(values: Values) -> list[Any]:
    """What the learner's function answers; only a query that is near nothing may be left without an answer."""
    known, asked = _known()
    made = [values["reply"](query, known, list(REPLIES), 0.6) for query in asked]
    if all(each is None or each is ... for each in made):
        raise UnfinishedError
    return made


SEARCH = Exercise(
    id="tx-reply",
    lesson=LESSON,
    title="An answer, or none",
    takes=("reply",),
    properties=(
        Property(
            "a question gets the reply of the known question that points the same way",
            lambda v: _replies(v)[:2] == REPLIES[:2],
        ),
        Property("a short known vector is not at a disadvantage", lambda v: _replies(v)[2] == REPLIES[2]),
        Property("when even the nearest is below the limit, the answer is None", lambda v: _replies(v)[3] is None),
        Property("nor does it help a question to have a long vector", lambda v: _replies(v)[4] is None),
    ),
    hints=(
        "Likeness of meaning is likeness of direction. And somebody will ask what nobody has an answer to.",
        "The cosine is the product of two vectors divided by both their lengths (np.linalg.norm).",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def reply(query, known, replies, least):\n"
                "    likeness = known @ query\n"
                "    best = likeness.argmax()\n"
                "    return replies[best] if likeness[best] >= least else None"
            ),
            recognise=lambda v: _replies(v)[2] == REPLIES[1] and _replies(v)[3] is None,
            hint="A known question with a long vector wins too often: a product grows with length, not only likeness.",
        ),
        WrongAnswer(
            code=(
                "def reply(query, known, replies, least):\n"
                "    likeness = known @ query / np.linalg.norm(known, axis=1) / np.linalg.norm(query)\n"
                "    return replies[likeness.argmax()]"
            ),
            recognise=lambda v: _replies(v)[:3] == REPLIES and _replies(v)[3] is not None,
            hint="The last query is like none of the known ones and is answered all the same. None is an answer too.",
        ),
        WrongAnswer(
            code=(
                "def reply(query, known, replies, least):\n"
                "    distance = np.linalg.norm(known - query, axis=1)\n"
                "    return replies[distance.argmin()] if distance.min() >= least else None"
            ),
            recognise=lambda v: _replies(v)[1] != REPLIES[1] and _replies(v)[3] is not None,
            hint="A distance is small for what is alike, a likeness large. Which of the two does the limit speak of?",
        ),
        WrongAnswer(
            code=(
                "def reply(query, known, replies, least):\n"
                "    likeness = known @ query / np.linalg.norm(known, axis=1)\n"
                "    best = likeness.argmax()\n"
                "    return replies[best] if likeness[best] >= least else None"
            ),
            recognise=lambda v: _replies(v)[:4] == [*REPLIES, None] and _replies(v)[4] is not None,
            hint="A question with a long vector always gets past the limit here. It takes two to make an angle.",
        ),
    ),
    stub="def reply(query, known, replies, least):\n    ...",
    solution=(
        "def reply(query, known, replies, least):\n"
        "    likeness = known @ query / np.linalg.norm(known, axis=1) / np.linalg.norm(query)\n"
        "    best = likeness.argmax()\n"
        "    return replies[best] if likeness[best] >= least else None"
    ),
    setup="import numpy as np",
)

KEEP = frozenset(("not", "no", "never", "hardly"))
WORDS = ["it", "was", "not", "the", "best", "film", "and", "never", "dull"]


def _thinned(values: Values, words: list[str], share: float, seed: int) -> list[str]:
    return [str(word) for word in finished(values["thin"](list(words), share, random.Random(seed)))]


def _many(values: Values, share: float = 0.5) -> list[list[str]]:
    return [_thinned(values, WORDS, share, seed) for seed in range(40)]


def _in_order(found: list[str]) -> bool:
    places = [WORDS.index(word) for word in found if word in WORDS]
    return places == sorted(set(places)) and len(places) == len(found)


def _share_left_out(values: Values) -> float:
    long = [f"word{number}" for number in range(8000)]
    return 1 - len(_thinned(values, long, 0.2, 3)) / len(long)


def _list_kept(values: Values) -> bool:
    words = list(WORDS)
    for seed in range(5):
        finished(values["thin"](words, 0.5, random.Random(seed)))
    return words == WORDS


THIN = Exercise(
    id="tx-thin",
    lesson=LESSON,
    title="Leaving words out, but not any",
    takes=("thin",),
    properties=(
        Property("what is left stands in the old order", lambda v: all(_in_order(found) for found in _many(v))),
        Property("about the given share is left out", lambda v: 0.18 < _share_left_out(v) < 0.22),
        Property(
            "a word that turns the meaning round always stays",
            lambda v: all({"not", "never"} <= set(found) for found in _many(v)),
        ),
        Property("the list that it was given is unchanged", _list_kept),
        Property("other copies leave out other words", lambda v: len({tuple(found) for found in _many(v)}) > 10),
    ),
    hints=(
        "A copy gets the same label as the original. Which words may go without making that label a lie?",
        "Keep a word if it is in KEEP, or if draw.random() says so for this one word.",
    ),
    wrong=(
        WrongAnswer(
            code=("def thin(words, share, draw):\n    return [word for word in words if draw.random() >= share]"),
            recognise=lambda v: _in_order(_many(v)[0]) and not all("not" in found for found in _many(v)),
            hint="'It was not the best film' can lose its 'not' here, and is still filed as blame.",
        ),
        WrongAnswer(
            code=(
                "def thin(words, share, draw):\n"
                "    return words if draw.random() >= share else [word for word in words if word in KEEP]"
            ),
            recognise=lambda v: len({tuple(found) for found in _many(v)}) <= 2,
            hint="One throw decides over the whole text: all of it or hardly anything. Throw for each word.",
        ),
        WrongAnswer(
            code=(
                "def thin(words, share, draw):\n"
                "    return [word for word in words if word in KEEP or draw.random() < share]"
            ),
            recognise=lambda v: _share_left_out(v) > 0.6,
            hint="Far too much is gone: this keeps the share that should be left out.",
        ),
        WrongAnswer(
            code=(
                "def thin(words, share, draw):\n"
                "    for word in words:\n"
                "        if word not in KEEP and draw.random() < share:\n"
                "            words.remove(word)\n"
                "    return words"
            ),
            recognise=lambda v: not _list_kept(v),
            hint="The list itself shrinks here: its owner loses words, and a loop over it skips one after each loss.",
        ),
    ),
    stub="def thin(words, share, draw):\n    ...",
    solution=(
        "def thin(words, share, draw):\n    return [word for word in words if word in KEEP or draw.random() >= share]"
    ),
    setup='import random\nKEEP = {"not", "no", "never", "hardly"}',
)

EXERCISES = (THIN, SEARCH)

QUESTIONS = (
    Question(
        id="tx-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "A model learned from 120 film reviews which ones praise and which ones blame. Now it gets reviews of"
            " toasters and tents. It has never seen one with a label. How does it do?"
        ),
        choices={
            "a": "It guesses: nobody praises a toaster as one praises a film.",
            "b": "Much worse than on films, but better than guessing.",
            "c": "About as well as on films, if it reads by the encoder.",
        },
        right="c",
        feedback={
            "a": "Counted words do little more than guess. The encoder's vectors carry over.",
            "b": "One might expect so. There is hardly a difference: delight sounds alike in both.",
            "c": "Yes. What the encoder knows of praise is not tied to films.",
        },
    ),
    Question(
        id="tx-p2",
        lesson=LESSON,
        kind="predict",
        text='The same model reads "The story was boring." and then "The story was not boring." What does it say?',
        choices={
            "a": "Blame, then praise.",
            "b": "Blame, and blame again.",
            "c": "Blame, then undecided.",
        },
        right="b",
        feedback={
            "a": "So would you. For the encoder the two sentences are nearly one and the same.",
            "b": "Yes: 'boring' is loud, and 'not' is small.",
            "c": "It is as sure of the second as of the first.",
        },
    ),
    Question(
        id="tx-q1",
        lesson=LESSON,
        kind="quiz",
        text="Why does a model on counted words do so badly with a hundred reviews?",
        choices={
            "a": "Counting words never works.",
            "b": "Most telling words of a new review did not occur in the labelled ones: it knows nothing about them.",
            "c": "Logistic regression cannot learn from text.",
        },
        right="b",
        feedback={
            "a": "With very many labelled texts it is a strong and cheap baseline. Always have it beside you.",
            "b": "Right. The encoder has met nearly all words before, and knows what they are like.",
            "c": "The same logistic regression sits on top of the encoder.",
        },
    ),
    Question(
        id="tx-q2",
        lesson=LESSON,
        kind="quiz",
        text="Before the model goes to work on German mail, what should be done?",
        choices={
            "a": "Nothing: meaning is the same in every language.",
            "b": "Test it on labelled German texts, and compare with guessing.",
            "c": "Ask how sure it is: if it is sure, it is right.",
        },
        right="b",
        feedback={
            "a": "Its encoder was taught on English. On German films it was as good as a coin.",
            "b": "Right. A few dozen labelled texts are enough to see a coin.",
            "c": "It gives probabilities for German, Finnish or noise alike. They say nothing about a language unseen.",
        },
    ),
    Question(
        id="tx-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: opinions(shots=5) teaches with five labelled reviews of each kind. How well does the encoder"
            " read films then?"
        ),
        choices={
            "a": "As well as with sixty.",
            "b": "Between guessing and what sixty labels gave.",
            "c": "Worse than guessing.",
        },
        right="b",
        feedback={
            "a": "Run it. The encoder knows words, but ten reviews say little about what we mean by praise.",
            "b": "Right. A borrowed description makes labels go further; it does not replace them.",
            "c": "Run it: a little above one half.",
        },
    ),
)
