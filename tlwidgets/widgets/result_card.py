"""ResultCard: what a run came to, as an output that needs no kernel and stays in the saved notebook.

Everything that came from data - class names, file names - is escaped: it is text from strangers' folders.
"""

from __future__ import annotations

import base64
import io
import math
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from tlwidgets.errors import RunError
from tlwidgets.widgets.picker import short_name
from tlwidgets.widgets.pictures import thumbnail
from tlwidgets.widgets.untrained import caution, learned, own_measures

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from tlwidgets.data import ImageData
    from tlwidgets.training import Run

_LARGEST_TABLE = 20
_MISTAKES = 8
_PAIRS = 10
_NO_ANSWERS = dict.fromkeys(("accuracy", "right", "n", "majority")) | {"confusion": [], "wrongest": []}
_MUTED = "opacity:0.72"
_FRAME = (
    "font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;color:inherit;background:transparent;"
    "border:1px solid rgba(128,128,128,0.4);border-radius:8px;padding:16px 20px;margin:4px 0"
)
_CELL = "padding:3px 7px;text-align:center;border:1px solid rgba(128,128,128,0.25);color:inherit;min-width:16px"


class ResultCard:
    """Test accuracy, confusion matrix and worst mistakes of a run.

    Args:
        run: A run that has ended, or its folder.
        data: Its images; loaded from the recipe where they are not given.

    Attributes:
        content: What the card says, as plain values.

    Raises:
        RunError: The run has not been judged yet, or there is none.
    """

    def __init__(self, run: Run | str | Path, data: ImageData | None = None) -> None:
        from tlwidgets.training.run import as_run

        self.content = describe_run(as_run(run), data)

    def __repr__(self) -> str:
        return self.text

    def add_verdict(self, words: str) -> None:
        """Says on the card how the run stands to its baselines, as ``compare_with_baselines(run).sentence`` does."""
        self.content = {**self.content, "verdict": words}

    @property
    def text(self) -> str:
        """The card in a few words: what a terminal and a screen reader get."""
        content = self.content
        if content["caution"]:
            return f"{content['title']}: {' '.join(filter(None, (_sentence(content['learned']), content['caution'])))}"
        told = f"{content['title']}: test accuracy {content['accuracy']:.1%}. {_in_words(content)}"
        return " ".join(filter(None, (told, content["note"], content["verdict"])))

    @property
    def html(self) -> str:
        """The card as static HTML: no script, no style sheet, colours that suit a light and a dark page."""
        name = escape(self.content["card"], quote=True)
        below = "" if self.content["caution"] else _columns(self.content)
        return f'<div data-tlw-card="{name}" style="{_FRAME}">{_headline(self.content)}{below}</div>'

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/plain": self.text, "text/html": self.html, "image/png": self.png}

    @property
    def png(self) -> bytes:
        """The confusion matrix and the headline as a picture, for readers that show no HTML.

        Of a run whose method trains no head, its own measures by epoch instead.
        """
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        # Not pyplot: it keeps a figure for the whole process and may belong to another thread.
        figure = Figure(figsize=(5.2, 4.6), dpi=100, layout="constrained")
        axes = figure.subplots()
        if self.content["caution"]:
            _draw_own(axes, self.content)
        else:
            _draw_confusion(axes, self.content)
        told = self.content["learned"] or "no head was trained"
        if self.content["accuracy"] is not None:
            told = f"test accuracy {self.content['accuracy']:.1%}"
        axes.set_title(_plain(f"{self.content['title']}\n{told}"), fontsize=10)
        buffer = io.BytesIO()
        FigureCanvasAgg(figure).print_png(buffer)
        return buffer.getvalue()


def _draw_own(axes: Axes, content: dict[str, Any]) -> None:
    from matplotlib.ticker import MaxNLocator

    for name, values in content["own"].items():
        known = [math.nan if value is None else value for value in values]
        axes.plot(range(1, len(known) + 1), known, "-o", label=_plain(name.replace("_", " ")))
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if content["own"]:
        axes.legend(frameon=False)


