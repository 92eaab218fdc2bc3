"""BackbonePicker: find a pre-trained network among all that can be loaded."""

from __future__ import annotations

import difflib
from typing import Any, ClassVar

import traitlets

from tlwidgets.backbones import Entry, catalogue
from tlwidgets.errors import BackboneError
from tlwidgets.widgets.base import TlwWidget

_OPEN_PREFIXES = ("local-dir:", "hf-hub:", "hf_hub:", "hf:")


class BackbonePicker(TlwWidget):
    """A searchable list of backbones; ``value`` is the name of the one chosen.

    Args:
        value: The name to begin with.
        entries: What to choose from; by default everything that ``load_backbone`` takes by name.

    Raises:
        BackboneError: ``value`` is not among the entries (names that start with "local-dir:" are always taken).
    """

    commands: ClassVar[dict[str, str]] = {"choose": "choose"}

    value = traitlets.Unicode("").tag(sync=True)
    """Name of the chosen backbone, as ``load_backbone`` takes it."""

    search = traitlets.Unicode("").tag(sync=True)
    """Words that a name must contain, in any order."""

    max_parameters = traitlets.Int(None, allow_none=True).tag(sync=True)
    """Largest number of parameters, or None; backbones of unknown size are left out while it is set."""

    offline_only = traitlets.Bool(False).tag(sync=True)
    """Whether to list only backbones whose weights are on this machine."""

    chosen = traitlets.Dict().tag(sync=True)
    """What the catalogue says about the chosen backbone; empty for a folder."""

    def __init__(self, value: str = "tlw_resnet", *, entries: tuple[Entry, ...] | None = None) -> None:
        self.entries = catalogue() if entries is None else entries
        self._by_name = {entry.name: entry for entry in self.entries}
        super().__init__()
        self.value = value

    @property
    def matches(self) -> list[str]:
        """Names that the present search and filters leave, in catalogue order."""
        words = self.search.lower().split()
        return [entry.name for entry in self.entries if self._fits(entry, words)]

    def choose(self, name: str) -> None:
        """Chooses a backbone by name."""
        self.value = name

    def _fits(self, entry: Entry, words: list[str]) -> bool:
        small = self.max_parameters is None or (entry.parameters or float("inf")) <= self.max_parameters
        offline = entry.offline or not self.offline_only
        return small and offline and all(word in entry.name.lower() for word in words)

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

    def receive(self, content: dict[str, Any]) -> None:
        """Sends the catalogue to a page that asks: thousands of lines do not belong into the saved state."""
        if content.get("t") == "ready":
            self.send({"t": "catalogue", "entries": [_row(entry) for entry in self.entries]})


def short_name(backbone: str) -> str:
    """A backbone's name as people say it: the last part of a path, everything else as it is."""
    return backbone.rstrip("/").rpartition("/")[2] if backbone.startswith("local-dir:") else backbone


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "parameters": entry.parameters,
        "input_size": entry.input_size,
        "offline": entry.offline,
        "source": entry.source,
    }
