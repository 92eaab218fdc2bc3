"""Exercises and questions of lesson 04: which stages should learn, and what freezing has to hold still."""

from __future__ import annotations

from typing import Any

from tlwidgets.exercises.model import Exercise, Property, Question, Values, WrongAnswer, finished

LESSON = "04_freeze_board"
BUDGET = 5000
"""How many numbers may learn in the exercise on plans."""


def _learning(values: Values) -> set[str]:
    return {name for name, state in dict(values["states"]).items() if state == "trainable"}


def _count(values: Values) -> int:
    return sum(int(values["sizes"][name]) for name in _learning(values))


def _rest_frozen(values: Values) -> bool:
    """Whether what does not learn as a whole does not learn at all: "norm" and "lora" learn numbers too."""
    return all(state in ("frozen", "trainable") for state in dict(values["states"]).values()) and _learning(values) == {
        "stem",
        "head",
    }


PLAN = Exercise(
    id="fb-plan",
    lesson=LESSON,
    title="A small plan for the ink",
    takes=("states", "sizes"),
    properties=(
        Property("the plan speaks of every stage", lambda v: set(v["states"]) == set(v["sizes"])),
        Property("the head learns", lambda v: "head" in _learning(v)),
        Property("the stage that sees the colour first learns", lambda v: "stem" in _learning(v)),
        Property("every other stage is wholly frozen", _rest_frozen),
        Property(f"at most {BUDGET} numbers learn", lambda v: _rest_frozen(v) and 0 < _count(v) <= BUDGET),
    ),
    hints=(
        "Two things must learn: what gives the new answers, and what lost the colour. Everything else may rest.",
        'A plan takes a mapping; "*" means every stage, and of two entries that mean one stage the later counts.',
    ),
    wrong=(
        WrongAnswer(
            code='states = tlw.FreezePlan(stages, {"*": "frozen", "head": "trainable"}).states',
            recognise=lambda v: _learning(v) == {"head"} and set(v["states"].values()) == {"frozen", "trainable"},
            hint="The head alone can only use what the frozen stages hand to it, and they hand on hardly any colour.",
        ),
        WrongAnswer(
            code='states = tlw.FreezePlan(stages, {"*": "lora", "stem": "trainable", "head": "trainable"}).states',
            recognise=lambda v: not {"norm", "lora"}.isdisjoint(v["states"].values()),
            hint='"norm" and "lora" stages learn as well, the one their scales and shifts, the other its adapters.',
        ),
        WrongAnswer(
            code='states = tlw.FreezePlan(stages).freeze_until("stem").states',
            recognise=lambda v: "stem" not in _learning(v) and len(_learning(v)) > 2,
            hint="This freezes the very stage that should learn, and lets all the large ones learn.",
        ),
        WrongAnswer(
            code='states = tlw.FreezePlan(stages, {"*": "frozen", "stem": "trainable"}).states',
            recognise=lambda v: "head" not in _learning(v),
            hint="The head is frozen. It is new, so it has learned nothing yet; where shall the answers come from?",
        ),
    ),
    stub="states = ...",
    solution='states = tlw.FreezePlan(stages, {"*": "frozen", "stem": "trainable", "head": "trainable"}).states',
    setup=(
        "import tlwidgets as tlw\n"
        'sizes = {"stem": 1806, "stage1": 9168, "stage2": 32544, "stage3": 129600, "stage4": 517248, "head": 772}\n'
        "stages = list(sizes)"
    ),
)


