"""PredictionView: what a run gets wrong, why, and a list of corrections that can always be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import traitlets

from tlwidgets.errors import DataError, RunError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.latest import Latest
from tlwidgets.widgets.pictures import thumbnail

if TYPE_CHECKING:
    from pathlib import Path

    from tlwidgets.data import Changes, ImageData
    from tlwidgets.training import Run

PAGE = 24  # pictures on a page
EFFORT = 200  # images that LIME tries: about a second on one core for the bundled networks
Explanation = tuple[dict[str, Any], list[bytes]]  # ``PredictionView.explained``, and its pictures
SHOWS = ("mistakes", "unsure", "all", "changed")


class PredictionView(TlwWidget):
    """The most confident mistakes of a run, page by page, with explanations and corrections.

    Corrections are a list (see ``changes``): nothing on disk is touched until ``apply``, which for an image folder
    writes the list beside the classes, where every later ``load_data`` finds it; ``revert`` takes that file away.

    Args:
        run: The run whose answers are shown, or its folder.
        data: Its images; loaded from the run's recipe by default.
        split: Whose images: "test", as the run left its answers, or "val" or "train", which are computed now.

    Attributes:
        run: The run.
        data: The images as the run saw them.
        changes: The corrections, see ``tlwidgets.data.Changes``.

    Raises:
        RunError: The run has no predictions yet, or there is none.
    """

    commands: ClassVar[dict[str, str]] = {
        "show": "show",
        "turn_to": "turn_to",
        "relabel": "relabel",
        "exclude": "exclude",
        "keep": "keep",
        "undo": "undo",
        "redo": "redo",
        "explain": "ask_why",
        "apply": "apply",
        "revert": "revert",
    }

    name = traitlets.Unicode("").tag(sync=True)
    """Name of the run."""

    classes: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    """Names of the classes."""

    showing = traitlets.Enum(SHOWS, "mistakes").tag(sync=True)
    """Which images: mistakes (the most confident first), unsure (the least confident first), all, or changed ones."""

    of_class = traitlets.Unicode("").tag(sync=True)
    """Only images of this class; "" shows all."""

    page = traitlets.Int(0).tag(sync=True)
    """Number of the page, from 0."""

    pages = traitlets.Int(1).tag(sync=True)
    """How many pages there are."""

    total = traitlets.Int(0).tag(sync=True)
    """How many images there are to show."""

    rows: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
    """One mapping a picture of the page: sample_id, label, predicted, confidence (0..1), action, new_label."""

    n_changes = traitlets.Int(0).tag(sync=True)
    """How many images are changed."""

    can_undo = traitlets.Bool(False).tag(sync=True)
    """Whether there is a change to take back."""

    can_redo = traitlets.Bool(False).tag(sync=True)
    """Whether there is a change to do again."""

    can_apply = traitlets.Bool(False).tag(sync=True)
    """Whether the data are a folder, into which the list can be written."""

    applied = traitlets.Bool(False).tag(sync=True)
    """Whether the folder holds this list as it is now."""

    explained = traitlets.Dict().tag(sync=True)
    """The latest explanation: sample_id, and methods, each with its name, words (``alt``) and verdict; without methods
    while it is being found out."""

    def __init__(self, run: Run | str | Path, data: ImageData | None = None, split: str = "test") -> None:
        from tlwidgets.data import Changes, read_changes
        from tlwidgets.training.building import recipe_data
        from tlwidgets.training.run import as_run

        run = as_run(run)
        if not len(run.predictions):
            raise RunError(f"{run.path.name!r} has no predictions yet.", "Let it finish, or stop it.")
        self.run = run
        self.data = recipe_data(run.recipe, run.path) if data is None else data
        self._table = run.predictions if split == "test" else _answers(run, self.data, split)
        self._folder = self.data.source.get("folder")
        classes = tuple(run.classes)
        self.changes: Changes = read_changes(self._folder, classes) if self._folder else Changes(classes)
        self._latest: Latest[Explanation] = Latest(self._tell_why, rest=0.0)
        self._drawn: list[bytes] = []
        self._place = {self.data.sample_id(index): index for index in range(len(self.data))}
        super().__init__(name=run.path.name, classes=list(classes), can_apply=bool(self._folder))
        self._on_disk = self._listed()
        self.show()

    def __repr__(self) -> str:
        wrong = [row for row in self.rows if row["label"] != row["predicted"]]
        mistakes = ", ".join(f"{row['label']} seen as {row['predicted']}" for row in wrong)
        shown = f"{self.total} images, {self.n_changes} changed"
        return f"PredictionView of {self.name}: {shown}; mistakes shown: {mistakes or 'none'}"

    def show(self, showing: str | None = None, of_class: str | None = None) -> None:
        """Chooses which images are shown, from the first page.

        Args:
            showing: One of ``SHOWS``; None keeps the choice.
            of_class: Name of a class, or "" for all; None keeps the choice.

        Raises:
            DataError: There is no such choice or class.
        """
        if showing not in (None, *SHOWS) or of_class not in (None, "", *self.classes):
            raise DataError(f"Nothing is shown under {showing or of_class!r}.", f"Choices: {', '.join(SHOWS)}.")
        self.showing = self.showing if showing is None else showing
        self.of_class = self.of_class if of_class is None else of_class
        self.turn_to(0)

    def turn_to(self, page: int) -> None:
        """Turns to a page, from 0; beyond the last one to the last."""
        chosen = self._chosen()
        self.total, self.pages = len(chosen), max(1, -(-len(chosen) // PAGE))
        self.page = min(max(0, int(page)), self.pages - 1)
        self._shown = chosen.iloc[self.page * PAGE : (self.page + 1) * PAGE]
        self._describe()
        self._send_pictures()

    def relabel(self, sample_id: str, label: str) -> None:
        """Says that an image is of another class."""
        self._change(lambda: self.changes.relabel(sample_id, label, self._class_of(sample_id)))

    def exclude(self, sample_id: str) -> None:
        """Says that an image belongs to no class, and shall be left out."""
        self._change(lambda: self.changes.exclude(sample_id, self._class_of(sample_id)))

    def keep(self, sample_id: str) -> None:
        """Takes back what was said of an image."""
        self._change(lambda: self.changes.keep(sample_id))

    def undo(self) -> None:
        """Takes the latest change back."""
        self._change(self.changes.undo)

    def redo(self) -> None:
        """Does the change again that was taken back last."""
        self._change(self.changes.redo)

    @property
    def changed_data(self) -> ImageData:
        """The data with the corrections, for the next recipe; in the same splits."""
        return self.changes.apply_to(self.data)

    def apply(self) -> None:
        """Writes the list into the folder; the pictures stay where they are.

        Raises:
            DataError: The data are no folder, or a class would have no training image left.
        """
        if not self._folder:
            raise DataError("These data are no folder.", "Use view.changed_data as the data of the next recipe.")
        self.changes.apply_to(self.data)
        self.changes.write(self._folder)
        self._on_disk = self._listed()
        self._describe()

    def revert(self) -> None:
        """Takes all changes back, in the folder too; ``undo`` brings the list back."""
        from tlwidgets.data import remove_changes

        if self._folder:
            remove_changes(self._folder)
        self._on_disk = []
        self._change(self.changes.clear)

    def explain(self, sample_id: str) -> None:
        """Explains the run's answer for an image, by every method side by side; takes a second or two."""
        self._tell_why(self._explanation(sample_id), None)

    def ask_why(self, sample_id: str) -> None:
        """Explains in the background, and returns at once; what was asked before and is not answered is forgotten."""
        self._index(sample_id)
        self.explained = {"sample_id": sample_id}
        self._latest.ask(lambda: self._explanation(sample_id))

    def wait(self, timeout: float | None = None) -> None:
        """Waits until what was asked is explained."""
        self._latest.wait(timeout)

    def _explanation(self, sample_id: str) -> Explanation:
        from tlwidgets.explain import METHODS, explain, faithfulness

        image = self.data.image(self._index(sample_id))
        found = [explain(self.run, image, method, effort=EFFORT) for method in METHODS]
        words = [
            {"method": each.method, "alt": each.alt, "verdict": str(faithfulness(self.run, each))} for each in found
        ]
        pictures = [thumbnail(found[0].seen, 160), *(thumbnail(each.overlay(), 160) for each in found)]
        return {"sample_id": sample_id, "methods": words}, pictures

    def _tell_why(self, answer: Explanation | None, error: Exception | None) -> None:
        """Shows an explanation, or why there is none; called in the thread that found it out."""
        if answer is None:
            self.explained = {}
            self.show_error(error)
            return
        self.explained, self._drawn = answer
        self._send_explanation()

    def receive(self, content: dict[str, Any]) -> None:
        """Sends pictures to a page that has just drawn itself."""
        if content.get("t") == "ready":
            self._send_pictures()
            self._send_explanation()

    def _change(self, step: Callable[[], None]) -> None:
        step()
        if self.showing == "changed":
            self.turn_to(self.page)
        else:
            self._describe()

    def _chosen(self) -> pd.DataFrame:
        table = self._table
        if self.of_class:
            table = table[table["label"] == self.of_class]
        if self.showing == "mistakes":
            return table[table["label"] != table["predicted"]].sort_values("confidence", ascending=False, kind="stable")
        if self.showing == "unsure":
            return table.sort_values("confidence", kind="stable")
        if self.showing == "changed":
            return table[[sample_id in self.changes for sample_id in table["sample_id"]]]
        return table

    def _describe(self) -> None:
        self.rows = [self._row(row) for row in self._shown.to_dict("records")]
        self.n_changes = len(self.changes)
        self.can_undo, self.can_redo = self.changes.can_undo, self.changes.can_redo
        self.applied = self._listed() == self._on_disk

    def _row(self, row: dict[Any, Any]) -> dict[str, Any]:
        change = self.changes.get(row["sample_id"])
        plain = {key: str(row[key]) for key in ("sample_id", "label", "predicted")}
        action, label = ("", "") if change is None else (change.action, change.label)
        return {**plain, "confidence": float(row["confidence"]), "action": action, "new_label": label}

    def _listed(self) -> list[dict[Any, Any]]:
        return self.changes.table.to_dict("records")

    def _index(self, sample_id: str) -> int:
        if sample_id not in self._place:
            raise DataError(
                f"There is no image {sample_id!r} in these data.", "Load the data that the run was made of."
            )
        return self._place[sample_id]

    def _class_of(self, sample_id: str) -> str:
        return self.data.classes[int(self.data.labels[self._index(sample_id)])]

    def _send_pictures(self) -> None:
        known = [str(name) for name in self._shown["sample_id"] if str(name) in self._place]
        pictures = [thumbnail(np.asarray(self.data.image(self._place[name])), side=96) for name in known]
        self.send({"t": "pictures", "ids": known}, buffers=pictures)

    def _send_explanation(self) -> None:
        if "methods" in self.explained:
            self.send({"t": "explanation", "sample_id": self.explained["sample_id"]}, buffers=self._drawn)


def _answers(run: Run, data: ImageData, split: str) -> pd.DataFrame:
    """The columns of ``Run.predictions`` that are shown, for another split."""
    indices = data.indices(split)
    probabilities = run.predict_proba(data.inputs(indices))
    table: pd.DataFrame = pd.DataFrame(
        {
            "sample_id": [data.sample_id(index) for index in indices],
            "label": [data.classes[label] for label in data.labels[indices]],
            "predicted": [run.classes[number] for number in probabilities.argmax(1)],
            "confidence": probabilities.max(1),
        }
    )
    return table
