"""BackbonePicker: find a pre-trained network among all that can be loaded, and the one that suits your data."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import psutil
import traitlets

from tlwidgets.backbones import Entry, catalogue
from tlwidgets.errors import BackboneError, DataError
from tlwidgets.widgets.base import TlwWidget
from tlwidgets.widgets.picker_costs import PickerCosts
from tlwidgets.widgets.suitability import Suitability

if TYPE_CHECKING:
    from tlwidgets.evaluation import Ranking
    from tlwidgets.training.pace import Pace

_OPEN_PREFIXES = ("local-dir:", "hf-hub:", "hf_hub:", "hf:")
_LIMITS = {"max_parameters": "parameters", "max_macs": "macs", "max_memory": "step_bytes"}
_EQUALS = {"input_size": "input_size", "family": "group", "licence": "licence"}
MOST_RANKED = 12


class BackbonePicker(TlwWidget):
    """A searchable list of backbones; ``value`` is the name of the one chosen.

    Args:
        value: The name to begin with.
        entries: What to choose from; by default everything that ``load_backbone`` takes by name.
        data: What ``load_data`` takes: images to rank backbones on and to tell costs for; None leaves that out.

    Attributes:
        data: The images, or None.
        idle: Says whether nothing else computes, so that the chosen backbone may be tried.

    Raises:
        BackboneError: ``value`` is not among the entries (names that start with "local-dir:" are always taken).
        DataError: The data cannot be read.
    """

    commands: ClassVar[dict[str, str]] = {
        "choose": "choose",
        "rank": "rank",
        "cancel_ranking": "cancel_ranking",
        "order_by": "order_by",
    }

    value = traitlets.Unicode("").tag(sync=True)
    """Name of the chosen backbone, as ``load_backbone`` takes it."""

    search = traitlets.Unicode("").tag(sync=True)
    """Words that a name must contain, in any order."""

    max_parameters = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Largest number of parameters, or None; backbones of unknown size are left out while it is set."""

    max_macs = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Most multiply-adds of one image, or None; unknown ones are left out while it is set."""

    max_memory = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Most bytes of a full fine-tuning step (32 images, AdamW, float32), or None; unknown ones are left out."""

    input_size = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Height of the images that it was pre-trained on, pixels, or None for any."""

    family = traitlets.Unicode("").tag(sync=True)
    """``Entry.group`` to keep to, such as "resnet"; "" for any."""

    licence = traitlets.Unicode("").tag(sync=True)
    """Licence of the weights to keep to, as it is stated; "" for any."""

    pretrained_on = traitlets.Unicode("").tag(sync=True)
    """Data set that it was pre-trained on, one of ``Entry.datasets``; "" for any."""

    offline_only = traitlets.Bool(False).tag(sync=True)
    """Whether to list only backbones whose weights are on this machine."""

    memory_here = traitlets.Int(0).tag(sync=True)
    """Bytes of memory that were free on this machine when the widget was made."""

    chosen = traitlets.Dict().tag(sync=True)
    """What the catalogue says about the chosen backbone; empty for a folder."""

    images = traitlets.Int(0).tag(sync=True)
    """Training images that costs are told for; 0 without data."""

    pace = traitlets.Dict().tag(sync=True)
    """What training takes on this machine for each image: seconds for each multiply-add (mac) and for each byte that is
    kept (byte), everything learning, float32. Empty until it was measured, once somebody looks."""

    cost = traitlets.Dict().tag(sync=True)
    """The same of the chosen backbone: name, seconds (of one image), step_bytes, and measured, whether it was tried."""

    can_rank = traitlets.Bool(False).tag(sync=True)
    """Whether there are images to rank on."""

    ranking = traitlets.Dict().tag(sync=True)
    """The ranking as the page shows it; see ``Suitability.state``."""

    def __init__(
        self, value: str = "tlw_resnet", *, entries: tuple[Entry, ...] | None = None, data: Any = None
    ) -> None:
        self.entries = catalogue() if entries is None else entries
        self._by_name = {entry.name: entry for entry in self.entries}
        self.data = _images(data)
        self.idle: Callable[[], bool] = lambda: True
        self._watched = False  # nothing is measured for nobody
        self._costs = PickerCosts(self._tell_costs)
        self._suitability = Suitability(self._tell_ranking)
        memory = int(psutil.virtual_memory().available)
        super().__init__(memory_here=memory, ranking=self._suitability.state)
        self._take_data()
        self.value = value

    def __repr__(self) -> str:
        return f"BackbonePicker: {self.value} is chosen"

    @property
    def matches(self) -> list[str]:
        """Names that the present search and filters leave, in catalogue order."""
        return [entry.name for entry in self._matching()]

    @property
    def ranked(self) -> Ranking | None:
        """The latest ranking, as far as it has come; None before the first."""
        return self._suitability.ranking

    def show_data(self, data: Any) -> None:
        """Ranks on other data from now on; a ranking on the data before ends."""
        self.cancel_ranking()
        self.data = _images(data)
        self._take_data()

    def _take_data(self) -> None:
        self.can_rank = self.data is not None
        self.images = 0 if self.data is None else self.data.splits["train"]
        self._ask_costs()

    def measure(self, timeout: float | None = None) -> dict[str, Any]:
        """Measures the machine and the chosen backbone and returns ``cost``.

        Args:
            timeout: Seconds to wait; None waits for ever.
        """
        self._watched = True
        self._ask_costs()
        self._costs.wait(timeout)
        return dict(self.cost)

    def _ask_costs(self) -> None:
        if self._watched and self.images:
            self._costs.ask(self.value, idle=self.idle())

    def _tell_costs(self, pace: Pace | None, cost: dict[str, Any]) -> None:
        """Called by the thread that measures."""
        if pace is not None:
            self.pace = {"mac": pace.seconds_per_mac, "byte": pace.seconds_per_byte}
        self.cost = cost

    def choose(self, name: str) -> None:
        """Chooses a backbone by name."""
        self.value = name

    def rank(self, names: Sequence[str] | None = None) -> None:
        """Ranks backbones on the data in the background; ``ranking`` and ``ranked`` follow, better after each look.

        Args:
            names: Which ones; by default those on this machine that the search and filters leave, the cheapest
                twelve of them.

        Raises:
            DataError: There are no images to rank on, or a ranking is going on already.
            BackboneError: None of the matches has its weights on this machine.
        """
        if self.data is None:
            raise DataError("There are no images to rank on.", "Make the picker with data=..., or use the Studio.")
        self._suitability.start(self.data, self._candidates() if names is None else list(names))

    def cancel_ranking(self) -> None:
        """Ends the ranking; what is known by then stays."""
        self._suitability.cancel()

    def order_by(self, score: str) -> None:
        """Orders the ranking by another score, one of ``suitability.SCORES``."""
        self._suitability.order_by(score)

    def wait(self, timeout: float | None = None) -> Ranking | None:
        """Waits for the end of the ranking, at most so many seconds, and returns it."""
        self._suitability.wait(timeout)
        return self.ranked

    def _matching(self) -> list[Entry]:
        words = self.search.lower().split()
        return [entry for entry in self.entries if self._fits(entry, words)]

    def _candidates(self) -> list[str]:
        here = [entry for entry in self._matching() if entry.offline and entry.source != "transformers"]
        if not here:
            raise BackboneError(
                "None of the backbones in the list has its weights on this machine.", "Clear the search and filters."
            )
        cheapest = sorted(here, key=lambda entry: entry.macs or 0)
        return [entry.name for entry in cheapest[:MOST_RANKED]]

    def _fits(self, entry: Entry, words: list[str]) -> bool:
        return (
            (entry.offline or not self.offline_only)
            and self.pretrained_on in ("", *entry.datasets)
            and all(_within(getattr(entry, field), getattr(self, trait)) for trait, field in _LIMITS.items())
            and all(getattr(self, trait) in (None, "", getattr(entry, field)) for trait, field in _EQUALS.items())
            and all(word in entry.name.lower() for word in words)
        )

    def _tell_ranking(self, state: dict[str, Any], error: Exception | None) -> None:
        """Called by the thread of the ranking after each look, and by whoever cancels or orders it."""
        self.ranking = state
        if error is not None:
            self.show_error(error)

    @traitlets.validate("value")
    def _known(self, proposal: Any) -> str:
        name = str(proposal["value"])
        if name in self._by_name or name.startswith(_OPEN_PREFIXES):
            return name
        # timm takes a name without its tag too, and so does the catalogue's family.
        families = {entry.family for entry in self.entries if entry.source == "timm"}
        if name in families:
            return name
        near = difflib.get_close_matches(name, [*self._by_name, *families], n=3)
        offer = f" Nearest: {', '.join(near)}." if near else ""
        raise BackboneError(f"There is no backbone named {name!r}.{offer}", "Look for one with list_backbones().")

    @traitlets.observe("value")
    def _describe(self, change: Any) -> None:
        entry = self._by_name.get(change["new"])
        self.chosen = {} if entry is None else _row(entry)
        self.show_error(None)
        self.cost = {}
        self._ask_costs()

    def receive(self, content: dict[str, Any]) -> None:
        """Sends the catalogue to a page that asks: thousands of lines do not belong into the saved state."""
        if content.get("t") == "ready":
            self.send({"t": "catalogue", "entries": [_row(entry) for entry in self.entries]})
            if not self._watched:
                self._watched = True
                self._ask_costs()


def short_name(backbone: str) -> str:
    """A backbone's name as people say it: the last part of a path, everything else as it is."""
    return backbone.rstrip("/").rpartition("/")[2] if backbone.startswith("local-dir:") else backbone


def _within(size: int | None, limit: int | None) -> bool:
    return limit is None or (size is not None and size <= limit)


def _images(data: Any) -> Any:
    """The data to rank on as ``ImageData``; None for None and for texts, whose encoders are too few to rank."""
    if data is None:
        return None
    from tlwidgets.data import TextData, load_data

    loaded = load_data(data)
    return None if isinstance(loaded, TextData) else loaded


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "parameters": entry.parameters,
        "macs": entry.macs,
        "step_bytes": entry.step_bytes,
        "kept_bytes": entry.kept_bytes,
        "input_size": entry.input_size,
        "offline": entry.offline,
        "source": entry.source,
        "family": entry.group,
        "licence": entry.licence,
        "datasets": list(entry.datasets),
    }
