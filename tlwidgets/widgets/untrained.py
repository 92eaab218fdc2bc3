"""What to say of a run whose method trains no head: what it learned instead of an accuracy, which would say nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tlwidgets.widgets.feed import EPOCH_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from tlwidgets.training import Run

_OF_EVERY_RUN = frozenset({*EPOCH_COLUMNS, "images_per_second"})


def method_caution(method: str) -> str:
    """Why no accuracy is shown of a run with this method, in a sentence; "" where it trains the head."""
    from tlwidgets.training.method import trains_head

    if trains_head(method):
        return ""
    return f"{method} trains no head, so an accuracy would be that of an untrained one and say nothing."


def caution(run: Run) -> str:
    """Why no accuracy is shown of a run, and what it is good for; "" where its head was trained."""
    if run.head_trained:
        return ""
    use = f"What it learned is in its features: take run:{run.path} as the backbone of another recipe."
    return f"{method_caution(run.recipe.method)} {use}"


def own_measures(history: pd.DataFrame) -> dict[str, list[float | None]]:
    """What a method itself measures, by name, an entry an epoch: None where it is no number."""
    names = [str(name) for name in history if name not in _OF_EVERY_RUN]
    return {name: [_number(value) for value in history[name]] for name in names}


def learned(run: Run) -> str:
    """What a run whose head was not trained came to, in its own measure: "filled in 0.213 after epoch 5"."""
    history = run.history
    if run.head_trained or not len(history):
        return ""
    last = history.iloc[-1]
    own = {name: values[-1] for name, values in own_measures(history).items()}
    return measured(own or {"train_loss": float(last["train_loss"])}, int(last["epoch"]))


def told(run: Run) -> str:
    """What such a run learned, and why it has no accuracy, in sentences."""
    words = learned(run)
    return f"{words[:1].upper()}{words[1:]}. {caution(run)}" if words else caution(run)


def measured(own: Mapping[str, float | None], epoch: int) -> str:
    """A method's own measures after an epoch, in words."""
    words = [f"{name.replace('_', ' ')} {value:.3g}" for name, value in own.items() if value is not None]
    return f"{', '.join(words)} after epoch {epoch}" if words else ""


def columns_of(extras: Sequence[Mapping[str, float | None]]) -> dict[str, list[float]]:
    """What a feed gathered of a method's own measures, by name: nan where it is no number."""
    names = list(extras[0]) if extras else []
    return {name: [math.nan if (value := row.get(name)) is None else value for row in extras] for name in names}


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):  # a table that somebody wrote into
        return None
    return number if math.isfinite(number) else None
