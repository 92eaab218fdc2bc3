"""``claim``: a sentence of a lesson that the notebook itself proves."""

from __future__ import annotations

from math import isfinite

from tlwidgets.errors import ExerciseError


def claim(name: str, /, lhs: float, op: str, rhs: float, margin: float = 0.0, says: str = "") -> None:
    """Prove a sentence with numbers from this run.

    The printed text is the same on every machine (nbval compares it); the numbers appear only when the claim fails.

    Args:
        name: the claim's name in the lesson, for example ``"C1"``.
        lhs: left-hand number.
        op: ``">"`` (left exceeds right by at least ``margin``), ``"<"`` (the reverse) or ``"=="`` (they differ by at
            most ``margin``).
        rhs: right-hand number.
        margin: in the unit of the numbers, at least 0; measure it over several seeds before you write it down.
        says: the sentence, in words.

    Raises:
        ExerciseError: ``op`` is none of the three or ``margin`` is negative or not a number.
        AssertionError: the claim does not hold, or a side is not a finite number.
    """
    if op not in (">", "<", "=="):
        raise ExerciseError(f"Claim {name}: there is no comparison {op!r}.", hint="Use one of '>', '<', '=='.")
    if not (isfinite(margin) and margin >= 0):
        raise ExerciseError(f"Claim {name}: margin is {margin}.", hint="Give a number of at least 0.")
    slack = {">": lhs - rhs - margin, "<": rhs - lhs - margin, "==": margin - abs(lhs - rhs)}[op]
    sentence = says or f"left {op} right"
    bound = "" if margin == 0 else f", within {margin:g}" if op == "==" else f", by at least {margin:g}"
    if not (isfinite(slack) and slack >= -1e-12):  # 1e-12: 0.3 - 0.1 is a little less than 0.2 in floating point
        raise AssertionError(
            f"claim {name} does not hold: {sentence}{bound}; but {lhs:.4g} {op} {rhs:.4g} was measured."
        )
    print(f"claim {name}: holds ({sentence}{bound})")  # noqa: T201 - a claim cell's whole purpose is this line
