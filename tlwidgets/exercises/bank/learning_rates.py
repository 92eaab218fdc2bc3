"""Exercises and questions of lesson 05: how far a step should go, and where."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "05_learning_rates"
STAGES = ["stem", "stage1", "stage2", "head"]


def _rates(values: Values) -> dict[str, float]:
    """What the learner's function gives for four stages, a head at 0.01 and a share of a half."""
    made = finished(values["layer_rates"](list(STAGES), 0.01, 0.5))
    return {str(name): float(rate) for name, rate in dict(made).items()}


def _shares(values: Values) -> list[float]:
    found = [_rates(values)[name] for name in STAGES]
    return [one / other for one, other in pairwise(found)]


def _other_shares(values: Values) -> bool:
    """Whether it also holds for other stages, another rate and another share."""
    made = dict(finished(values["layer_rates"](["a", "b", "c"], 0.2, 0.1)))
    return all(abs(made[name] - rate) < 1e-9 for name, rate in (("a", 0.002), ("b", 0.02), ("c", 0.2)))


LAYERS = Exercise(
    id="lr-layers",
    lesson=LESSON,
    title="Smaller and smaller towards the input",
    takes=("layer_rates",),
    properties=(
        Property("every stage has a rate", lambda v: set(_rates(v)) == set(STAGES)),
        Property("the head has the full rate", lambda v: abs(_rates(v)["head"] - 0.01) < 1e-9),
        Property(
            "every other stage has the given share of the rate of the stage after it",
            lambda v: all(abs(share - 0.5) < 1e-9 for share in _shares(v)),
        ),
        Property("it holds for other stages, rates and shares as well", _other_shares),
    ),
    hints=(
        "Walk from the head towards the input. What happens to the rate with each step you take?",
        "reversed(stages) walks that way; keep a number that you multiply by the share after each stage.",
    ),
    wrong=(
        WrongAnswer(
            code=(
                "def layer_rates(stages, head_rate, share):\n"
                "    return {stage: head_rate * share**place for place, stage in enumerate(stages)}"
            ),
            recognise=lambda v: _rates(v)["stem"] > _rates(v)["head"],
            hint="The stem has the largest rate here: the oldest knowledge would be moved the furthest.",
        ),
        WrongAnswer(
            code=(
                "def layer_rates(stages, head_rate, share):\n"
                "    return {stage: head_rate * (1 if stage == 'head' else share) for stage in stages}"
            ),
            recognise=lambda v: abs(_rates(v)["stem"] - _rates(v)["stage2"]) < 1e-12,
            hint="All stages below the head have one and the same rate. Each should be smaller than the one after it.",
        ),
        WrongAnswer(
            code=(
                "def layer_rates(stages, head_rate, share):\n"
                "    made = {}\n"
                "    for stage in reversed(stages):\n"
                "        head_rate *= share\n"
                "        made[stage] = head_rate\n"
                "    return made"
            ),
            recognise=lambda v: abs(_rates(v)["head"] - 0.005) < 1e-9,
            hint="The head itself is slowed down: the share was taken once too early.",
        ),
    ),
    stub="def layer_rates(stages, head_rate, share):\n    ...",
    solution=(
        "def layer_rates(stages, head_rate, share):\n"
        "    made, rate = {}, head_rate\n"
        "    for stage in reversed(stages):\n"
        "        made[stage] = rate\n"
        "        rate = rate * share\n"
        "    return made"
    ),
)


def _lowest(values: Values) -> float:
    """The rate at which the smoothed loss was lowest."""
    curve = values["curve"]
    return float(curve["learning_rate"].iloc[int(curve["smoothed"].to_numpy().argmin())])


def _share(values: Values) -> float:
    return float(values["rate"]) / _lowest(values)


def _among(values: Values) -> bool:
    rates: Any = values["curve"]["learning_rate"]
    return bool(rates.min() <= float(values["rate"]) <= rates.max())


