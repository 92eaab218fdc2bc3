"""The latest of several questions, answered in a background thread: those that were overtaken are left out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Latest(Generic[Answer]):
    """Asks one question at a time, after a short rest in which another may take its place.

    Args:
        tell: Takes the answer, and the error where there is none; called in the thread.
        rest: Seconds.
    """

    def __init__(self, tell: Callable[[Answer | None, Exception | None], None], rest: float = 0.2) -> None:
        self._tell, self._rest = tell, rest
        self._lock = threading.Condition()
        self._turn = 0
        self._question: Callable[[], Answer] | None = None
        self._thread: threading.Thread | None = None

    def ask(self, question: Callable[[], Answer]) -> None:
        """Asks this one instead of any that has not been answered."""
        with self._lock:
            self._turn += 1
            self._question = question
            self._lock.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="tlw-latest", daemon=True)
                self._thread.start()

    def forget(self) -> None:
        """Asks nothing any more; an answer that is under way is not told."""
        with self._lock:
            self._turn += 1
            self._question = None
            self._lock.notify_all()

    def wait(self, timeout: float | None = None) -> None:
        """Waits until everything asked is answered."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            turn, question = taken
            answer: Answer | None = None
            problem: Exception | None = None
            try:
                answer = question()
            except Exception as error:  # noqa: BLE001  told to the widget: nobody catches it in this thread
                problem = error
            if turn == self._turn:
                self._tell(answer, problem)

    def _next(self) -> tuple[int, Callable[[], Answer]] | None:
        with self._lock:
            while self._question is not None:
                turn = self._turn
                self._lock.wait(self._rest)
                if turn == self._turn and self._question is not None:
                    question, self._question = self._question, None
                    return turn, question
            self._thread = None
            return None
