"""FreezeBoard: one row a stage, from input to output, with the switch that says whether it learns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import traitlets

from tlwidgets.freezing import STATES, FreezePlan, check_states
from tlwidgets.recipe import Recipe
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.costs import CostMeter, Question
from tlwidgets.widgets.stage_follower import StageFollower

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone
    from tlwidgets.training import TrainingSession

_ENDED = ("finished", "stopped", "failed")
IMAGES = 1000
"""Training images that costs are told for as long as nobody knows how many there are."""


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
        "redo": "redo",
    }

    backbone_name = traitlets.Unicode("").tag(sync=True)
    """Name of the backbone shown."""

    stages: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a stage, input first: name, label, parameters, share (of the compute), norms (BatchNorm layers),
    learning (scalars that learn, by state) and blocks, each a mapping: name, kind, parameters, share and norms."""

    states = traitlets.Dict().tag(sync=True)
    """State by stage name, one of ``tlwidgets.freezing.STATES``; assign to it to change the plan."""

    trainable_parameters = traitlets.Int(0).tag(sync=True)
    """Scalars that learn."""

    total_parameters = traitlets.Int(0).tag(sync=True)
    """Scalars in all."""

    can_undo = traitlets.Bool(False).tag(sync=True)
    """Whether there is a change to take back."""

    can_redo = traitlets.Bool(False).tag(sync=True)
    """Whether there is a change that was taken back and can be made again."""

    costs = traitlets.Dict({"status": "new"}).tag(sync=True)
    """What a run of this plan takes, measured once somebody looks; see ``CostMeter.state``."""

    live = traitlets.Dict().tag(sync=True)
    """What a run that is followed does, by stage: rate, the learning rate that the optimiser used at the last step, and
    moved, the distance from the weights that the run began with as a share of their length, or None where that is
    not known. Empty before a run."""

    note = traitlets.Unicode("").tag(sync=True)
    """One line under the table, such as when a change takes effect."""

    def __init__(self, source: Backbone | FreezePlan | str, states: Mapping[str, str] | None = None) -> None:
        self._past: list[dict[str, str]] = []
        self._future: list[dict[str, str]] = []
        self._into: list[dict[str, str]] | None = None  # where a step back or forth leaves what was before
        self._source: Backbone | list[str] = []
        self._unfollow: list[Callable[[], None]] = []
        self._session: TrainingSession | None = None
        self._checks: list[Callable[[dict[str, str]], None]] = []
        self._telling = threading.RLock()  # a run and the page's commands both write ``live``
        self._run = (IMAGES, Recipe(data=""))
        self._watched = False  # nothing is measured for nobody
        self._meter = CostMeter(lambda costs: setattr(self, "costs", costs))
        super().__init__()
        self.show(source, states)

    def __repr__(self) -> str:
        name = self.backbone_name or "a plan"
        states = ", ".join(f"{stage} {state}" for stage, state in self.states.items())
        learns = f"{self.trainable_parameters:,} of {self.total_parameters:,} parameters learn"
        return f"FreezeBoard of {name}: {learns}; {states}"

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
        self._stop_following()
        self._meter.forget()
        self._source = plan.backbone or list(plan.stages)
        self.backbone_name = "" if plan.backbone is None else plan.backbone.name
        self.stages = stages
        self.total_parameters = sum(row["parameters"] or 0 for row in stages)
        self.states = plan.states
        self._past.clear()
        self._future.clear()
        self._count()
        self._ask()

    def expect(self, images: int, recipe: Recipe) -> None:
        """Tells from now on what a run on so many training images takes; its plan is that of the board."""
        if (images, recipe) != self._run:
            self._run = (images, recipe)
            self._ask()

    def measure(self, timeout: float | None = None) -> dict[str, Any]:
        """Measures what a run of this plan takes on this machine and returns ``costs``.

        Args:
            timeout: Seconds to wait; None waits for ever.
        """
        self._watched = True
        self._ask()
        self._meter.wait(timeout)
        return dict(self.costs)

    def receive(self, content: dict[str, Any]) -> None:
        """A page that looks wants the costs too."""
        if content.get("t") == "ready" and not self._watched:
            self._watched = True
            self._ask()

    def before_states(self, callback: Callable[[dict[str, str]], None]) -> None:
        """Registers what is called with states before they are shown; what it raises refuses them."""
        self._checks.append(callback)

    def follow(self, session: TrainingSession) -> None:
        """Shows what a run does to the stages from now on, until another is followed or another backbone shown."""
        self._stop_following()
        self._session = session
        stages = StageFollower(lambda live: self._tell_live(session, live), list(self.states))
        self._unfollow = [session.subscribe(each) for each in (stages, self._meter.follow(self._run[0]))]
        self._ask()

    @property
    def followed(self) -> TrainingSession | None:
        """The session whose doings are shown; None once another backbone is."""
        return self._session

    def _stop_following(self) -> None:
        for end in self._unfollow:
            end()
        with self._telling:
            self._unfollow, self._session = [], None
            self.live = {}

    def _tell_live(self, session: TrainingSession, live: dict[str, Any]) -> None:
        """Called in the thread of a run; of one that is not followed any more nothing is shown."""
        with self._telling:
            if session is self._session:
                self.live = live

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
        self._step(self._past, self._future)

    def redo(self) -> None:
        """Makes the change again that was taken back last; does nothing where there is none."""
        self._step(self._future, self._past)

    def _step(self, source: list[dict[str, str]], target: list[dict[str, str]]) -> None:
        if not source:
            return
        self._into = target
        try:
            self.states = source.pop()
        finally:
            self._into = None
            self._count()

    @traitlets.validate("states")
    def _checked(self, proposal: Any) -> dict[str, str]:
        """Refuses states that the plan refuses, before anybody sees them."""
        states = check_states(proposal["value"], [row["name"] for row in self.stages])
        for check in self._checks:
            check(states)
        return states

    @traitlets.observe("states")
    def _remember(self, change: Any) -> None:
        if self._into is None:
            self._past.append(change["old"])
            self._future.clear()
        else:
            self._into.append(change["old"])
        self._count()
        self._ask()

    def _ask(self) -> None:
        """Measures in the background, where somebody looks and the network is known."""
        if not self._watched or isinstance(self._source, list):
            return
        images, recipe = self._run
        shares = {row["name"]: row["share"] for row in self.stages}
        running = self._session is not None and self._session.status not in _ENDED
        self._meter.ask(Question(self._source, dict(self.states), shares, images, recipe, running))

    def _count(self) -> None:
        self.trainable_parameters = sum(row["learning"].get(self.states.get(row["name"]), 0) for row in self.stages)
        self.can_undo, self.can_redo = bool(self._past), bool(self._future)


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
        unknown: dict[str, Any] = {
            "label": "",
            "parameters": None,
            "share": None,
            "norms": None,
            "learning": {},
            "blocks": [],
        }
        return [{"name": name, **unknown} for name in plan.stages]
    from tlwidgets.backbones import costs

    by_stage, by_block = costs(plan.backbone)
    shares = by_stage["share"].tolist()
    by_block = by_block.rename(columns={"block": "name"})
    blocks = {str(name): rows.drop(columns="stage").to_dict("records") for name, rows in by_block.groupby("stage")}
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
            "blocks": blocks.get(stage.name, []),
        }
        for index, (stage, share) in enumerate(zip(plan.backbone.stages, shares, strict=True))
    ]