READ = Exercise(
    id="lr-read",
    lesson=LESSON,
    title="Read a rate off the curve",
    takes=("rate", "curve"),
    properties=(
        Property("the rate lies within what was tried", _among),
        Property(
            "it keeps a distance from the edge: a fifth at most of where the loss is lowest",
            lambda v: _share(v) <= 0.2 + 1e-9,
        ),
        Property("it is not needlessly slow: a hundredth of it at least", lambda v: _share(v) >= 0.01 - 1e-9),
    ),
    hints=(
        "Where the curve is lowest the steps are about to become too large. Do not stop there; go back a good way.",
        "First find the row with the smallest smoothed loss (idxmin), then take the learning rate of that row.",
    ),
    wrong=(
        WrongAnswer(
            code='rate = curve.loc[curve["smoothed"].idxmin(), "learning_rate"]',
            recognise=lambda v: abs(_share(v) - 1) < 1e-9,
            hint="This is the lowest point itself. A few steps more at that rate and the loss would rise.",
        ),
        WrongAnswer(
            code='rate = curve["smoothed"].min()',
            recognise=lambda v: any(abs(float(v["rate"]) - loss) < 1e-12 for loss in v["curve"]["smoothed"]),
            hint="This is a loss, from the upright axis. A rate stands on the other one.",
        ),
        WrongAnswer(
            code='rate = curve["learning_rate"].min()',
            recognise=lambda v: _share(v) < 0.01,
            hint="With steps as small as this nothing goes wrong, and hardly anything happens.",
        ),
    ),
    stub="rate = ...",
    solution='rate = curve.loc[curve["smoothed"].idxmin(), "learning_rate"] / 10',
    setup=(
        "import numpy as np, pandas as pd\n"
        "rates = np.geomspace(1e-6, 1, 61)\n"
        "losses = 2 - 1.5 / (1 + (0.003 / rates)) + np.where(rates > 0.1, 5 * rates, 0)\n"
        'curve = pd.DataFrame({"learning_rate": rates, "smoothed": losses})'
    ),
)

EXERCISES = (READ, LAYERS)

QUESTIONS = (
    Question(
        id="lr-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "The network is fine-tuned on digits, once with a moderate rate and once with one ten times larger. Then a"
            " simple model gets its features of torn photographs, which it was not trained for. What will be seen?"
        ),
        choices={
            "a": "No difference: photographs have nothing to do with digits.",
            "b": "After the large steps its features tell the scraps apart clearly worse.",
            "c": "Better after the large steps: more was learned.",
        },
        right="b",
        feedback={
            "a": "They share the same stages. What moves for the digits' sake moves for the photographs too.",
            "b": "Yes. It forgot: nothing in forty steps on digits told it to keep what only photographs need.",
            "c": "More was moved, and only the digits had a say in where to.",
        },
    ),
    Question(
        id="lr-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Small steps below the head protect what pre-trained stages know. Now the same setting (a tenth of the rate"
            " below the head) for a network that starts from random weights. What happens?"
        ),
        choices={
            "a": "It reads more digits: small steps are safer.",
            "b": "It reads fewer: there is nothing to protect, and the stages learn too slowly.",
            "c": "Nothing changes.",
        },
        right="b",
        feedback={
            "a": "Safe from what? Random stages have nothing to lose and everything to learn.",
            "b": "Yes. Which is why a comparison must let each side learn at a rate that suits it.",
            "c": "Most of the network now takes steps ten times smaller, in the same number of steps.",
        },
    ),
    Question(
        id="lr-q1",
        lesson=LESSON,
        kind="quiz",
        text="In the range test the loss falls, is lowest at 0.1 and then turns up. Which rate is a sensible start?",
        choices={"a": "0.1", "b": "0.01", "c": "0.000001"},
        right="b",
        feedback={
            "a": "There it is about to go wrong: the next larger step already did harm.",
            "b": "Right: a tenth of it keeps a safe distance and is still fast.",
            "c": "Safe, but after forty steps hardly anything would have moved.",
        },
    ),
    Question(
        id="lr-q2",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Fine-tuned at rate 0.003 a network reads 92 digits of 100, from scratch at the same rate 81. Somebody"
            " concludes that transfer gains 11. What is missing?"
        ),
        choices={
            "a": "Scratch at the rate that suits scratch.",
            "b": "Nothing: one thing differs, the weights.",
            "c": "A third rate for both.",
        },
        right="a",
        feedback={
            "a": "Right: random weights like larger steps. Each side at its best is the fair comparison.",
            "b": "Only one thing differs, but the rate was chosen to suit one side.",
            "c": "A third rate for both would favour one of them again. Each side needs its own search.",
        },
    ),
    Question(
        id="lr-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            "Needs code: compare outcome(0.1, scale=0.1).digits with outcome(0.1).digits. What do small steps below the"
            " head do at this far too large rate?"
        ),
        choices={
            "a": "They save a good part: the stages themselves then take bearable steps.",
            "b": "Nothing: the head ruins it either way.",
            "c": "They make it worse.",
        },
        right="a",
        feedback={
            "a": "Right: a tenth of 0.1 is 0.01, which the stages can bear. The head is new and has nothing to lose.",
            "b": "Run it: a head that jumps about settles again as long as the features below it stand.",
            "c": "Run it.",
        },
    ),
)
