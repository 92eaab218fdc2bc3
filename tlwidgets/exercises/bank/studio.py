"""Exercises and questions of lesson 00: the seven steps in the Studio."""

from __future__ import annotations

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer

LESSON = "00_studio"


def _states(values: Values) -> dict[str, str]:
    return dict(values["states"])


def _body(values: Values) -> dict[str, str]:
    return {name: state for name, state in _states(values).items() if name != "head"}


def _frozen_from_the_input(values: Values) -> bool:
    states = list(_body(values).values())
    return states == sorted(states, key=lambda state: state != "frozen")


FREEZE = Exercise(
    id="studio-freeze",
    lesson=LESSON,
    title="Freeze the early stages",
    takes=("states",),
    properties=(
        Property(
            "stem, stage1 and stage2 are frozen",
            lambda v: all(_states(v)[n] == "frozen" for n in ("stem", "stage1", "stage2")),
        ),
        Property(
            "stage3, stage4 and the head learn",
            lambda v: all(_states(v)[n] != "frozen" for n in ("stage3", "stage4", "head")),
        ),
        Property("no frozen stage stands behind one that learns", _frozen_from_the_input),
    ),
    hints=(
        "Early stages see strokes and edges, which most pictures share; late stages see whole shapes.",
        "freeze_until(name) freezes every stage from the input up to the one you name, that one included.",
    ),
    wrong=(
        WrongAnswer(
            code='states = tlw.FreezePlan(backbone).freeze_until("head").states',
            recognise=lambda v: _states(v)["head"] == "frozen",
            hint=(
                "The head is frozen too: the new classes are learned there, so this network could not learn"
                " them at all."
            ),
        ),
        WrongAnswer(
            code='states = tlw.FreezePlan(backbone).freeze("stage3").freeze("stage4").states',
            recognise=lambda v: _states(v)["stage4"] == "frozen" and _states(v)["stem"] != "frozen",
            hint="This is the wrong end: the late, specific stages rest and the early, general ones change.",
        ),
        WrongAnswer(
            code='states = tlw.FreezePlan(backbone).freeze_until("stage3").states',
            recognise=lambda v: _states(v)["stage3"] == "frozen",
            hint="One stage too many: the stage that you name is frozen as well, not only those before it.",
        ),
    ),
    stub="states = ...",
    solution='states = tlw.FreezePlan(backbone).freeze_until("stage2").states',
    setup='import tlwidgets as tlw\nbackbone = ["stem", "stage1", "stage2", "stage3", "stage4", "head"]',
)

RATES = Exercise(
    id="studio-rates",
    lesson=LESSON,
    title="Two learning rates",
    takes=("head_rate", "stages_rate"),
    properties=(
        Property("the head's rate lies between 0.001 and 0.05", lambda v: 0.001 <= float(v["head_rate"]) <= 0.05),
        Property("the stages' rate is a positive number", lambda v: float(v["stages_rate"]) > 0),
        Property(
            "the pre-trained stages take steps about ten times smaller than the head",
            lambda v: 4.999 <= float(v["head_rate"]) / float(v["stages_rate"]) <= 20.001,
        ),
    ),
    hints=(
        "A new head knows nothing and has far to go; pre-trained stages are nearly right already.",
        "Compare the two rates by division. Which of them can do harm, and is the larger one small enough by itself?",
    ),
    wrong=(
        WrongAnswer(
            code="head_rate, stages_rate = 0.001, 0.01",
            recognise=lambda v: float(v["stages_rate"]) > float(v["head_rate"]),
            hint=("These are the wrong way round: large steps in the pre-trained stages wash out what they know."),
        ),
        WrongAnswer(
            code="head_rate, stages_rate = 0.01, 0.01",
            recognise=lambda v: float(v["stages_rate"]) == float(v["head_rate"]),
            hint=("One rate for both treats pre-trained stages like random ones: as if they had nothing to lose."),
        ),
        WrongAnswer(
            code="head_rate, stages_rate = 0.9, 0.09",
            recognise=lambda v: float(v["head_rate"]) > 0.05,
            hint="The two fit each other, but both are huge: with such steps even a new head jumps past every answer.",
        ),
        WrongAnswer(
            code="head_rate, stages_rate = 0.01, 0.0001",
            recognise=lambda v: float(v["head_rate"]) / float(v["stages_rate"]) > 20,
            hint="Steps as small as these protect the stages so well that they hardly learn at all.",
        ),
    ),
    stub="head_rate, stages_rate = ..., ...",
    solution="head_rate, stages_rate = 0.01, 0.001",
)

