"""How well backbones suit data, found out in a background thread that tells what it knows after each look."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tlwidgets.errors import DataError, TlwError
from tlwidgets.widgets.base import describe

if TYPE_CHECKING:
    from tlwidgets.backbones import Backbone
    from tlwidgets.data import ImageData
    from tlwidgets.evaluation import Ranking

SCORES = ("logme", "h_score_regularised", "leep")
# Shufflings and halves: ten give an interval and a null in half the time of the twenty of ``rank_backbones``.
_REPEATS = 10
_FIGURES = ("value", "low", "high", "null", "null_high")

Tell = Callable[[dict[str, Any], "Exception | None"], None]


class Suitability:
    """One ranking at a time, progressive and cancellable.

    Args:
        tell: Called with the new ``state``, and with the error that ended a ranking, if one did.

    Attributes:
        ranking: The latest ``Ranking``, as far as it has come; None before the first.
    """

    def __init__(self, tell: Tell) -> None:
        self.ranking: Ranking | None = None
        self._tell = tell
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._turn = 0  # a thread whose turn is over keeps what it finds to itself
        self._status, self._by = "new", SCORES[0]
        self._left_out: list[dict[str, str]] = []

    @property
    def state(self) -> dict[str, Any]:
        """The ranking for a page.

        Keys: status ("new", "running", "finished", "cancelled" or "failed"), share (of the work, 0..1), by, scores,
        sentence, left_out (name and reason of backbones that could not be looked at) and rows, best first: name,
        images and, by score, the numbers value, low, high, null and null_high, or None without a source head.
        """
        ranking = self.ranking
        rows = [] if ranking is None else _rows(ranking)
        return {
            "status": self._status,
            "share": 0.0 if ranking is None else ranking.share,
            "by": self._by,
            "scores": list(SCORES),
            "sentence": "" if ranking is None else ranking.sentence,
            "rows": rows,
            "left_out": list(self._left_out),
        }

    def start(self, data: ImageData, names: Sequence[str]) -> None:
        """Ranks backbones from now on; returns at once.

        Raises:
            DataError: A ranking is going on already.
        """
        with self._lock:
            if self._status == "running":
                raise DataError("A ranking is going on already.", "Cancel it, or wait until it ends.")
            self._turn += 1
            self._status, self.ranking, self._left_out = "running", None, []
            self._tell(self.state, None)
            job = (self._turn, data, tuple(names))
            self._thread = threading.Thread(target=self._work, args=job, name="tlw-ranking", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Ends a ranking at once; what is known by now stays. Does nothing where none is going on."""
        with self._lock:
            if self._status == "running":
                self._turn += 1
                self._end("cancelled")

    def order_by(self, score: str) -> None:
        """Orders by another score.

        Raises:
            DataError: It is none of ``SCORES``, or no backbone has it.
        """
        with self._lock:
            if score not in SCORES:
                raise DataError(f"There is no score named {score!r} here.", f"Scores: {', '.join(SCORES)}.")
            if self.ranking is not None:
                if not _has(self.ranking, score):
                    raise DataError(f"No backbone here has a {score}.", "It needs the head of the source task.")
                self.ranking = _ordered(self.ranking, score)
            self._by = score
            self._tell(self.state, None)

    def wait(self, timeout: float | None = None) -> None:
        """Waits until the ranking has ended."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _work(self, turn: int, data: ImageData, names: Sequence[str]) -> None:
        from tlwidgets.evaluation import ranking_rounds

        try:
            networks = self._load(turn, names)
            for ranking in ranking_rounds(data, networks, scores=SCORES, repeats=_REPEATS):
                if not self._learn(turn, ranking):
                    return
            self._end("finished", turn)
        except Exception as error:  # noqa: BLE001  told in the widget: nobody catches it in this thread
            self._end("failed", turn, error)

    def _load(self, turn: int, names: Sequence[str]) -> dict[str, Backbone]:
        """The networks that can be loaded; of the others the reason is told."""
        from tlwidgets.backbones import load_backbone

        networks: dict[str, Backbone] = {}
        for name in names:
            if turn != self._turn:
                break
            try:
                networks[name] = load_backbone(name)
            except TlwError as error:
                self._leave_out(turn, name, describe(error))
        if not networks:
            reasons = "; ".join(entry["reason"] for entry in self._left_out)
            raise DataError(f"None of the {len(names)} backbones can be loaded: {reasons}")
        return networks

    def _leave_out(self, turn: int, name: str, reason: str) -> None:
        with self._lock:
            if turn == self._turn:
                self._left_out.append({"name": name, "reason": reason})

    def _learn(self, turn: int, ranking: Ranking) -> bool:
        with self._lock:
            if turn != self._turn:
                return False
            # The first looks may be of backbones without the head that a score needs.
            self.ranking = _ordered(ranking, self._by) if _has(ranking, self._by) else ranking
            self._tell(self.state, None)
            return True

    def _end(self, status: str, turn: int | None = None, error: Exception | None = None) -> None:
        with self._lock:
            if turn in (None, self._turn):
                self._status = status
                self._tell(self.state, error)


def _has(ranking: Ranking, score: str) -> bool:
    values = ranking.details.loc[ranking.details["score"] == score, "value"]
    return bool(values.notna().any())


def _ordered(ranking: Ranking, score: str) -> Ranking:
    from tlwidgets.evaluation import Ranking

    return Ranking(ranking.details, score, ranking.share)


def _rows(ranking: Ranking) -> list[dict[str, Any]]:
    found = {(row["backbone"], row["score"]): row for row in ranking.details.to_dict("records")}
    return [
        {
            "name": name,
            "images": int(found[name, SCORES[0]]["images"]),
            "scores": {score: _figures(found[name, score]) for score in SCORES},
        }
        for name in ranking.names
    ]


def _figures(row: dict[Any, Any]) -> dict[str, float] | None:
    if math.isnan(row["value"]):
        return None
    return {figure: float(row[figure]) for figure in _FIGURES}
