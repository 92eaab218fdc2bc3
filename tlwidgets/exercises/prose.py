"""``say``: a sentence whose numbers come from the run, never from the author's memory."""

from __future__ import annotations


class Sentence:
    """Markdown text that a notebook shows as prose and a terminal as it stands."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return self.text


def say(text: str) -> Sentence:
    """Show a sentence in the notebook; write it as an f-string over measured values.

    Args:
        text: Markdown.

    Returns:
        An object to leave as a cell's last expression.
    """
    return Sentence(text)
