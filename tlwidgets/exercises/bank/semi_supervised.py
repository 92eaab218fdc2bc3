"""Exercises and questions of lesson 11: a few labels and many pictures without."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "11_semi_supervised"


def _row() -> tuple[Any, Any, Any]:
    """Five in a row, each beside the next; the first and the last have a label, and all believe something by now."""
    import numpy as np

    start = np.zeros((5, 3))
    start[0, 0] = start[4, 2] = 1.0
    neighbours = np.array([[0, 1], [0, 2], [1, 3], [2, 4], [3, 4]])
    beliefs = np.random.default_rng(11).dirichlet([1, 1, 1], 5)
    return beliefs, neighbours, start


def _pair() -> tuple[Any, Any, Any]:
    """Two rows, two neighbours, two classes: so small that a mean over the wrong axis has the right shape."""
    import numpy as np

    return np.array([[0.9, 0.0], [0.2, 0.4]]), np.array([[0, 1], [0, 1]]), np.zeros((2, 2))


def _handed(values: Values, share: float, rounds: int = 1) -> Any:
    import numpy as np

    beliefs, neighbours, start = _row()
    for _ in range(rounds):
        beliefs = np.asarray(finished(values["hand_on"](beliefs, neighbours, start, share)), float)
    return beliefs


def _close(found: Any, wanted: Any) -> bool:
    import numpy as np

    return np.shape(found) == np.shape(wanted) and bool(np.allclose(found, wanted))


def _once(share: float) -> Any:
    beliefs, neighbours, start = _row()
    return share * beliefs[neighbours].mean(axis=1) + (1 - share) * start


HAND_ON = Exercise(
    id="ss-hand",
    lesson=LESSON,
    title="One round of spreading",
    takes=("hand_on",),
    properties=(
        Property("with share 0 nothing is taken over: it gives start", lambda v: _close(_handed(v, 0.0), _row()[2])),
        Property(
            "with share 1 each row is the mean of its neighbours",
            lambda v: _close(_handed(v, 1.0), _once(1.0)),
        ),
        Property(
            "with share 0.2 it is a fifth neighbours, the rest start", lambda v: _close(_handed(v, 0.2), _once(0.2))
        ),
        Property(
            "after many rounds each row leans to the label that is nearer",
            lambda v: _handed(v, 0.8, 60)[[1, 3]].argmax(axis=1).tolist() == [0, 2],
        ),
        Property("the table that it was given is unchanged", lambda v: _untouched(v)),
    ),
    hints=(
        "Two sources are mixed in each row: what the neighbours believe now, and what the row was given at the start.",
        "beliefs[neighbours] has the shape (N, k, C). Over which axis is the mean over neighbours?",
    ),
    wrong=(
        WrongAnswer(
            code="def hand_on(beliefs, neighbours, start, share):\n    return beliefs[neighbours].mean(axis=1)",
            recognise=lambda v: _close(_handed(v, 0.2), _once(1.0)),
            hint="The labels themselves are forgotten: whatever share says, only the neighbours are heard.",
        ),
        WrongAnswer(
            code=(
                "def hand_on(beliefs, neighbours, start, share):\n"
                "    return share * beliefs[neighbours].mean(axis=1) + (1 - share) * beliefs"
            ),
            recognise=lambda v: _close(_handed(v, 0.0), _row()[0]),
            hint="The rest comes from what the row believed last. So the labels wash out, round after round.",
        ),
        WrongAnswer(
            code=(
                "def hand_on(beliefs, neighbours, start, share):\n"
                "    return share * beliefs[neighbours].mean(axis=2) + (1 - share) * start"
            ),
            recognise=lambda v: _close(v["hand_on"](*_pair(), 1.0), _pair()[0][_pair()[1]].mean(axis=2)),
            hint="The mean is taken over the classes: it no longer says which one a neighbour believes in.",
        ),
        WrongAnswer(
            code=(
                "def hand_on(beliefs, neighbours, start, share):\n"
                "    return (1 - share) * beliefs[neighbours].mean(axis=1) + share * start"
            ),
            recognise=lambda v: _close(_handed(v, 0.2), _once(0.8)),
            hint="share is how much comes from the neighbours; here it is how much stays.",
        ),
        WrongAnswer(
            code=(
                "def hand_on(beliefs, neighbours, start, share):\n"
                "    return share * beliefs[neighbours].sum(axis=1) + (1 - share) * start"
            ),
            recognise=lambda v: _close(_handed(v, 1.0), 2 * _once(1.0)),
            hint="Neighbours are added up, so a row with more of them would believe more strongly. Take their mean.",
        ),
    ),
    stub="def hand_on(beliefs, neighbours, start, share):\n    ...",
    solution=(
        "def hand_on(beliefs, neighbours, start, share):\n"
        "    return share * beliefs[neighbours].mean(axis=1) + (1 - share) * start"
    ),
    setup="import numpy as np",
)


def _untouched(values: Values) -> bool:
    beliefs, neighbours, start = _row()
    finished(values["hand_on"](beliefs, neighbours, start, 0.5))
    return _close(beliefs, _row()[0]) and _close(start, _row()[2])


def _beliefs() -> Any:
    import numpy as np

    return np.array([[0.96, 0.03, 0.01], [0.5, 0.3, 0.2], [0.0, 0.05, 0.95], [0.4, 0.35, 0.25], [0.02, 0.97, 0.01]])


def _sure(values: Values, threshold: float) -> tuple[list[int], list[int]]:
    import numpy as np

    places, labels = finished(values["sure_ones"](_beliefs(), threshold))
    return np.asarray(places).ravel().tolist(), np.asarray(labels).ravel().tolist()


SURE = Exercise(
    id="ss-sure",
    lesson=LESSON,
    title="Only the sure ones",
    takes=("sure_ones",),
    properties=(
        Property("at 0.95 three of the five rows are sure", lambda v: _sure(v, 0.95)[0] == [0, 2, 4]),
        Property("each gets its most probable class", lambda v: _sure(v, 0.95)[1] == [0, 2, 1]),
        Property("a probability of exactly the threshold is enough", lambda v: _sure(v, 0.5)[0] == [0, 1, 2, 4]),
        Property("at 0 all rows count", lambda v: _sure(v, 0.0) == ([0, 1, 2, 3, 4], [0, 0, 2, 0, 1])),
        Property("at 0.99 none does", lambda v: _sure(v, 0.99) == ([], [])),
    ),
    hints=(
        "Two questions for each row: how probable is its most probable class, and which class is that?",
        "The largest value of a row and its place are two things. Only the labels of the sure rows are wanted.",
    ),
    wrong=(
        WrongAnswer(
            code="def sure_ones(beliefs, threshold):\n    return np.arange(len(beliefs)), beliefs.argmax(axis=1)",
            recognise=lambda v: _sure(v, 0.99) == _sure(v, 0.0) == ([0, 1, 2, 3, 4], [0, 0, 2, 0, 1]),
            hint="All answers are taken: nobody asks how sure they are.",
        ),
        WrongAnswer(
            code=(
                "def sure_ones(beliefs, threshold):\n"
                "    sure = beliefs.max(axis=1) > threshold\n"
                "    return np.flatnonzero(sure), beliefs.argmax(axis=1)[sure]"
            ),
            recognise=lambda v: _sure(v, 0.5)[0] == [0, 2, 4] and _sure(v, 0.49)[0] == [0, 1, 2, 4],
            hint="A row that has exactly this probability is left out. 'At least' includes the threshold itself.",
        ),
        WrongAnswer(
            code=(
                "def sure_ones(beliefs, threshold):\n"
                "    sure = beliefs.max(axis=1) >= threshold\n"
                "    return np.flatnonzero(sure), beliefs.argmax(axis=1)"
            ),
            recognise=lambda v: _sure(v, 0.95) == ([0, 2, 4], [0, 0, 2, 0, 1]),
            hint="The labels of all rows are handed back, the unsure ones too. One label for each place is wanted.",
        ),
        WrongAnswer(
            code=("def sure_ones(beliefs, threshold):\n    return np.nonzero(beliefs >= threshold)"),
            recognise=lambda v: len(_sure(v, 0.0)[0]) == 15,
            hint="Every cell of the table is asked. A row may have one label only, however low the threshold is.",
        ),
        WrongAnswer(
            code=(
                "def sure_ones(beliefs, threshold):\n"
                "    sure = beliefs.max(axis=1) < threshold\n"
                "    return np.flatnonzero(sure), beliefs.argmax(axis=1)[sure]"
            ),
            recognise=lambda v: _sure(v, 0.95)[0] == [1, 3],
            hint="Those are the ones that should be left out: nobody should learn from an unsure answer.",
        ),
    ),
    stub="def sure_ones(beliefs, threshold):\n    ...",
    solution=(
        "def sure_ones(beliefs, threshold):\n"
        "    sure = beliefs.max(axis=1) >= threshold\n"
        "    return np.flatnonzero(sure), beliefs.argmax(axis=1)[sure]"
    ),
    setup="import numpy as np",
)

EXERCISES = (HAND_ON, SURE)

QUESTIONS = (
    Question(
        id="ss-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Three scans of each digit have a label, more than a thousand have none. One model learns from the thirty"
            " alone. Another lets the labels spread from scan to similar scan. Who names more of the rest?"
        ),
        choices={
            "a": "The first: scans without a label tell nothing about labels.",
            "b": "The second, by a few in a hundred.",
            "c": "Both the same.",
        },
        right="b",
        feedback={
            "a": "They tell nothing about names, but a lot about which scans belong together.",
            "b": "Yes. The crowd shows where one kind ends and another begins; three labels then name the kinds.",
            "c": "They would be, if the scans lay about without any order.",
        },
    ),
    Question(
        id="ss-p2",
        lesson=LESSON,
        kind="predict",
        text="A model labels all other scans itself, learns from these labels too, and repeats. What happens?",
        choices={
            "a": "It names more and more correctly, round by round.",
            "b": "It grows surer of what it said, and hardly any better.",
            "c": "It forgets what it knew.",
        },
        right="b",
        feedback={
            "a": "It was fitted to all of its own answers, the wrong ones too: nothing called them into question.",
            "b": "Yes: it agrees with itself. That is called confirmation bias.",
            "c": "It learns exactly what it already believed, so that is what stays.",
        },
    ),
    Question(
        id="ss-q1",
        lesson=LESSON,
        kind="quiz",
        text="When do pictures without labels help?",
        choices={
            "a": "Always: more data is better.",
            "b": "Where pictures of one class lie close together, and apart from those of other classes.",
            "c": "Only where there are more of them than labelled ones by a factor of a thousand.",
        },
        right="b",
        feedback={
            "a": "Taken thirty at a time they did harm: a loose crowd shows no shape.",
            "b": "Right. It is called the cluster assumption, and it can be wrong for your data.",
            "c": "Here some dozens for each labelled one were enough. What matters is whether they form clumps.",
        },
    ),
    Question(
        id="ss-q2",
        lesson=LESSON,
        kind="quiz",
        text="During FixMatch the mask rate stays near 0. What does that mean?",
        choices={
            "a": "Hardly any picture is answered surely, so the unlabelled ones take no part: wait, or lower the bar.",
            "b": "All is well: the network makes no mistakes.",
            "c": "The labels are wrong.",
        },
        right="a",
        feedback={
            "a": "Right. It is then just training on the labels, at a higher price.",
            "b": "The mask rate counts pictures that are used, not mistakes.",
            "c": "It cannot tell that. It only tells how many answers reach the threshold.",
        },
    ),
    Question(
        id="ss-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: two_readers(at_a_time=300) lets the labels spread over 300 scans at once. What does that give?"
        ),
        choices={
            "a": "More than with all of them: fewer scans, fewer mistakes.",
            "b": "Something between thirty at a time and all of them.",
            "c": "Less than with thirty at a time.",
        },
        right="b",
        feedback={
            "a": "Run it, and look at all three.",
            "b": "Right: each further scan fills a gap between two others.",
            "c": "Run it: three hundred are already a crowd of some kind.",
        },
    ),
)
