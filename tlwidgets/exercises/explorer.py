"""A slider over results that are already there: moving it costs nothing and needs no training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame  # tables come from the engine; checks of exercises need none


def explore(label: str, options: Sequence[Any], describe: Callable[[Any], str]) -> Any:
    """Show one sentence for each of a few options.

    Args:
        label: what the slider chooses.
        options: its values, in order; the first is shown to begin with.
        describe: the sentence for an option, as plain text.

    Returns:
        An ipywidgets box. ``.value`` is the chosen option and can be set; ``.sentence`` is what it shows. Its text
        form is the label alone, the same in every run.
    """
    return _explorer_class()(label, list(options), describe)


def explore_shares(label: str, table: DataFrame, sentence: str) -> Any:
    """Show a table of shares one row at a time, of a hundred each.

    Args:
        label: what the slider chooses, a row by its index.
        table: shares from 0 to 1; the index holds the slider's values.
        sentence: a format string: ``{option}`` is the chosen value, ``{name}`` the column of that name in hundredths.

    Returns:
        As :func:`explore`.
    """
    hundredths: dict[Any, Any] = (100 * table).round().astype(int).to_dict("index")
    return explore(label, list(table.index), lambda option: sentence.format(option=option, **hundredths[option]))


def _explorer_class() -> Any:
    """Made on first use, so that checks need no ipywidgets."""
    from html import escape

    import ipywidgets
    import traitlets

    class Explorer(ipywidgets.VBox):  # type: ignore[misc]
        """A labelled slider above one sentence."""

        value = traitlets.Any()
        sentence = traitlets.Unicode()

        def __init__(self, label: str, options: list[Any], describe: Callable[[Any], str]) -> None:
            self._label, self._describe = label, describe
            wide = {"description_width": "initial"}
            slider = ipywidgets.SelectionSlider(options=options, description=label, style=wide)
            shown = ipywidgets.HTML()
            super().__init__([slider, shown])
            traitlets.link((slider, "value"), (self, "value"))
            traitlets.dlink((self, "sentence"), (shown, "value"), transform=escape)
            self.sentence = describe(self.value)

        @traitlets.observe("value")
        def _tell(self, change: Any) -> None:
            self.sentence = self._describe(change["new"])

        def __repr__(self) -> str:
            return f"Explorer: {self._label}"

    return Explorer