def _frozen_part(values: Values) -> tuple[Any, dict[str, Any]]:
    """A small part of a network after the learner's function and one look at images, and what it held before."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        part = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).train()
        before = {name: tensor.clone() for name, tensor in part.state_dict().items()}
        values["freeze"](part)
        with torch.no_grad():
            part(torch.randn(8, 3, 6, 6) + 2)
    return part, before


def _moved(values: Values) -> list[str]:
    part, before = _frozen_part(values)
    return [name for name, tensor in part.state_dict().items() if not tensor.equal(before[name])]


def _steady(values: Values) -> bool:
    """Whether one image gets the same answer in the company of very different others."""
    import torch

    part, _ = _frozen_part(values)
    draw = torch.Generator().manual_seed(1)
    image, others = torch.randn(1, 3, 6, 6, generator=draw), torch.randn(7, 3, 6, 6, generator=draw)
    with torch.no_grad():
        one, two = (part(torch.cat([image, company]))[0] for company in (others, 5 * others + 9))
    return bool(torch.allclose(one, two, atol=1e-5))


def _gradients(values: Values) -> list[bool]:
    part, _ = _frozen_part(values)
    found = [parameter.requires_grad for parameter in part.parameters()]
    if all(found) and part.training:
        finished(None)  # nothing at all was done: the stub
    return found


FREEZE = Exercise(
    id="fb-freeze",
    lesson=LESSON,
    title="Freeze it yourself",
    takes=("freeze",),
    properties=(
        Property("no parameter asks for a gradient", lambda v: not any(_gradients(v))),
        Property("no running statistic moves when images pass", lambda v: not any("running" in n for n in _moved(v))),
        Property("an image gets the same answer, whoever is in the batch with it", _steady),
        Property("no weight was changed", lambda v: not any("running" not in n and "num" not in n for n in _moved(v))),
    ),
    hints=(
        "A batch norm layer holds two kinds of numbers: some learn by gradients, others follow the images that pass.",
        "The first kind obeys requires_grad, one parameter at a time. The second asks in which mode the module is.",
    ),
    wrong=(
        WrongAnswer(
            code="def freeze(part):\n    for parameter in part.parameters():\n        parameter.requires_grad = False",
            recognise=lambda v: not any(_gradients(v)) and "1.running_mean" in _moved(v),
            hint="The gradients are off, yet numbers still move: running statistics are buffers, not parameters.",
        ),
        WrongAnswer(
            code="def freeze(part):\n    part.eval()",
            recognise=lambda v: all(_gradients(v)) and not _moved(v),
            hint="In this mode the statistics rest, but an optimiser would still change every weight.",
        ),
        WrongAnswer(
            code=(
                "def freeze(part):\n"
                "    for parameter in part.parameters():\n"
                "        parameter.requires_grad = False\n"
                "    for module in part.modules():\n"
                "        if hasattr(module, 'momentum'):\n"
                "            module.momentum = 0.0"
            ),
            recognise=lambda v: not any(_gradients(v)) and not _steady(v),
            hint="The statistics are kept, but not used: each image is still measured by the batch that it came with.",
        ),
        WrongAnswer(
            code=(
                "def freeze(part):\n"
                "    for parameter in part.parameters():\n"
                "        parameter.data.zero_()\n"
                "        parameter.requires_grad = False\n"
                "    part.eval()  # frozen"
            ),
            recognise=lambda v: "0.weight" in _moved(v),
            hint="The weights themselves were changed. Freezing keeps what a stage knows.",
        ),
    ),
    stub="def freeze(part):\n    ...",
    solution=(
        "def freeze(part):\n"
        "    for parameter in part.parameters():\n"
        "        parameter.requires_grad_(False)\n"
        "    part.train(False)"
    ),
)

EXERCISES = (PLAN, FREEZE)

QUESTIONS = (
    Question(
        id="fb-p1",
        lesson=LESSON,
        kind="predict",
        text=(
            "Besides the head, one more stage may learn. Which one helps most to name the ink: the stem (about two"
            " thousand numbers), or stage4 (about half a million)?"
        ),
        choices={
            "a": "stage4: it stands next to the head and has by far the most numbers.",
            "b": "The stem: it is the one that meets the colour.",
            "c": "It makes no difference which.",
        },
        right="b",
        feedback={
            "a": "It has the most numbers, but what reaches it has hardly any colour left, and twenty images are few to"
            " dig that out.",
            "b": "Yes. Colour goes missing at the very first stage; only there can it be let in again.",
            "c": "It would, if the colour got lost everywhere a little. Most of it goes missing at one place.",
        },
    ),
    Question(
        id="fb-p2",
        lesson=LESSON,
        kind="predict",
        text=(
            "Somebody freezes a network the short way: requires_grad = False for every parameter. Then it stays in"
            " training mode and twenty slips pass through it, once. What has moved inside?"
        ),
        choices={
            "a": "Nothing: without gradients nothing can learn.",
            "b": "Some weights, a little.",
            "c": "Dozens of tensors, though no weight.",
        },
        right="c",
        feedback={
            "a": "No weight learned. But batch norm layers keep a running mean of what passes, and that needs no"
            " gradient.",
            "b": "No weight: those do need a gradient. It is the running statistics that moved.",
            "c": "Yes: the running means and variances of every batch norm layer, and their counters.",
        },
    ),
    Question(
        id="fb-p3",
        lesson=LESSON,
        kind="predict",
        text="The same slips, but the digit is wanted. The stem, or everything, learns besides the head. What happens?",
        choices={
            "a": "Letting the stem learn helps as much as it did with the ink.",
            "b": "Not much: the result stays within ten in a hundred of the head alone.",
            "c": "Everything together gains by far the most.",
        },
        right="b",
        feedback={
            "a": "With the ink something was missing at the stem. For the digit it passes on what is needed.",
            "b": "Yes. The frozen stages already pass on what a digit needs, so there is little to bring back.",
            "c": "More numbers learn, from the same few labels. Where nothing is missing there is little to gain.",
        },
    ),
    Question(
        id="fb-q1",
        lesson=LESSON,
        kind="quiz",
        text=(
            "The head is a linear layer from 192 features to 10 classes. Only the head learns. How many numbers are"
            " that?"
        ),
        choices={"a": "10", "b": "1,920", "c": "1,930"},
        right="c",
        feedback={
            "a": "Ten numbers come out. To make each of them, 192 weights are needed, and something more.",
            "b": "Nearly: one weight for each feature and class. But each class has one more number, its bias.",
            "c": "Right: 192 times 10 weights and 10 biases.",
        },
    ),
    Question(
        id="fb-q2",
        lesson=LESSON,
        kind="quiz",
        text="A loop calls model.train() at the start of each epoch. What does that do to a stage frozen by .eval()?",
        choices={
            "a": "It wakes its batch norm layers up again, unless something keeps them in evaluation mode.",
            "b": "Nothing: frozen stays frozen.",
            "c": "It switches its gradients on again.",
        },
        right="a",
        feedback={
            "a": "Right. That is why a freeze plan keeps the modules in evaluation mode whatever train() says, and why"
            " each run is audited.",
            "b": "train() speaks to every part of the model, whatever was done to it before.",
            "c": "Gradients have a switch of their own, which train() does not touch.",
        },
    ),
    Question(
        id="fb-q3",
        lesson=LESSON,
        kind="quiz",
        text=(
            'Needs code: compare reading("digit") with reading("digit", ("stem",)). What does letting the stem learn'
            " change when the digit is wanted?"
        ),
        choices={
            "a": "It helps as much as it did with the ink.",
            "b": "Hardly anything: the frozen stages already pass on what a digit needs.",
            "c": "It ruins the result.",
        },
        right="b",
        feedback={
            "a": "Run it: there was little to bring back, so there is little to gain.",
            "b": "Right. Unfreeze where something is missing; where nothing is missing, there is nothing to gain.",
            "c": "Run it: two thousand numbers more, and the result stays about where it was.",
        },
    ),
)