def _draw_confusion(axes: Axes, content: dict[str, Any]) -> None:
    counts = np.asarray(content["confusion"])
    axes.imshow(counts / np.maximum(1, counts.sum(1, keepdims=True)), cmap="cividis", vmin=0, vmax=1)
    if len(counts) <= _LARGEST_TABLE:
        names = [_plain(_short(name)) for name in content["classes"]]
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")


def describe_run(run: Run, data: ImageData | None = None) -> dict[str, Any]:
    """Collects what a card says about a run, as values that JSON can hold.

    Of a run whose method trains no head nothing that the head says is among them, and ``accuracy`` is None.

    Raises:
        RunError: The run has not been judged yet.
    """
    if not run.metrics.get("test"):
        raise RunError(f"The run in {str(run.path)!r} has no test result yet.", "Wait until it has ended.")
    title = f"{_name_of(run, data)} with {short_name(run.recipe.backbone)}"
    said = {"card": run.path.name, "title": title, "caution": caution(run), "classes": list(run.classes)}
    said |= {"learned": learned(run), "note": _note(run), "verdict": ""}
    return said | (_answers(run, data) if run.head_trained else dict(_NO_ANSWERS, own=own_measures(run.history)))


def _answers(run: Run, data: ImageData | None) -> dict[str, Any]:
    """What the head says of the test images, counted."""
    confusion = run.confusion
    total = int(confusion.sum())
    return {
        "accuracy": float(run.metrics["test"]["accuracy"]),
        "right": int(np.trace(confusion)),
        "n": total,
        "majority": float(confusion.sum(1).max(initial=0)) / max(1, total),
        "confusion": confusion.tolist(),
        "wrongest": _wrongest(run, data),
    }


def for_page(content: dict[str, Any]) -> dict[str, Any]:
    """What a page draws of a card: as it is, or with ``pairs`` instead of a matrix that nobody can read."""
    if len(content["classes"]) <= _LARGEST_TABLE or content["caution"]:
        return content
    return {**content, "classes": [], "confusion": [], "pairs": commonest_pairs(content)}