EXERCISES = (FREEZE, RATES)

QUESTIONS = (
    Question(
        id="studio-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Two networks have the same shape. One has pre-trained stages, the other random ones. In both"
            " only a new head learns. What will happen on the digits?"
        ),
        choices={
            "a": "About the same: the head does all the learning.",
            "b": "The pre-trained one is clearly better.",
            "c": "The random one is better, because it has nothing to unlearn.",
        },
        right="b",
        feedback={
            "a": (
                "The head can only combine what the stages below hand to it. Random stages hand over little"
                " that separates digits."
            ),
            "b": "Yes. Both heads are new and of one shape; what differs is what the frozen stages hand to them.",
            "c": (
                "Frozen stages do not unlearn anything. The head gets their features as they are, and random"
                " ones are poor."
            ),
        },
    ),
    Question(
        id="studio-p2",
        lesson=LESSON,
        kind="predict",
        text="The network has been trained for eight epochs with five stages frozen. What has moved in those stages?",
        choices={
            "a": "Every number a little: the images passed through them many times.",
            "b": "Only the last frozen stage, because the head pulls at it.",
            "c": "Nothing at all.",
        },
        right="c",
        feedback={
            "a": "Passing through need not leave a trace. Some ways of freezing do let it; here nothing is let.",
            "b": "The head's wishes end where the frozen stages begin: no correction is handed on to them.",
            "c": "Yes, bit by bit. Lesson 04 shows a way of freezing for which this is not so.",
        },
    ),
    Question(
        id="studio-q1",
        lesson=LESSON,
        kind="quiz",
        text="You freeze every stage, the head included, and press Start. What should happen?",
        choices={
            "a": "It trains, but slowly.",
            "b": "It refuses to start: nothing is left to learn.",
            "c": "It trains the head anyway.",
        },
        right="b",
        feedback={
            "a": ("Slow or fast is not the point: a frozen number does not change, and here all of them are frozen."),
            "b": ("Right: with nothing trainable there is nothing to do, and tlwidgets says so before it starts."),
            "c": "Frozen means frozen. The plan holds for the head as for any other stage.",
        },
    ),
    Question(
        id="studio-q2",
        lesson=LESSON,
        kind="quiz",
        text="Why should the test images of a result to be reported be used once, at the very end?",
        choices={
            "a": "Because testing is slow.",
            "b": "Because choices made by looking at them would make the result look better than it is.",
            "c": "Because the network learns from them otherwise.",
        },
        right="b",
        feedback={
            "a": "Testing takes less time than an epoch of training. The reason is honesty, not speed.",
            "b": ("Right: whoever picks the best of many tries by the test score has, in effect, trained on the test."),
            "c": ("Measuring changes no weight. But you learn from them, and your choices do change the result."),
        },
    ),
    Question(
        id="studio-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            'Needs code: how many parameters learn in tlw.FreezePlan(adapted).freeze_until("stage4")? '
            "Look at .table() and compare with the whole network."
        ),
        choices={"a": "About half of them.", "b": "Less than one in a hundred.", "c": "None."},
        right="b",
        feedback={
            "a": "Count again: only the rows whose state is trainable, and that is a single row.",
            "b": (
                "Right: only the head learns, and it is tiny beside the stages below it. That is why it needs"
                " so few images."
            ),
            "c": "The head stands behind stage4, so it still learns.",
        },
    ),
)
