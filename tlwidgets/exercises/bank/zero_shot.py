"""Exercises and questions of lesson 15: classes that are known by their description alone."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "15_zero_shot"

WORDS = ("old", "gold", "ring", "string")


def _row(values: Values, name: str) -> list[int]:
    return [int(number) for number in finished(values["describe"](name, WORDS))]


DESCRIBE = Exercise(
    id="zs-describe",
    lesson=LESSON,
    title="From a name to a description",
    takes=("describe",),
    properties=(
        Property("there is one number for each part", lambda v: len(_row(v, "gold ring")) == len(WORDS)),
        Property("every number is 0 or 1", lambda v: set(_row(v, "gold ring") + _row(v, "old string")) <= {0, 1}),
        Property(
            "it is 1 where the part is one of the words of the name",
            lambda v: _row(v, "gold ring") == [0, 1, 1, 0] and _row(v, "old string") == [1, 0, 0, 1],
        ),
        Property("a name with one part, or with none, is described too", lambda v: _row(v, "ring") == [0, 0, 1, 0]),
    ),
    hints=(
        "Ask for each part in turn: is it one of the words of this name?",
        "name.split() gives the words; int(...) makes 1 of True.",
    ),
    wrong=(
        WrongAnswer(
            code="def describe(name, parts):\n    return [int(part in name) for part in parts]",
            recognise=lambda v: _row(v, "gold ring") == [1, 1, 1, 0],
            hint="In 'gold ring' this also finds 'old'. Whether letters occur is not whether the word does.",
        ),
        WrongAnswer(
            code="def describe(name, parts):\n    return [parts.index(word) for word in name.split()]",
            recognise=lambda v: len(_row(v, "gold ring")) == 2,
            hint="These are the places of the parts. Classes can be compared only if each answers for every part.",
        ),
        WrongAnswer(
            code="def describe(name, parts):\n    return [int(part not in name.split()) for part in parts]",
            recognise=lambda v: _row(v, "gold ring") == [1, 0, 0, 1],
            hint="Yes and no have changed places: this says what the class has not.",
        ),
    ),
    stub="def describe(name, parts):\n    ...",
    solution="def describe(name, parts):\n    return [int(part in name.split()) for part in parts]",
)


def _scores() -> tuple[Any, Any]:
    """Scores of five images for five classes, of which the first three are seen; those of the last are below 0."""
    import numpy as np

    table = [[0.9, 0.1, 0.2, 0.8, 0.0], [0.1, 0.9, 0.0, 0.2, 0.3], [0.2, 0.1, 0.0, 0.1, 0.5], [0.3, 0.2, 0.6, 0.0, 0.5]]
    table += [[-0.5, -0.9, -0.7, -0.6, -0.8]]
    return np.array(table), np.array([True, True, True, False, False])


def _chosen(values: Values, gamma: float) -> list[int]:
    made = finished(values["choose"](*_scores(), gamma))
    if made is ...:
        raise UnfinishedError
    return [int(number) for number in made]


def _scores_kept(values: Values) -> bool:
    scores, seen = _scores()
    finished(values["choose"](scores, seen, 0.2))
    return bool((scores == _scores()[0]).all())


CHOOSE = Exercise(
    id="zs-choose",
    lesson=LESSON,
    title="Hold the known ones back",
    takes=("choose",),
    properties=(
        Property("with gamma 0 the highest score wins, as before", lambda v: _chosen(v, 0.0) == [0, 1, 4, 2, 0]),
        Property(
            "a close decision goes to the class that was never seen", lambda v: _chosen(v, 0.2) == [3, 1, 4, 4, 3]
        ),
        Property("with a very large gamma only such classes are named", lambda v: _chosen(v, 9.0) == [3, 4, 4, 4, 3]),
        Property("the caller's scores are not changed", _scores_kept),
    ),
    hints=(
        "A seen class starts with an advantage. Take it away before the scores are compared.",
        "seen is True or False for each column; gamma * seen is then gamma or 0 for each column.",
    ),
    wrong=(
        WrongAnswer(
            code="def choose(scores, seen, gamma):\n    scores -= gamma * seen\n    return scores.argmax(axis=1)",
            recognise=lambda v: _chosen(v, 0.2) == [3, 1, 4, 4, 3] and not _scores_kept(v),
            hint="It works once. The second time the same scores are held back twice: -= changes what the caller owns.",
        ),
        WrongAnswer(
            code="def choose(scores, seen, gamma):\n    return (scores - gamma).argmax(axis=1)",
            recognise=lambda v: _chosen(v, 9.0) == [0, 1, 4, 2, 0],
            hint="All classes lose the same here, so the order stays as it was.",
        ),
        WrongAnswer(
            code="def choose(scores, seen, gamma):\n    return (scores + gamma * seen).argmax(axis=1)",
            recognise=lambda v: set(_chosen(v, 9.0)) <= {0, 1, 2},
            hint="This helps the classes that need no help: their advantage has grown.",
        ),
        WrongAnswer(
            code="def choose(scores, seen, gamma):\n    return (scores * (1 - gamma * seen)).argmax(axis=1)",
            recognise=lambda v: _chosen(v, 0.2) == [3, 1, 4, 4, 0],
            hint="A share of each score is taken away. Where scores are below 0, losing a share makes them higher.",
        ),
    ),
    stub="def choose(scores, seen, gamma):\n    ...",
    solution="def choose(scores, seen, gamma):\n    return (scores - gamma * seen).argmax(axis=1)",
    setup="import numpy as np",
)

EXERCISES = (DESCRIBE, CHOOSE)

QUESTIONS = (
    Question(
        id="zs-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "A network sees blue circles and green crosses, but never a blue cross. Then it is told that there are"
            " such things. How often does it name one of four classes rightly that it has never seen? Guessing: 25 of"
            " 100."
        ),
        choices={
            "a": "About 25 of 100: what was never shown cannot be known.",
            "b": "About half of them.",
            "c": "Nearly always: at least 80 of 100.",
        },
        right="c",
        feedback={
            "a": "The pair was never shown, but both of its parts were.",
            "b": "Better than that: both parts are recognised almost without fail.",
            "c": "Yes. It recognises the parts, and the description says how they go together.",
        },
    ),
    Question(
        id="zs-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Until now only the four hidden classes could be named. Now all sixteen may be, as they would in practice."
            " What becomes of the pieces of hidden classes?"
        ),
        choices={
            "a": "Nothing: the right name is still there.",
            "b": "Many are taken for a class that was seen.",
            "c": "They are recognised more often, because there are more names.",
        },
        right="b",
        feedback={
            "a": "So are twelve others, and each of them was learned from pictures.",
            "b": "Yes: who has seen only blue circles and green crosses takes a blue cross for one of these.",
            "c": "More names are more ways to be wrong.",
        },
    ),
    Question(
        id="zs-q1",
        lesson=LESSON,
        kind="quiz",
        text="A paper reports 96 of 100 on classes never seen. What should you ask first?",
        choices={
            "a": "Whether the seen classes could be named as well.",
            "b": "How many numbers the network has.",
            "c": "Nothing, that is a fine result.",
        },
        right="a",
        feedback={
            "a": "Right. With only unseen classes to choose from, the preference for the known ones cannot show.",
            "b": "Interesting, but another question stands before it.",
            "c": "Here one method lost a good part of them once every class could be named, and another far fewer.",
        },
    ),
    Question(
        id="zs-q2",
        lesson=LESSON,
        kind="quiz",
        text="All seen classes are round. A new one is described as square. What can the network do with that?",
        choices={
            "a": "Recognise it: it knows what round is, and square is the opposite.",
            "b": "Nothing: in what it saw, that part never varied, so it could not learn what it looks like.",
            "c": "Recognise it, if the description is long enough.",
        },
        right="b",
        feedback={
            "a": "It never had a reason to look at shape at all.",
            "b": "Right. Every part must occur, and be missing, somewhere among the seen classes.",
            "c": "More words do not show it what any of them looks like.",
        },
    ),
    Question(
        id="zs-q3",
        lesson=LESSON,
        kind="quiz",
        text='Needs code: recognised("attributes", pretrained=False).accuracy. What does a random network reach?',
        choices={
            "a": "As much as the pre-trained one.",
            "b": "Less than the pre-trained one.",
            "c": "Nothing at all.",
        },
        right="b",
        feedback={
            "a": "Run it, and recognised('attributes').accuracy beside it.",
            "b": "Right. A description is worth as much as the features in which its words are looked for.",
            "c": "Run it: even random features hold something of a colour.",
        },
    ),
)