def commonest_pairs(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Which class was seen as which other one most often: label, predicted and count, ten at most."""
    counts = np.array(content["confusion"])
    np.fill_diagonal(counts, 0)
    names = [_short(name, 40) for name in content["classes"]]
    places = [np.unravel_index(flat, counts.shape) for flat in np.argsort(-counts, axis=None, kind="stable")[:_PAIRS]]
    return [{"label": names[i], "predicted": names[j], "count": int(counts[i, j])} for i, j in places if counts[i, j]]


def _note(run: Run) -> str:
    """What must be known of a run that did not come to its end; "" of any other."""
    if run.kept_epoch is None:
        return ""
    return f"The run failed: {run.error} It is judged by the best epoch until then, epoch {run.kept_epoch}."


def _name_of(run: Run, data: ImageData | None) -> str:
    if data is not None:
        return data.name
    source = run.recipe.data
    return str(source.get("name", next(iter(source.values()), "data"))) if isinstance(source, dict) else str(source)


def _wrongest(run: Run, data: ImageData | None) -> list[dict[str, Any]]:
    rows = run.wrongest(_MISTAKES).to_dict("records")
    if rows and data is None:
        from tlwidgets.data import data_from_source, load_data

        source = run.recipe.data
        data = data_from_source(source, run.path) if isinstance(source, dict) else load_data(source)
    return [
        {
            "sample_id": str(row["sample_id"]),
            "label": str(row["label"]),
            "predicted": str(row["predicted"]),
            "confidence": float(row["confidence"]),
            "png": base64.b64encode(thumbnail(data.image(int(row["index"])))).decode("ascii"),
        }
        for row in rows
        if data is not None
    ]


def _in_words(content: dict[str, Any]) -> str:
    counts = f"{content['right']} of {content['n']} test images right."
    return f"{counts} Always saying the commonest class: {content['majority']:.1%}."


def _headline(content: dict[str, Any]) -> str:
    if content["caution"]:
        return (
            f'<div style="font-weight:600;font-size:15px;margin-bottom:4px">{escape(content["title"])}</div>'
            f"{_large(content['learned'])}<div>{escape(content['caution'])}</div>{_said(content['note'])}"
        )
    return (
        f'<div style="font-weight:600;font-size:15px;margin-bottom:4px">{escape(content["title"])}</div>'
        f'<div style="margin-bottom:16px"><span style="font-size:28px;font-weight:600">{content["accuracy"]:.1%}</span>'
        f' &nbsp;test accuracy<br><span style="{_MUTED}">{_in_words(content)}</span>'
        f"{_said(content['note'])}{_said(content['verdict'])}</div>"
    )


def _large(words: str) -> str:
    style = "font-size:20px;font-weight:600;margin-bottom:8px"
    return f'<div style="{style}">{escape(_sentence(words))}</div>' if words else ""


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _said(words: str) -> str:
    return f'<div style="margin-top:8px;max-width:75ch">{escape(words)}</div>' if words else ""


def _columns(content: dict[str, Any]) -> str:
    body = _section("Confusion matrix", _confusion(content)) + _section("Worst mistakes", _mistakes(content))
    return f'<div style="display:flex;flex-wrap:wrap;gap:16px 40px">{body}</div>'


def _section(title: str, body: str) -> str:
    heading = f'<div style="font-weight:600;margin-bottom:8px">{title}</div>'
    return f'<div style="min-width:0;flex:1 1 320px">{heading}{body}</div>'


def _confusion(content: dict[str, Any]) -> str:
    if len(content["classes"]) > _LARGEST_TABLE:
        return _commonest_confusions(content)
    rows = "".join(_row(name, counts) for name, counts in zip(content["classes"], content["confusion"], strict=True))
    corner = f'<td style="{_CELL};{_MUTED}">true \\ predicted</td>'
    heads = "".join(_head(name, "col") for name in content["classes"])
    return (
        '<table style="border-collapse:collapse;font-size:12px;margin:0;color:inherit" aria-label="Confusion matrix">'
        f'<thead><tr style="background:transparent">{corner}{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _row(name: str, counts: list[int]) -> str:
    cells = "".join(
        f'<td style="{_CELL};background:{_shade(count, sum(counts))}">{count or ""}</td>' for count in counts
    )
    return f'<tr style="background:transparent">{_head(name, "row")}{cells}</tr>'


def _head(name: str, scope: str) -> str:
    return f'<th scope="{scope}" style="{_CELL};font-weight:400">{escape(_short(name))}</th>'


def _commonest_confusions(content: dict[str, Any]) -> str:
    """With many classes a table of pairs says more than a matrix that nobody can read."""
    lines = "".join(
        f"<li>{escape(pair['label'])} seen as {escape(pair['predicted'])}: {pair['count']}</li>"
        for pair in commonest_pairs(content)
    )
    return f'<ol style="margin:0;padding-left:20px">{lines}</ol>'


def _mistakes(content: dict[str, Any]) -> str:
    if not content["wrongest"]:
        return "<div>No mistake on the test images.</div>"
    return f"<div>{''.join(_figure(entry) for entry in content['wrongest'])}</div>"


def _figure(entry: dict[str, Any]) -> str:
    words = escape(_mistake(entry), quote=True)
    return (
        '<div style="display:inline-block;width:96px;margin:0 12px 12px 0;vertical-align:top">'
        f'<img width="72" height="72" src="data:image/png;base64,{entry["png"]}" alt="{words}">'
        f'<div style="font-size:12px;line-height:1.35;overflow-wrap:anywhere">{words}</div></div>'
    )


def _mistake(entry: dict[str, Any]) -> str:
    return f"{_short(entry['label'], 40)}, taken for {_short(entry['predicted'], 40)} ({entry['confidence']:.0%})"


def _shade(count: int, total: int) -> str:
    # Sky blue of the Okabe-Ito palette, light enough that text of either theme stays readable on it.
    return f"rgba(86,180,233,{0.5 * count / max(1, total):.2f})"


def _short(name: str, limit: int = 12) -> str:
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


def _plain(text: str) -> str:
    """Keeps matplotlib from reading a dollar sign as mathematics."""
    return text.replace("$", r"\$")
