"""FreezePlan: one state a stage, as data, until it is applied."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from tlwidgets.backbones import Backbone
from tlwidgets.errors import PlanError
from tlwidgets.freezing.application import Applied, apply_states

STATES = ("frozen", "trainable")


class FreezePlan:
    """Says for every stage of a backbone whether it is frozen or learns. Everything learns to begin with.

    Making or changing a plan does nothing to the network; ``apply()`` does, and returns the way back.

    Args:
        backbone: The network, or only the names of its stages, from input to output.
        states: States to begin with, by stage name; stages left out are trainable.

    Raises:
        PlanError: A name is no stage of this backbone, or a state is not one of ``STATES``.
    """

    def __init__(self, backbone: Backbone | Sequence[str], states: Mapping[str, str] | None = None) -> None:
        self.backbone = backbone if isinstance(backbone, Backbone) else None
        names = [stage.name for stage in backbone.stages] if isinstance(backbone, Backbone) else list(backbone)
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

    def __getitem__(self, stage: str) -> str:
        return self._states[self._known(stage)]

    def __setitem__(self, stage: str, state: str) -> None:
        self._change({self._known(stage): state})

    def __repr__(self) -> str:
        inside = ", ".join(f"{stage}={state}" for stage, state in self._states.items())
        return f"FreezePlan({inside})"

    def freeze_until(self, stage: str) -> FreezePlan:
        """Freezes everything up to and including a stage, and lets everything after it learn."""
        last = self.stages.index(self._known(stage))
        return self._change({name: STATES[index > last] for index, name in enumerate(self.stages)})

    def freeze(self, *stages: str) -> FreezePlan:
        """Freezes these stages and leaves the others as they are."""
        return self._change({self._known(stage): "frozen" for stage in stages})

    def unfreeze(self, *stages: str) -> FreezePlan:
        """Lets these stages learn and leaves the others as they are."""
        return self._change({self._known(stage): "trainable" for stage in stages})

    def undo(self) -> FreezePlan:
        """Takes the latest change back; does nothing where there is none."""
        if self._past:
            self._states = self._past.pop()
        return self

    def table(self) -> pd.DataFrame:
        """One row a stage: ``stage``, ``state``, and with a backbone also ``label``, ``parameters``, ``trainable``."""
        rows: list[dict[str, object]] = [{"stage": stage, "state": state} for stage, state in self._states.items()]
        for row, stage in zip(rows, self.backbone.stages if self.backbone else (), strict=False):
            learns = row["state"] == "trainable"
            row |= {"label": stage.label, "parameters": stage.n_parameters, "trainable": learns * stage.n_parameters}
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

    def _known(self, stage: str) -> str:
        check_states({stage: "trainable"}, self._states)
        return stage

    def _change(self, changes: Mapping[str, str]) -> FreezePlan:
        changed = check_states({**self._states, **changes}, self._states)
        self._past.append(self._states)
        self._states = changed
        return self


def check_states(states: Mapping[str, str], stages: Iterable[str]) -> dict[str, str]:
    """Completes states in stage order; stages left out are trainable.

    Raises:
        PlanError: A name is not a stage, or a state is not one of ``STATES``.
    """
    known = list(stages)
    for stage, state in states.items():
        if stage not in known:
            near = difflib.get_close_matches(str(stage), known, n=1)
            offer = f" Did you mean {near[0]!r}?" if near else ""
            raise PlanError(f"There is no stage named {stage!r}.{offer}", f"Stages in order: {', '.join(known)}.")
        if state not in STATES:
            raise PlanError(f"Stage {stage!r} cannot be {state!r}.", f"States: {', '.join(STATES)}.")
    return {stage: states.get(stage, "trainable") for stage in known}
