"""Studio: seven steps from data to a result and the code that repeats it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets
from IPython.display import display

from tlwidgets.errors import DataError, RecipeError, TlwError
from tlwidgets.freezing import FreezePlan
from tlwidgets.recipe import Recipe
from tlwidgets.widgets import code_writing
from tlwidgets.widgets.baseline_board import BaselineBoard
from tlwidgets.widgets.code_panel import CodePanel, read_recipe
from tlwidgets.widgets.dashboard import TrainingDashboard
from tlwidgets.widgets.data_view import DataView, fitting
from tlwidgets.widgets.freeze_board import FreezeBoard
from tlwidgets.widgets.picker import BackbonePicker, short_name
from tlwidgets.widgets.predictions import PredictionView
from tlwidgets.widgets.result_card import ResultCard
from tlwidgets.widgets.result_place import ResultPlace
from tlwidgets.widgets.results import Results, row_of
from tlwidgets.widgets.settings import FIELDS, Settings
from tlwidgets.widgets.step_code import StepCode
from tlwidgets.widgets.steps import Steps
from tlwidgets.widgets.structure import structure
from tlwidgets.widgets.surroundings import PageWatch

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone
    from tlwidgets.data import ImageData
    from tlwidgets.evaluation import TransferComparison
    from tlwidgets.training import Run, TrainingSession

TITLES = ("Data", "Backbone", "Stages", "Settings", "Train", "Results", "Code")
DATA, BACKBONE, STAGES, SETTINGS, TRAIN, RESULTS, CODE = range(len(TITLES))
_NEXT_RUN = "For the next run."
_NOTHING_TO_JUDGE = (
    "The latest run failed and left nothing to judge. Step 5, Train, says why: put that right, for example with a "
    "lower learning rate in step 4, and start again."
)
_WRITERS = (
    code_writing.data_code,
    code_writing.backbone_code,
    code_writing.stages_code,
    code_writing.settings_code,
    code_writing.python_of,
    code_writing.results_code,
    Recipe.to_script,
)


class Studio(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets is not typed
    """Everything one fine-tune needs on one calm page; the kernel stays free while it trains.

    Args:
        data: What ``load_data`` takes: a bundled name, a folder, arrays, a table; or an ``ImageData``.
        backbone: The backbone to begin with.
        path: Folder of the first run, new or empty; by default each run gets a new one under ``runs/``.
        **settings: Anything else of a ``Recipe`` to begin with, such as ``epochs=10``, ``plan={"*": "frozen", "head":
            "trainable"}`` or ``method="l2_sp"``; what no widget shows is kept for the run all the same.

    Attributes:
        data: The images; those uploaded in step 1 once they are used.
        panel: Step 1, a ``DataView``.
        picker: Step 2, a ``BackbonePicker``.
        board: Step 3, a ``FreezeBoard``.
        settings: Step 4, ``Settings``.
        dashboard: Step 5, a ``TrainingDashboard``.
        baselines: Below it and in step 6, a ``BaselineBoard``: what the latest run must beat.
        results: Step 6, ``Results``.
        code: Step 7, a ``CodePanel``.
        step_code: The line below every step that unfolds into its code, a ``StepCode``.
        card: The ``ResultCard`` of the latest run that ended, or None.

    Raises:
        DataError: The data cannot be read.
        BackboneError: No backbone has this name.
        RecipeError: A setting is not one that a run could use.
    """

    def __init__(
        self, data: Any, backbone: str = "tlw_resnet", *, path: str | Path | None = None, **settings: Any
    ) -> None:
        from tlwidgets.data import load_data
        from tlwidgets.training.method import planned

        asked = Recipe(data="", backbone=backbone, **settings)
        self.data: ImageData = load_data(data)
        self.card: ResultCard | None = None
        self._path = path
        self._beyond = _beyond(asked)
        self._place = ResultPlace()
        self._watch = PageWatch(self._place)
        self._taken = backbone  # what the picker holds and the board shows
        self.steps = Steps(TITLES)
        self.picker = BackbonePicker(backbone, data=self.data)
        network = structure(backbone, len(self.data.classes))
        self.board = FreezeBoard(FreezePlan(network, planned(asked).plan))
        self.settings = Settings(**{name: value for name, value in settings.items() if name in FIELDS})
        self.panel = DataView(self.data, network, augmentation=self.settings.augmentation)
        self._suited: float | None = None
        self._suit_rate(network)
        self.dashboard = TrainingDashboard(make_session=self._session)
        self.baselines = BaselineBoard(self.dashboard)
        self.results = Results()
        self.predictions: PredictionView | None = None
        self._below_results = ipywidgets.VBox()
        self.code = CodePanel(self._recipe_on_disk, self.restore)
        self.picker.idle = lambda: not self.dashboard.active
        self.step_code = StepCode(self.code_of, TITLES)
        self._connect()
        super().__init__([self.steps, self._stack(), self.step_code])
        self.add_class("tlw-shell")

    @property
    def recipe(self) -> Recipe:
        """The run as it stands in the widgets."""
        return Recipe(
            data=self.data,
            backbone=self.picker.value,
            plan=self.board.states,
            **self.settings.values,
            **self._beyond,
        )

    @property
    def session(self) -> TrainingSession | None:
        """The latest session, or None before the first start."""
        return self.dashboard.session

    @property
    def run(self) -> Run | None:
        """The latest run, or None before the first start."""
        return self.dashboard.run

    def start(self, *, block: bool | None = None) -> TrainingSession:
        """Starts training in the background and returns at once; ``block`` as for ``TrainingDashboard.start``."""
        return self.dashboard.start(block=block)

    def wait(self, timeout: float | None = None) -> Run:
        """Waits until the run ended and its result card is made."""
        return self.dashboard.wait(timeout)

    def show_code(self) -> str:
        """Shows step 7 and returns the run as a plain PyTorch script."""
        self.steps.selected = CODE
        self.code.refresh()
        return str(self.code.script)

    def code_of(self, step: int | str) -> str:
        """One step as Python that runs as it stands.

        Args:
            step: Its title, such as "Stages", or its index.

        Raises:
            RecipeError: There is no such step; or the data live in memory only, where no code can name them.
        """
        if step not in (*TITLES, *range(len(TITLES))):
            raise RecipeError(f"The Studio has no step {step!r}.", f"Steps: {', '.join(TITLES)}.")
        index = TITLES.index(step) if isinstance(step, str) else step
        if index == RESULTS and self.run is not None and len(self.run.predictions):
            return code_writing.results_code(self.run.path.resolve()) + self._comparing()
        return str(_WRITERS[index](self._recipe_on_disk()))

    def save(self, path: str | Path = "recipe.yaml") -> Path:
        """Writes what the widgets say into a recipe file; returns where it is.

        Raises:
            RecipeError: The data live in memory only, or the file cannot be written.
        """
        return self.code.save(path)

    def restore(self, recipe: Recipe | str | Path) -> None:
        """Sets every widget as a recipe says; what the recipe cannot do here is refused before anything changes.

        Args:
            recipe: A recipe, or a file that ``save``, a run or ``Recipe.to_yaml`` left.

        Raises:
            RecipeError: A run is going on, or the file is no recipe.
            DataError: Its data cannot be read.
            BackboneError: It names no backbone.
            PlanError: Its plan does not fit the backbone.
        """
        from tlwidgets.training.method import planned
        from tlwidgets.training.optimisation import with_rate

        if self.dashboard.active:
            raise RecipeError("A run is going on.", "Stop it, or wait until it ends, then open the recipe.")
        wanted = recipe if isinstance(recipe, Recipe) else read_recipe(recipe)
        data = self._data_of(wanted)
        fitting(wanted.augmentation, data)
        network = structure(wanted.backbone, len(data.classes))
        plan = FreezePlan(network, planned(wanted).plan)
        rated = with_rate(wanted, network)  # a rate that the recipe leaves open is suited to the backbone
        settings = {name: getattr(rated, name) for name in FIELDS}
        Settings(**settings)  # refuses what the form could not show
        self.panel.show(data)
        self._show_data(data)
        self.picker.value = wanted.backbone
        self.board.show(plan)
        for name, value in settings.items():
            setattr(self.settings, name, value)
        self._suited = rated.learning_rate if wanted.learning_rate is None else None
        self._beyond = _beyond(wanted)
        self.step_code.refresh()
        self.code.refresh()

    def __repr__(self) -> str:
        return f"Studio({self.data.name})"

    def _ipython_display_(self, **_: Any) -> None:
        """Displays the widgets and, as an output of its own, the place of the result card."""
        display(self._repr_mimebundle_(), raw=True)
        self._place.add()
        self._watch.begin()

    def _stack(self) -> ipywidgets.Stack:
        train = ipywidgets.VBox([self.dashboard, self.baselines])
        results = ipywidgets.VBox([self.results, self.baselines, self._below_results])
        panels = [self.panel, self.picker, self.board, self.settings, train, results, self.code]
        for panel in panels:
            panel.add_class("tlw-panel")
        stack = ipywidgets.Stack(panels, selected_index=self.steps.selected)
        # Linked in the page, so that the steps turn while the kernel is busy, and in Python, where there is no page.
        ipywidgets.jslink((self.steps, "selected"), (stack, "selected_index"))
        self.steps.observe(lambda change: setattr(stack, "selected_index", change["new"]), "selected")
        return stack

    def _connect(self) -> None:
        for heard in (self.panel, self.dashboard):  # whichever the page draws first
            heard.on_msg(self._watch.answered)
        self.panel.before_data(self._data_changed)
        self.panel.observe(lambda change: setattr(self.settings, "augmentation", change["new"]), "augmentation")
        self.picker.observe(self._backbone_changed, "value")
        self.board.before_states(self._steers)
        self.board.observe(self._states_changed, "states")
        self.settings.before_value(lambda recipe: fitting(recipe.augmentation, self.data))
        self.settings.observe(lambda _: self._settings_changed(), list(FIELDS))
        self.dashboard.observe(self._rate_changed, "learning_rate")
        self.dashboard.observe(self._progress_changed, ["progress", "status"])
        self.steps.observe(self._step_changed, "selected")
        self.dashboard.on_end(self._ended)
        self.baselines.on_end(self._compared)
        self.dashboard.on_end(lambda _: setattr(self.dashboard, "learning_rate", self.settings.learning_rate))
        self._count_images()
        self.steps.note(BACKBONE, short_name(self.picker.value))
        self._count_stages()
        self._settings_changed()

    def _data_of(self, recipe: Recipe) -> ImageData:
        """The data that a recipe names; those at hand where they are the same."""
        from tlwidgets.training.second_data import any_data

        if recipe.data is self.data or recipe.data == self.data.source:
            return self.data
        return any_data(recipe.data)

    def _session(self) -> TrainingSession:
        from tlwidgets.training import TrainingSession

        session = TrainingSession(self.recipe, self._path, data=self.data)
        self._expect()
        self._path = None  # the next run gets a folder of its own
        self.dashboard.learning_rate = self.settings.learning_rate
        self.board.note = ""
        self.board.follow(session)
        for step in (DATA, BACKBONE, STAGES, SETTINGS):
            self.steps.note(step, self.steps.summaries[step], done=True)
        return session

    def _recipe_on_disk(self) -> Recipe:
        """The recipe with data that a text can name: those in memory by the copy in the latest run's folder."""
        if "memory" not in self.data.source:
            return self.recipe
        run = self.run
        if run is None:
            raise RecipeError(
                "The data live only in memory.", "Train once: the run's folder keeps a copy to name here."
            )
        (kind, file), *_ = run.recipe.data.items()
        return self.recipe.replace(data={kind: str(run.path.resolve() / file)})

    def _data_changed(self, data: ImageData) -> None:
        """Takes uploaded images, with a head for their classes; the stages start afresh."""
        if self.dashboard.active:
            raise DataError("A run is going on.", "Stop it, or wait until it ends, then use the uploaded pictures.")
        network = structure(self.picker.value, len(data.classes))
        self.board.show(network)
        self._show_data(data)
        self._suit_rate(network)
        self._count_stages()

    def _show_data(self, data: ImageData) -> None:
        self.data = data
        self.picker.show_data(data)
        self._count_images()
        self.step_code.refresh()

    def _count_images(self) -> None:
        self.steps.note(DATA, f"{sum(self.data.splits.values()):,} images")
        self._expect()

    def _expect(self) -> None:
        """Lets the board tell what the run takes; how long the plan is it knows itself."""
        self.board.expect(self.data.splits["train"], Recipe(data="", **self.settings.values))

    def _backbone_changed(self, change: Any) -> None:
        if change["new"] == self._taken:  # a refused one was taken back
            return
        try:
            network = structure(change["new"], len(self.data.classes))
            self.board.show(network)
        except TlwError:
            self.picker.value = self._taken
            raise
        self._taken = change["new"]
        self.board.note = _NEXT_RUN if self.dashboard.active else ""
        self.panel.see(network)
        self._suit_rate(network)
        self.steps.note(BACKBONE, short_name(self.picker.value))
        self._count_stages()

    def _suit_rate(self, network: Backbone) -> None:
        """Follows the backbone with the learning rate, until a person sets another."""
        from tlwidgets.training.optimisation import with_rate

        if self.settings.learning_rate in (None, self._suited):
            unset = Recipe(data="", **self.settings.values | {"learning_rate": None})
            self._suited = with_rate(unset, network).learning_rate
            self.settings.learning_rate = self._suited

    def _steers(self, states: dict[str, str]) -> None:
        """Hands states to the run that the board follows; what the run refuses is never shown."""
        if self.dashboard.active and self.board.followed is not None:
            self.board.followed.set_plan(states)

    def _states_changed(self, _: Any) -> None:
        self._count_stages()
        self.step_code.refresh()
        if self.dashboard.active:  # where another backbone was picked, its stages are not those of this run
            steers = self.board.followed is not None
            self.board.note = "Takes effect at the next epoch of the run." if steers else _NEXT_RUN

    def _count_stages(self) -> None:
        learns = sum(state != "frozen" for state in self.board.states.values())
        self.steps.note(STAGES, f"{learns} of {len(self.board.states)} learn")

    def _settings_changed(self) -> None:
        if self.settings.learning_rate is None and (network := self.board.plan.backbone) is not None:
            self._suit_rate(network)  # an emptied field; setting the rate comes back here
        epochs = self.settings.epochs
        self.steps.note(SETTINGS, f"{epochs} epoch{'s' if epochs != 1 else ''}")
        self._expect()
        self.panel.augmentation = self.settings.augmentation
        self.step_code.refresh()
        if not self.dashboard.active:
            self.dashboard.learning_rate = self.settings.learning_rate

    def _rate_changed(self, change: Any) -> None:
        if not self.dashboard.active:
            self.settings.learning_rate = change["new"]

    def _progress_changed(self, _: Any) -> None:
        progress, status = self.dashboard.progress, self.dashboard.status
        going = f"epoch {progress['epoch']} of {progress['epochs']}"
        self.steps.note(
            TRAIN, going if status == "running" else "" if status == "new" else status, status == "finished"
        )
        if progress["plan_epoch"] and self.board.note not in ("", _NEXT_RUN):
            self.board.note = f"In force since epoch {progress['plan_epoch']}."

    def _step_changed(self, change: Any) -> None:
        self.step_code.turn_to(change["new"])
        self.step_code.layout.display = "none" if change["new"] == CODE else None  # that step is code itself
        if change["new"] == CODE:
            self.code.refresh()

    def _ended(self, session: TrainingSession) -> None:
        """Makes the result card; called in a thread of the dashboard."""
        if session.status == "failed" and (self.run is None or not self.run.metrics.get("test")):
            self.results.note = _NOTHING_TO_JUDGE
            return
        run = session.run
        self.card = ResultCard(run, self.data)
        self._place.show(self.card)
        self.results.add(row_of(session, self.card), self.card.content)
        self.predictions = PredictionView(run, self.data) if run.head_trained else None
        self._below_results.children = (self.predictions,) if self.predictions is not None else ()
        self.steps.note(RESULTS, _summary(self.card, run), done=True)
        self.step_code.refresh()

    def _comparing(self) -> str:
        """The lines of the comparison with baselines, where one was made of the run."""
        return code_writing.comparing(scratch=self.baselines.scratch) if self.baselines.code else ""

    def _compared(self, run: Run, found: TransferComparison) -> None:
        """Says on the run's card how it stands to its baselines; called in a thread of the board."""
        if self.card is None or self.card.content["card"] != run.path.name:
            return
        self.card.add_verdict(found.sentence)
        self._place.show(self.card)
        self.results.show_card(self.card.content)
        self.step_code.refresh()


def _summary(card: ResultCard, run: Run) -> str:
    """What a run came to, in as few words as the line of steps has room for."""
    if not run.head_trained:
        return "no head trained"
    return f"{card.content['accuracy']:.1%} right" + " until it failed" * (run.kept_epoch is not None)


def _beyond(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe that no widget shows."""
    shown = {"data", "backbone", "plan", *FIELDS}
    return {name: value for name, value in vars(recipe).items() if name not in shown}
