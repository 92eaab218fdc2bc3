"""FreezePlan: one state a stage, as data, until it is applied."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd
import torch

from tlwidgets.backbones import Backbone, load_backbone
from tlwidgets.errors import PlanError
from tlwidgets.freezing.application import Applied, apply_states, count_learning

STATES = ("frozen", "norm", "lora", "trainable")


class FreezePlan:
    """Says for every stage of a backbone whether it is frozen or learns. Everything learns to begin with.

    The states, from nothing to everything:

    - ``"frozen"``: no parameter learns; running statistics, dropout and stochastic depth stand still too.
    - ``"norm"``: only weight and bias of the normalisation layers learn. In every other respect the stage is frozen:
      BatchNorm goes on normalising by the source's running statistics, which do not move.
    - ``"lora"``: a low-rank adapter learns beside every linear layer and plain convolution; else the stage is frozen.
    - ``"trainable"``: every parameter learns.

    A stage is meant by its name ("stage4"), its place (0 is the stem, -1 the head) or a pattern ("stage*", "stage[34]",
    "*"); a pattern means every stage it fits. Of several entries that mean one stage the last counts, so
    ``{"*": "lora", "head": "trainable"}`` says what it seems to say. A stage without norms or without layers that an
    adapter fits is wholly frozen in these states. Making or changing a plan does nothing to the network; ``apply()``
    does, and returns the way back.

    Args:
        backbone: The network; or only its name, as ``load_backbone`` takes it, or the names of its stages, from input
            to output. A plan that is made from names knows no sizes, and ``apply`` has to be given the network.
        states: States to begin with, by stage; stages left out are trainable.

    Raises:
        PlanError: A name is no stage of this backbone, a pattern fits none, or a state is not one of ``STATES``.
        BackboneError: There is no network of this name.
    """

    def __init__(self, backbone: Backbone | str | Sequence[str], states: Mapping[Any, str] | None = None) -> None:
        self.backbone = backbone if isinstance(backbone, Backbone) else None
        names = _stage_names(backbone)
        self._states = check_states(states or {}, names)
        self._past: list[dict[str, str]] = []

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of the stages, from input to output."""
        return tuple(self._states)

    @property
    def states(self) -> dict[str, str]:
        """A copy of the states, by stage name, in order."""
        return dict(self._states)

    def __getitem__(self, stage: str | int) -> str:
        return self._states[self._one(stage)]

    def __setitem__(self, stage: str | int, state: str) -> None:
        self._change({stage: state})

    def __repr__(self) -> str:
        inside = ", ".join(f"{stage}={state}" for stage, state in self._states.items())
        return f"FreezePlan({inside})"

    def freeze_until(self, stage: str | int) -> FreezePlan:
        """Freezes everything up to and including a stage, and lets everything after it learn."""
        last = self.stages.index(self._one(stage))
        return self._change({name: "trainable" if i > last else "frozen" for i, name in enumerate(self.stages)})

    def freeze(self, *stages: str | int) -> FreezePlan:
        """Freezes these stages and leaves the others as they are."""
        return self._change(dict.fromkeys(stages, "frozen"))

    def unfreeze(self, *stages: str | int) -> FreezePlan:
        """Lets these stages learn and leaves the others as they are."""
        return self._change(dict.fromkeys(stages, "trainable"))

    def undo(self) -> FreezePlan:
        """Takes the latest change back; does nothing where there is none."""
        if self._past:
            self._states = self._past.pop()
        return self

    def table(self) -> pd.DataFrame:
        """One row a stage: ``stage``, ``state``, and with a backbone also ``label``, ``parameters``, ``trainable``.

        ``trainable`` counts what learns; in a "lora" stage that is the adapters' parameters, which come on top.
        """
        rows: list[dict[str, object]] = [{"stage": stage, "state": state} for stage, state in self._states.items()]
        if self.backbone is not None:
            for row, stage in zip(rows, self.backbone.stages, strict=True):
                learns = count_learning(self.backbone, stage, self._states[stage.name])
                row |= {"label": stage.label, "parameters": stage.n_parameters, "trainable": learns}
        table: pd.DataFrame = pd.DataFrame(rows)
        return table

    def apply(self, backbone: Backbone | None = None) -> Applied:
        """Freezes the network as planned.

        Args:
            backbone: The network; by default the one that the plan was made for.

        Returns:
            The record of the change; its ``undo()`` restores the network exactly.

        Raises:
            PlanError: Nothing would be left to learn, or the stages are not those of this network.
        """
        target = backbone or self._backbone()
        check_states(self._states, [stage.name for stage in target.stages])
        return apply_states(target, self._states)

    def _backbone(self) -> Backbone:
        if self.backbone is None:
            raise PlanError("This plan was made from names only.", "Give apply() the backbone.")
        return self.backbone

    def _one(self, stage: str | int) -> str:
        found = _stages_meant(stage, self.stages)
        if len(found) > 1:
            raise PlanError(f"{stage!r} means {len(found)} stages here: {', '.join(found)}.", "Name one of them.")
        return found[0]

    def _change(self, changes: Mapping[Any, str]) -> FreezePlan:
        changed = {**self._states, **_resolve(changes, self.stages)}
        self._past.append(self._states)
        self._states = changed
        return self


def check_states(states: Mapping[Any, str], stages: Iterable[str]) -> dict[str, str]:
    """Gives every stage its state, in stage order; stages left out are trainable.

    Args:
        states: States by name, place or pattern; of several that mean one stage the last counts.
        stages: Names of all stages, from input to output.

    Raises:
        PlanError: A name is not a stage, a pattern fits none, or a state is not one of ``STATES``.
    """
    known = list(stages)
    return {**dict.fromkeys(known, "trainable"), **_resolve(states, known)}


def _stage_names(backbone: Backbone | str | Sequence[str]) -> list[str]:
    if isinstance(backbone, str):
        # Its structure alone is asked for; drawing random weights for it moves nobody's random numbers.
        with torch.random.fork_rng(devices=[]):
            backbone = load_backbone(backbone, pretrained=False)
    if isinstance(backbone, Backbone):
        return [stage.name for stage in backbone.stages]
    if not isinstance(backbone, Sequence) or not all(isinstance(name, str) for name in backbone):
        raise PlanError(
            f"A plan cannot be made for {type(backbone).__name__}.",
            "Give load_backbone(name), that name, or the names of all stages.",
        )
    return list(backbone)


def _resolve(states: Mapping[Any, str], known: Sequence[str]) -> dict[str, str]:
    resolved: dict[str, str] = {}
    for stage, state in states.items():
        meant = _stages_meant(stage, known)
        if state not in STATES:
            raise PlanError(f"Stage {stage!r} cannot be {state!r}.", f"States: {', '.join(STATES)}.")
        resolved |= dict.fromkeys(meant, state)
    return resolved


def _stages_meant(stage: str | int, known: Sequence[str]) -> list[str]:
    """Names of the stages that a name, a place or a pattern means; never none."""
    names = f"Stages in order: {', '.join(known)}."
    if isinstance(stage, int) and not isinstance(stage, bool):
        if not -len(known) <= stage < len(known):
            raise PlanError(f"There is no stage number {stage}.", f"Count from 0, or back from -1. {names}")
        return [known[stage]]
    if found := [name for name in known if fnmatchcase(name, str(stage))]:
        return found
    near = difflib.get_close_matches(str(stage), known, n=1)
    offer = f" Did you mean {near[0]!r}?" if near else ""
    raise PlanError(f"There is no stage named {stage!r}.{offer}", names)
