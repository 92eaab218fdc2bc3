"""The process in which one student's notebook runs: ``python -m tlwidgets.exercises.grading.worker``.

It gets the steps as JSON on standard input, and writes one line of JSON for each step that begins or ends to a pipe of
which the student's code is not told. What the notebook prints goes nowhere.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

import psutil

from tlwidgets.exercises import catalogue, checking
from tlwidgets.exercises.grading.confinement import TimeIsUpError, at_most, confine

PASSED = ("passed", "")
Said = tuple[str, str]
"""A status and a text."""


def main() -> None:
    """Read the job, carry it out, end."""
    job = json.load(sys.stdin)
    os.set_inheritable(job["pipe"], False)
    confine(job["memory"], job["cpu"], job["disk"])
    silence()
    examiner = Examiner()
    forget_exercises()
    shell = quiet_shell()
    work = Work(shell, examiner, job["cell"], {int(number): tuple(said) for number, said in job["ended"].items()})
    for number, step in enumerate(job["steps"]):
        tell(job, number=number, event="begins")
        tell(job, number=number, event="ends", said=work.carry_out(number, step))
        if work.out_of_memory and psutil.Process().memory_info().rss > job["memory"] * 2**20 / 2:
            tell(job, event="full")  # what the cell hoarded is still held: the rest would fail for it
            os._exit(1)
    tell(job, event="done")
    os._exit(0)  # threads and clean-up of the student's code have nothing left to say


def tell(job: Mapping[str, Any], **facts: Any) -> None:
    """Write one line to whoever started this process; the token says that it is from us."""
    os.write(job["pipe"], (json.dumps({"token": job["token"], **facts}) + "\n").encode())


def silence() -> None:
    """Point standard input and output nowhere, also for programs that the notebook starts."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(nowhere, number)


def forget_exercises() -> None:
    """Let the notebook import a second copy of our checks: what it does to that copy does not reach ours."""
    for name in [name for name in sys.modules if name.startswith("tlwidgets.exercises")]:
        del sys.modules[name]
    vars(sys.modules["tlwidgets"]).pop("exercises", None)


def quiet_shell() -> Any:
    """IPython without a kernel around it: magics, ``await`` and the rest work, and nothing is kept or shown."""
    from IPython.core.interactiveshell import InteractiveShell

    class QuietShell(InteractiveShell):
        """Shows no traceback: there is nobody to read it."""

        def showtraceback(self, *_arguments: Any, **_options: Any) -> None:
            """Show nothing."""

        def showsyntaxerror(self, *_arguments: Any, **_options: Any) -> None:
            """Show nothing."""

        def enable_gui(self, gui: Any = None) -> None:
            """``%matplotlib`` asks for it; there is no window to show."""

    shell: Any = QuietShell.instance()
    shell.cache_size = 0
    shell.history_manager.enabled = False
    return shell


class Examiner:
    """Our own copy of the checks, taken before the notebook's code runs."""

    def __init__(self) -> None:
        catalogue.exercises()  # loads the bank now
        self._judge, self._untried = checking.judge, checking.UNTRIED

    def ask(self, name: str, asks: list[list[str]], values: dict[str, Any]) -> Said:
        """Ask one exercise.

        Args:
            name: Its id.
            asks: Pairs of name and expression, from the lesson's own notebook.
            values: What the notebook's cells have left.
        """
        given = {word: eval(expression, values) for word, expression in asks}  # noqa: S307 - our own expressions
        result = self._judge(name, given)
        if result.passed:
            return PASSED
        if result.unfinished:
            return "not yet", ""
        said = result.hints[0]
        if not said.startswith(self._untried):
            return "wrong", said
        reason = said.removeprefix(self._untried).strip()
        return ("memory limit", "") if _is_memory(reason) else ("error", reason)


class Work:
    """The steps of one notebook, and what has gone wrong so far."""

    def __init__(self, shell: Any, examiner: Examiner, seconds: float, ended: dict[int, Said]) -> None:
        self._shell, self._examiner, self._seconds = shell, examiner, seconds
        self._ended = ended
        """Steps that ended an earlier process: they are left out, with what is to be said of them."""
        self._own: dict[str, Said] = {}
        """What went wrong in the cell that answers an exercise."""
        self._latest: Said | None = None
        self.out_of_memory = False
        """Whether the step just done found no memory."""

    def carry_out(self, number: int, step: Mapping[str, Any]) -> Said | None:
        """Run a cell (None) or ask an exercise (what is to be said of it)."""
        asks = bool(step["asks"])
        ended = self._ended.get(number)
        said = ended or self._try(self._ask if asks else self._run, step)
        self.out_of_memory = ended is None and said is not None and said[0] == "memory limit"
        if asks:
            return self._blame(step["exercise"], said or PASSED)
        self._own.pop(step["exercise"], None)  # the last of several cells counts
        if said is not None:
            self._own[step["exercise"]] = self._latest = self._cause(said)
        return None

    def _try(self, do: Callable[[Mapping[str, Any]], Said | None], step: Mapping[str, Any]) -> Said | None:
        try:
            with at_most(self._seconds):
                return do(step)
        except BaseException as error:  # noqa: BLE001 - whatever a student's code raises, sys.exit included
            return _told(error)

    def _run(self, step: Mapping[str, Any]) -> Said | None:
        result = self._shell.run_cell(step["source"], store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return None if error is None else _told(error)

    def _ask(self, step: Mapping[str, Any]) -> Said:
        return self._examiner.ask(step["exercise"], step["asks"], self._shell.user_ns)

    def _cause(self, said: Said) -> Said:
        """Where a name is missing after a cell was stopped, it is for that; a higher limit may then bring the grade."""
        stopped = self._latest is not None and self._latest[0].endswith("limit")
        return self._latest if self._latest and stopped and "NameError" in said[1] else said

    def _blame(self, name: str, said: Said) -> Said:
        """Where an answer is missing because a cell went wrong, say that of the exercise."""
        if said[0] in ("passed", "wrong"):
            return said
        if name in self._own:
            return self._own[name]
        return self._latest if self._latest and "NameError" in said[1] else said


def _told(error: BaseException) -> Said:
    """What to say of an exception."""
    if isinstance(error, TimeIsUpError):
        return "time limit", ""
    try:
        reason = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - the student's own exception may have a broken text
        reason = type(error).__name__
    return ("memory limit", "") if _is_memory(reason) else ("error", reason)


def _is_memory(reason: str) -> bool:
    return "MemoryError" in reason or "can't allocate memory" in reason  # the second is PyTorch's


if __name__ == "__main__":
    main()
