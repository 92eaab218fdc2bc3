"""FreezeBoard: one row a stage, from input to output, with the switch that says whether it learns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from tlwidgets.freezing import STATES, FreezePlan, check_states
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.stage_follower import StageFollower

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone
    from tlwidgets.training import TrainingSession


class FreezeBoard(TlwWidget):
    """Toggle which stages of a backbone learn, and see at once what that means.

    Args:
        source: A backbone, a plan, or the name of a backbone (loaded without its weights, which a plan does not need).
        states: States to begin with, by stage name; stages left out are trainable.

    Raises:
        BackboneError: No backbone has this name.
        PlanError: ``states`` names no stage of it, or no state.
    """

    commands: ClassVar[dict[str, str]] = {
        "set_state": "set_state",
        "freeze_until": "freeze_until",
        "head_only": "head_only",
        "everything": "everything",
        "undo": "undo",
    }

    backbone_name = traitlets.Unicode("").tag(sync=True)
    """Name of the backbone shown."""

    stages: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a stage, input first: name, label, parameters, share (of the compute), norms (BatchNorm layers) and
    learning (scalars that learn, by state)."""

    states = traitlets.Dict().tag(sync=True)
    """State by stage name, one of ``tlwidgets.freezing.STATES``; assign to it to change the plan."""

    trainable_parameters = traitlets.Int(0).tag(sync=True)
    """Scalars that learn."""

    total_parameters = traitlets.Int(0).tag(sync=True)
    """Scalars in all."""

    can_undo = traitlets.Bool(False).tag(sync=True)
    """Whether there is a change to take back."""

    live = traitlets.Dict().tag(sync=True)
    """What a run that is followed does, by stage: rate, the learning rate that the optimiser used at the last step, and
    moved, the distance from the weights that the run began with as a share of their length, or None where that is
    not known. Empty before a run."""

    note = traitlets.Unicode("").tag(sync=True)
    """One line under the table, such as when a change takes effect."""

    def __init__(self, source: Backbone | FreezePlan | str, states: Mapping[str, str] | None = None) -> None:
        self._past: list[dict[str, str]] = []
        self._source: Backbone | list[str] = []
        self._unfollow: Callable[[], None] = lambda: None
        super().__init__()
        self.show(source, states)

    @property
    def plan(self) -> FreezePlan:
        """The plan as it stands: a copy, free to be changed and applied."""
        return FreezePlan(self._source, self.states)

    def show(self, source: Backbone | FreezePlan | str, states: Mapping[str, str] | None = None) -> None:
        """Shows another backbone or plan; what could be undone before is forgotten.

        Args:
            source: As in the constructor.
            states: As in the constructor.
        """
        plan = _plan(source, states)
        stages = _rows(plan)
        self._unfollow()
        self.live = {}
        self._source = plan.backbone or list(plan.stages)
        self.backbone_name = "" if plan.backbone is None else plan.backbone.name
        self.stages = stages
        self.total_parameters = sum(row["parameters"] or 0 for row in stages)
        self.states = plan.states
        self._past.clear()
        self._count()

    def follow(self, session: TrainingSession) -> None:
        """Shows what a run does to the stages from now on, until another is followed or another backbone shown."""
        self._unfollow()
        self.live = {}
        self._unfollow = session.subscribe(StageFollower(lambda live: setattr(self, "live", live), list(self.states)))

    def set_state(self, stage: str, state: str) -> None:
        """Sets one stage to one of ``tlwidgets.freezing.STATES``."""
        plan = self.plan
        plan[stage] = state
        self.states = plan.states

    def freeze_until(self, stage: str) -> FreezeBoard:
        """Freezes everything up to and including a stage, and lets everything after it learn."""
        self.states = self.plan.freeze_until(stage).states
        return self

    def head_only(self) -> None:
        """Freezes everything but the head: a linear probe."""
        self.freeze_until(list(self.states)[-2])

    def everything(self) -> None:
        """Lets every stage learn."""
        self.states = self.plan.unfreeze(*self.states).states

    def undo(self) -> None:
        """Takes the latest change back; does nothing where there is none."""
        if self._past:
            self.states = self._past.pop()
            self._past.pop()  # the way back is no step itself
            self._count()

    @traitlets.validate("states")
    def _checked(self, proposal: Any) -> dict[str, str]:
        """Refuses states that the plan refuses, before anybody sees them."""
        return check_states(proposal["value"], [row["name"] for row in self.stages])

    @traitlets.observe("states")
    def _remember(self, change: Any) -> None:
        self._past.append(change["old"])
        self._count()

    def _count(self) -> None:
        self.trainable_parameters = sum(row["learning"].get(self.states.get(row["name"]), 0) for row in self.stages)
        self.can_undo = bool(self._past)


def _plan(source: Backbone | FreezePlan | str, states: Mapping[str, str] | None) -> FreezePlan:
    if isinstance(source, FreezePlan):
        return FreezePlan(source.backbone or source.stages, states or source.states)
    if isinstance(source, str):
        from tlwidgets.backbones import load_backbone

        source = load_backbone(source, pretrained=False)
    return FreezePlan(source, states)


def _rows(plan: FreezePlan) -> list[dict[str, Any]]:
    """Describes the stages; a plan made from names alone knows only these."""
    if plan.backbone is None:
        unknown: dict[str, Any] = {"label": "", "parameters": None, "share": None, "norms": None, "learning": {}}
        return [{"name": name, **unknown} for name in plan.stages]
    from tlwidgets.backbones import stage_costs

    shares = stage_costs(plan.backbone)["share"].tolist()
    learning = {
        state: FreezePlan(plan.backbone, dict.fromkeys(plan.stages, state)).table()["trainable"].tolist()
        for state in STATES
    }
    return [
        {
            "name": stage.name,
            "label": stage.label,
            "parameters": stage.n_parameters,
            "share": float(share),
            # Only layers with running statistics can move without a gradient: one such buffer a layer.
            "norms": sum(name.endswith("running_mean") for name in stage.buffer_names),
            "learning": {state: int(counts[index]) for state, counts in learning.items()},
        }
        for index, (stage, share) in enumerate(zip(plan.backbone.stages, shares, strict=True))
    ]
