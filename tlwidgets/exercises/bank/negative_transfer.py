"""Exercises and questions of lesson 08: knowledge that does harm, and one skill as a step of another."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, UnfinishedError, Values, WrongAnswer, finished

LESSON = "08_negative_transfer"


def _verdict(values: Values, *arguments: float) -> str:
    return str(finished(values["verdict"](*arguments)))


VERDICT = Exercise(
    id="nt-verdict",
    lesson=LESSON,
    title="A verdict on transfer",
    takes=("verdict",),
    properties=(
        Property("clearly above target only: positive", lambda v: _verdict(v, 0.9, 0.8, 0.02) == "positive"),
        Property("clearly below: negative", lambda v: _verdict(v, 0.5, 0.8, 0.02) == "negative"),
        Property(
            "a difference within luck, either way: none",
            lambda v: {_verdict(v, a, 0.8, 0.02) for a in (0.81, 0.79)} == {"none"},
        ),
        Property(
            "it asks how large luck is: much luck makes the same difference none",
            lambda v: (
                {_verdict(v, 0.85, 0.8, 0.1), _verdict(v, 0.35, 0.3, 0.1), _verdict(v, 0.75, 0.8, 0.1)} == {"none"}
            ),
        ),
        Property(
            "little luck makes a small difference count",
            lambda v: (_verdict(v, 0.81, 0.8, 0.004), _verdict(v, 0.79, 0.8, 0.004)) == ("positive", "negative"),
        ),
        Property("far above guessing can still be negative", lambda v: _verdict(v, 0.75, 0.95, 0.05) == "negative"),
    ),
    hints=(
        "Compared with what? A result that is good in itself may still be worse than not transferring at all.",
        "Take the difference between the two, and compare it with luck on both sides of zero.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def verdict(transfer, target_only, luck):\n"
                "    return 'positive' if transfer > target_only else 'negative'"
            ),
            recognise=lambda v: _verdict(v, 0.81, 0.8, 0.02) == "positive" != _verdict(v, 0.75, 0.95, 0.05),
            hint="A difference of one in a hundred is called a success here, though luck alone can make two.",
        ),
        WrongAnswer(
            code=(
                "def verdict(transfer, target_only, luck):\n"
                "    gain = transfer - target_only\n"
                "    return 'positive' if gain > 0.02 else 'negative' if gain < -0.02 else 'none'"
            ),
            recognise=lambda v: _verdict(v, 0.85, 0.8, 0.1) == "positive" and _verdict(v, 0.35, 0.3, 0.1) == "positive",
            hint="What if luck could make ten in a hundred? The verdict should then be another one.",
        ),
        WrongAnswer(
            code=("def verdict(transfer, target_only, luck):\n    return 'positive' if transfer > 0.5 else 'negative'"),
            recognise=lambda v: _verdict(v, 0.75, 0.95, 0.05) == "positive",
            hint="This looks at the result by itself. Negative means worse than without transfer, not just bad.",
        ),
    ),
    stub="def verdict(transfer, target_only, luck):\n    ...",
    solution=(
        "def verdict(transfer, target_only, luck):\n"
        "    gain = transfer - target_only\n"
        '    return "positive" if gain > luck else "negative" if gain < -luck else "none"'
    ),
)


def _dice() -> tuple[Any, Any]:
    """Probabilities of two digits for three pictures."""
    import numpy as np

    draw = np.random.default_rng(8)
    left, right = draw.random((2, 3, 10))
    return left / left.sum(1, keepdims=True), right / right.sum(1, keepdims=True)


def _sums(values: Values) -> Any:
    import numpy as np

    made = finished(values["add_up"](*_dice()))
    if made is ...:
        raise UnfinishedError
    return np.asarray(made, dtype=float)


def _right() -> Any:
    import numpy as np

    return np.stack([np.convolve(one, other) for one, other in zip(*_dice(), strict=True)])


ADD = Exercise(
    id="nt-add",
    lesson=LESSON,
    title="From two digits to their sum",
    takes=("add_up",),
    properties=(
        Property("there are 19 probabilities a picture, for 0 to 18", lambda v: _sums(v).shape == (3, 19)),
        Property("those of a picture add up to 1", lambda v: bool((abs(_sums(v).sum(axis=1) - 1) < 1e-9).all())),
        Property(
            "each sum has the probability that it should", lambda v: bool((abs(_sums(v) - _right()) < 1e-9).all())
        ),
    ),
    hints=(
        "A sum of 3 can come about as 0 and 3, 1 and 2, 2 and 1, 3 and 0. What becomes of their probabilities?",
        "Two loops over the digits: for each pair, multiply the two columns and add them where the sum belongs.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def add_up(left, right):\n"
                "    total = np.zeros((len(left), 19))\n"
                "    for picture, best in enumerate(left.argmax(axis=1) + right.argmax(axis=1)):\n"
                "        total[picture, best] = 1\n"
                "    return total"
            ),
            recognise=lambda v: set(_sums(v).ravel().tolist()) == {0.0, 1.0},
            hint="Only the most probable pair counts here. Several less probable pairs can outweigh it together.",
        ),
        WrongAnswer(
            code=(
                "def add_up(left, right):\n"
                "    total = np.zeros((len(left), 19))\n"
                "    for one in range(10):\n"
                "        for other in range(10):\n"
                "            total[:, one + other] = left[:, one] * right[:, other]\n"
                "    return total"
            ),
            recognise=lambda v: float(_sums(v).sum(axis=1).max()) < 0.99,
            hint="Their probabilities do not add up to 1: of the many ways to one sum only the last is left.",
        ),
        WrongAnswer(
            code="def add_up(left, right):\n    return (left + right) / 2",
            recognise=lambda v: _sums(v).shape == (3, 10),
            hint="That is a mean of two opinions on one digit. Here are two digits, and 19 possible sums.",
        ),
    ),
    stub="def add_up(left, right):\n    ...",
    solution=(
        "def add_up(left, right):\n"
        "    total = np.zeros((len(left), 19))\n"
        "    for one in range(10):\n"
        "        for other in range(10):\n"
        "            total[:, one + other] += left[:, one] * right[:, other]\n"
        "    return total"
    ),
    setup="import numpy as np",
)

EXERCISES = (VERDICT, ADD)

QUESTIONS = (
    Question(
        id="nt-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "A network and its head were taught by somebody who calls every digit by the next one's name. Both are"
            " taken over, and learn on from five correct labels of each digit. The other side starts with nothing and"
            " sees only pixels. Who reads more after the same few steps?"
        ),
        choices={
            "a": "The one with the network: it knows so much about digits.",
            "b": "The one that starts with nothing.",
            "c": "Both the same: five labels correct the names at once.",
        },
        right="b",
        feedback={
            "a": "It knows much, and is sure of the wrong names. Unlearning costs more steps than it has.",
            "b": "Yes: worse than not transferring at all. That is what negative transfer means.",
            "c": "Few steps move the head a little way only, and it was sure of itself.",
        },
    ),
    Question(
        id="nt-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "A picture shows two digits side by side, the label is their sum. One model gets 200 labelled sums. Another"
            " gets no labelled sum at all, but can read single digits and add. Who names more sums?"
        ),
        choices={
            "a": "The one that was trained on sums: it saw the task itself.",
            "b": "The one that reads and adds, by far.",
            "c": "They are about equal.",
        },
        right="b",
        feedback={
            "a": "It saw the task, but a 9 can be 0 and 9 or 4 and 5: pictures with nothing in common but the label.",
            "b": "Yes. With the right step in between, a hard task becomes two easy ones.",
            "c": "The difference is about as large as it can be.",
        },
    ),
    Question(
        id="nt-p3",
        lesson=LESSON,
        kind="predict",
        text=(
            "The joker's head is thrown away. A new head, which knows nothing, gets the same few steps on the same"
            " network. How does it compare with the learner that sees only pixels?"
        ),
        choices={
            "a": "It is worse as well: the network comes from the joker.",
            "b": "They are about equal: both heads begin with nothing.",
            "c": "It reads more.",
        },
        right="c",
        feedback={
            "a": "The joker twisted the names. What the network sees in a digit has nothing to do with its name.",
            "b": "Both heads begin with nothing, but one gets pixels, the other what a trained network makes of them.",
            "c": "Yes. What did harm sat in the head; what the network sees is of use.",
        },
    ),
    Question(
        id="nt-q1",
        lesson=LESSON,
        kind="quiz",
        text="Fine-tuned, a network reads 85 of 100. Is that negative transfer?",
        choices={
            "a": "No: 85 is far above guessing.",
            "b": "It depends on what the same labels give without the source.",
            "c": "Yes: it should be above 90.",
        },
        right="b",
        feedback={
            "a": "Guessing is not the yardstick. Not transferring is.",
            "b": "Right: negative means below the learner that has the target only, trained with the same care.",
            "c": "No fixed number tells. Only the comparison with the target-only learner does.",
        },
    ),
    Question(
        id="nt-q2",
        lesson=LESSON,
        kind="quiz",
        text="Transfer turned out negative. What should be tried before throwing the network away?",
        choices={
            "a": "Nothing: a bad source stays bad.",
            "b": "Keep less of it: a new head, an earlier stage, smaller trust in the rest.",
            "c": "Train longer with the old head, always.",
        },
        right="b",
        feedback={
            "a": "Here the very same network was the best of all, once its head was gone.",
            "b": "Right: find the part that does harm. Often it is the last and most special one.",
            "c": "That may help in the end, at the price of many steps; dropping the head costs nothing.",
        },
    ),
    Question(
        id="nt-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: three_starts(wrong=False) teaches the old head the right names. What does the old head do now?"
        ),
        choices={
            "a": "It beats both others: right knowledge, in the head too, is a gain.",
            "b": "It still loses: old heads are always bad.",
            "c": "It reads as many as the one on pixels.",
        },
        right="a",
        feedback={
            "a": "Right. An old head that names things as the target does should be kept.",
            "b": "Run it: what did harm was not that the head was old, but that it was wrong.",
            "c": "Run it.",
        },
    ),
)
