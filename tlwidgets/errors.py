"""The errors a person can meet; each says what is wrong, where, and what to do next."""

from __future__ import annotations


class TlwError(Exception):
    """Base of every error that is meant for a person rather than for a debugger.

    Args:
        message: What is wrong and where, one sentence.
        hint: What to do next, one sentence. May be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class DataError(TlwError):
    """The data cannot be read, split or used for the task."""


class BackboneError(TlwError):
    """The backbone is unknown, its weights are not at hand, or it cannot take this input."""


class PlanError(TlwError):
    """The freeze plan names a stage or state that does not exist, or leaves nothing to learn."""


class RecipeError(TlwError):
    """A field of the recipe has a value that no run could use."""


class TrainingError(TlwError):
    """The run had to stop: the loss is not a number, a frozen weight moved, ..."""


class RunError(TlwError):
    """A run folder is missing, damaged, unfinished or already taken."""


class ExerciseError(TlwError):
    """An exercise is not known or was given values that it does not take."""
